/**
 * Intersections, unions and differences of sets: SINTER, SUNION, SDIFF, those that store their result, and SINTERCARD.
 *
 * Most is done by looking members of one set up in the others. Where it is cheaper to build the result first, or it is to be
 * stored, it is built as a set that stands alone (`LoneValues`) and then replied, or moved under its key. A result that is
 * stored has the encoding that Redis gives it, which depends on the way it was built.
 */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { ENCODING_INTSET } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { LoneValues } from "../store/types/lone_values.ts";
import type { SetIterator } from "../store/types/set_iterator.ts";
import type { Sets } from "../store/types/sets.ts";
import { type Command, command, DENYOOM, type Handler, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { EVENT_SET } from "./events.ts";
import { integerFrom } from "./integer_argument.ts";
import { ACCESS, index, keynum, KEYS_RO_ACCESS, keySpec, oneKey, OW, range, RO, RW, UPDATE } from "./key_specs.ts";
import { removeTarget } from "./removal.ts";
import { replyElement } from "./replies.ts";
import type { Session } from "./session.ts";
import { iteratorOf, readSet } from "./set_access.ts";
import { FAILED, MISSING } from "./typed_keys.ts";

/** What adding a member to a table, and freeing it again, costs in lookups. */
const BUILDING_COST = 5;
const NO_BYTES = new Uint8Array(0);

/** The sets in the arguments from `first` on, MISSING among them; null after having replied that one is no set. */
function readSets(session: Session, request: Request, first: number, count: number): number[] | null {
  const refs: number[] = [];
  for (let i = first; i < first + count; i++) {
    const ref = readSet(session, request, i);
    if (ref === FAILED) return null;
    refs.push(ref);
  }
  return refs;
}

/** A set that is being built: the result of a command, under no key. It is released, or moved under one. */
class Result {
  readonly sets: Sets;
  readonly #home: LoneValues;
  #ref = 0;
  /** Whether all members that were added, in an intersection, are integers. */
  hasOnlyIntegers = true;

  constructor(store: Store, encoding: "intset" | "listpack" | "table") {
    this.sets = store.sets;
    this.#home = new LoneValues(store.heap);
    if (encoding === "intset") this.#ref = this.sets.createIntset(this.#home, NO_BYTES, 0, 0, 0);
    else if (encoding === "listpack") this.#ref = this.sets.createListpack(this.#home, NO_BYTES, 0, 0, 0);
    else this.#ref = this.sets.createTable(this.#home, NO_BYTES, 0, 0);
  }

  get count(): number {
    return this.sets.count(this.#ref);
  }

  /** Adds the member at which an iterator stands. */
  add({ member }: SetIterator): void {
    member.toBytes();
    this.#ref = this.sets.add(this.#home, this.#ref, member.bytes, member.start, member.length);
  }

  /** The same for a member that has not been added, as one set has none twice. */
  addNew({ member }: SetIterator): void {
    member.toBytes();
    this.#ref = this.sets.addNew(this.#home, this.#ref, member.bytes, member.start, member.length);
  }

  /** Adds all members of a set. */
  addAll(iterator: SetIterator, ref: number): void {
    iterator.begin(ref);
    if (this.count === 0) { while (iterator.next()) this.addNew(iterator); }
    else while (iterator.next()) this.add(iterator);
  }

  remove({ member }: SetIterator): void {
    member.toBytes();
    this.sets.delete(this.#ref, member.bytes, member.start, member.length);
  }

  toIntset(): void {
    this.#ref = this.sets.convertToIntset(this.#home, this.#ref);
  }

  reply(reply: ReplyWriter, iterator: SetIterator): void {
    reply.set(this.count);
    iterator.begin(this.#ref);
    while (!reply.isCut && iterator.next()) replyElement(reply, iterator.member);
  }

  /** Moves the set under the key in argument 1, in place of what is there. */
  moveTo({ database }: Session, { bytes, starts, lengths }: Request): void {
    this.#home.moveTo(database, bytes, starts[1], lengths[1], this.#ref);
    this.#ref = 0;
  }

  /** Frees it, if it was not moved. */
  release(): void {
    if (this.#ref !== 0) this.sets.heap.release(this.#ref);
    this.#ref = 0;
  }
}

/** Stores a result under the key in argument 1, or removes that where the result is empty, and replies with its size. */
function store(session: Session, request: Request, result: Result | null, event: string): void {
  const { host, reply } = session;
  const count = result === null ? 0 : result.count;
  if (count > 0) {
    result?.moveTo(session, request);
    host.changes.changed(session, request, 1, EVENT_SET, event);
  } else {
    removeTarget(session, request, 1);
  }
  reply.integer(count);
}

// --- Intersections ----------------------------------------------------------------------------------------------------

/** Tells `take` of each member that all sets have, none of them missing, until it returns false. O(n·m), n of the smallest. */
function intersect(sets: Sets, iterator: SetIterator, refs: number[], take: () => boolean): void {
  const [smallest, ...others] = refs.sort((a, b) => sets.count(a) - sets.count(b));
  const different = others.filter((ref) => ref !== smallest);
  iterator.begin(smallest);
  while (iterator.next()) {
    let isInAll = true;
    for (let i = 0; i < different.length && isInAll; i++) isInAll = sets.hasElement(different[i], iterator.member);
    if (isInAll && !take()) return;
  }
}

/** `SINTER key [key …]` */
function sinter(session: Session, request: Request): void {
  const { reply, host } = session;
  const refs = readSets(session, request, 1, request.argc - 1);
  if (refs === null) return;
  if (refs.includes(MISSING)) return reply.set(0);
  const iterator = iteratorOf(host.store);
  const mark = reply.open();
  let count = 0;
  intersect(host.store.sets, iterator, refs, () => {
    replyElement(reply, iterator.member);
    count++;
    return !reply.isCut;
  });
  reply.closeSet(mark, count);
}

/** `SINTERSTORE destination key [key …]` */
function sinterstore(session: Session, request: Request): void {
  const { host: { store: { sets } }, host } = session;
  const refs = readSets(session, request, 2, request.argc - 2);
  if (refs === null) return;
  if (refs.includes(MISSING)) return store(session, request, null, "sinterstore");
  const iterator = iteratorOf(host.store);
  const smallest = refs.reduce((a, b) => sets.count(b) < sets.count(a) ? b : a);
  const isIntset = sets.heap.entries.encoding(smallest) === ENCODING_INTSET;
  const result = new Result(host.store, isIntset ? "intset" : "listpack");
  try {
    intersect(sets, iterator, refs, () => {
      if (!isIntset && result.hasOnlyIntegers) result.hasOnlyIntegers = iterator.parse();
      result.addNew(iterator);
      return true;
    });
    if (result.count > 0 && result.hasOnlyIntegers) result.toIntset();
    store(session, request, result, "sinterstore");
  } finally {
    result.release();
  }
}

/** `SINTERCARD numkeys key [key …] [LIMIT limit]` */
function sintercard(session: Session, request: Request): void {
  const { reply, host } = session;
  const keys = integerFrom(session, request, 1, 1, "ERR numkeys should be greater than 0");
  if (keys === null) return;
  if (keys > request.argc - 2) return reply.error("ERR Number of keys can't be greater than number of args");
  let limit = 0;
  for (let i = 2 + keys; i < request.argc; i += 2) {
    if (i + 1 === request.argc || !request.is(i, "limit")) return reply.error(SYNTAX_ERROR);
    const given = integerFrom(session, request, i + 1, 0, "ERR LIMIT can't be negative");
    if (given === null) return;
    limit = given;
  }
  const refs = readSets(session, request, 2, keys);
  if (refs === null) return;
  if (refs.includes(MISSING)) return reply.integer(0);
  let count = 0;
  intersect(host.store.sets, iteratorOf(host.store), refs, () => ++count !== limit);
  reply.integer(count);
}

// --- Unions -----------------------------------------------------------------------------------------------------------

/** `SUNION key [key …]` */
function sunion(session: Session, request: Request): void {
  const { reply, host } = session;
  const { sets } = host.store;
  const read = readSets(session, request, 1, request.argc - 1);
  if (read === null) return;
  const refs = [...new Set(read)].filter((ref) => ref !== MISSING).sort((a, b) => sets.count(b) - sets.count(a));
  const iterator = iteratorOf(host.store);
  if (isBuiltSooner(sets, refs)) {
    const result = new Result(host.store, "table");
    try {
      for (const ref of refs) result.addAll(iterator, ref);
      result.reply(reply, iterator);
    } finally {
      result.release();
    }
    return;
  }
  // Each set adds what none before it has.
  const mark = reply.open();
  let count = 0;
  for (let i = 0; i < refs.length && !reply.isCut; i++) {
    iterator.begin(refs[i]);
    while (iterator.next()) {
      let isNew = true;
      for (let j = 0; j < i && isNew; j++) isNew = !sets.hasElement(refs[j], iterator.member);
      if (!isNew) continue;
      replyElement(reply, iterator.member);
      count++;
    }
  }
  reply.closeSet(mark, count);
}

/** Whether building the union of sets takes less than looking up the members of each in all before it. */
function isBuiltSooner(sets: Sets, refs: readonly number[]): boolean {
  let building = 0;
  let lookingUp = 0;
  let costOfOne = 0;
  for (const ref of refs) {
    const count = sets.count(ref);
    building += count * BUILDING_COST;
    lookingUp += count * costOfOne;
    costOfOne += sets.lookupCost(ref);
  }
  return building < lookingUp;
}

/** `SUNIONSTORE destination key [key …]` */
function sunionstore(session: Session, request: Request): void {
  const { host } = session;
  const refs = readSets(session, request, 2, request.argc - 2);
  if (refs === null) return;
  const iterator = iteratorOf(host.store);
  const result = new Result(host.store, "intset");
  try {
    for (const ref of refs) if (ref !== MISSING) result.addAll(iterator, ref);
    store(session, request, result, "sunionstore");
  } finally {
    result.release();
  }
}

// --- Differences ------------------------------------------------------------------------------------------------------

/**
 * Whether the difference is found by looking up each member of the first set in all others, O(n·m), and not by removing all
 * members of the others from a copy of the first, O(n) with n of all sets. The former is the cheaper step: it counts half.
 */
function looksUp(sets: Sets, first: number, others: readonly number[]): boolean {
  const there = others.filter((ref) => ref !== MISSING);
  const size = sets.count(first);
  const lookups = size * (there.length + 1);
  const steps = there.reduce((sum, ref) => sum + sets.count(ref), size);
  return Math.floor(lookups / 2) <= steps;
}

/** Tells `take` of each member of the first set that none of the others has. */
function subtract(
  sets: Sets,
  iterator: SetIterator,
  first: number,
  others: readonly number[],
  take: () => void,
): void {
  // In a larger one it is the more likely to be found.
  const there = others.filter((ref) => ref !== MISSING).sort((a, b) => sets.count(b) - sets.count(a));
  iterator.begin(first);
  while (iterator.next()) {
    let isInNone = true;
    for (let i = 0; i < there.length && isInNone; i++) isInNone = !sets.hasElement(there[i], iterator.member);
    if (isInNone) take();
  }
}

/** Removes the members of all other sets from a result that holds those of the first. */
function removeAll(iterator: SetIterator, result: Result, others: readonly number[]): void {
  for (const ref of others) {
    if (ref === MISSING) continue;
    iterator.begin(ref);
    while (iterator.next()) result.remove(iterator);
    if (result.count === 0) return;
  }
}

/** `SDIFF key [key …]` */
function sdiff(session: Session, request: Request): void {
  const { reply, host } = session;
  const refs = readSets(session, request, 1, request.argc - 1);
  if (refs === null) return;
  const [first, ...others] = refs;
  if (first === MISSING || others.includes(first)) return reply.set(0);
  const iterator = iteratorOf(host.store);
  if (looksUp(host.store.sets, first, others)) {
    const mark = reply.open();
    let count = 0;
    subtract(host.store.sets, iterator, first, others, () => {
      replyElement(reply, iterator.member);
      count++;
    });
    return reply.closeSet(mark, count);
  }
  const result = new Result(host.store, "table");
  try {
    result.addAll(iterator, first);
    removeAll(iterator, result, others);
    result.reply(reply, iterator);
  } finally {
    result.release();
  }
}

/** `SDIFFSTORE destination key [key …]` */
function sdiffstore(session: Session, request: Request): void {
  const { host } = session;
  const refs = readSets(session, request, 2, request.argc - 2);
  if (refs === null) return;
  const [first, ...others] = refs;
  if (first === MISSING || others.includes(first)) return store(session, request, null, "sdiffstore");
  const iterator = iteratorOf(host.store);
  const result = new Result(host.store, "intset");
  try {
    if (looksUp(host.store.sets, first, others)) {
      subtract(host.store.sets, iterator, first, others, () => result.addNew(iterator));
    } else {
      result.addAll(iterator, first);
      removeAll(iterator, result, others);
    }
    store(session, request, result, "sdiffstore");
  } finally {
    result.release();
  }
}

const SET = { categories: ["set"] };
const SOURCES = keySpec(RO | ACCESS, index(2), range(-1));
const NUMBERED = [keySpec(RO | ACCESS, index(1), keynum())];

/** A command that stores its result under argument 1. */
function storing(name: string, handler: Handler, flags: number): Command {
  return command(name, -3, WRITE | DENYOOM, handler, { ...SET, keys: [oneKey(flags | UPDATE), SOURCES] });
}

export const SET_ALGEBRA_COMMANDS: readonly Command[] = [
  command("sinter", -2, READONLY, sinter, { ...SET, keys: KEYS_RO_ACCESS }),
  command("sintercard", -3, READONLY, sintercard, { ...SET, keys: NUMBERED }),
  storing("sinterstore", sinterstore, RW),
  command("sunion", -2, READONLY, sunion, { ...SET, keys: KEYS_RO_ACCESS }),
  storing("sunionstore", sunionstore, OW),
  command("sdiff", -2, READONLY, sdiff, { ...SET, keys: KEYS_RO_ACCESS }),
  storing("sdiffstore", sdiffstore, OW),
];
