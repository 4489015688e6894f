/**
 * Key specifications (Redis documentation, "Command key specifications"): where a command's keys are and what it does
 * with them. A declaration lists its specs; find_keys.ts finds the keys of a request by them, COMMAND shows them, and the
 * triple (first, last, step) that came before them is derived from them.
 */

import type { Request } from "../resp/request.ts";

// What is done with the value as a whole: it is read, changed, overwritten without being read, or removed.
export const RO = 1 << 0;
export const RW = 1 << 1;
export const OW = 1 << 2;
export const RM = 1 << 3;
// What is done with its content; of a value that is only asked for its type or length none of them.
export const ACCESS = 1 << 4;
export const UPDATE = 1 << 5;
export const INSERT = 1 << 6;
export const DELETE = 1 << 7;
/** No key, though it is routed like one: a shard channel. */
export const NOT_KEY = 1 << 8;
/** The spec does not find all keys. */
export const INCOMPLETE = 1 << 9;
/** What is done depends on the arguments; the flags are all that may be. */
export const VARIABLE_FLAGS = 1 << 10;

/** Flags by name, in the order in which they are shown. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [RO, "RO"],
  [RW, "RW"],
  [OW, "OW"],
  [RM, "RM"],
  [ACCESS, "access"],
  [UPDATE, "update"],
  [INSERT, "insert"],
  [DELETE, "delete"],
  [NOT_KEY, "not_key"],
  [INCOMPLETE, "incomplete"],
  [VARIABLE_FLAGS, "variable_flags"],
];

/** Where the search for keys begins: at an argument, behind a word, or where no spec can tell. */
export type BeginSearch =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/** How keys are found from there on: up to a last one, as many as an argument says, or as no spec can tell. */
export type FindKeys =
  | { readonly type: "range"; readonly lastKey: number; readonly keyStep: number; readonly limit: number }
  | { readonly type: "keynum"; readonly keyNumIndex: number; readonly firstKey: number; readonly keyStep: number }
  | { readonly type: "unknown" };

export interface KeySpec {
  readonly flags: number;
  readonly begin: BeginSearch;
  readonly find: FindKeys;
  /** What else there is to say about it, or "". */
  readonly notes: string;
}

/** The keys of one request: the argument index of each, and what is done with it. To be used again and again. */
export class FoundKeys {
  readonly indices: number[] = [];
  readonly flags: number[] = [];

  get count(): number {
    return this.indices.length;
  }

  add(index: number, flags: number): void {
    this.indices.push(index);
    this.flags.push(flags);
  }

  clear(): void {
    this.indices.length = 0;
    this.flags.length = 0;
  }
}

/**
 * Finds the keys of a command whose specs do not say all: they are incomplete, unknown, or their flags vary. Returns
 * whether the arguments make sense.
 */
export type KeyFinder = (request: Request, found: FoundKeys) => boolean;

/** Where keys are, as a range: the first and last argument index (a negative one counts from the end) and the step. */
export type KeyRange = readonly [first: number, last: number, step: number];

/** The search begins at argument `at`. */
export function index(at: number): BeginSearch {
  return { type: "index", index: at };
}

/** The search begins behind a word, looked for from argument `startFrom` on; if negative, backwards from the end. */
export function keyword(word: string, startFrom: number): BeginSearch {
  return { type: "keyword", keyword: word, startFrom };
}

/**
 * Every `keyStep`-th argument up to `lastKey`, which is relative to the first, or counts from the end if it is negative.
 * If it is -1, `limit` may say that only one in so many of the arguments left is a key: 2 is one half.
 */
export function range(lastKey: number, keyStep = 1, limit = 0): FindKeys {
  return { type: "range", lastKey, keyStep, limit };
}

/** As many keys as an argument says; it and the first key are relative to where the search begins. */
export function keynum(keyNumIndex = 0, firstKey = 1, keyStep = 1): FindKeys {
  return { type: "keynum", keyNumIndex, firstKey, keyStep };
}

/** No spec can tell: a key finder must. */
export const UNKNOWN = { type: "unknown" } as const;

/** One spec of a command. */
export function keySpec(flags: number, begin: BeginSearch, find: FindKeys, notes = ""): KeySpec {
  return { flags, begin, find, notes };
}

/** One key, argument `at`. */
export function oneKey(flags: number, at = 1): KeySpec {
  return keySpec(flags, index(at), range(0));
}

/** All arguments are keys. */
export function allKeys(flags: number): KeySpec {
  return keySpec(flags, index(1), range(-1));
}

// The specs of most commands: argument 1 is the key, or all arguments are.
export const KEY_RO = [oneKey(RO)];
export const KEY_RO_ACCESS = [oneKey(RO | ACCESS)];
export const KEY_RW_ACCESS_DELETE = [oneKey(RW | ACCESS | DELETE)];
export const KEY_RW_ACCESS_UPDATE = [oneKey(RW | ACCESS | UPDATE)];
export const KEY_RW_DELETE = [oneKey(RW | DELETE)];
export const KEY_RW_INSERT = [oneKey(RW | INSERT)];
export const KEY_RW_UPDATE = [oneKey(RW | UPDATE)];
export const KEY_OW_INSERT = [oneKey(OW | INSERT)];
export const KEY_OW_UPDATE = [oneKey(OW | UPDATE)];
export const KEYS_RO = [allKeys(RO)];
export const KEYS_RO_ACCESS = [allKeys(RO | ACCESS)];
export const KEYS_RM_DELETE = [allKeys(RM | DELETE)];

/** The names of flags, as COMMAND shows them. */
export function flagNames(flags: number): string[] {
  return FLAG_NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}

/** A spec that a triple (first, last, step) can express. */
function isPlain({ begin, find }: KeySpec): boolean {
  return begin.type === "index" && find.type === "range";
}

function rangeOf({ begin, find }: KeySpec): KeyRange {
  if (begin.type !== "index" || find.type !== "range") return [0, 0, 0];
  return [begin.index, find.lastKey < 0 ? find.lastKey : begin.index + find.lastKey, find.keyStep];
}

/** What clients know of keys that know no specs. */
export interface LegacyKeys {
  readonly range: KeyRange;
  /** Whether there are keys outside of the range, or the specs do not tell. */
  readonly movable: boolean;
}

/**
 * The triple of a command, `[0, 0, 0]` where there is none: that of its only spec, or of those specs that follow one
 * another without a gap (populateCommandLegacyRangeSpec in Redis's server.c, with what it does in odd cases too).
 */
export function legacyKeys(specs: readonly KeySpec[]): LegacyKeys {
  if (specs.length === 0) return { range: [0, 0, 0], movable: false };
  let movable = specs.some((spec) => !isPlain(spec) || (spec.flags & INCOMPLETE) !== 0);
  if (specs.length === 1) return { range: rangeOf(specs[0]), movable };
  let first = 0;
  let last = 0;
  for (const spec of specs.filter(isPlain)) {
    const [begin, end, step] = rangeOf(spec);
    if (step !== 1 || (last !== 0 && last !== begin - 1)) {
      movable = true;
      continue;
    }
    first = first === 0 ? begin : Math.min(first, begin);
    last = furthest(last, end);
  }
  return { range: first === 0 ? [0, 0, 0] : [first, last, 1], movable };
}

/** The later of two last keys: what counts from the end is later than what counts from the beginning. */
function furthest(a: number, b: number): number {
  return (a < 0) === (b < 0) ? Math.max(a, b) : Math.min(a, b);
}
