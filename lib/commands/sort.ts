/**
 * SORT and SORT_RO: the elements of a list, a set or a sorted set in another order, replied or stored as a list.
 *
 * Elements are compared as numbers or as bytes: themselves, or what a pattern names for each (sort_patterns.ts). They are
 * copied, sorted and cut to the limit, O(n log n); in their own order, only those within the limit are looked at.
 */

import { compareBytes } from "../bytes/compare.ts";
import { parseLenientDouble } from "../bytes/doubles.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_LIST, TYPE_SET, TYPE_ZSET } from "../store/entry.ts";
import type { Element } from "../store/listpack.ts";
import { ListBuilder } from "../store/types/list_builder.ts";
import { type Command, command, DENYOOM, type Handler, READONLY, WRITE } from "./command.ts";
import { ElementCopies } from "./element_copies.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "./errors.ts";
import { EVENT_LIST } from "./events.ts";
import { integerArgument } from "./integer_argument.ts";
import { ACCESS, type FoundKeys, keySpec, oneKey, OW, RO, UNKNOWN, UPDATE } from "./key_specs.ts";
import { cursorOf as listCursorOf } from "./list_access.ts";
import { perStore } from "./per_store.ts";
import { removeTarget } from "./removal.ts";
import { refuse, replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { iterate } from "./set_access.ts";
import { type SortPattern, SortPatterns } from "./sort_patterns.ts";
import { cursorOf } from "./sorted_set_access.ts";

/** The smallest double that has all its digits: C's `strtod` calls what is smaller an error. */
const MIN_NORMAL = 2 ** -1022;
const ZERO = 0x30;
const INFINITE = /^\s*[+-]?inf/i;
const NO_BYTES = new Uint8Array(0);

/** The elements on their way, and what they are weighed by as bytes. */
const copies = new ElementCopies();
/** Puts together what is stored, for all commands, one after the other. */
const builderOf = perStore((store) => new ListBuilder(store.lists));
/** What BY and GET name. */
const patterns = new SortPatterns();

/** An element on its way. */
interface Item {
  /** Where in `copies` it lies. */
  readonly start: number;
  readonly length: number;
  /** Its weight as a number. */
  score: number;
  /** Where what it is weighed by as bytes lies; -1 where BY names nothing for it. */
  weightStart: number;
  weightLength: number;
}

/** What was asked for. */
class SortQuery {
  isDescending = false;
  isAlphabetical = false;
  /** Whether elements keep their own order, as BY names nothing that could be another. */
  keepsOrder = false;
  by: SortPattern | null = null;
  readonly gets: SortPattern[] = [];
  offset = 0;
  /** Most elements; negative: all. */
  limit = -1;
  /** The argument with the key under which the result is stored; 0 where it is replied. */
  target = 0;
}

/** Reads the options; null after having replied with an error. */
function readQuery(session: Session, request: Request, maySave: boolean): SortQuery | null {
  const query = new SortQuery();
  patterns.clear();
  for (let i = 2; i < request.argc; i++) {
    const left = request.argc - i - 1;
    if (request.is(i, "asc")) {
      query.isDescending = false;
    } else if (request.is(i, "desc")) {
      query.isDescending = true;
    } else if (request.is(i, "alpha")) {
      query.isAlphabetical = true;
    } else if (left >= 2 && request.is(i, "limit")) {
      const offset = integerArgument(session, request, i + 1);
      const limit = offset === null ? null : integerArgument(session, request, i + 2);
      if (offset === null || limit === null) return null;
      query.offset = offset;
      query.limit = limit;
      i += 2;
    } else if (left >= 1 && maySave && request.is(i, "store")) {
      query.target = ++i;
    } else if (left >= 1 && request.is(i, "by")) {
      query.by = patterns.take(request, ++i);
      if (!query.by.hasStar) query.keepsOrder = true;
    } else if (left >= 1 && request.is(i, "get")) {
      query.gets.push(patterns.take(request, ++i));
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  return query;
}

// --- Elements ---------------------------------------------------------------------------------------------------------

function itemOf(element: Element): Item {
  element.toBytes();
  const { bytes, start, length } = element;
  return { start: copies.add(bytes, start, length), length, score: 0, weightStart: -1, weightLength: 0 };
}

/** `count` elements of a list or sorted set in their own order, or backwards, from an index in that order on. */
function elementsInOrder(session: Session, ref: number, start: number, count: number, isReverse: boolean): Item[] {
  const { store } = session.host;
  const total = store.heap.typeOf(ref).count(ref);
  const items: Item[] = [];
  if (count === 0) return items;
  const first = isReverse ? total - 1 - start : start;
  if (store.heap.entries.type(ref) === TYPE_LIST) {
    const cursor = listCursorOf(store);
    for (let isThere = cursor.toIndex(ref, first); isThere; isThere = isReverse ? cursor.previous() : cursor.next()) {
      items.push(itemOf(cursor.element));
      if (items.length === count) break;
    }
    return items;
  }
  const cursor = cursorOf(store);
  for (let isThere = cursor.toRank(ref, first); isThere; isThere = isReverse ? cursor.previous() : cursor.next()) {
    items.push(itemOf(cursor.member));
    if (items.length === count) break;
  }
  return items;
}

function elementsOfSet(session: Session, ref: number): Item[] {
  const iterator = iterate(session.host.store, ref);
  const items: Item[] = [];
  while (iterator.next()) items.push(itemOf(iterator.member));
  return items;
}

/** The elements that were asked for, in order; null after having replied that they can't be weighed. */
function sorted(session: Session, ref: number, query: SortQuery): Item[] | null {
  if (ref === 0) return [];
  const { heap } = session.host.store;
  const isSet = heap.entries.type(ref) === TYPE_SET;
  // The order of a set is nobody's: what is stored, or has a script go on, must have one that is the same on all replicas.
  const needsOrder = isSet && query.keepsOrder && (query.target !== 0 || session.isScript);
  const total = heap.typeOf(ref).count(ref);
  const start = Math.min(Math.max(0, query.offset), total);
  const most = query.limit < 0 ? total : Math.min(query.limit, total);
  const end = Math.min(start + most, total);
  const keepsOrder = query.keepsOrder && !needsOrder;
  if (keepsOrder && !isSet) return elementsInOrder(session, ref, start, end - start, query.isDescending);

  const items = isSet ? elementsOfSet(session, ref) : elementsInOrder(session, ref, 0, total, false);
  if (!keepsOrder) {
    const by = needsOrder ? null : query.by;
    const isAlphabetical = query.isAlphabetical || needsOrder;
    if (!weigh(session, items, by, isAlphabetical)) {
      return refuse(session, "ERR One or more scores can't be converted into double");
    }
    const sign = query.isDescending ? -1 : 1;
    const compare = isAlphabetical ? (by === null ? compareElements : compareWeights) : compareScores;
    items.sort((a, b) => sign * compare(a, b));
  }
  return items.slice(start, end);
}

// --- Weights ----------------------------------------------------------------------------------------------------------

/** Weighs the elements; false where one has no number to be weighed by. */
function weigh(session: Session, items: Item[], by: SortPattern | null, isAlphabetical: boolean): boolean {
  if (isAlphabetical && by === null) return true;
  let isSound = true;
  for (const item of items) {
    if (by === null) {
      item.score = numberOf(copies.bytes, item.start, item.length);
    } else if (by.find(session, copies.bytes, item.start, item.length)) {
      const { value } = by;
      value.toBytes();
      if (isAlphabetical) {
        item.weightStart = copies.add(value.bytes, value.start, value.length);
        item.weightLength = value.length;
      } else item.score = numberOf(value.bytes, value.start, value.length);
    }
    if (Number.isNaN(item.score)) isSound = false;
  }
  return isSound;
}

/** A number as C's `strtod` reads it; NaN where there is none, or it has over- or underflown. */
function numberOf(bytes: Uint8Array, start: number, length: number): number {
  if (length === 1 && bytes[start] === ZERO) return 0;
  const value = parseLenientDouble(bytes, start, length);
  if (Number.isFinite(value) && Math.abs(value) >= MIN_NORMAL) return value;
  const text = String.fromCharCode(...bytes.subarray(start, start + Math.min(length, 400)));
  if (value === 0) return /^[^e\0]*[1-9]/i.test(text) && !/^\s*[+-]?0x0/i.test(text) ? NaN : 0;
  return INFINITE.test(text) ? value : NaN;
}

/** Where numbers are equal the elements' bytes decide, so that the order is always the same. */
function compareScores(a: Item, b: Item): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return compareElements(a, b);
}

function compareElements(a: Item, b: Item): number {
  return compareBytes(copies.bytes, a.start, a.length, copies.bytes, b.start, b.length);
}

/** What has no weight stands before what has one. */
function compareWeights(a: Item, b: Item): number {
  if (a.weightStart < 0 || b.weightStart < 0) return Number(a.weightStart >= 0) - Number(b.weightStart >= 0);
  return compareBytes(copies.bytes, a.weightStart, a.weightLength, copies.bytes, b.weightStart, b.weightLength);
}

// --- Commands ---------------------------------------------------------------------------------------------------------

/** Replies with the elements, or with what GET names for each. */
function replyItems(session: Session, items: readonly Item[], gets: readonly SortPattern[]): void {
  const { reply } = session;
  reply.array(items.length * Math.max(1, gets.length));
  const { bytes } = copies;
  for (const { start, length } of items) {
    if (reply.isCut) return;
    if (gets.length === 0) reply.bulk(bytes, start, length);
    for (const get of gets) {
      if (get.find(session, bytes, start, length)) replyElement(reply, get.value);
      else reply.nil();
    }
  }
}

/** Stores the same as a list, in place of what is under the target; what GET does not find is an empty string. */
function storeItems(session: Session, request: Request, items: readonly Item[], query: SortQuery): void {
  const { database, host, reply } = session;
  const { target, gets } = query;
  const count = items.length * Math.max(1, gets.length);
  if (count === 0) {
    removeTarget(session, request, target);
    return reply.integer(0);
  }
  const list = builderOf(host.store);
  try {
    const { bytes } = copies;
    for (const { start, length } of items) {
      if (gets.length === 0) list.add(bytes, start, length);
      for (const get of gets) {
        const { value } = get;
        if (get.find(session, bytes, start, length)) value.toBytes();
        else value.setString(NO_BYTES, 0, 0);
        list.add(value.bytes, value.start, value.length);
      }
    }
    list.putUnder(database, request.bytes, request.starts[target], request.lengths[target]);
  } finally {
    list.release();
  }
  host.changes.changed(session, request, target, EVENT_LIST, "sortstore", count);
  reply.integer(count);
}

/**
 * `SORT key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC | DESC] [ALPHA] [STORE destination]`, and SORT_RO without
 * STORE
 */
function sort(session: Session, request: Request, maySave: boolean): void {
  const { database, host, reply } = session;
  const query = readQuery(session, request, maySave);
  if (query === null) return;
  const ref = database.read(request.bytes, request.starts[1], request.lengths[1]);
  const type = ref === 0 ? TYPE_LIST : host.store.heap.entries.type(ref);
  if (type !== TYPE_LIST && type !== TYPE_SET && type !== TYPE_ZSET) return reply.error(WRONG_TYPE);
  try {
    const items = sorted(session, ref, query);
    if (items === null) return;
    if (query.target === 0) replyItems(session, items, query.gets);
    else storeItems(session, request, items, query);
  } finally {
    copies.clear();
    patterns.clear();
  }
}

/** The key, and the one that the last STORE names. */
function findSortKeys(request: Request, found: FoundKeys): boolean {
  found.add(1, RO | ACCESS);
  let target = 0;
  for (let i = 2; i < request.argc; i++) {
    if (request.is(i, "limit")) i += 2;
    else if (request.is(i, "get") || request.is(i, "by")) i++;
    else if (i + 1 < request.argc && request.is(i, "store")) target = i + 1;
  }
  if (target !== 0) found.add(target, OW | UPDATE);
  return true;
}

function findSortedKey(_request: Request, found: FoundKeys): boolean {
  found.add(1, RO | ACCESS);
  return true;
}

const SORTED = ["set", "sortedset", "list", "dangerous"];
const BY_PATTERN = keySpec(
  RO | ACCESS,
  UNKNOWN,
  UNKNOWN,
  "What BY and GET name follows from the elements that are sorted",
);
const STORED = keySpec(OW | UPDATE, UNKNOWN, UNKNOWN, "The word STORE, if it is there, can be anywhere");

const sorting: Handler = (session, request) => sort(session, request, true);
const sortingReadOnly: Handler = (session, request) => sort(session, request, false);

export const SORT_COMMANDS: readonly Command[] = [
  command("sort", -2, WRITE | DENYOOM, sorting, {
    categories: SORTED,
    keys: [oneKey(RO | ACCESS), BY_PATTERN, STORED],
    keyFinder: findSortKeys,
  }),
  command("sort_ro", -2, READONLY, sortingReadOnly, {
    categories: SORTED,
    keys: [oneKey(RO | ACCESS), BY_PATTERN],
    keyFinder: findSortedKey,
  }),
];
