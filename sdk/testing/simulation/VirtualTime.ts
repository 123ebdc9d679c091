import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as EffectRandom from "effect/Random"
import * as Runtime from "effect/Runtime"
import type * as Scheduler from "effect/Scheduler"
import { mix, type Random, randomFrom } from "./random.ts"

/**
 * A process of the simulated world: its own scheduler, and nothing else. When it dies nothing of it runs any more: no
 * finalizer, no release, no timer.
 */
export interface SimulatedProcess {
  readonly name: string
  readonly alive: boolean
  /** How often something of it ran: each is an instant at which it can die. */
  readonly instants: number
}

interface Mortal extends SimulatedProcess {
  alive: boolean
  instants: number
  readonly dieAt: number
  readonly onDeath: () => void
  readonly scheduler: Scheduler.Scheduler
  readonly runtime: Runtime.Runtime<never>
  /** Whether what is started in it begins at once. */
  readonly immediate: boolean
}

interface Task {
  readonly process: Mortal
  readonly fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  readonly run: () => void
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly process: Mortal
  readonly run: () => void
}

/** The time, the timers and the fibers that are ready, of a whole world: everything that happens, happens here. */
export interface VirtualTime {
  readonly now: () => number
  /** Since the world began, by the clock that nobody sets. */
  readonly sinceBegin: () => number
  /** Starts a process; it dies by itself at its `dieAt`-th instant. */
  readonly process: (name: string, options?: { readonly dieAt?: number; readonly onDeath?: () => void }) => SimulatedProcess
  readonly kill: (process: SimulatedProcess) => void
  /** Starts an effect in a process. What it comes to is never heard where the process dies. */
  readonly fork: <A, E>(
    process: SimulatedProcess,
    effect: Effect.Effect<A, E>,
    onExit: (exit: Exit.Exit<A, E>) => void
  ) => void
  /** Calls back in a process after a time, if it still lives. */
  readonly after: (process: SimulatedProcess, millis: number, run: () => void) => void
  /** The clock that the world's own processes read moves; what sleeps, sleeps on. */
  readonly jump: (millis: number) => void
  /** Runs until `until` holds or nothing is left to run. Answers whether it holds. */
  readonly run: (until: () => boolean, mostInstants: number) => boolean
  /** From now on fibers are picked by these numbers. */
  readonly reseed: (seed: number) => void
}

const epoch = Date.UTC(2026, 0, 1)

/** Makes a world's time. Nothing real passes in it: no timer of the host, no promise. */
export const makeVirtualTime = (seed: number): VirtualTime => {
  let elapsed = 0
  let skew = 0
  let orders = 0
  let random: Random = randomFrom(seed)
  const ready: Array<Task> = []
  const timers: Array<Timer> = []
  const mortals = new Map<SimulatedProcess, Mortal>()

  const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
  const push = (timer: Timer): void => {
    let at = timers.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = timers[parent]
      if (above === undefined || before(above, timer)) break
      timers[at] = above
      timers[parent] = timer
      at = parent
    }
  }
  const pop = (): Timer | undefined => {
    const [first] = timers
    const last = timers.pop()
    if (first === undefined || last === undefined || timers.length === 0) return first
    let at = 0
    for (;;) {
      const left = timers[2 * at + 1]
      const right = timers[2 * at + 2]
      const [child, to] = left === undefined || (right !== undefined && before(right, left)) ? [right, 2 * at + 2] : [left, 2 * at + 1]
      if (child === undefined || before(last, child)) break
      timers[at] = child
      at = to
    }
    timers[at] = last
    return first
  }

  const now = (): number => epoch + elapsed + skew
  const mortalOf = (process: SimulatedProcess): Mortal => {
    const mortal = mortals.get(process)
    if (mortal === undefined) throw new Error(`The process ${process.name} is of another world.`)
    return mortal
  }
  const after: VirtualTime["after"] = (process, millis, run) => {
    orders += 1
    push({ at: elapsed + Math.max(0, millis), order: orders, process: mortalOf(process), run })
  }

  /** What all fibers of a process begin with, made once for all of them. */
  const runtimeOf = (number: number, clock: Clock.Clock): Runtime.Runtime<never> =>
    Effect.runSync(
      Effect.runtime<never>().pipe(
        Effect.withClock(clock),
        Effect.withRandom(EffectRandom.make(mix(seed, number))),
        Effect.withTracerEnabled(false),
        Logger.withMinimumLogLevel(LogLevel.None)
      )
    )

  const clockOf = (process: () => Mortal): Clock.Clock => {
    // As on a real host, this one is not set.
    const nanos = (): bigint => BigInt(Math.floor(elapsed * 1_000_000))
    return {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: now,
      unsafeCurrentTimeNanos: nanos,
      currentTimeMillis: Effect.sync(now),
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.async<void>((resume) => {
          let open = true
          const millis = Duration.toMillis(duration)
          if (millis < Infinity) after(process(), millis, () => open ? resume(Effect.void) : undefined)
          return Effect.sync(() => {
            open = false
          })
        })
    }
  }

  const kill = (process: Mortal): void => {
    if (!process.alive) return
    process.alive = false
    process.onDeath()
  }

  const take = (): Task | undefined => {
    if (ready.length <= 1) return ready.pop()
    let at = random.int(ready.length)
    const fiber = ready[at]?.fiber
    // A fiber's own tasks keep their order.
    if (fiber !== undefined) at = ready.findIndex((task) => task.fiber === fiber)
    const task = ready[at]
    const last = ready.pop()
    if (task === last || last === undefined) return task
    // What stands behind may be of one fiber, so the gap is closed in order.
    ready.splice(at, 1)
    ready.push(last)
    return task
  }

  return {
    now,
    sinceBegin: () => elapsed,
    after,
    process: (name, { dieAt = Infinity, onDeath = () => undefined } = {}) => {
      const process: Mortal = {
        // Nobody's death comes between the beginnings of what can't die.
        immediate: dieAt === Infinity,
        runtime: runtimeOf(mortals.size + 1, clockOf(() => process)),
        name,
        alive: true,
        instants: 0,
        dieAt,
        onDeath,
        scheduler: {
          shouldYield: (fiber) => fiber.currentOpCount > 2048 ? 0 : false,
          scheduleTask: (run, _priority, fiber) => {
            if (process.alive) ready.push({ process, fiber, run })
          }
        }
      }
      mortals.set(process, process)
      return process
    },
    kill: (process) => kill(mortalOf(process)),
    fork: (process, effect, onExit) => {
      const mortal = mortalOf(process)
      const fiber = Runtime.runFork(mortal.runtime, effect, { scheduler: mortal.scheduler, immediate: mortal.immediate })
      fiber.addObserver((exit) => mortal.alive ? onExit(exit) : undefined)
    },
    jump: (millis) => {
      skew += millis
    },
    reseed: (next) => {
      random = randomFrom(next)
    },
    run: (until, mostInstants) => {
      for (let instants = 0; !until(); instants++) {
        if (instants > mostInstants) return false
        const task = take()
        if (task === undefined) {
          const timer = pop()
          if (timer === undefined) return false
          elapsed = Math.max(elapsed, timer.at)
          if (timer.process.alive) timer.run()
          continue
        }
        const { process } = task
        if (!process.alive) continue
        process.instants += 1
        if (process.instants >= process.dieAt) kill(process)
        else task.run()
      }
      return true
    }
  }
}
