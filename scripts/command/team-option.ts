import * as Options from "@effect/cli/Options"

/** Which team is meant. */
export const teamOption = Options.text("team").pipe(
  Options.withPseudoName("KEY"),
  Options.withDescription("The team; may be left out where the workspace has one only."),
  Options.optional
)

/** Consent, for what a person would be asked. */
export const yesOption = Options.boolean("yes").pipe(Options.withDescription("Do not ask before agents at work are interrupted."))
