/**
 * Chains of replication of real processes, tredis and redis-server mixed in each position, at least three levels deep: all
 * kinds of values are written to the primary while links are cut and servers killed, halted, restarted and promoted. At the
 * end of each round all must have the same data, and nobody was given all of it whom the rest of the stream would have done.
 *
 * What befalls comes of the seed, round by round. When exactly it does is up to the machine.
 */

import { Random } from "../integration/data_set.ts";
import type { Kind } from "../interop/sentinel/group.ts";
import { Books, type Synchronisations } from "./chain_books.ts";
import { Load } from "./chain_load.ts";
import type { MemberPlan, Settings } from "./chain_member.ts";
import { CHANGING, Storm } from "./chain_storm.ts";
import { type TrialReport, tryChain } from "./chain_trials.ts";
import { Chain } from "./chain.ts";

const NAMES = ["a", "b", "c", "d", "e", "f"] as const;
/** Whom each follows at first, by its place in the list: two replicas, and one below each of them at least. */
const SHAPES: readonly (readonly number[])[] = [
  [-1, 0, 0, 1, 2],
  [-1, 0, 0, 1, 1],
  [-1, 0, 0, 1, 2, 3],
];
const ORACLE = "redis-server";
const WRITERS = 2;
const TRIALS = 4;
const MOST_EVENTS = 30;
const SEEDS = 2 ** 31;
/** What a server must not say. Redis calls it an internal error of its loading when a link is lost meanwhile. */
const FAULTS: Readonly<Record<Kind, RegExp>> = {
  tredis: /Internal error|\n\s+at .*:\d+|could not be applied|Protocol error|panicked|failed to load/,
  redis: /BUG REPORT|ASSERTION FAILED|PANIC|Protocol error/,
};

export interface ChainOptions {
  /** The server under test, as TREDIS_SERVER names it. */
  readonly kind: string;
  /** Of the first round; that of each other comes of it, and brings the same round back as the first. */
  readonly seed: number;
  /** No round begins after so long, in minutes. */
  readonly minutes: number;
  /** Trials and events of each round, if they are not to be drawn. */
  readonly brief?: { readonly trials: number; readonly events: number };
  readonly tell: (line: string) => void;
}

export interface ChainReport extends Synchronisations, TrialReport {
  rounds: number;
  replies: number;
  readonly events: Record<string, number>;
}

/** Runs rounds. Rejects, having told all there is to tell, where something is wrong. */
export async function tortureChains(options: ChainOptions): Promise<ChainReport> {
  const books = new Books();
  const report: ChainReport = {
    rounds: 0,
    replies: 0,
    continued: 0,
    exceeded: 0,
    trials: {},
    events: {},
    ...books.all,
  };
  const endMs = Date.now() + options.minutes * 60_000;
  let { seed } = options;
  do {
    report.rounds++;
    await runRound({ ...options, seed }, report, books);
    Object.assign(report, books.all);
    seed = new Random(options.seed).branch(report.rounds).below(SEEDS);
  } while (Date.now() < endMs);
  return report;
}

async function runRound(options: ChainOptions, report: ChainReport, books: Books): Promise<void> {
  const { brief, seed, tell } = options;
  const random = new Random(seed);
  const chain = new Chain();
  const shape = random.of(SHAPES);
  const plans = drawPlans(options.kind, random, shape.length);
  tell(
    `round ${report.rounds}: ${
      plans.map(({ name, kind }, i) => `${name} ${kind} below ${NAMES[shape[i]] ?? "nobody"}`).join(", ")
    }`,
  );
  const load = new Load(() => chain.primary.process.port);
  try {
    await chain.start(plans, shape);
    await Load.fill(chain.primary.process.port);
    load.start(random, WRITERS);
    for (let i = 0; i < (brief?.trials ?? TRIALS); i++) await tryChain(chain, random, report);
    const storm = new Storm(chain, random.branch(WRITERS));
    await storm.rage(brief?.events ?? MOST_EVENTS / 2 + random.below(MOST_EVENTS / 2));
    await chain.heal();
    await load.stop();
    await chain.expectSame();
    for (const [name, times] of Object.entries(storm.counts)) report.events[name] = (report.events[name] ?? 0) + times;
    report.replies += load.replies;
    if (load.faults.length > 0) throw new Error(`replies that should not be: ${load.faults.slice(0, 10).join("\n")}`);
    for (const member of chain.members) {
      const fault = FAULTS[member.plan.kind].exec(member.log);
      if (fault !== null) throw new Error(`${member.name} has said what it must not say: ${fault[0]}`);
      books.enter(member);
    }
  } catch (error) {
    tell(`round ${report.rounds}, seed ${seed}: ${error instanceof Error ? error.stack : error}`);
    tell(chain.describe());
    tell(`This round once more: --only chains --seed ${seed} --minutes 0`);
    throw error;
  } finally {
    await load.stop();
    await chain.remove();
  }
}

/** What servers there are: of both kinds, where there is more than one. */
function drawPlans(program: string, random: Random, count: number): MemberPlan[] {
  const kinds = Array.from({ length: count }, (): Kind => random.of(["tredis", "redis"]));
  // A tredis above a Redis, and a Redis above a tredis, whatever was drawn.
  kinds[1] = kinds[0] === "tredis" ? "redis" : "tredis";
  kinds[3] = kinds[0];
  return kinds.map((drawn, i) => {
    const kind = program.endsWith(ORACLE) ? "redis" : drawn; // to see what Redis makes of it
    return { name: NAMES[i], kind, program: kind === "tredis" ? program : ORACLE, settings: drawSettings(random) };
  });
}

function drawSettings(random: Random): Settings {
  return new Map([
    ["save", random.of(['""', "3600 1", "1 1000"])],
    ["replica-empty-primary-guard", random.of(["yes", "no"])],
    ...Object.entries(CHANGING).map(([name, choices]) => [name, random.of(choices)] as const),
  ]);
}
