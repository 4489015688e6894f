/** Makes a case that differs as small as it can be: fast-check leaves out steps, then arguments, then bytes of them. */

import fc from "fast-check";
import { runCase } from "./run.ts";
import type { Servers } from "./servers.ts";
import type { Case, Difference, Step } from "./steps.ts";

/** Steps as fast-check knows them: it makes none, but knows what is smaller than a given one. */
class StepArbitrary extends fc.Arbitrary<Step> {
  override generate(): fc.Value<Step> {
    throw new Error("steps are given, as examples");
  }

  override canShrinkWithoutContext(value: unknown): value is Step {
    return typeof value === "object" && value !== null && "connection" in value;
  }

  override shrink(step: Step): fc.Stream<fc.Value<Step>> {
    return fc.stream(smallerSteps(step)).map((smaller) => new fc.Value(smaller, undefined));
  }
}

function* smallerSteps(step: Step): IterableIterator<Step> {
  if (!("commands" in step)) return;
  const { commands } = step;
  if (commands.length > 1) {
    for (let i = 0; i < commands.length; i++) yield { ...step, commands: commands.toSpliced(i, 1) };
  }
  for (let i = 0; i < commands.length; i++) {
    for (const args of smallerCommands(commands[i])) yield { ...step, commands: commands.with(i, args) };
  }
}

/** A command with runs of fewer arguments, or shorter ones. The name, and a subcommand's, stay. */
function* smallerCommands(args: readonly string[]): IterableIterator<string[]> {
  for (let size = args.length >> 1; size >= 1; size >>= 1) {
    for (let at = 1; at + size <= args.length; at += size) yield args.toSpliced(at, size);
  }
  for (let at = 1; at < args.length; at++) {
    const { length } = args[at];
    if (length > 1) yield args.with(at, args[at].slice(0, length >> 1));
    if (length > 2) yield args.with(at, args[at].slice(0, -1));
  }
}

/** Longest time that a case is made smaller for, in ms. */
const LONGEST_MS = 60_000;

/** The smallest case found that still differs in the reply to such a command, and how; null if it does not any more. */
export async function shrink(
  servers: Servers,
  { setting, steps }: Case,
  difference: Difference,
): Promise<{ readonly smallest: Case; readonly difference: Difference } | null> {
  let found: { smallest: Case; difference: Difference } | null = null;
  const differs = async (fewer: readonly Step[]): Promise<boolean> => {
    const result = await runCase(servers, { setting, steps: fewer }).catch(() => null);
    // Without what it builds on, another command may differ for another reason.
    if (result === null || nameOf(result) !== nameOf(difference)) return false;
    found = { smallest: { setting, steps: fewer.slice(0, result.step + 1) }, difference: result };
    return true;
  };
  const given = steps.slice(0, difference.step + 1);
  await fc.check(
    fc.asyncProperty(
      fc.array(new StepArbitrary(), { maxLength: given.length, size: "max" }),
      async (fewer) => !await differs(fewer),
    ),
    { examples: [[given]], numRuns: 1, interruptAfterTimeLimit: LONGEST_MS },
  );
  return found;
}

/** What differs: a command by its name, and whether an error is on a side. */
function nameOf({ args, replies }: Difference): string {
  const signs = replies.map((reply) => reply[0] === "-" ? "error" : "value");
  return [args[0].toLowerCase(), ...signs].join(" ");
}
