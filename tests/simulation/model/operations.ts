/**
 * The plain model that replies are compared with. A client has databases of its own, so what is there follows from what
 * it has sent, one request after the other: its timeline (timeline.ts). Where a key is about to expire, or a reply never
 * came, more than one thing may have happened: a request has outcomes, of which the reply tells one. Here is what all
 * requests have in common; those of each type are in a file of their own.
 */

import { type Key, PLACES } from "../keys.ts";
import { isAsWanted, line, type Reply, type Wanted } from "../resp.ts";
import { areAlike, type Value } from "./values.ts";

/** A value in a place, and between which moments (ms of Unix time) its key expires: Infinity where it does not. */
export interface Entry {
  readonly value: Value;
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
  /** What it does; where only the reply tells, with open values, for when it never comes. */
  readonly effects: Effects;
  /** What it does by a reply that fits. */
  readonly told?: (reply: Reply) => Effects;
}

/** A request, with the outcomes that it may have between two moments of Unix time. */
export interface Operation {
  readonly words: readonly string[];
  readonly outcomes: (...moment: Moment) => Outcome[];
  /** Whether it is known to have been done, though not what it did. */
  readonly isDone?: boolean;
  /** Whether only the reply tells what it does: nothing can be said of requests behind it before that. */
  readonly isOpen?: boolean;
  /** What it may have done where there was not enough memory for all of it, or where it waited and was told to stop. */
  readonly parts?: () => Operation;
  /** Takes what the reply tells, and the state before the request. */
  readonly onReply?: (reply: Reply, state: State) => void;
}

export type Moment = [state: State, fromMs: number, toMs: number];

/** When a key expires. */
export interface Life {
  readonly earliestMs: number;
  readonly latestMs: number;
}

export const OK = line("+OK");
export const [ZERO, ONE] = [line(":0"), line(":1")];
export const NO_SUCH_KEY = line("-ERR no such key");
export const NO_EFFECTS: Effects = [];
export const FOREVER: Life = { earliestMs: Infinity, latestMs: Infinity };

export function integer(value: number): Reply {
  return line(`:${value}`);
}

export function entryOf(value: Value, { earliestMs, latestMs }: Life): Entry {
  return { value, earliestMs, latestMs };
}

export function emptyState(): State {
  return new Array<Entry | undefined>(PLACES).fill(undefined);
}

/** One of the entries of a key; null if it has none. */
function anyEntry(state: State, { first, places }: Key): Entry | null {
  for (let place = first; place < first + places; place++) {
    const entry = state[place];
    if (entry !== undefined) return entry;
  }
  return null;
}

/** When a key expires, for each way it may be at the time: null where it is gone, or, near its expiry, may be. */
export function lives(state: State, key: Key, fromMs: number, toMs: number): (Life | null)[] {
  const entry = anyEntry(state, key);
  if (entry === null || entry.latestMs < fromMs) return [null];
  return entry.earliestMs > toMs ? [entry] : [entry, null];
}

/** What a request may have done by the reply that it had, as it may by some replies where a key was about to expire. */
export function effectsOf(operation: Operation, reply: Reply, state: State, fromMs: number, toMs: number): Effects[] {
  const found: Effects[] = [];
  for (const outcome of operation.outcomes(state, fromMs, toMs)) {
    if (!isAsWanted(reply, outcome.reply)) continue;
    const effects = outcome.told?.(reply) ?? outcome.effects;
    if (!found.some((one) => areSame(one, effects))) found.push(effects);
  }
  return found;
}

/** A request that had a reply which leaves open what it did. */
export function replied({ words, outcomes }: Operation, reply: Reply): Operation {
  return {
    words,
    isDone: true,
    outcomes: (...moment) =>
      outcomes(...moment).filter((outcome) => isAsWanted(reply, outcome.reply)).map((outcome) => ({
        reply,
        effects: outcome.told?.(reply) ?? outcome.effects,
      })),
  };
}

/** What an operation may have done that did one of several, which are parts of one. */
export function oneOf(operations: readonly Operation[]): Operation {
  return {
    words: operations[0]?.words ?? [],
    outcomes: (...moment) => operations.flatMap(({ outcomes }) => outcomes(...moment)),
  };
}

function areSame(a: Effects, b: Effects): boolean {
  return a.length === b.length && a.every(([place, entry], index) => {
    const [otherPlace, other] = b[index];
    return place === otherPlace && areSameEntries(entry, other);
  });
}

function areSameEntries(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b;
  return a.earliestMs === b.earliestMs && a.latestMs === b.latestMs && areAlike(a.value, b.value);
}

/** Leaves nothing of a key. */
export function gone(state: State, { first, places }: Key): Effects {
  const effects: [number, null][] = [];
  for (let place = first; place < first + places; place++) if (state[place] !== undefined) effects.push([place, null]);
  return effects;
}

