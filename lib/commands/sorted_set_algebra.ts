/**
 * What several sorted sets, or sets, give together: ZUNION, ZINTER, ZDIFF and their kin. The result is gathered and sorted
 * (sorted_set_results.ts), and then replied or stored.
 *
 * A union takes O(n + m log m) for n members in all and m in the result; an intersection and a difference go through one of
 * the inputs and look the members up in the others, O(n·k + m log m) for k inputs. What comes in order, as most does, is not
 * sorted but merged.
 */

import type { Request } from "../resp/request.ts";
import { type Command, command, DENYOOM, type Handler, READONLY, WRITE } from "./command.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "./errors.ts";
import { integerArgument, integerFrom } from "./integer_argument.ts";
import { ACCESS, index, keynum, keySpec, oneKey, OW, RO, UPDATE } from "./key_specs.ts";
import { inputCount, InputIterator, isInput, scoreInInput } from "./member_inputs.ts";
import { perStore } from "./per_store.ts";
import { refuse } from "./replies.ts";
import type { Session } from "./session.ts";
import { numberArgument } from "./sorted_set_access.ts";
import { type SortedSetResult, sortedSetResult } from "./sorted_set_results.ts";

type Operation = "union" | "inter" | "diff";
type Aggregate = "sum" | "min" | "max";

/** Which options a command takes: of a reply, of a result that is stored, of a number. */
type Form = "reply" | "store" | "count";

/** What a command was asked for. */
interface Query {
  readonly operation: Operation;
  /** The inputs; 0 where a key is missing. */
  readonly inputs: readonly number[];
  readonly weights: number[];
  aggregate: Aggregate;
  withScores: boolean;
  /** Most members that are counted; 0: all. */
  limit: number;
}

