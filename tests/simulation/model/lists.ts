/** What the model knows of lists. */

import type { Key } from "../keys.ts";
import { bulk, line, NULL, type Reply } from "../resp.ts";
import {
  aboutKeys,
  askValue,
  changeValue,
  FOREVER,
  gone,
  integer,
  NO_SUCH_KEY,
  OK,
  oneOf,
  type Operation,
  put,
  valueOf,
  ZERO,
} from "./operations.ts";
import type { ListValue, SetValue } from "./values.ts";

export type End = "LEFT" | "RIGHT";

const NONE: readonly string[] = [];

/** A list of these elements; null where there are none. */
export function listOf(elements: readonly string[]): ListValue | null {
  return elements.length === 0 ? null : { kind: "list", elements };
}

function bulks(elements: readonly string[]): Reply {
  return { kind: "array", items: elements.map(bulk) };
}

function added(before: readonly string[], elements: readonly string[], end: End): readonly string[] {
  return end === "LEFT" ? [...elements.toReversed(), ...before] : [...before, ...elements];
}

/** What is taken off an end, from there inwards, and what is left. */
function taken(
  elements: readonly string[],
  count: number,
  end: End,
): [taken: readonly string[], left: ListValue | null] {
  if (end === "LEFT") return [elements.slice(0, count), listOf(elements.slice(count))];
  const most = Math.max(0, elements.length - count);
  return [elements.slice(most).reverse(), listOf(elements.slice(0, most))];
}

// --- Adding -----------------------------------------------------------------------------------------------------------

export function push(key: Key, elements: readonly string[], end: End): Operation {
  const parts = () => oneOf(elements.map((_, count) => pushAll(key, elements.slice(0, count), end)));
  return { ...pushAll(key, elements, end), parts };
}

function pushAll(key: Key, elements: readonly string[], end: End): Operation {
  return changeValue<ListValue>(key, [end === "LEFT" ? "LPUSH" : "RPUSH", key.name, ...elements], (value) => {
    const after = added(value?.elements ?? NONE, elements, end);
    return { reply: integer(after.length), value: listOf(after) };
  });
}

/** LPUSHX and RPUSHX of one element. */
export function pushIfThere(key: Key, element: string, end: End): Operation {
  return changeValue<ListValue>(key, [end === "LEFT" ? "LPUSHX" : "RPUSHX", key.name, element], (value) => {
    if (value === null) return { reply: ZERO };
    const after = added(value.elements, [element], end);
    return { reply: integer(after.length), value: listOf(after) };
  });
}

export function insert(key: Key, where: "BEFORE" | "AFTER", pivot: string, element: string): Operation {
  return changeValue<ListValue>(key, ["LINSERT", key.name, where, pivot, element], (value) => {
    if (value === null) return { reply: ZERO };
    const at = value.elements.indexOf(pivot);
    if (at < 0) return { reply: integer(-1) };
    const after = value.elements.toSpliced(where === "AFTER" ? at + 1 : at, 0, element);
    return { reply: integer(after.length), value: listOf(after) };
  });
}

/** LSET; an index below 0 counts from the end. */
export function setElement(key: Key, index: number, element: string): Operation {
  return changeValue<ListValue>(key, ["LSET", key.name, String(index), element], (value) => {
    if (value === null) return { reply: NO_SUCH_KEY };
    const at = index < 0 ? index + value.elements.length : index;
    if (at < 0 || at >= value.elements.length) return { reply: line("-ERR index out of range") };
    return { reply: OK, value: listOf(value.elements.with(at, element)) };
  });
}

// --- Taking -----------------------------------------------------------------------------------------------------------

/** LPOP and RPOP, with a count where that is not null. */
export function pop(key: Key, end: End, count: number | null): Operation {
  const words = [end === "LEFT" ? "LPOP" : "RPOP", key.name, ...count === null ? [] : [String(count)]];
  return changeValue<ListValue>(key, words, (value) => {
    if (value === null) return { reply: NULL };
    const [elements, left] = taken(value.elements, count ?? 1, end);
    return { reply: count === null ? bulk(elements[0]) : bulks(elements), value: left };
  });
}

/** LMPOP, or BLMPOP with a timeout, of one key. */
export function popMultiple(key: Key, end: End, count: number, timeoutMs: number | null): Operation {
  const words = [...timeoutMs === null ? ["LMPOP"] : ["BLMPOP", seconds(timeoutMs)], "1", key.name, end];
  return changeValue<ListValue>(key, [...words, "COUNT", String(count)], (value) => {
    if (value === null) return { reply: NULL };
    const [elements, left] = taken(value.elements, count, end);
    return { reply: { kind: "array", items: [bulk(key.name), bulks(elements)] }, value: left };
  });
}

