/**
 * What befalls a chain of replication, one thing upon the other: links are cut, slow, late or black holes; servers are
 * killed, halted and started again; roles change while some still synchronise. What was begun, such as a halt, ends some
 * events later, so that such phases meet.
 */

import type { Random } from "../integration/data_set.ts";
import type { Chain } from "./chain.ts";
import type { ChainMember } from "./chain_member.ts";
import { delay } from "./delay.ts";
import { FAIR, HOLE, type Weather } from "./door.ts";

/** Pauses between events are one of these at most, in ms: at once, or with time to come to something. */
const PAUSES_MS = [1, 30, 200, 1500] as const;
/** What was begun lasts for so many events at most. */
const MOST_EVENTS_LONG = 4;
const RATES = [30_000, 200_000, 1_000_000, 4_000_000] as const;
const MOST_DELAY_MS = 80;
const BACKLOGS = ["16kb", "64kb", "1mb", "1mb", "16mb"] as const;

/** Settings that change while all goes on, and what they may become. */
export const CHANGING: Readonly<Record<string, readonly string[]>> = {
  "repl-diskless-sync": ["yes", "no"],
  "repl-diskless-load": ["disabled", "on-empty-db", "swapdb"],
  "repl-backlog-size": BACKLOGS,
  "appendonly": ["yes", "no", "no"],
};

/** One event: what it does to a chain. */
type Event = (storm: Storm, random: Random) => Promise<void> | void;

const EVENTS: readonly (readonly [weight: number, name: string, event: Event])[] = [
  [3, "cut", ({ chain }, random) => cut(chain, random.of(chain.replicas), 0)],
  [4, "cut in the middle", ({ chain }, random) => cut(chain, random.of(chain.replicas), 1 + random.below(60_000))],
  [3, "slow link", (storm, random) => storm.weather(random, { ...FAIR, bytesPerSecond: random.of(RATES) })],
  [2, "late link", (storm, random) => storm.weather(random, { ...FAIR, delayMs: random.below(MOST_DELAY_MS) })],
  [2, "black hole", (storm, random) => storm.weather(random, HOLE)],
  [3, "kill", (storm, random) => storm.kill(random, random.of(storm.chain.replicas))],
  [3, "clean restart", ({ chain }, random) => restart(chain, random.of(chain.replicas))],
  [1, "clean restart of the primary", ({ chain }) => restart(chain, chain.primary)],
  [1, "kill and restart of the primary", async ({ chain }) => {
    const { primary } = chain;
    chain.note(`${primary.name} is killed and comes back as the primary`);
    await primary.kill();
    await primary.revive();
  }],
  [2, "kill of the primary", async (storm, random) => {
    const { chain } = storm;
    const next = random.of(chain.replicas);
    await storm.kill(random, chain.primary);
    await chain.promote(next);
    await rearrange(chain, random);
  }],
  [3, "halt", (storm, random) => storm.halt(random, random.of(storm.chain.members))],
  [3, "promotion", async ({ chain }, random) => {
    await chain.promote(random.of(chain.replicas));
    await rearrange(chain, random);
  }],
  [3, "failover", async ({ chain }, random) => {
    const to = random.of(chain.below(chain.primary));
    await chain.primary.revive();
    await chain.handOver(to, 1 + random.below(1500), random.below(2) === 0);
  }],
  [3, "rechaining", async ({ chain }, random) => {
    const member = random.of(chain.replicas);
    await chain.follow(member, random.of(chain.candidates(member)));
  }],
  [2, "save", async ({ chain }, random) => {
    const member = random.of(chain.members);
    chain.note(`${member.name} saves`);
    if (member.state === "up") await member.ask(random.of(["BGSAVE", "BGREWRITEAOF"]));
  }],
  [3, "setting", ({ chain }, random) => change(chain, random)],
  [2, "pause", async ({ chain }, random) => {
    const { primary } = chain;
    const words = [random.below(2000), random.of(["WRITE", "ALL"])] as const;
    chain.note(`${primary.name} pauses ${words.join(" ")}`);
    if (primary.state === "up") await primary.ask("CLIENT", "PAUSE", ...words);
  }],
  [3, "synchronisation that something meets", (storm, random) => meet(storm, random)],
];

const DRAWN = EVENTS.flatMap((one) => Array.from({ length: one[0] }, () => one));

function cut(chain: Chain, member: ChainMember, afterBytes: number): void {
  chain.note(`the link of ${member.name} is cut after ${afterBytes} bytes`);
  member.cut(afterBytes);
}

