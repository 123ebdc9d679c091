import { type Compared, notes, type Shown, shown, timeWords, valueWords } from "./simulate-table.ts"

// One page that needs nothing but itself: no script, no font, no picture from elsewhere.

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --ground: #ffffff; --panel: #f6f8fa;
  --c0: #0a5fc2; --c1: #b3470c; --c2: #1f7a3a; --c3: #7b3fc4; --c4: #9a1f5c; --c5: #4d5b0a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4ae; --line: #3a424b; --ground: #0d1117; --panel: #161b22;
  --c0: #6cb0ff; --c1: #ffa657; --c2: #63d27f; --c3: #cda7ff; --c4: #ff8fc2; --c5: #d3dd6f } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem }
p { margin: .25rem 0; max-width: 70ch } .soft { color: var(--soft) }
.policies { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; margin-top: 1.5rem; padding: 0; list-style: none }
.policies li { background: var(--panel); border: 1px solid var(--line); border-left: .4rem solid var(--c); border-radius: .4rem; padding: .75rem 1rem }
.policies strong { display: block } .policies .soft { font-size: .9rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; font-size: .9rem }
th, td { border-bottom: 1px solid var(--line); padding: .45rem .75rem; text-align: right; white-space: nowrap }
th:first-child { text-align: left } thead th { color: var(--soft); font-weight: 600; font-size: .85rem }
thead tr:first-child th { color: var(--ink); font-size: 1rem; text-align: center; border-bottom: .2rem solid var(--c) }
tr > :nth-child(3n+2):not([colspan]) { border-left: 1px solid var(--line) }
.best { font-weight: 700 } .best::after { content: " \\2713"; color: var(--c2) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.25rem }
figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .9rem 1rem }
figcaption { font-weight: 600 } figcaption span { display: block; font-weight: 400; font-size: .85rem; color: var(--soft) }
svg { display: block; width: 100%; height: auto; margin-top: .5rem } svg text { fill: var(--ink); font: 12px system-ui, sans-serif }
svg .axis { fill: var(--soft); font-size: 11px } svg .rule { stroke: var(--line) }
`

const colour = (index: number): string => `var(--c${index % 6})`

/** The value that is best of all, where they do not all read alike. */
const bestOf = ({ better, figure, unit }: Shown, compared: ReadonlyArray<Compared>): number | null => {
  const values = compared.map(({ summary }) => summary[figure].p50 ?? Infinity)
  if (better === null || new Set(compared.map(({ summary }) => valueWords(summary[figure].p50, unit))).size < 2) return null
  return better === "less" ? Math.min(...values) : Math.max(...values)
}

const row = (about: Shown, compared: ReadonlyArray<Compared>): string => {
  const best = bestOf(about, compared)
  const cells = compared.flatMap(({ summary }) => {
    const { mean, p50, p90 } = summary[about.figure]
    return [
      `<td${best !== null && p50 === best ? " class=\"best\"" : ""}>${valueWords(p50, about.unit)}</td>`,
      `<td>${valueWords(p90, about.unit)}</td>`,
      mean === null ? "<td title=\"Not all runs came to it.\">–</td>" : `<td>${valueWords(mean, about.unit)}</td>`
    ]
  })
  return `<tr><th scope="row" title="${escape(about.means)}">${escape(about.title)}</th>${cells.join("")}</tr>`
}

const table = (compared: ReadonlyArray<Compared>): string =>
  `<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table>
