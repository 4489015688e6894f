/**
 * What several sorted sets, or sets, give together: ZUNION, ZINTER, ZDIFF and their kin. A member of a set has the score 1.
 *
 * A union looks at every member, O(n) for n in all; an intersection and a difference go through one of the inputs and look
 * the members up in the others, O(n·k) for k inputs.
 */

import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import type { Request } from "../resp/request.ts";
import { TYPE_ZSET } from "../store/entry.ts";
import type { Element } from "../store/listpack.ts";
import { type Command, command, DENYOOM, type Handler, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "./errors.ts";
import { EVENT_GENERIC, EVENT_ZSET } from "./events.ts";
import { integerFrom } from "./integer_argument.ts";
import { ACCESS, index, keynum, keySpec, oneKey, OW, RO, UPDATE } from "./key_specs.ts";
import type { Session } from "./session.ts";
import { storeMembers } from "./sorted_set_ranges.ts";
import { cursorOf, numberArgument } from "./sorted_sets.ts";

type Operation = "union" | "inter" | "diff";
type Aggregate = "sum" | "min" | "max";

/** What a command was asked for. */
interface Query {
  readonly operation: Operation;
  /** The inputs; 0 where a key is missing. */
  readonly inputs: number[];
  readonly weights: number[];
  aggregate: Aggregate;
  withScores: boolean;
  /** Most members that are counted; 0: all. */
  limit: number;
}

/** The result: scores by members, as binary strings. */
type Result = Map<string, number>;

/** Reads `numkeys key [key …]` and the options, from argument `at` on; null after having replied with an error. */
function readQuery(
  session: Session,
  request: Request,
  at: number,
  operation: Operation,
  form: "reply" | "store" | "count",
): Query | null {
  const { reply } = session;
  const name = request.text(0).toLowerCase();
  const keys = integerFrom(session, request, at, -Infinity, "ERR value is not an integer or out of range");
  if (keys === null) return null;
  if (keys < 1) return refuse(session, `ERR at least 1 input key is needed for '${name}' command`);
  if (keys > request.argc - at - 1) return refuse(session, SYNTAX_ERROR);
  const inputs: number[] = [];
  for (let i = at + 1; i <= at + keys; i++) {
    const ref = session.database.read(request.bytes, request.starts[i], request.lengths[i]);
    if (ref !== 0 && !isInput(session, ref)) return refuse(session, WRONG_TYPE);
    inputs.push(ref);
  }
  const query: Query = {
    operation,
    inputs,
    weights: inputs.map(() => 1),
    aggregate: "sum",
    withScores: false,
    limit: 0,
  };
  for (let i = at + keys + 1; i < request.argc; i++) {
    if (form !== "count" && operation !== "diff" && request.is(i, "weights") && i + keys < request.argc) {
      for (let k = 0; k < keys; k++) {
        const weight = numberArgument(request, ++i);
        if (Number.isNaN(weight)) return refuse(session, "ERR weight value is not a float");
        query.weights[k] = weight;
      }
    } else if (form !== "count" && operation !== "diff" && request.is(i, "aggregate") && i + 1 < request.argc) {
      i++;
      if (request.is(i, "sum")) query.aggregate = "sum";
      else if (request.is(i, "min")) query.aggregate = "min";
      else if (request.is(i, "max")) query.aggregate = "max";
      else return refuse(session, SYNTAX_ERROR);
    } else if (form === "reply" && request.is(i, "withscores")) {
      query.withScores = true;
    } else if (form === "count" && request.is(i, "limit") && i + 1 < request.argc) {
      const limit = integerFrom(session, request, ++i, 0, "ERR LIMIT can't be negative");
      if (limit === null) return null;
      query.limit = limit;
    } else {
      reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return query;
}

function refuse(session: Session, error: string): null {
  session.reply.error(error);
  return null;
}

// --- Inputs -----------------------------------------------------------------------------------------------------------

/** Whether a value can be an input. */
function isInput(session: Session, ref: number): boolean {
  return session.host.store.heap.entries.type(ref) === TYPE_ZSET;
}

function countOf(session: Session, ref: number): number {
  return ref === 0 ? 0 : session.host.store.heap.typeOf(ref).count(ref);
}

/** Visits the members of an input with their scores. */
function visit(session: Session, ref: number, take: (member: Element, score: number) => boolean): void {
  if (ref === 0) return;
  const cursor = cursorOf(session.host.store);
  for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) {
    if (!take(cursor.member, cursor.score)) return;
  }
}

/** The score of a member in an input; NaN if it is not there. */
function scoreIn(session: Session, ref: number, member: Element): number {
  if (ref === 0) return NaN;
  const { sortedSets } = session.host.store;
  return sortedSets.find(ref, member.bytes, member.start, member.length) ? sortedSets.score : NaN;
}

function textOf(member: Element): string {
  return decodeLatin1(member.bytes, member.start, member.start + member.length);
}

// --- Operations -------------------------------------------------------------------------------------------------------

/** A score times a weight; 0 where that is no number, as infinity times 0. */
function weighted(score: number, weight: number): number {
  const product = score * weight;
  return Number.isNaN(product) ? 0 : product;
}

function aggregated(a: number, b: number, aggregate: Aggregate): number {
  if (aggregate === "min") return Math.min(a, b);
  if (aggregate === "max") return Math.max(a, b);
  const sum = a + b;
  return Number.isNaN(sum) ? 0 : sum; // of the two infinities
}

/** The inputs by their number of members, the smallest first. */
function bySize(session: Session, { inputs }: Query): number[] {
  return inputs.map((_, i) => i).sort((a, b) => countOf(session, inputs[a]) - countOf(session, inputs[b]));
}

function union(session: Session, query: Query): Result {
  const result: Result = new Map();
  for (const i of bySize(session, query)) {
    visit(session, query.inputs[i], (member, score) => {
      const text = textOf(member);
      const before = result.get(text);
      const value = weighted(score, query.weights[i]);
      result.set(text, before === undefined ? value : aggregated(before, value, query.aggregate));
      return true;
    });
  }
  return result;
}

/** Visits what all inputs have, with the aggregated score. */
function intersect(session: Session, query: Query, take: (member: Element, score: number) => boolean): void {
  const [first, ...others] = bySize(session, query);
  visit(session, query.inputs[first], (member, score) => {
    let total = weighted(score, query.weights[first]);
    for (const i of others) {
      // An input that is named again has the score at which the walk stands.
      const other = query.inputs[i] === query.inputs[first] ? score : scoreIn(session, query.inputs[i], member);
      if (Number.isNaN(other)) return true;
      total = aggregated(total, weighted(other, query.weights[i]), query.aggregate);
    }
    return take(member, total);
  });
}

function intersection(session: Session, query: Query): Result {
  const result: Result = new Map();
  intersect(session, query, (member, score) => {
    result.set(textOf(member), score);
    return true;
  });
  return result;
}

function difference(session: Session, { inputs: [first, ...others] }: Query): Result {
  const result: Result = new Map();
  if (others.includes(first)) return result;
  visit(session, first, (member, score) => {
    if (others.every((other) => Number.isNaN(scoreIn(session, other, member)))) result.set(textOf(member), score);
    return true;
  });
  return result;
}

function compute(session: Session, query: Query): Result {
  if (query.operation === "union") return union(session, query);
  return query.operation === "inter" ? intersection(session, query) : difference(session, query);
}

/** Members and scores in the order of a sorted set. */
function sorted(result: Result): [string, number][] {
  return [...result].sort(([a, x], [b, y]) => x - y || (x === y ? (a < b ? -1 : 1) : x < y ? -1 : 1));
}

/** `ZUNION numkeys key [key …] [WEIGHTS …] [AGGREGATE …] [WITHSCORES]`, ZINTER and ZDIFF */
function replyWith(session: Session, request: Request, operation: Operation): void {
  const { reply } = session;
  const query = readQuery(session, request, 1, operation, "reply");
  if (query === null) return;
  const members = sorted(compute(session, query));
  const inPairs = query.withScores && reply.protocol === 3;
  reply.array(query.withScores && !inPairs ? members.length * 2 : members.length);
  for (const [member, score] of members) {
    if (inPairs) reply.array(2);
    reply.bulkBytes(encodeLatin1(member));
    if (query.withScores) reply.double(score);
  }
}

/** `ZUNIONSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE …]`, ZINTERSTORE and ZDIFFSTORE */
function store(session: Session, request: Request, operation: Operation): void {
  const { bytes, starts, lengths } = request;
  const { host, database, reply } = session;
  const query = readQuery(session, request, 2, operation, "store");
  if (query === null) return;
  const members = sorted(compute(session, query));
  if (members.length === 0) {
    if (database.remove(bytes, starts[1], lengths[1])) {
      host.changes.changed(session, request, 1, EVENT_GENERIC, "del");
    }
    return reply.integer(0);
  }
  storeMembers(session, request, 1, members.map(([member]) => encodeLatin1(member)), members.map(([, score]) => score));
  host.changes.changed(session, request, 1, EVENT_ZSET, `z${operation}store`);
  reply.integer(members.length);
}

/** `ZINTERCARD numkeys key [key …] [LIMIT limit]` */
function zintercard(session: Session, request: Request): void {
  const query = readQuery(session, request, 1, "inter", "count");
  if (query === null) return;
  let count = 0;
  intersect(session, query, () => ++count !== query.limit);
  session.reply.integer(count);
}

const ZSET = { categories: ["sortedset"] };
const READ_KEYS = { ...ZSET, keys: [keySpec(RO | ACCESS, index(1), keynum())] };
const STORE_KEYS = { ...ZSET, keys: [oneKey(OW | UPDATE), keySpec(RO | ACCESS, index(2), keynum())] };

const replying = (operation: Operation): Handler => (session, request) => replyWith(session, request, operation);
const storing = (operation: Operation): Handler => (session, request) => store(session, request, operation);

export const SORTED_SET_ALGEBRA_COMMANDS: readonly Command[] = [
  command("zunion", -3, READONLY, replying("union"), READ_KEYS),
  command("zinter", -3, READONLY, replying("inter"), READ_KEYS),
  command("zdiff", -3, READONLY, replying("diff"), READ_KEYS),
  command("zunionstore", -4, WRITE | DENYOOM, storing("union"), STORE_KEYS),
  command("zinterstore", -4, WRITE | DENYOOM, storing("inter"), STORE_KEYS),
  command("zdiffstore", -4, WRITE | DENYOOM, storing("diff"), STORE_KEYS),
  command("zintercard", -3, READONLY, zintercard, READ_KEYS),
];
