/**
 * How a life passes. Most have one burst of requests and faults after the other. In one of three there are lulls of up to
 * minutes between the bursts, in which hardly anybody says a word, and what breaks may stay so for as long: time enough for
 * whatever goes by minutes, as the end of a silent link, of a backlog that nobody uses, of an idle client, a save after
 * few changes, and a key that expires unseen.
 */

import { unixMs } from "../../lib/runtime/clock.ts";
import { Chance } from "./chance.ts";

/** One life in so many has lulls. */
const LONG_ONE_IN = 3;
/** How long a burst and a lull take, at most, in ms: one of these. */
const BURSTS_MS = [1000, 5000, 15_000];
const LULLS_MS = [5000, 60_000, 400_000];
/** In a long life, one fault in so many lasts so many times as long. */
const STRETCHED_ONE_IN = 4;
const STRETCH = 20;

/** A burst and the lull after it: when they end, in ms from the beginning. */
interface Phase {
  readonly burstEndMs: number;
  readonly lullEndMs: number;
}

export class Pace {
  readonly isLong: boolean;
  readonly #phases: readonly Phase[];
  readonly #chance: Chance;

  /** The bursts of the life that begins at `startMs` of Unix time take `burstsMs` in all. */
  constructor(seed: number, burstsMs: number, readonly startMs: number) {
    const chance = this.#chance = new Chance(~seed);
    this.isLong = chance.oneIn(LONG_ONE_IN);
    this.#phases = this.isLong ? drawPhases(chance, burstsMs) : [{ burstEndMs: burstsMs, lullEndMs: burstsMs }];
  }

  /** Whether the last burst is over. */
  get isOver(): boolean {
    return this.#agoMs >= (this.#phases.at(-1)?.burstEndMs ?? 0);
  }

  /** How long to rest now, beside what one rests within a burst, in ms: in a lull, often until its end. */
  restMs(): number {
    const nowMs = this.#agoMs;
    const phase = this.#phases.find(({ lullEndMs }) => nowMs < lullEndMs);
    if (phase === undefined || nowMs < phase.burstEndMs) return 0;
    const leftMs = phase.lullEndMs - nowMs;
    return Math.min(leftMs, this.#chance.between(0, 2 * leftMs));
  }

  /** How long what would last `ms` does. */
  stretched(ms: number): number {
    return this.isLong && this.#chance.oneIn(STRETCHED_ONE_IN) ? STRETCH * ms : ms;
  }

  /** The longest that what would last `ms` can. */
  longest(ms: number): number {
    return this.isLong ? STRETCH * ms : ms;
  }

  /** Options of a server that only a long life makes use of, as words of a command line. */
  options(): string[] {
    if (!this.isLong) return [];
    const of = <T>(choices: readonly T[]) => this.#chance.of(choices);
    return [
      ...["--repl-timeout", of(["10", "60"]), "--repl-backlog-ttl", of(["3600", "3600", "60", "5"])],
      // Points are added to those that there are: an empty one takes these away.
      ...["--save", "", "--save", of(["", "60 1", "300 10", "3600 1 60 100"]), "--timeout", of(["0", "0", "30"])],
      ...["--repl-diskless-sync-delay", of(["0", "5"]), "--shutdown-timeout", of(["0", "10"])],
    ];
  }

  get #agoMs(): number {
    return unixMs() - this.startMs;
  }
}

function drawPhases(chance: Chance, burstsMs: number): Phase[] {
  const phases: Phase[] = [];
  let atMs = 0;
  for (let leftMs = burstsMs; leftMs > 0;) {
    const burstMs = Math.min(leftMs, chance.between(0, chance.of(BURSTS_MS)));
    const burstEndMs = atMs + burstMs;
    leftMs -= burstMs;
    atMs = burstEndMs + chance.between(0, chance.of(LULLS_MS));
    phases.push({ burstEndMs, lullEndMs: atMs });
  }
  return phases;
}