async function restart(chain: Chain, member: ChainMember): Promise<void> {
  chain.note(`${member.name} is shut down and started again`);
  await member.shutDown();
  await member.revive();
}

async function change(chain: Chain, random: Random): Promise<void> {
  const member = random.of(chain.members);
  const [name, choices] = random.of(Object.entries(CHANGING));
  const value = random.of(choices);
  chain.note(`${member.name}: ${name} ${value}`);
  await member.revive();
  await member.set(name, value);
}

async function flushAll({ primary }: Chain): Promise<void> {
  await primary.revive();
  await primary.ask("FLUSHALL");
}

/** Some of those who followed others follow the primary, or one another. */
async function rearrange(chain: Chain, random: Random): Promise<void> {
  for (const member of chain.replicas) {
    if (member.state !== "up" || random.below(2) === 0) continue;
    await chain.follow(member, random.below(2) === 0 ? chain.primary : random.of(chain.candidates(member)));
  }
}

/** A server is given all data, slowly, and meanwhile something befalls it, or those above and below. */
async function meet(storm: Storm, random: Random): Promise<void> {
  const { chain } = storm;
  const member = random.of(chain.replicas);
  chain.note(`${member.name} is to be given all, slowly`);
  await member.kill();
  await member.revive();
  storm.weather(random, { ...FAIR, bytesPerSecond: random.of(RATES) }, member);
  // A stream that nobody else knows: what it is asked to continue will not do.
  await member.do("REPLICAOF", "NO", "ONE");
  await member.ask("SET", "of nobody else", "1");
  const { above } = member;
  if (above === null) return;
  await chain.follow(member, above);
  await delay(random.below(600));
  const deeds: readonly (() => Promise<void> | void)[] = [
    () => chain.promote(member),
    () => chain.promote(random.of(chain.replicas)),
    () => storm.halt(random, above),
    () => storm.kill(random, above === chain.primary ? member : above),
    () => restart(chain, above === chain.primary ? member : above),
    () => cut(chain, member, 1 + random.below(200_000)),
    () => chain.follow(member, random.of(chain.candidates(member))),
    () => flushAll(chain),
    () => change(chain, random),
  ];
  await random.of(deeds)();
}

export class Storm {
  /** What ends what was begun, and after how many events. */
  #endings: { left: number; readonly end: () => Promise<void> | void }[] = [];
  readonly counts: Record<string, number> = {};

  constructor(readonly chain: Chain, readonly random: Random) {}

  /** Has so many events befall the chain. Each goes by a seed of its own, whatever became of those before. */
  async rage(events: number): Promise<void> {
    for (let number = 0; number < events; number++) {
      const random = this.random.branch(number);
      const pauseMs = random.below(random.of(PAUSES_MS));
      const [, name, event] = random.of(DRAWN);
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      await this.#endSome();
      if (name !== "cut" && name !== "halt" && name !== "kill") await this.chain.learnRoles();
      this.chain.note(`event ${number + 1}: ${name}`);
      await event(this, random);
      await delay(pauseMs);
    }
  }

  #later(random: Random, end: () => Promise<void> | void): void {
    this.#endings.push({ left: 1 + random.below(MOST_EVENTS_LONG), end });
  }

  async #endSome(): Promise<void> {
    for (const ending of this.#endings) ending.left--;
    const due = this.#endings.filter(({ left }) => left === 0);
    this.#endings = this.#endings.filter(({ left }) => left > 0);
    for (const { end } of due) await end();
  }

  /** The links of a replica, of any if that is not said, are like that for some events. */
  weather(random: Random, weather: Weather, member = random.of(this.chain.replicas)): void {
    this.chain.note(`the link of ${member.name}: ${Object.entries(weather).join(" ")}`);
    const { above } = member;
    member.weather = weather;
    this.#later(random, () => above?.door.setWeather(member.door.port, FAIR));
  }

  /** A server is killed, and starts again some events later. */
  async kill(random: Random, member: ChainMember): Promise<void> {
    this.chain.note(`${member.name} is killed`);
    await member.kill();
    this.#later(random, () => this.#revive(member));
  }

  /** A server hangs for some events. */
  async halt(random: Random, member: ChainMember): Promise<void> {
    await member.revive();
    this.chain.note(`${member.name} is halted`);
    member.stop();
    this.#later(random, () => this.#revive(member));
  }

  async #revive(member: ChainMember): Promise<void> {
    if (member.state !== "up") this.chain.note(`${member.name} goes on`);
    await member.revive();
  }
}