/** Reads `numkeys key [key …]` and the options, from argument `at` on; null after having replied with an error. */
function readQuery(session: Session, request: Request, at: number, operation: Operation, form: Form): Query | null {
  const { host, database } = session;
  const keys = integerArgument(session, request, at);
  if (keys === null) return null;
  if (keys < 1) {
    return refuse(session, `ERR at least 1 input key is needed for '${request.text(0).toLowerCase()}' command`);
  }
  if (keys > request.argc - at - 1) return refuse(session, SYNTAX_ERROR);
  const inputs: number[] = [];
  for (let i = at + 1; i <= at + keys; i++) {
    const ref = database.read(request.bytes, request.starts[i], request.lengths[i]);
    if (ref !== 0 && !isInput(host.store, ref)) return refuse(session, WRONG_TYPE);
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
  return readOptions(session, request, at + keys + 1, form, query);
}

/** Reads the options from argument `at` on into `query`; null after having replied with an error. */
function readOptions(session: Session, request: Request, at: number, form: Form, query: Query): Query | null {
  const isCombined = form !== "count" && query.operation !== "diff";
  const keys = query.inputs.length;
  for (let i = at; i < request.argc; i++) {
    if (isCombined && i + keys < request.argc && request.is(i, "weights")) {
      for (let k = 0; k < keys; k++) {
        const weight = numberArgument(request, ++i);
        if (Number.isNaN(weight)) return refuse(session, "ERR weight value is not a float");
        query.weights[k] = weight;
      }
    } else if (isCombined && i + 1 < request.argc && request.is(i, "aggregate")) {
      i++;
      if (request.is(i, "sum")) query.aggregate = "sum";
      else if (request.is(i, "min")) query.aggregate = "min";
      else if (request.is(i, "max")) query.aggregate = "max";
      else return refuse(session, SYNTAX_ERROR);
    } else if (form === "reply" && request.is(i, "withscores")) {
      query.withScores = true;
    } else if (form === "count" && i + 1 < request.argc && request.is(i, "limit")) {
      const limit = integerFrom(session, request, ++i, 0, "ERR LIMIT can't be negative");
      if (limit === null) return null;
      query.limit = limit;
    } else {
      return refuse(session, SYNTAX_ERROR);
    }
  }
  return query;
}

/** The iterator that serves all commands, one after the other. */
const iteratorOf = perStore((store) => new InputIterator(store));

// --- Operations -------------------------------------------------------------------------------------------------------

/** The sum is 0 where it is none, as of the two infinities, or of infinity times a weight of 0. */
function aggregated(total: number, value: number, aggregate: Aggregate): number {
  if (aggregate === "min") return value < total ? value : total;
  if (aggregate === "max") return value > total ? value : total;
  const sum = total + value;
  return Number.isNaN(sum) ? 0 : sum;
}

/** A score times a weight; 0 where that is no number, as infinity times 0. */
function weighted(score: number, weight: number): number {
  const product = score * weight;
  return Number.isNaN(product) ? 0 : product;
}

/** Indexes of the inputs by their number of members, the smallest first: the order in which scores are added up. */
function bySize({ host }: Session, { inputs }: Query): number[] {
  const counts = inputs.map((ref) => inputCount(host.store, ref));
  return inputs.map((_, i) => i).sort((a, b) => counts[a] - counts[b]);
}

function unite(session: Session, query: Query, result: SortedSetResult): void {
  const iterator = iteratorOf(session.host.store);
  for (const i of bySize(session, query)) {
    iterator.begin(query.inputs[i]);
    while (iterator.next()) {
      const value = weighted(iterator.score, query.weights[i]);
      const place = result.place(iterator.member);
      const before = result.scoreAt(place);
      result.setScoreAt(place, Number.isNaN(before) ? value : aggregated(before, value, query.aggregate));
    }
  }
}

/** Tells `take` of each member that all inputs have, with its score, until it returns false. */
function intersect(session: Session, query: Query, take: (iterator: InputIterator, score: number) => boolean): void {
  const { store } = session.host;
  const { inputs, weights, aggregate } = query;
  const [first, ...others] = bySize(session, query);
  const iterator = iteratorOf(store);
  iterator.begin(inputs[first]);
  while (iterator.next()) {
    let total = weighted(iterator.score, weights[first]);
    let isInAll = true;
    for (let k = 0; k < others.length && isInAll; k++) {
      const i = others[k];
      const score = inputs[i] === inputs[first] ? iterator.score : scoreInInput(store, inputs[i], iterator.member);
      isInAll = !Number.isNaN(score);
      total = aggregated(total, score * weights[i], aggregate);
    }
    if (isInAll && !take(iterator, total)) return;
  }
}

function subtract(session: Session, { inputs: [first, ...others] }: Query, result: SortedSetResult): void {
  const { store } = session.host;
  if (others.includes(first)) return;
  const iterator = iteratorOf(store);
  iterator.begin(first);
  while (iterator.next()) {
    let isAlone = true;
    for (let k = 0; k < others.length && isAlone; k++) {
      isAlone = Number.isNaN(scoreInInput(store, others[k], iterator.member));
    }
    if (isAlone) result.add(iterator.member, iterator.score);
  }
}

function compute(session: Session, query: Query, result: SortedSetResult): void {
  if (query.operation === "union") return unite(session, query, result);
  if (query.operation === "diff") return subtract(session, query, result);
  intersect(session, query, ({ member }, score) => {
    result.add(member, score);
    return true;
  });
}

// --- Commands ---------------------------------------------------------------------------------------------------------

/** `ZUNION numkeys key [key …] [WEIGHTS …] [AGGREGATE …] [WITHSCORES]`, ZINTER and ZDIFF */
function replyWith(session: Session, request: Request, operation: Operation): void {
  const query = readQuery(session, request, 1, operation, "reply");
  if (query === null) return;
  const result = sortedSetResult;
  try {
    compute(session, query, result);
    result.reply(session.reply, query.withScores);
  } finally {
    result.release();
  }
}

/** `ZUNIONSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE …]`, ZINTERSTORE and ZDIFFSTORE */
function storeOf(session: Session, request: Request, operation: Operation): void {
  const query = readQuery(session, request, 2, operation, "store");
  if (query === null) return;
  const result = sortedSetResult;
  try {
    compute(session, query, result);
    result.store(session, request, 1, `z${operation}store`);
  } finally {
    result.release();
  }
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
const storing = (operation: Operation): Handler => (session, request) => storeOf(session, request, operation);

export const SORTED_SET_ALGEBRA_COMMANDS: readonly Command[] = [
  command("zunion", -3, READONLY, replying("union"), READ_KEYS),
  command("zinter", -3, READONLY, replying("inter"), READ_KEYS),
  command("zdiff", -3, READONLY, replying("diff"), READ_KEYS),
  command("zunionstore", -4, WRITE | DENYOOM, storing("union"), STORE_KEYS),
  command("zinterstore", -4, WRITE | DENYOOM, storing("inter"), STORE_KEYS),
  command("zdiffstore", -4, WRITE | DENYOOM, storing("diff"), STORE_KEYS),
  command("zintercard", -3, READONLY, zintercard, READ_KEYS),
];
