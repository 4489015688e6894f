/**
 * What a client's data has been, from the first request on. Where a server was lost, the data may be that of any earlier
 * moment, from which it then goes on; what a replica shows is a moment, too.
 */

import { placeName, PLACES } from "./keys.ts";
import { type Effects, emptyState, type Entry, type State } from "./model/operations.ts";
import { areAlike, eitherValue, shownValue, type Value } from "./model/values.ts";

/** What was read of all places, between two moments of Unix time in ms. */
export interface Observed {
  readonly values: readonly (Value | undefined)[];
  /** For each place whether its key was there: 1 or 0. */
  readonly areThere: Uint8Array;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whether a place may have been observed as it was. The fields of a hash expire together. */
function fits(entry: Entry | undefined, place: number, { values, areThere, fromMs, toMs }: Observed): boolean {
  const value = values[place];
  if (entry === undefined) return value === undefined;
  if (value === undefined) return areThere[place] === 0 && entry.earliestMs <= toMs;
  return entry.latestMs >= fromMs && areAlike(entry.value, value);
}

/** Null if `state` can be what was observed; else, in words, the first place that is wrong. */
export function compare(state: State, observed: Observed): string | null {
  for (let place = 0; place < PLACES; place++) {
    const [entry, value] = [state[place], observed.values[place]];
    if (fits(entry, place, observed)) continue;
    return `${placeName(place)} should be ${shownValue(entry?.value)} and is ${shownValue(value)}`;
  }
  return null;
}

/** Of two states that were observed alike, one that may be either: they differ in when keys expire. */
export function either(a: State, b: State): State {
  return a.map((one, place) => {
    const other = b[place];
    if (one === undefined) return other && { ...other, earliestMs: 0 };
    if (other === undefined) return { ...one, earliestMs: 0 };
    return {
      value: eitherValue(one.value, other.value),
      earliestMs: Math.min(one.earliestMs, other.earliestMs),
      latestMs: Math.max(one.latestMs, other.latestMs),
    };
  });
}

/** A state in which what was open is as it was observed: gone, where its time had come. */
export function closed(state: State, { values }: Observed): State {
  return state.map((entry, place) => {
    if (entry === undefined || typeof entry.value === "string" || entry.value.kind !== "open") return entry;
    const value = values[place];
    return value === undefined ? undefined : { ...entry, value };
  });
}

/** A state that changes request by request, and knows what it was after each. */
export class Timeline {
  readonly state = emptyState();
  // All changes, oldest first: of which place, and what lay there before.
  readonly #places: number[] = [];
  readonly #before: (Entry | undefined)[] = [];
  /** How many changes there had been after each request. */
  readonly #moments: number[] = [0];

  /** Adds what a request does. */
  add(effects: Effects): void {
    this.addPart(effects);
    this.endRequest();
  }

  /** Adds what a part of a request does; to be followed by others, and `endRequest`. */
  addPart(effects: Effects): void {
    for (const [place, entry] of effects) this.#put(place, entry ?? undefined);
  }

  endRequest(): void {
    if (this.#places.length > (this.#moments.at(-1) ?? 0)) this.#moments.push(this.#places.length);
  }

  /** Goes on from another state: the data is that, whatever was done. */
  jump(state: State): void {
    for (let place = 0; place < PLACES; place++) {
      if (state[place] !== this.state[place]) this.#put(place, state[place]);
    }
    this.endRequest();
  }

  #put(place: number, entry: Entry | undefined): void {
    const before = this.state[place];
    if (before === entry) return;
    this.#places.push(place);
    this.#before.push(before);
    this.state[place] = entry;
  }

  /** The state that was observed, which may have been that of many moments; null if it was none. */
  find(observed: Observed): State | null {
    const comparison = new Comparison(this.state, observed);
    let found: State | null = null;
    for (const changes of this.#back(comparison)) {
      if (comparison.wrong > 0) continue;
      const state = this.#after(changes);
      found = found === null ? state : either(found, state);
    }
    return found;
  }

  /** Whether the state that was observed is one of these. Costs the way back to it. */
  has(observed: Observed): boolean {
    const comparison = new Comparison(this.state, observed);
    for (const _ of this.#back(comparison)) if (comparison.wrong === 0) return true;
    return false;
  }

  /** In words, where the moment that comes nearest to what was observed still differs. */
  nearest(observed: Observed): string {
    const comparison = new Comparison(this.state, observed);
    let fewest = Infinity;
    let at = 0;
    for (const changes of this.#back(comparison)) {
      if (comparison.wrong >= fewest) continue;
      fewest = comparison.wrong;
      at = changes;
    }
    return `${fewest} differ, the first: ${compare(this.#after(at), observed)}`;
  }

  /** Goes back through all moments, the latest first: how many changes there had been. */
  *#back(comparison: Comparison): Generator<number> {
    let at = this.#places.length;
    for (let moment = this.#moments.length - 1; moment >= 0; moment--) {
      const changes = this.#moments[moment];
      while (at > changes) comparison.see(this.#places[--at], this.#before[at]);
      yield changes;
    }
  }

  /** The state after so many changes. */
  #after(changes: number): State {
    const state = this.state.slice();
    for (let at = this.#places.length; at > changes;) state[this.#places[--at]] = this.#before[at];
    return state;
  }
}

/** In how many places a state that changes is not what was observed. */
export class Comparison {
  wrong = 0;
  readonly #isWrong = new Uint8Array(PLACES);

  constructor(state: State, readonly observed: Observed) {
    const { values } = observed;
    for (let place = 0; place < PLACES; place++) {
      if (state[place] !== undefined || values[place] !== undefined) this.see(place, state[place]); // most are empty
    }
  }

  /** Whether what was observed at some places may be what such effects on a state leave there. */
  wouldFit(effects: Effects, places: Iterable<number>, state: State): boolean {
    const last = new Map(effects);
    for (const place of places) {
      const entry = last.get(place);
      if (!fits(entry === undefined ? state[place] : entry ?? undefined, place, this.observed)) return false;
    }
    return true;
  }

  /** A place has this entry now. */
  see(place: number, entry: Entry | undefined): void {
    const isWrong = fits(entry, place, this.observed) ? 0 : 1;
    this.wrong += isWrong - this.#isWrong[place];
    this.#isWrong[place] = isWrong;
  }
}
