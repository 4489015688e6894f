/**
 * The plain model that replies are compared with. A client has a database of its own, so what is there follows from what
 * it has sent, one request after the other: its timeline. Where a reply never came, the request may have been done or
 * not; where a server was lost, the data may be that of any earlier moment of a timeline, and a new one begins there.
 */

import { bulk, line, NULL, type Reply, same } from "./resp.ts";

/** A value, and between which moments (ms of Unix time) its key expires: Infinity where it does not. */
interface Entry {
  readonly value: string;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** By key, or by `key field`. */
export type State = Map<string, Entry>;

/** What a request does to a state: what each key has after it, null for nothing. */
export type Effects = readonly (readonly [key: string, entry: Entry | null])[];

/** A reply that a request may have, and what it does then. */
export interface Outcome {
  readonly reply: Reply;
  readonly effects: Effects;
}

/** A request, with the outcomes that it may have between two moments of Unix time. */
export interface Operation {
  readonly words: readonly string[];
  readonly outcomes: (...moment: Moment) => Outcome[];
  /** What it may have done where there was not enough memory for all of it. */
  readonly parts?: () => Operation;
}

type Moment = [state: State, fromMs: number, toMs: number];

/** The names that fields have in a state: one string for each, so that its hash is computed once. */
const NAMES = new Map<string, Map<string, string>>();

/** The name that a field of a hash has in a state. */
export function nameOf(key: string, field: string): string {
  let names = NAMES.get(key);
  if (names === undefined) NAMES.set(key, names = new Map());
  let name = names.get(field);
  if (name === undefined) names.set(field, name = `${key} ${field}`);
  return name;
}

const OK = line("+OK");
const NO_EFFECTS: Effects = [];

function lasting(value: string): Entry {
  return { value, earliestMs: Infinity, latestMs: Infinity };
}

/** The entries that a key may have at the time: what it has, nothing, or, near its expiry, either. */
function possible(state: State, key: string, fromMs: number, toMs: number): (Entry | null)[] {
  const entry = state.get(key);
  if (entry === undefined || entry.latestMs < fromMs) return [null];
  return entry.earliestMs > toMs ? [entry] : [entry, null];
}

export function get(key: string): Operation {
  return {
    words: ["GET", key],
    outcomes: (state, fromMs, toMs) =>
      possible(state, key, fromMs, toMs).map((entry) => ({
        reply: entry === null ? NULL : bulk(entry.value),
        effects: entry === null ? [[key, null]] : NO_EFFECTS,
      })),
  };
}

export function set(key: string, value: string): Operation {
  return { words: ["SET", key, value], outcomes: () => [{ reply: OK, effects: [[key, lasting(value)]] }] };
}

export function setFor(key: string, value: string, ttlMs: number): Operation {
  return {
    words: ["SET", key, value, "PX", String(ttlMs)],
    outcomes: (_, fromMs, toMs) => [{
      reply: OK,
      effects: [[key, { value, earliestMs: fromMs + ttlMs, latestMs: toMs + ttlMs }]],
    }],
  };
}

export function expireAt(key: string, atMs: number): Operation {
  return {
    words: ["PEXPIREAT", key, String(atMs)],
    outcomes: (state, fromMs, toMs) =>
      possible(state, key, fromMs, toMs).map((entry) => ({
        reply: line(entry === null ? ":0" : ":1"),
        effects: [[key, entry === null ? null : { value: entry.value, earliestMs: atMs, latestMs: atMs }]],
      })),
  };
}

export function append(key: string, value: string): Operation {
  return {
    words: ["APPEND", key, value],
    outcomes: (state) => {
      const joined = (state.get(key)?.value ?? "") + value;
      return [{ reply: line(`:${joined.length}`), effects: [[key, lasting(joined)]] }];
    },
  };
}

export function increase(key: string, by: number): Operation {
  return {
    words: ["INCRBY", key, String(by)],
    outcomes: (state) => {
      const sum = String(Number(state.get(key)?.value ?? 0) + by);
      return [{ reply: line(`:${sum}`), effects: [[key, lasting(sum)]] }];
    },
  };
}

export function remove(key: string, word: "DEL" | "UNLINK"): Operation {
  return {
    words: [word, key],
    outcomes: (state, fromMs, toMs) => {
      const fields = fieldsOf(state, key);
      if (fields.length > 0) return [{ reply: line(":1"), effects: fields.map((field) => [field, null] as const) }];
      return possible(state, key, fromMs, toMs).map((entry) => ({
        reply: line(entry === null ? ":0" : ":1"),
        effects: [[key, null] as const],
      }));
    },
  };
}

export function setFields(key: string, fields: ReadonlyMap<string, string>): Operation {
  const parts = () => {
    const prefixes = [...fields].map((_, index) => hset(key, new Map([...fields].slice(0, index))));
    return { words: [], outcomes: (...args: Moment) => prefixes.flatMap((part) => part.outcomes(...args)) };
  };
  return { ...hset(key, fields), parts };
}

function hset(key: string, fields: ReadonlyMap<string, string>): Operation {
  return {
    words: ["HSET", key, ...[...fields].flat()],
    outcomes: (state) => {
      const effects = Array.from(fields, ([field, value]) => [nameOf(key, field), lasting(value)] as const);
      const added = effects.filter(([name]) => !state.has(name)).length;
      return [{ reply: line(`:${added}`), effects }];
    },
  };
}

export function removeField(key: string, field: string): Operation {
  const name = nameOf(key, field);
  return {
    words: ["HDEL", key, field],
    outcomes: (state) => [{ reply: line(state.has(name) ? ":1" : ":0"), effects: [[name, null]] }],
  };
}

export function increaseField(key: string, field: string, by: number): Operation {
  const name = nameOf(key, field);
  return {
    words: ["HINCRBY", key, field, String(by)],
    outcomes: (state) => {
      const sum = String(Number(state.get(name)?.value ?? 0) + by);
      return [{ reply: line(`:${sum}`), effects: [[name, lasting(sum)]] }];
    },
  };
}

export function getFields(key: string): Operation {
  return {
    words: ["HGETALL", key],
    outcomes: (state) => {
      const items = fieldsOf(state, key).flatMap((name) => [
        bulk(name.slice(key.length + 1)),
        bulk(state.get(name)?.value ?? ""),
      ]);
      return [{ reply: { kind: "array", items }, effects: NO_EFFECTS }];
    },
  };
}

export function flush(word: "SYNC" | "ASYNC"): Operation {
  return {
    words: ["FLUSHDB", word],
    outcomes: (state) => [{ reply: OK, effects: [...state.keys()].map((key) => [key, null] as const) }],
  };
}

/** Keys of hashes are no prefixes of each other. */
function fieldsOf(state: State, key: string): string[] {
  const start = `${key} `;
  const names: string[] = [];
  for (const name of state.keys()) if (name.startsWith(start)) names.push(name);
  return names;
}

export function apply(state: State, effects: Effects): void {
  for (const [key, entry] of effects) put(state, key, entry);
}

function put(state: State, key: string, entry: Entry | null): void {
  if (entry === null) state.delete(key);
  else state.set(key, entry);
}

/** The outcome that a reply shows, or null where it can be none. */
export function outcomeOf(operation: Operation, reply: Reply, state: State, fromMs: number, toMs: number) {
  return operation.outcomes(state, fromMs, toMs).find((outcome) => same(outcome.reply, reply)) ?? null;
}

/** What a client has read of its whole database, by key or by `key field`, between two moments. */
export interface Observed {
  readonly values: ReadonlyMap<string, string>;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whether a key may have been observed as it was. */
function fits(entry: Entry | undefined, value: string | undefined, { fromMs, toMs }: Observed): boolean {
  if (entry === undefined) return value === undefined;
  if (value === undefined) return entry.earliestMs <= toMs;
  return entry.value === value && entry.latestMs >= fromMs;
}

/** Of two states that were observed alike, one that may be either: they differ in when keys expire. */
export function either(a: State, b: State): State {
  const merged: State = new Map();
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [one, other] = [a.get(key), b.get(key)];
    const entry = one ?? other;
    if (entry === undefined) continue;
    merged.set(key, {
      value: entry.value,
      earliestMs: one === undefined || other === undefined ? 0 : Math.min(one.earliestMs, other.earliestMs),
      latestMs: Math.max(one?.latestMs ?? 0, other?.latestMs ?? 0),
    });
  }
  return merged;
}

/** A state that grows request by request, and knows what it was after each. */
export class Timeline {
  readonly state: State;
  // All changes, oldest first: of which key, and what it was before.
  readonly #keys: string[] = [];
  readonly #before: (Entry | null)[] = [];
  /** How many changes there had been after each request. */
  readonly #moments: number[] = [0];

