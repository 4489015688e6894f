/**
 * Values of keys as the model has them: plain, never changed once they are made, so that a state of the past costs nothing
 * to keep. A hash has none: each of its fields has a place of its own (keys.ts).
 */

/** A list, in order. */
export interface ListValue {
  readonly kind: "list";
  readonly elements: readonly string[];
}

export interface SetValue {
  readonly kind: "set";
  readonly members: ReadonlySet<string>;
}

export interface Scored {
  readonly member: string;
  readonly score: number;
}

/** A sorted set, in its order. */
export interface SortedSetValue {
  readonly kind: "sorted set";
  readonly members: readonly Scored[];
}

/** The ID of an entry of a stream. */
export interface Id {
  readonly ms: number;
  readonly sequence: number;
}

export interface StreamEntry {
  readonly id: Id;
  /** Fields and their values by turns. */
  readonly words: readonly string[];
}

export interface Pending {
  readonly id: Id;
  readonly consumer: string;
}

export interface Group {
  readonly name: string;
  readonly lastId: Id;
  /** In order of their IDs. How often each was delivered is not told to replicas in full, and so left out. */
  readonly pending: readonly Pending[];
  readonly consumers: ReadonlySet<string>;
}

export interface StreamValue {
  readonly kind: "stream";
  readonly entries: readonly StreamEntry[];
  readonly lastId: Id;
  /** Entries that were ever added. */
  readonly added: number;
  /** In order of their names. */
  readonly groups: readonly Group[];
}

/** A HyperLogLog, by what was added to it, and what may have been besides: nobody can read that out of it. */
export interface LogValue {
  readonly kind: "log";
  readonly elements: ReadonlySet<string>;
  /** All that is in `elements`, and more. */
  readonly possible: ReadonlySet<string>;
}

/** A value of which only the reply that never came told what it has become; or, observed, one that is not read whole. */
export interface OpenValue {
  readonly kind: "open";
  /** In words. */
  readonly text: string;
  readonly fits: (observed: Value) => boolean;
}

export type Value =
  | string
  | ListValue
  | SetValue
  | SortedSetValue
  | StreamValue
  | LogValue
  | OpenValue;

/** The most that a HyperLogLog may be off, as a share of the count, and in elements: many times what is likely. */
const LOG_ERROR = 0.06;
const LOG_ERROR_ELEMENTS = 4;

/** Whether a count is as near to that of a HyperLogLog's elements as it must be. */
export function isCountOf(count: number, { elements, possible }: LogValue): boolean {
  const error = LOG_ERROR_ELEMENTS + LOG_ERROR * possible.size;
  return count >= elements.size - error && count <= possible.size + error;
}

/** Whether two values are the same, or one was observed as the other. */
export function areAlike(wanted: Value, found: Value): boolean {
  if (wanted === found) return true;
  if (typeof wanted === "string" || typeof found === "string") {
    return typeof wanted !== "string" && wanted.kind === "open" && wanted.fits(found);
  }
  switch (wanted.kind) {
    case "open":
      return wanted.fits(found);
    case "list":
      return found.kind === "list" && areEqual(wanted.elements, found.elements, isSame);
    case "set":
      return found.kind === "set" && areSameSets(wanted.members, found.members);
    case "sorted set":
      return found.kind === "sorted set" && areEqual(wanted.members, found.members, isSameScored);
    case "stream":
      return found.kind === "stream" && areSameStreams(wanted, found);
    case "log":
      if (found.kind === "open") return found.fits(wanted);
      return found.kind === "log" && areSameSets(wanted.elements, found.elements) &&
        areSameSets(wanted.possible, found.possible);
  }
}

function areEqual<T>(a: readonly T[], b: readonly T[], isEqual: (a: T, b: T) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isEqual(a[i], b[i])) return false;
  return true;
}

function isSame(a: string, b: string): boolean {
  return a === b;
}

function isSameScored(a: Scored, b: Scored): boolean {
  return a.score === b.score && a.member === b.member;
}

export function areSameSets(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a === b || (a.size === b.size && a.isSubsetOf(b));
}

function areSameStreams(a: StreamValue, b: StreamValue): boolean {
  return a.added === b.added && compareIds(a.lastId, b.lastId) === 0 &&
    areEqual(a.entries, b.entries, isSameEntry) && areEqual(a.groups, b.groups, isSameGroup);
}

function isSameEntry(a: StreamEntry, b: StreamEntry): boolean {
  return a === b || (compareIds(a.id, b.id) === 0 && areEqual(a.words, b.words, isSame));
}

function isSameGroup(a: Group, b: Group): boolean {
  return a === b ||
    (a.name === b.name && compareIds(a.lastId, b.lastId) === 0 && areSameSets(a.consumers, b.consumers) &&
      areEqual(
        a.pending,
        b.pending,
        (one, other) => compareIds(one.id, other.id) === 0 && one.consumer === other.consumer,
      ));
}

export function compareIds(a: Id, b: Id): number {
  return a.ms - b.ms || a.sequence - b.sequence;
}

export function idText({ ms, sequence }: Id): string {
  return `${ms}-${sequence}`;
}

export function readId(text: string): Id {
  const [ms, sequence] = text.split("-").map(Number);
  return { ms, sequence };
}

/** Of two values that were observed alike, what can be said of the one that it is. */
export function eitherValue(a: Value, b: Value): Value {
  if (typeof a === "string" || typeof b === "string" || a.kind !== "log" || b.kind !== "log") return a;
  return { kind: "log", elements: a.elements.intersection(b.elements), possible: a.possible.union(b.possible) };
}

/** A value in a line, of which a long one is cut. */
export function shownValue(value: Value | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  switch (value.kind) {
    case "open":
      return value.text;
    case "list":
      return `${value.elements.length} elements ${value.elements.join().slice(0, 60)}`;
    case "set":
      return `${value.members.size} members ${[...value.members].join().slice(0, 60)}`;
    case "sorted set":
      return `${value.members.length} members ` +
        value.members.map(({ member, score }) => `${score} ${member}`).join().slice(0, 60);
    case "stream":
      return shownStream(value);
    case "log":
      return `${value.elements.size} elements counted`;
  }
}

function shownStream({ entries, lastId, added, groups }: StreamValue): string {
  const ids = entries.length > 4 ? [...entries.slice(0, 2), ...entries.slice(-2)] : entries;
  const of = groups.map((group) =>
    `${group.name} at ${idText(group.lastId)} with ${[...group.consumers].sort().join("/")} and pending ` +
    group.pending.map(({ id, consumer }) => `${idText(id)} ${consumer}`).join().slice(0, 80)
  );
  return `${entries.length} entries (${ids.map(({ id }) => idText(id)).join()}) of ${added} up to ${idText(lastId)}; ` +
    of.join("; ");
}
