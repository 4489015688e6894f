/**
 * Trials of a chain of replication that is otherwise well, one at a time and under load: a replica loses nothing but its
 * link, or is started again from its file, or roles are handed over with nothing left behind. Then whoever is below must
 * go on with the rest of the stream, if the backlog above has it.
 */

import type { Random } from "../integration/data_set.ts";
import { outcomeIn } from "./chain_books.ts";
import type { Chain } from "./chain.ts";
import { type ChainMember, TIMEOUT_S } from "./chain_member.ts";
import { delay } from "./delay.ts";
import { FAIR, HOLE } from "./door.ts";

/** How replicas came through their trials. */
export interface TrialReport {
  continued: number;
  /** What they lacked was no longer in the backlog, or may not have been. */
  exceeded: number;
  readonly trials: Record<string, number>;
}

/** Something that has a replica lose its link, and come back. */
type Deed = (chain: Chain, member: ChainMember, random: Random) => Promise<void> | void;

const DEEDS: Readonly<Record<string, Deed>> = {
  "a cut"(_chain, member) {
    member.cut(0);
  },
  async "a cut in the middle"(chain, member, random) {
    member.cut(1 + random.below(20_000));
    await until(chain, member, /Connection with master lost|Caching the disconnected master/);
  },
  async "cuts"(_chain, member, random) {
    for (let left = 2 + random.below(4); left > 0; left--) {
      member.cut(0);
      await delay(random.below(150));
    }
  },
  async "a black hole"(chain, member) {
    member.weather = HOLE;
    await until(chain, member, /MASTER timeout|Timeout connecting|Connection with master lost/);
    member.weather = FAIR;
  },
  async "a halt"(_chain, member) {
    member.stop();
    await delay((TIMEOUT_S + 2) * 1000);
    await member.revive();
    member.cut(0); // whether or not the one above has lost patience by then
  },
  async "a halt of the one above"(chain, member) {
    member.above?.stop();
    await until(chain, member, /MASTER timeout|Timeout connecting|Connection with master lost/);
    await member.above?.revive();
  },
  async "a new start"(_chain, member, random) {
    await member.shutDown();
    await delay(random.below(500));
    await member.revive();
  },
};

/** What befalls the primary when all replicas have all, so that all must continue. */
const OF_THE_PRIMARY: Readonly<Record<string, Deed>> = {
  async "a promotion in quiet"(chain, next) {
    await quieten(chain);
    const old = chain.primary;
    await chain.promote(next);
    await old.do("CLIENT", "UNPAUSE");
  },
  async "a failover"(chain, _member, random) {
    const to = random.of(chain.below(chain.primary));
    // A replica may know sooner than its primary that it has synchronised.
    await chain.until("the failover to begin", () => chain.handOver(to, FAILOVER_MS, false));
    await chain.learnRoles();
    if (chain.primary !== to) throw new Error(`${to.name} has not taken the role`);
  },
  async "a new start of the primary"(chain) {
    const { primary } = chain;
    await primary.set("appendonly", "no"); // which does not say where in the stream it ends
    await quieten(chain);
    await primary.shutDown();
    await primary.revive();
  },
};

const NAMES = [...Object.keys(DEEDS), ...Object.keys(OF_THE_PRIMARY)];
/** A failover of a chain that is well is over by then, in ms. */
const FAILOVER_MS = 10_000;

/** What a replica has logged since the deed began must come to match. */
async function until(chain: Chain, member: ChainMember, pattern: RegExp): Promise<void> {
  const start = member.log.length;
  await chain.until(`${member.name} to log ${pattern}`, () => pattern.test(member.log.slice(start)));
}

/** Has the primary write nothing, until it is told otherwise or ends, and all have what it has. */
async function quieten(chain: Chain): Promise<void> {
  await chain.primary.do("CLIENT", "PAUSE", 60_000, "WRITE");
  await chain.untilCaughtUp();
}