  constructor(base: State) {
    this.state = new Map(base);
  }

  /** Adds what a request does. */
  add(effects: Effects): void {
    this.addPart(effects);
    this.endRequest();
  }

  /** Adds what a part of a request does; to be followed by others, and `endRequest`. */
  addPart(effects: Effects): void {
    const { state } = this;
    for (const [key, entry] of effects) {
      const before = state.get(key);
      if (before === undefined && entry === null) continue;
      this.#keys.push(key);
      this.#before.push(before ?? null);
      put(state, key, entry);
    }
  }

  endRequest(): void {
    if (this.#keys.length > (this.#moments.at(-1) ?? 0)) this.#moments.push(this.#keys.length);
  }

  /** The state that was observed; null if it was none. */
  find(observed: Observed): State | null {
    let found: State | null = null;
    for (const { changes, wrong } of this.#back(observed)) {
      if (wrong.size > 0) continue;
      const state = this.#after(changes);
      found = found === null ? state : either(found, state);
    }
    return found;
  }

  /** Whether the state that was observed is one of these. Costs the way back to it. */
  has(observed: Observed): boolean {
    for (const { wrong } of this.#back(observed)) if (wrong.size === 0) return true;
    return false;
  }

  /** In words, where the moment that comes nearest to what was observed still differs. */
  nearest(observed: Observed): string {
    let fewest = Infinity;
    let at = 0;
    for (const { changes, wrong } of this.#back(observed)) {
      if (wrong.size >= fewest) continue;
      fewest = wrong.size;
      at = changes;
    }
    return `${fewest} differ, the first: ${compare(this.#after(at), observed)}`;
  }

  /** All moments, the latest first: how many changes there had been, and of which keys that is not what was observed. */
  *#back(observed: Observed): Generator<{ readonly changes: number; readonly wrong: ReadonlySet<string> }> {
    const wrong = new Set<string>();
    const check = (key: string, entry: Entry | undefined) => {
      if (fits(entry, observed.values.get(key), observed)) wrong.delete(key);
      else wrong.add(key);
    };
    for (const [key, entry] of this.state) check(key, entry);
    for (const key of observed.values.keys()) if (!this.state.has(key)) check(key, undefined);
    let at = this.#keys.length;
    for (let moment = this.#moments.length - 1; moment >= 0; moment--) {
      const changes = this.#moments[moment];
      while (at > changes) check(this.#keys[--at], this.#before[at] ?? undefined);
      yield { changes, wrong };
    }
  }

  /** The state after so many changes. */
  #after(changes: number): State {
    const state = new Map(this.state);
    for (let at = this.#keys.length; at > changes;) put(state, this.#keys[--at], this.#before[at]);
    return state;
  }
}

/** The state that was observed, if `state` can be that; else the first key that is wrong. */
export function compare(state: State, observed: Observed): string | null {
  for (const [key, entry] of state) {
    const value = observed.values.get(key);
    if (!fits(entry, value, observed)) return difference(key, entry, value);
  }
  for (const [key, value] of observed.values) if (!state.has(key)) return difference(key, undefined, value);
  return null;
}

function difference(key: string, entry: Entry | undefined, value: string | undefined): string {
  const [wanted, found] = [entry?.value, value].map((text) =>
    text === undefined ? "missing" : JSON.stringify(text.slice(0, 60))
  );
  return `${key} should be ${wanted} and is ${found}`;
}