/** BLPOP and BRPOP of one key. */
export function waitAndPop(key: Key, end: End, timeoutMs: number): Operation {
  const words = [end === "LEFT" ? "BLPOP" : "BRPOP", key.name, seconds(timeoutMs)];
  return changeValue<ListValue>(key, words, (value) => {
    if (value === null) return { reply: NULL };
    const [elements, left] = taken(value.elements, 1, end);
    return { reply: bulks([key.name, ...elements]), value: left };
  });
}

export function seconds(ms: number): string {
  return String(ms / 1000);
}

export function removeElements(key: Key, count: number, element: string): Operation {
  return changeValue<ListValue>(key, ["LREM", key.name, String(count), element], (value) => {
    if (value === null) return { reply: ZERO };
    let left = count === 0 ? Infinity : Math.abs(count);
    const stays = (one: string) => one !== element || left-- <= 0;
    const { elements } = value;
    const after = count < 0 ? elements.toReversed().filter(stays).reverse() : elements.filter(stays);
    return { reply: integer(elements.length - after.length), value: listOf(after) };
  });
}

/** LTRIM to `start` to `stop`, of which the latter counts from the end if it is below 0. */
export function trim(key: Key, start: number, stop: number): Operation {
  return changeValue<ListValue>(key, ["LTRIM", key.name, String(start), String(stop)], (value) => {
    const elements = value?.elements ?? NONE;
    return { reply: OK, value: listOf(elements.slice(start, stop < 0 ? elements.length + stop + 1 : stop + 1)) };
  });
}

/** LMOVE, or BLMOVE with a timeout. */
export function moveElement(from: Key, to: Key, source: End, target: End, timeoutMs: number | null): Operation {
  const words = [timeoutMs === null ? "LMOVE" : "BLMOVE", from.name, to.name, source, target];
  if (timeoutMs !== null) words.push(seconds(timeoutMs));
  return aboutKeys([from, to], words, (life, toLife, state) => {
    const value = valueOf<ListValue>(state, from, life);
    if (value === null) return { reply: NULL, effects: gone(state, from) };
    const [elements, left] = taken(value.elements, 1, source);
    const before = from === to ? left : valueOf<ListValue>(state, to, toLife);
    const after = listOf(added(before?.elements ?? NONE, elements, target));
    const effects = from === to ? put(to, after, life) : [...put(from, left, life), ...put(to, after, toLife)];
    return { reply: bulk(elements[0]), effects };
  });
}

// --- Reading ----------------------------------------------------------------------------------------------------------

export function countElements(key: Key): Operation {
  return askValue<ListValue>(key, ["LLEN", key.name], (value) => integer(value?.elements.length ?? 0));
}

export function getElement(key: Key, index: number): Operation {
  return askValue<ListValue>(key, ["LINDEX", key.name, String(index)], (value) => {
    const element = value?.elements.at(index);
    return element === undefined ? NULL : bulk(element);
  });
}

/** LRANGE from `start` on. */
export function getElements(key: Key, start: number): Operation {
  const words = ["LRANGE", key.name, String(start), "-1"];
  return askValue<ListValue>(key, words, (value) => bulks(value?.elements.slice(start) ?? NONE));
}

export function findElement(key: Key, element: string): Operation {
  return askValue<ListValue>(key, ["LPOS", key.name, element], (value) => {
    const at = value?.elements.indexOf(element) ?? -1;
    return at < 0 ? NULL : integer(at);
  });
}

// --- Sorting ----------------------------------------------------------------------------------------------------------

/** SORT of a list or a set as text into a list. */
export function sortInto(from: Key, to: Key, isReverse: boolean): Operation {
  const words = ["SORT", from.name, "ALPHA", ...isReverse ? ["DESC"] : [], "STORE", to.name];
  return aboutKeys([from, from], words, (life, _, state) => {
    const value = valueOf<ListValue | SetValue>(state, from, life);
    const elements = value === null ? [] : [...value.kind === "list" ? value.elements : value.members].sort();
    if (isReverse) elements.reverse();
    const rest = life === null ? gone(state, from) : [];
    return { reply: integer(elements.length), effects: [...rest, ...put(to, listOf(elements), FOREVER)] };
  });
}
