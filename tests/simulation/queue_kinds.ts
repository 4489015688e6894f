/**
 * The ways in which clients wait for elements of a queue: a list, a sorted set or a stream from which those who wait take
 * what was added first. Elements are numbers; what is told of one in a reply is found here.
 */

import type { Reply } from "./resp.ts";

type Words = readonly string[];

/** A kind of queue. */
export interface QueueKind {
  readonly name: string;
  /** Makes what must be there before anybody waits. */
  readonly prepare: (key: string) => readonly Words[];
  /** Adds elements, of which the first is to be taken first; each request adds one or more. */
  readonly add: (key: string, elements: readonly number[]) => readonly Words[];
  /** Requests that wait for up to `timeoutMs` (0: for ever) and take an element of `keys`, of which all but one are empty. */
  readonly waits: readonly ((keys: Words, timeoutMs: number, name: string) => Words)[];
  /** The elements that a reply has, of a request that waits, or of one that takes what is left. */
  readonly read: (reply: Reply) => number[];
  /** Tells how many are left, in a reply that `left` understands. */
  readonly count: (key: string) => Words;
  readonly left: (reply: Reply) => number;
  /** Takes all that are left. */
  readonly drain: (key: string) => Words;
}

/** Where elements go that are moved: the lists of those who wait, with this before their names. */
export const MOVED = "moved-";

function seconds(ms: number): string {
  return String(ms / 1000);
}

function integerIn(reply: Reply | undefined): number {
  return reply?.kind === "line" && reply.text[0] === ":" ? Number(reply.text.slice(1)) : 0;
}

/** All numbers in a reply that stand for elements: strings `e1`, `e2` … */
function elementsIn(reply: Reply): number[] {
  if (reply.kind === "array") return reply.items.flatMap(elementsIn);
  return reply.kind === "bulk" && /^e\d+$/.test(reply.text) ? [Number(reply.text.slice(1))] : [];
}

function named(elements: readonly number[]): string[] {
  return elements.map((element) => `e${element}`);
}

/** A list whose elements are taken from its left or from its right end, and added at the other one. */
function listKind(from: "LEFT" | "RIGHT"): QueueKind {
  const to = from === "LEFT" ? "RIGHT" : "LEFT";
  const pop = from === "LEFT" ? "BLPOP" : "BRPOP";
  const waits: QueueKind["waits"][number][] = [
    (keys, ms) => [pop, ...keys, seconds(ms)],
    (keys, ms) => ["BLMPOP", seconds(ms), String(keys.length), ...keys, from],
    (keys, ms) => ["BLMPOP", seconds(ms), String(keys.length), ...keys, from, "COUNT", "2"],
    (keys, ms, name) => ["BLMOVE", keys[keys.length - 1], MOVED + name, from, to, seconds(ms)],
  ];
  if (from === "RIGHT") {
    waits.push((keys, ms, name) => ["BRPOPLPUSH", keys[keys.length - 1], MOVED + name, seconds(ms)]);
  }
  return {
    name: `list, ${from}`,
    prepare: () => [],
    add: (key, elements) => [[to === "RIGHT" ? "RPUSH" : "LPUSH", key, ...named(elements)]],
    waits,
    read: elementsIn,
    count: (key) => ["LLEN", key],
    left: integerIn,
    drain: (key) => ["LMPOP", "1", key, from, "COUNT", "1000"],
  };
}

/** A sorted set of which the lowest or the highest is taken. */
function sortedSetKind(extreme: "MIN" | "MAX"): QueueKind {
  const score = (element: number) => String(extreme === "MIN" ? element : -element);
  return {
    name: `sorted set, ${extreme}`,
    prepare: () => [],
    add: (key, elements) => [["ZADD", key, ...elements.flatMap((element) => [score(element), `e${element}`])]],
    waits: [
      (keys, ms) => [`BZPOP${extreme}`, ...keys, seconds(ms)],
      (keys, ms) => ["BZMPOP", seconds(ms), String(keys.length), ...keys, extreme],
      (keys, ms) => ["BZMPOP", seconds(ms), String(keys.length), ...keys, extreme, "COUNT", "2"],
    ],
    read: elementsIn,
    count: (key) => ["ZCARD", key],
    left: integerIn,
    drain: (key) => ["ZMPOP", "1", key, extreme, "COUNT", "1000"],
  };
}

/** How many entries the one group of a stream has not read. */
function lagIn(reply: Reply): number {
  const items = reply.kind === "array" && reply.items[0]?.kind === "array" ? reply.items[0].items : [];
  const at = items.findIndex((item) => item.kind === "bulk" && item.text === "lag");
  return integerIn(items[at + 1]);
}

/** A stream that is read by one group. */
const STREAM: QueueKind = {
  name: "stream",
  prepare: (key) => [["XGROUP", "CREATE", key, "group", "$", "MKSTREAM"]],
  add: (key, elements) => elements.map((element) => ["XADD", key, "*", "element", `e${element}`]),
  // Of several streams each would need the group.
  waits: ["", "NOACK"].map((option) => (keys, ms, name) => {
    const words = ["XREADGROUP", "GROUP", "group", name, "COUNT", "1", "BLOCK", String(ms)];
    if (option !== "") words.push(option);
    return [...words, "STREAMS", keys[keys.length - 1], ">"];
  }),
  read: elementsIn,
  count: (key) => ["XINFO", "GROUPS", key],
  left: lagIn,
  drain: (key) => ["XREADGROUP", "GROUP", "group", "rest", "COUNT", "1000", "STREAMS", key, ">"],
};

export const QUEUE_KINDS: readonly QueueKind[] = [
  listKind("LEFT"),
  listKind("RIGHT"),
  sortedSetKind("MIN"),
  sortedSetKind("MAX"),
  STREAM,
];