/** Gives a key what another has, in place of what it had, and a life of its own if it is to have one. */
export function copied(state: State, from: Key, to: Key, life: Life | null = null): Effects {
  const effects: [number, Entry | null][] = [];
  for (let i = 0; i < from.places; i++) {
    const [entry, before] = [state[from.first + i], state[to.first + i]];
    if (entry !== undefined) effects.push([to.first + i, life === null ? entry : entryOf(entry.value, life)]);
    else if (before !== undefined) effects.push([to.first + i, null]);
  }
  return effects;
}

/** The outcomes of a request about one key, for each way that may be at the time. */
export function aboutKey(
  key: Key,
  words: readonly string[],
  outcomes: (life: Life | null, state: State) => Outcome[],
): Operation {
  return {
    words,
    outcomes: (state, fromMs, toMs) => lives(state, key, fromMs, toMs).flatMap((life) => outcomes(life, state)),
  };
}

/** The outcomes of a request about two keys, which may be one. */
export function aboutKeys(
  [key, other]: readonly [Key, Key],
  words: readonly string[],
  outcome: (life: Life | null, otherLife: Life | null, state: State) => Outcome,
): Operation {
  return {
    words,
    outcomes: (state, fromMs, toMs) => {
      if (key === other) return lives(state, key, fromMs, toMs).map((life) => outcome(life, life, state));
      return lives(state, key, fromMs, toMs).flatMap((life) =>
        lives(state, other, fromMs, toMs).map((otherLife) => outcome(life, otherLife, state))
      );
    },
  };
}

// --- Keys with one value ----------------------------------------------------------------------------------------------

/** What a request makes of a value. */
export interface Change<V extends Value> {
  readonly reply: Reply | Wanted;
  /** What the key has after it; null for nothing; missing where it stays as it is. */
  readonly value?: V | OpenOf<V> | null;
  /** The value by the reply, where `value` is open. */
  readonly told?: (reply: Reply) => V | null;
}

/** An open value, where the value is no plain string. */
type OpenOf<V extends Value> = V extends string ? never : Extract<Value, { readonly kind: "open" }>;

/** The value under a key; null where the key is gone. What its values are of is known by the key. */
export function valueOf<V extends Value>(state: State, key: Key, life: Life | null): V | null {
  return life === null ? null : (state[key.first]?.value as V | undefined) ?? null; // by the kind of its key
}

/** Puts a value under a key, which keeps when it expires. */
export function put(key: Key, value: Value | null, life: Life | null): Effects {
  return [[key.first, value === null ? null : entryOf(value, life ?? FOREVER)]];
}

/** A request that makes something of the value under a key, or of nothing. */
export function changeValue<V extends Value>(
  key: Key,
  words: readonly string[],
  make: (value: V | null, ...moment: Moment) => Change<V> | readonly Change<V>[],
): Operation {
  return {
    words,
    outcomes: (...moment) => {
      const [state, fromMs, toMs] = moment;
      return lives(state, key, fromMs, toMs).flatMap((life) => {
        const changes = make(valueOf<V>(state, key, life), ...moment);
        return (Array.isArray(changes) ? changes : [changes]).map((one) => outcomeOf(state, key, life, one));
      });
    },
  };
}

function outcomeOf<V extends Value>(state: State, key: Key, life: Life | null, change: Change<V>): Outcome {
  const { reply, value, told } = change;
  if (value === undefined) return { reply, effects: life === null ? gone(state, key) : NO_EFFECTS };
  const effects = put(key, value, life);
  return told === undefined ? { reply, effects } : { reply, effects, told: (reply) => put(key, told(reply), life) };
}

/** A request that only asks for what is there. */
export function askValue<V extends Value>(
  key: Key,
  words: readonly string[],
  reply: (value: V | null) => Reply | Wanted,
): Operation {
  return changeValue<V>(key, words, (value) => ({ reply: reply(value) }));
}

/** A request that puts under `to` what it makes of the values under two keys, null for nothing. */
export function storeFromTwo<V extends Value, W extends Value = V>(
  keys: readonly [Key, Key],
  to: Key,
  words: readonly string[],
  make: (one: V | null, other: V | null) => { readonly reply: Reply | Wanted; readonly value: W | null },
): Operation {
  return aboutKeys(keys, words, (life, otherLife, state) => {
    const [key, other] = keys;
    const { reply, value } = make(valueOf<V>(state, key, life), valueOf<V>(state, other, otherLife));
    const effects = [
      ...life === null ? gone(state, key) : NO_EFFECTS,
      ...otherLife === null ? gone(state, other) : NO_EFFECTS,
      ...put(to, value, FOREVER),
    ];
    return { reply, effects };
  });
}
