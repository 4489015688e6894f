/** Values of each type to load servers with: one of many elements, or many of a few. */

import { encode, pipeline } from "./targets.ts";

/** Elements added by one request to a value of many. */
const AT_ONCE = 100;
/** Requests of as many elements that are under way at once. */
const REQUESTS_AT_ONCE = 100;

/** The request that adds elements `first` to `first + count - 1` to a value. */
type Adding = (key: string, first: number, count: number) => string;

/** A request whose arguments behind the key are `words` of each element. */
function adding(command: string, words: (element: number) => string[]): Adding {
  return (key, first, count) => {
    const args = [command, key];
    for (let element = first; element < first + count; element++) args.push(...words(element));
    return encode(...args);
  };
}

/** How elements come into a value of each type; all but streams take several at once. */
export const ADDING = {
  list: adding("RPUSH", (i) => [`element:${i}`]),
  set: adding("SADD", (i) => [`member:${i}`]),
  "sorted set": adding("ZADD", (i) => [String(i), `member:${i}`]),
  hash: adding("HSET", (i) => [`field:${i}`, `value:${i}`]),
  stream: adding("XADD", (i) => [`${i + 1}-0`, "field", `value:${i}`]),
} satisfies Record<string, Adding>;

export type Kind = keyof typeof ADDING;
export const KINDS = Object.keys(ADDING) as Kind[];

/** Makes strings `key:0` to `key:<count - 1>`. */
export function fillStrings(port: number, count: number): Promise<void> {
  return pipeline(port, count, (i) => encode("SET", `key:${i}`, `value:${i}`));
}

/** Adds elements 0 to `count - 1` to one value. */
export function fillOne(port: number, kind: Kind, key: string, count: number): Promise<void> {
  const atOnce = kind === "stream" ? 1 : AT_ONCE;
  const add: Adding = ADDING[kind];
  const request = (i: number) => add(key, i * atOnce, Math.min(atOnce, count - i * atOnce));
  return pipeline(port, Math.ceil(count / atOnce), request, REQUESTS_AT_ONCE * AT_ONCE / atOnce);
}

/** Makes values `prefix:0` to `prefix:<count - 1>` of `elements` each, no two alike. */
export function fillMany(port: number, kind: Kind, prefix: string, count: number, elements: number): Promise<void> {
  const add: Adding = ADDING[kind];
  if (kind !== "stream") return pipeline(port, count, (i) => add(`${prefix}:${i}`, i * elements, elements));
  return pipeline(port, count * elements, (i) => add(`${prefix}:${Math.floor(i / elements)}`, i, 1));
}
