/** What the model knows of requests about keys, whatever their values. */

import { inOther, type Key, KEYSPACES } from "../keys.ts";
import { line, NULL, type Wanted } from "../resp.ts";
import {
  aboutKey,
  aboutKeys,
  copied,
  FOREVER,
  gone,
  type Life,
  lives,
  NO_EFFECTS,
  NO_SUCH_KEY,
  OK,
  ONE,
  type Operation,
  type Outcome,
  type State,
  ZERO,
} from "./operations.ts";

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
