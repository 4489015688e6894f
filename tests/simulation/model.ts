/**
 * The plain model that replies are compared with. A client has databases of its own, so what is there follows from what
 * it has sent, one request after the other: its timeline (timeline.ts). Where a key is about to expire, or a reply never
 * came, more than one thing may have happened: a request has outcomes, of which the reply tells one.
 */

import { fieldIndex, fieldName, inOther, type Key, KEYSPACES, PLACES } from "./keys.ts";
import { bulk, isAsWanted, line, NULL, type Reply, type Wanted } from "./resp.ts";

/** A value in a place, and between which moments (ms of Unix time) its key expires: Infinity where it does not. */
export interface Entry {
  readonly value: string;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What lies in each place. */
export type State = (Entry | undefined)[];

/** What a request does to a state: what lies in each place after it, null for nothing. */
export type Effects = readonly (readonly [place: number, entry: Entry | null])[];

/** A reply that a request may have, and what it does then. */
export interface Outcome {
  readonly reply: Reply | Wanted;
  readonly effects: Effects;
}

/** A request, with the outcomes that it may have between two moments of Unix time. */
export interface Operation {
  readonly words: readonly string[];
  readonly outcomes: (...moment: Moment) => Outcome[];
  /** Whether it is known to have been done, though not what it did. */
  readonly isDone?: boolean;
  /** What it may have done where there was not enough memory for all of it. */
  readonly parts?: () => Operation;
  /** Takes what the reply tells, and the state before the request. */
  readonly onReply?: (reply: Reply, state: State) => void;
}

type Moment = [state: State, fromMs: number, toMs: number];

/** When a key expires. */
interface Life {
  readonly earliestMs: number;
  readonly latestMs: number;
}

const OK = line("+OK");
const [ZERO, ONE] = [line(":0"), line(":1")];
const NO_SUCH_KEY = line("-ERR no such key");
const NO_EFFECTS: Effects = [];
const FOREVER: Life = { earliestMs: Infinity, latestMs: Infinity };

function entryOf(value: string, { earliestMs, latestMs }: Life): Entry {
  return { value, earliestMs, latestMs };
}

export function emptyState(): State {
  return new Array<Entry | undefined>(PLACES).fill(undefined);
}

export function apply(state: State, effects: Effects): void {
  for (const [place, entry] of effects) state[place] = entry ?? undefined;
}

// --- Keys -------------------------------------------------------------------------------------------------------------

/** One of the entries of a key; null if it has none. */
function anyEntry(state: State, { first, places }: Key): Entry | null {
  for (let place = first; place < first + places; place++) {
    const entry = state[place];
    if (entry !== undefined) return entry;
  }
  return null;
}

/** When a key expires, for each way it may be at the time: null where it is gone, or, near its expiry, may be. */
function lives(state: State, key: Key, fromMs: number, toMs: number): (Life | null)[] {
  const entry = anyEntry(state, key);
  if (entry === null || entry.latestMs < fromMs) return [null];
  return entry.earliestMs > toMs ? [entry] : [entry, null];
}

/** What a request may have done by the reply that it had, as it may by some replies where a key was about to expire. */
export function effectsOf(operation: Operation, reply: Reply, state: State, fromMs: number, toMs: number): Effects[] {
  const found: Effects[] = [];
  for (const { reply: wanted, effects } of operation.outcomes(state, fromMs, toMs)) {
    if (isAsWanted(reply, wanted) && !found.some((one) => areSame(one, effects))) found.push(effects);
  }
  return found;
}

/** A request that had a reply which leaves open what it did. */
export function replied({ words, outcomes }: Operation, reply: Reply): Operation {
  return {
    words,
    isDone: true,
    outcomes: (...moment) => outcomes(...moment).filter((outcome) => isAsWanted(reply, outcome.reply)),
  };
}

function areSame(a: Effects, b: Effects): boolean {
  return a.length === b.length && a.every(([place, entry], index) => {
    const [otherPlace, other] = b[index];
    return place === otherPlace && entry?.value === other?.value && entry?.earliestMs === other?.earliestMs &&
      entry?.latestMs === other?.latestMs;
  });
}

/** Leaves nothing of a key. */
function gone(state: State, { first, places }: Key): Effects {
  const effects: [number, null][] = [];
  for (let place = first; place < first + places; place++) if (state[place] !== undefined) effects.push([place, null]);
  return effects;
}

/** Gives a key what another has, in place of what it had, and a life of its own if it is to have one. */
function copied(state: State, from: Key, to: Key, life: Life | null = null): Effects {
  const effects: [number, Entry | null][] = [];
  for (let i = 0; i < from.places; i++) {
    const [entry, before] = [state[from.first + i], state[to.first + i]];
    if (entry !== undefined) effects.push([to.first + i, life === null ? entry : entryOf(entry.value, life)]);
    else if (before !== undefined) effects.push([to.first + i, null]);
  }
  return effects;
}

/** The outcomes of a request about one key, for each way that may be at the time. */
function aboutKey(key: Key, words: readonly string[], outcomes: (life: Life | null, state: State) => Outcome[]) {
  return {
    words,
    outcomes: (...[state, fromMs, toMs]: Moment) =>
      lives(state, key, fromMs, toMs).flatMap((life) => outcomes(life, state)),
  };
}

/** The outcomes of a request about two keys. */
function aboutKeys(
  [key, other]: readonly [Key, Key],
  words: readonly string[],
  outcome: (life: Life | null, otherLife: Life | null, state: State) => Outcome,
): Operation {
  return {
    words,
    outcomes: (state, fromMs, toMs) =>
      lives(state, key, fromMs, toMs).flatMap((life) =>
        lives(state, other, fromMs, toMs).map((otherLife) => outcome(life, otherLife, state))
      ),
  };
}

export function remove(key: Key, word: "DEL" | "UNLINK"): Operation {
  return aboutKey(key, [word, key.name], (life, state) => [
    { reply: life === null ? ZERO : ONE, effects: gone(state, key) },
  ]);
}

export type ExpiryCondition = "NX" | "XX" | "GT" | "LT";

/** PEXPIREAT, if a condition is given only where it holds. */
export function expireAt(key: Key, atMs: number, condition: ExpiryCondition | null): Operation {
  const words = ["PEXPIREAT", key.name, String(atMs), ...condition === null ? [] : [condition]];
  return aboutKey(key, words, (life, state) => {
    if (life === null) return [{ reply: ZERO, effects: gone(state, key) }];
    const set: Outcome = { reply: ONE, effects: copied(state, key, key, { earliestMs: atMs, latestMs: atMs }) };
    const left: Outcome = { reply: ZERO, effects: NO_EFFECTS };
    return meets(condition, life, atMs).map((isMet) => isMet ? set : left);
  });
}

/** Whether a condition on the expiry that there is holds; both where that is not known so exactly. */
function meets(condition: ExpiryCondition | null, { earliestMs, latestMs }: Life, atMs: number): boolean[] {
  if (condition === null) return [true];
  const holds = CONDITIONS[condition];
  const [isEarliest, isLatest] = [holds(atMs, earliestMs), holds(atMs, latestMs)];
  return isEarliest === isLatest ? [isEarliest] : [isEarliest, isLatest];
}

const CONDITIONS: Record<ExpiryCondition, (atMs: number, beforeMs: number) => boolean> = {
  NX: (_, beforeMs) => beforeMs === Infinity,
  XX: (_, beforeMs) => beforeMs !== Infinity,
  GT: (atMs, beforeMs) => atMs > beforeMs,
  LT: (atMs, beforeMs) => atMs < beforeMs,
};

export function persist(key: Key): Operation {
  return aboutKey(key, ["PERSIST", key.name], (life, state) => {
    if (life === null) return [{ reply: ZERO, effects: gone(state, key) }];
    const effects = copied(state, key, key, FOREVER);
    const did: Outcome = { reply: ONE, effects };
    const didNothing: Outcome = { reply: ZERO, effects };
    return [...life.earliestMs === Infinity ? [] : [did], ...life.latestMs === Infinity ? [didNothing] : []];
  });
}

export function rename(from: Key, to: Key, word: "RENAME" | "RENAMENX"): Operation {
  return aboutKeys([from, to], [word, from.name, to.name], (life, toLife, state) => {
    if (life === null) return { reply: NO_SUCH_KEY, effects: gone(state, from) };
    if (word === "RENAMENX" && toLife !== null) return { reply: ZERO, effects: NO_EFFECTS };
    const effects = [...copied(state, from, to), ...gone(state, from)];
    return { reply: word === "RENAME" ? OK : ONE, effects };
  });
}

/** COPY to another key, in the same database or the other one, of which `databaseIndex` is the server's number. */
export function copy(from: Key, to: Key, databaseIndex: number, replaces: boolean): Operation {
  const words = ["COPY", from.name, to.name, "DB", String(databaseIndex), ...replaces ? ["REPLACE"] : []];
  return aboutKeys([from, to], words, (life, toLife, state) => {
    if (life === null) return { reply: ZERO, effects: gone(state, from) };
    if (toLife !== null && !replaces) return { reply: ZERO, effects: NO_EFFECTS };
    return { reply: ONE, effects: copied(state, from, to) };
  });
}

/** MOVE to the other database, of which `databaseIndex` is the server's number. */
export function move(key: Key, databaseIndex: number): Operation {
  const other = inOther(key);
  return aboutKeys([key, other], ["MOVE", key.name, String(databaseIndex)], (life, otherLife, state) => {
    if (life === null) return { reply: ZERO, effects: gone(state, key) };
    if (otherLife !== null) return { reply: ZERO, effects: NO_EFFECTS };
    return { reply: ONE, effects: [...copied(state, key, other), ...gone(state, key)] };
  });
}

/** SWAPDB of a client's two databases, of which these are the server's numbers. */
export function swapDatabases(index: number, other: number): Operation {
  return {
    words: ["SWAPDB", String(index), String(other)],
    outcomes: (state) => {
      const effects = KEYSPACES.flatMap(({ all }) => all.flatMap((key) => copied(state, key, inOther(key))));
      return [{ reply: OK, effects }];
    },
  };
}

/** FLUSHDB of the client's first database. */
export function flush(word: "SYNC" | "ASYNC"): Operation {
  return {
    words: ["FLUSHDB", word],
    outcomes: (state) => [{ reply: OK, effects: KEYSPACES[0].all.flatMap((key) => gone(state, key)) }],
  };
}

/** What DUMP has given, and of which values. */
export interface Dump {
  readonly payload: string;
  readonly key: Key;
  readonly state: State;
}

/** DUMP; what it gives is handed to `take`. */
export function dump(key: Key, take: (dump: Dump) => void): Operation {
  const payload: Wanted = { kind: "wanted", text: "a payload", fits: (reply) => reply.kind === "bulk" };
  return {
    ...aboutKey(key, ["DUMP", key.name], (life, state) => [
      life === null ? { reply: NULL, effects: gone(state, key) } : { reply: payload, effects: NO_EFFECTS },
    ]),
    onReply: (reply, state) => reply.kind === "bulk" && take({ payload: reply.text, key, state: state.slice() }),
  };
}

/** RESTORE of what DUMP gave, to the same key; with a time to live if that is not 0. */
export function restore({ payload, key, state: dumped }: Dump, ttlMs: number, replaces: boolean): Operation {
  const words = ["RESTORE", key.name, String(ttlMs), payload, ...replaces ? ["REPLACE"] : []];
  const isThere = line("-BUSYKEY Target key name already exists.");
  return {
    words,
    outcomes: (state, fromMs, toMs) =>
      lives(state, key, fromMs, toMs).map((life) => {
        if (life !== null && !replaces) return { reply: isThere, effects: NO_EFFECTS };
        const newLife = ttlMs === 0 ? FOREVER : { earliestMs: fromMs + ttlMs, latestMs: toMs + ttlMs };
        return { reply: OK, effects: [...gone(state, key), ...copied(dumped, key, key, newLife)] };
      }),
  };
}

/** WAIT, which tells how many replicas have come so far. */
export function wait(replicas: number, timeoutMs: number): Operation {
  const count: Wanted = {
    kind: "wanted",
    text: "a count",
    fits: (reply) => reply.kind === "line" && /^:\d$/.test(reply.text),
  };
  return {
    words: ["WAIT", String(replicas), String(timeoutMs)],
    outcomes: () => [{ reply: count, effects: NO_EFFECTS }],
  };
}

// --- Strings ----------------------------------------------------------------------------------------------------------

/** A request that makes something of the string under a key, or of nothing. */
function change(
  key: Key,
  words: readonly string[],
  make: (entry: Entry | null) => { readonly reply: Reply; readonly entry: Entry | null },
): Operation {
  return aboutKey(key, words, (life, state) => {
    const { reply, entry } = make(life === null ? null : state[key.first] ?? null);
    return [{ reply, effects: [[key.first, entry]] }];
  });
}

function textOf(entry: Entry | null): Reply {
  return entry === null ? NULL : bulk(entry.value);
}

export function get(key: Key): Operation {
  return change(key, ["GET", key.name], (entry) => ({ reply: textOf(entry), entry }));
}

export function getAndDelete(key: Key): Operation {
  return change(key, ["GETDEL", key.name], (entry) => ({ reply: textOf(entry), entry: null }));
}

export function set(key: Key, value: string): Operation {
  return change(key, ["SET", key.name, value], () => ({ reply: OK, entry: entryOf(value, FOREVER) }));
}

/** SET that replies what was there, and keeps when it expires. */
export function setAndGet(key: Key, value: string): Operation {
  const words = ["SET", key.name, value, "KEEPTTL", "GET"];
  return change(key, words, (entry) => ({ reply: textOf(entry), entry: entryOf(value, entry ?? FOREVER) }));
}

/** SET only where there is nothing. */
export function setNew(key: Key, value: string): Operation {
  return change(key, ["SET", key.name, value, "NX"], (entry) => ({
    reply: entry === null ? OK : NULL,
    entry: entry ?? entryOf(value, FOREVER),
  }));
}

export function setFor(key: Key, value: string, ttlMs: number): Operation {
  return {
    words: ["SET", key.name, value, "PX", String(ttlMs)],
    outcomes: (_, fromMs, toMs) => [{
      reply: OK,
      effects: [[key.first, { value, earliestMs: fromMs + ttlMs, latestMs: toMs + ttlMs }]],
    }],
  };
}

export function append(key: Key, value: string): Operation {
  return change(key, ["APPEND", key.name, value], (entry) => {
    const joined = (entry?.value ?? "") + value;
    return { reply: line(`:${joined.length}`), entry: entryOf(joined, entry ?? FOREVER) };
  });
}

export function setRange(key: Key, offset: number, value: string): Operation {
  return change(key, ["SETRANGE", key.name, String(offset), value], (entry) => {
    const before = entry?.value ?? "";
    if (value === "") return { reply: line(`:${before.length}`), entry };
    const written = before.slice(0, offset).padEnd(offset, "\0") + value + before.slice(offset + value.length);
    return { reply: line(`:${written.length}`), entry: entryOf(written, entry ?? FOREVER) };
  });
}

export function increase(key: Key, by: number): Operation {
  return change(key, ["INCRBY", key.name, String(by)], (entry) => {
    const sum = String(Number(entry?.value ?? 0) + by);
    return { reply: line(`:${sum}`), entry: entryOf(sum, entry ?? FOREVER) };
  });
}

// --- Hashes -----------------------------------------------------------------------------------------------------------

/** Whether a field is there, of a hash that is. */
function has(state: State, life: Life | null, place: number): boolean {
  return life !== null && state[place] !== undefined;
}

/** Values by number of the field. */
export function setFields(key: Key, fields: ReadonlyMap<number, string>): Operation {
  const parts = () => {
    const prefixes = Array.from(fields, (_, index) => hset(key, new Map([...fields].slice(0, index))));
    return { words: [], outcomes: (...args: Moment) => prefixes.flatMap((part) => part.outcomes(...args)) };
  };
  return { ...hset(key, fields), parts };
}

function hset(key: Key, fields: ReadonlyMap<number, string>): Operation {
  const words = ["HSET", key.name];
  for (const [field, value] of fields) words.push(fieldName(field), value);
  return aboutKey(key, words, (life, state) => {
    let added = 0;
    const effects: [number, Entry | null][] = life === null ? [...gone(state, key)] as [number, null][] : [];
    for (const [field, value] of fields) {
      const place = key.first + field;
      if (!has(state, life, place)) added++;
      effects.push([place, entryOf(value, life ?? FOREVER)]);
    }
    return [{ reply: line(`:${added}`), effects }];
  });
}

export function removeFields(key: Key, fields: readonly number[]): Operation {
  return aboutKey(key, ["HDEL", key.name, ...fields.map(fieldName)], (life, state) => {
    const places = [...new Set(fields)].map((field) => key.first + field);
    const removed = places.filter((place) => has(state, life, place)).length;
    return [{
      reply: line(`:${removed}`),
      effects: life === null ? gone(state, key) : places.map((place) => [place, null]),
    }];
  });
}

export function increaseField(key: Key, field: number, by: number): Operation {
  const place = key.first + field;
  return aboutKey(key, ["HINCRBY", key.name, fieldName(field), String(by)], (life, state) => {
    const before = has(state, life, place) ? Number(state[place]?.value) : 0;
    const sum = String(before + by);
    const rest = life === null ? gone(state, key) : NO_EFFECTS;
    return [{ reply: line(`:${sum}`), effects: [...rest, [place, entryOf(sum, life ?? FOREVER)]] }];
  });
}

export function getField(key: Key, field: number): Operation {
  const place = key.first + field;
  return aboutKey(key, ["HGET", key.name, fieldName(field)], (life, state) => [{
    reply: has(state, life, place) ? bulk(state[place]?.value ?? "") : NULL,
    effects: life === null ? gone(state, key) : NO_EFFECTS,
  }]);
}

export function getFields(key: Key): Operation {
  return aboutKey(
    key,
    ["HGETALL", key.name],
    (life, state) =>
      life === null
        ? [{ reply: { kind: "array", items: [] }, effects: gone(state, key) }]
        : [{ reply: allFields(key, state), effects: NO_EFFECTS }],
  );
}

/** All fields of a hash with their values, in any order. */
function allFields(key: Key, state: State): Wanted {
  const count = countOf(state, key);
  return {
    kind: "wanted",
    text: `${count} fields`,
    fits: (reply) => {
      if (reply.kind !== "array" || reply.items.length !== 2 * count) return false;
      const isSeen = new Uint8Array(key.places);
      for (let i = 0; i < reply.items.length; i += 2) {
        const [field, value] = [reply.items[i], reply.items[i + 1]];
        if (field.kind !== "bulk" || value.kind !== "bulk") return false;
        const index = fieldIndex(field.text);
        if (index < 0 || isSeen[index] === 1 || state[key.first + index]?.value !== value.text) return false;
        isSeen[index] = 1;
      }
      return true;
    },
  };
}

/** Entries of a key, expired or not. */
function countOf(state: State, { first, places }: Key): number {
  let count = 0;
  for (let place = first; place < first + places; place++) if (state[place] !== undefined) count++;
  return count;
}

export function countFields(key: Key): Operation {
  return aboutKey(key, ["HLEN", key.name], (life, state) => {
    if (life === null) return [{ reply: ZERO, effects: gone(state, key) }];
    return [{ reply: line(`:${countOf(state, key)}`), effects: NO_EFFECTS }];
  });
}
