/** Makes a case that differs as small as it can be: fast-check leaves out steps, then arguments, then bytes of them. */

import fc from "fast-check";
import { runCase } from "./run.ts";
import type { Servers } from "./servers.ts";
import type { Case, Difference, Step } from "./steps.ts";

/** A case as fast-check knows it: the one that is given, and what is smaller than one. */
class StepsArbitrary extends fc.Arbitrary<readonly Step[]> {
  /** The last `kept` steps stay, as they are what differs. */
  constructor(readonly given: readonly Step[], readonly kept: 0 | 1) {
    super();
  }

  override generate(): fc.Value<readonly Step[]> {
    return new fc.Value(this.given, this.given.length);
  }

  override canShrinkWithoutContext(_value: unknown): _value is readonly Step[] {
    return false;
  }

  /** `context` is the number of steps that were last left out at once: more than that were tried before. */
  override shrink(steps: readonly Step[], context: unknown): fc.Stream<fc.Value<readonly Step[]>> {
    return fc.stream(smallerCases(steps, Number(context), this.kept));
  }
}

/** First with fewer steps, and where none can be left out, with smaller ones. */
function* smallerCases(steps: readonly Step[], most: number, kept: 0 | 1): IterableIterator<fc.Value<readonly Step[]>> {
  for (let size = Math.min(most, steps.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at + size + kept <= steps.length; at += size) yield new fc.Value(steps.toSpliced(at, size), size);
  }
  for (let at = 0; at < steps.length; at++) {
    for (const step of smallerSteps(steps[at])) yield new fc.Value(steps.with(at, step), 1);
  }
}

function* smallerSteps(step: Step): IterableIterator<Step> {
  if (!("commands" in step)) return;
  const { commands } = step;
  // Those before the last make ready for it.
  const last = commands.length - 1;
  for (const args of smallerCommands(commands[last])) yield { ...step, commands: commands.with(last, args) };
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
  const deadlineMs = Date.now() + LONGEST_MS;
  /** Whether a reply differs, and not what there is at the end. */
  const isInSteps = difference.step < steps.length;
  let found: { smallest: Case; difference: Difference } | null = null;
  const differs = async (fewer: readonly Step[]): Promise<boolean> => {
    // Not fast-check's own limit, which leaves the run under way to itself.
    if (Date.now() > deadlineMs) return false;
    const result = await runCase(servers, { setting, steps: fewer }).catch(() => {
      servers.close(); // what was under way on its connections is unknown
      return null;
    });
    // Without what it builds on, another command may differ for another reason.
    if (result === null || nameOf(result) !== nameOf(difference)) return false;
    if ((result.step < fewer.length) !== isInSteps) return false;
    found = { smallest: { setting, steps: fewer.slice(0, result.step + 1) }, difference: result };
    return true;
  };
  const given = steps.slice(0, difference.step + 1);
  await fc.check(
    fc.asyncProperty(new StepsArbitrary(given, isInSteps ? 1 : 0), async (fewer) => !await differs(fewer)),
    {
      numRuns: 1,
    },
  );
  return found;
}

/** What differs: a command by its name, and whether an error is on a side. */
function nameOf({ args, replies }: Difference): string {
  const signs = replies.map((reply) => reply[0] === "-" ? "error" : "value");
  return [args[0].toLowerCase(), ...signs].join(" ");
}