/** Draws a trial, and has the chain go through it. Throws where somebody was given all data without need. */
export async function tryChain(chain: Chain, random: Random, report: TrialReport): Promise<void> {
  await chain.untilConnected();
  await chain.untilCaughtUp();
  const name = random.of(NAMES);
  const member = random.of(chain.replicas);
  chain.note(`trial of ${member.name}: ${name}`);
  report.trials[name] = (report.trials[name] ?? 0) + 1;
  if (name in DEEDS) await tryOne(chain, member, report, (one) => DEEDS[name](chain, one, random));
  else await tryAll(chain, report, () => OF_THE_PRIMARY[name](chain, member, random));
}

/** Has a deed done to a replica, which then must continue. */
async function tryOne(
  chain: Chain,
  member: ChainMember,
  report: TrialReport,
  deed: (member: ChainMember) => Promise<void> | void,
): Promise<void> {
  const { above } = member;
  if (above === null) throw new Error(`${member.name} follows nobody`);
  const places = await placesOf(chain);
  const before = await given(above);
  await deed(member);
  const { mark } = placeIn(places, member);
  await chain.until(`${member.name} to synchronise`, () => outcomeIn(member.log.slice(mark)) !== null);
  await chain.untilConnected();
  await expectContinued(member, places, report);
  const after = await given(above);
  if (after.partial + after.full <= before.partial + before.full) {
    throw new Error(`${above.name} does not count what it gives: ${JSON.stringify([before, after])}`);
  }
}

/** Has something done to the primary, after which all replicas that there are then must continue. */
async function tryAll(chain: Chain, report: TrialReport, deed: () => Promise<void> | void): Promise<void> {
  const places = await placesOf(chain);
  await deed();
  await chain.untilConnected();
  await chain.untilCaughtUp();
  for (const member of chain.replicas) await expectContinued(member, places, report);
}

/** What a server has given to replicas so far. */
async function given(member: ChainMember): Promise<{ readonly full: number; readonly partial: number }> {
  const stats = await member.process.info("stats");
  return { full: Number(stats.get("sync_full")), partial: Number(stats.get("sync_partial_ok")) };
}

/** Where a server stood before a trial: in the stream, with its backlog, and in its log. */
interface Place {
  readonly offset: number;
  readonly first: number;
  readonly mark: number;
}

async function placesOf({ members }: Chain): Promise<Map<ChainMember, Place>> {
  const places = new Map<ChainMember, Place>();
  for (const member of members) {
    const first = await member.number("replication", "repl_backlog_first_byte_offset");
    places.set(member, { offset: await member.offset(), first, mark: member.log.length });
  }
  return places;
}

function placeIn(places: ReadonlyMap<ChainMember, Place>, member: ChainMember): Place {
  const place = places.get(member);
  if (place === undefined) throw new Error(`${member.name} has no place`);
  return place;
}

/** A replica must not have been given all, unless what it lacks may have left the backlog of the one above. */
async function expectContinued(
  member: ChainMember,
  places: ReadonlyMap<ChainMember, Place>,
  report: TrialReport,
): Promise<void> {
  const { above } = member;
  if (above === null) throw new Error(`${member.name} follows nobody`);
  const { offset, mark } = placeIn(places, member);
  const { first, mark: markAbove } = placeIn(places, above);
  const said = member.log.slice(mark);
  if (outcomeIn(said) !== "full") return void report.continued++;
  const [reached, size] = [await above.offset(), await above.number("replication", "repl_backlog_size")];
  // A log of its own does not say where in the stream it ends.
  const isLoadedFromLog = /DB loaded from append only file/.test(said);
  const hasAnotherStream = outcomeIn(above.log.slice(markAbove)) === "full"; // for which there must be a reason, too
  if (isLoadedFromLog || hasAnotherStream || first > offset + 1 || reached - offset > size) {
    return void report.exceeded++;
  }
  throw new Error(
    `${member.name}, at ${offset}, was given all by ${above.name}, which had a backlog from ${first} on, of ${size} ` +
      `bytes, and has come to ${reached}`,
  );
}