<caption>Per run: the median, what nine of ten runs do not exceed, and the mean. A tick marks the better median.</caption>
<thead><tr><td></td>${compared.map(({ name }, index) => `<th scope="colgroup" colspan="3" style="--c: ${colour(index)}">${escape(name)}</th>`).join("")}</tr>
<tr><td></td>${compared.map(() => "<th scope=\"col\">p50</th><th scope=\"col\">p90</th><th scope=\"col\">mean</th>").join("")}</tr></thead>
<tbody>${shown.map((about) => row(about, compared)).join("\n")}</tbody></table></div>`

const bins = 24
const [width, laneHeight, left] = [360, 74, 4]

/** How the runs of each policy are spread over one figure, on one scale; what was never reached has a place of its own. */
const chart = (about: Shown, compared: ReadonlyArray<Compared>): string => {
  const { figure, means, title, unit } = about
  const all = compared.map(({ runs }) => runs.map((run) => run[figure]))
  const reached = all.flat().filter((value) => value !== null)
  const highest = Math.max(1, ...reached)
  const whole = unit === "count" && highest < bins
  const count = whole ? highest + 1 : bins
  const plot = width - 70
  const place = (value: number): number => whole ? value : Math.min(bins - 1, Math.floor(value / highest * bins))
  const lanes = compared.map(({ name, summary }, lane) => {
    const values = all[lane] ?? []
    const heights = Array.from({ length: count }, () => 0)
    for (const value of values) if (value !== null) heights[place(value)] = (heights[place(value)] ?? 0) + 1
    const never = values.filter((value) => value === null).length
    const tallest = Math.max(1, never, ...heights)
    const top = lane * laneHeight
    const bar = (at: number, value: number, wide: number): string =>
      value === 0 ? "" : `<rect x="${at.toFixed(1)}" y="${(top + 62 - Math.max(1.5, 44 * value / tallest)).toFixed(1)}" width="${wide.toFixed(1)}" height="${Math.max(1.5, 44 * value / tallest).toFixed(1)}" fill="${colour(lane)}"/>`
    const { p50, p90 } = summary[figure]
    const wide = plot / count
    return `<text x="${left}" y="${top + 13}">${escape(name)}: ${valueWords(p50, unit)}, p90 ${valueWords(p90, unit)}</text>` +
      heights.map((value, bin) => bar(left + bin * wide + 0.5, value, Math.max(1, wide - 1))).join("") +
      (never === 0 ? "" : `${bar(left + plot + 18, never, 16)}<text class="axis" x="${left + plot + 38}" y="${top + 60}">${never}</text>`) +
      `<line class="rule" x1="${left}" x2="${width}" y1="${top + 62}" y2="${top + 62}"/>`
  })
  const height = compared.length * laneHeight + 16
  const spoken = compared.map(({ name, summary }) =>
    `${name}: median ${valueWords(summary[figure].p50, unit)}, 90th percentile ${valueWords(summary[figure].p90, unit)}`).join("; ")
  const never = all.flat().includes(null) ? `<text class="axis" x="${left + plot + 10}" y="${height - 3}">never</text>` : ""
  const end = unit === "time" ? timeWords(highest) : String(highest)
  return `<figure><figcaption>${escape(title)}<span>${escape(means)}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(`${title}. ${spoken}`)}">${lanes.join("")}
<text class="axis" x="${left}" y="${height - 3}">0</text><text class="axis" x="${left + plot}" y="${height - 3}" text-anchor="end">${end}</text>${never}</svg></figure>`
}

/** The page on which policies stand side by side. */
export const simulatePage = (
  compared: ReadonlyArray<Compared>,
  { seeds, title }: { readonly title: string; readonly seeds: number }
): string => {
  const horizon = timeWords(compared[0]?.horizonMs ?? 0)
  const policies = compared.map((one, index) =>
    `<li style="--c: ${colour(index)}"><strong>${escape(one.name)}</strong>${escape(one.policy)}${
      notes(one).map((note) => `<span class="soft"><br>${escape(note)}</span>`).join("")}</li>`)
  const charts = shown.filter(({ figure }) => figure !== "restarts" && figure !== "deaths").map((about) => chart(about, compared))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(compared.map(({ name }) => name).join(" and "))}: ${escape(title)}</title><style>${style}</style></head>
<body><main><h1>${escape(title)}</h1>
<p class="soft">${seeds} ${seeds === 1 ? "run" : "runs"} of ${horizon} for each policy. The policies meet the same fate under the same seed.</p>
<ul class="policies">${policies.join("\n")}</ul>
<h2>Side by side</h2>
${table(compared)}
<h2>How the runs are spread</h2>
<div class="charts">${charts.join("\n")}</div></main></body></html>
`
}
