/**
 * The keys that a client's data can have, in its two databases. Each, and each field of a hash, has a place of its own in
 * a state (model/operations.ts), so that states are arrays, and what is read is put in its place without a search.
 */

/** Fields `f0`, `f1` … hold values, `c0`, `c1` … are counted up. */
export const FIELDS = 600;
const COUNTERS = 4;
/** The digit 0. */
const ZERO = 0x30;

/** What keys hold: strings of anything or of integers, sorted sets of anything or of places, HyperLogLogs (logs). */
export type Kind = "string" | "number" | "hash" | "list" | "set" | "sorted set" | "places" | "stream" | "log";

export interface Key {
  readonly name: string;
  readonly kind: Kind;
  /** Which of the client's two databases. */
  readonly database: 0 | 1;
  /** Its places in a state: one, or of a hash one for each field that there may be. */
  readonly first: number;
  readonly places: number;
}

const FIELD_NAMES = [...names("f", FIELDS), ...names("c", COUNTERS)];
/** How keys of each kind are called, and how many there are in a database. */
const NAMES: readonly (readonly [Kind, string, number])[] = [
  ["string", "s", 6],
  ["number", "n", 3],
  ["hash", "h", 2],
  ["list", "l", 3],
  ["set", "m", 3],
  ["sorted set", "z", 3],
  ["places", "g", 2],
  ["stream", "x", 2],
  ["log", "p", 2],
];

/** The keys of one database. */
export interface Keyspace {
  readonly database: 0 | 1;
  readonly all: readonly Key[];
  readonly of: Readonly<Record<Kind, readonly Key[]>>;
}

function names(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index}`);
}

let placesSoFar = 0;

function makeKeyspace(database: 0 | 1): Keyspace {
  const all = NAMES.flatMap(([kind, letter, count]) =>
    names(letter, count).map((name): Key => {
      const places = kind === "hash" ? FIELD_NAMES.length : 1;
      const first = placesSoFar;
      placesSoFar += places;
      return { name, kind, database, first, places };
    })
  );
  const of = (kind: Kind) => all.filter((key) => key.kind === kind);
  return {
    database,
    all,
    of: {
      string: of("string"),
      number: of("number"),
      hash: of("hash"),
      list: of("list"),
      set: of("set"),
      "sorted set": of("sorted set"),
      places: of("places"),
      stream: of("stream"),
      log: of("log"),
    },
  };
}

/** The keys of a client's two databases; those of one name have the same number of places. */
export const KEYSPACES = [makeKeyspace(0), makeKeyspace(1)] as const;
/** Places of a state. */
export const PLACES = placesSoFar;

/** The key of the same name in the other database. */
export function inOther(key: Key): Key {
  return KEYSPACES[1 - key.database].all[KEYSPACES[key.database].all.indexOf(key)];
}

export function isHash(key: Key): boolean {
  return key.kind === "hash";
}

export function fieldName(index: number): string {
  return FIELD_NAMES[index];
}

/** The number of a counter among the fields of a hash. */
export function counterField(index: number): number {
  return FIELDS + index % COUNTERS;
}

/** The number of a field among those of a hash, by its name; -1 where there is no such field. */
export function fieldIndex(name: string): number {
  let number = 0;
  for (let i = 1; i < name.length; i++) number = 10 * number + name.charCodeAt(i) - ZERO;
  const index = name[0] === "c" ? FIELDS + number : number;
  return FIELD_NAMES[index] === name ? index : -1;
}

/** What lies in a place, in words. */
export function placeName(place: number): string {
  for (const { all } of KEYSPACES) {
    for (const key of all) {
      const index = place - key.first;
      if (index < 0 || index >= key.places) continue;
      const name = isHash(key) ? `${key.name} ${fieldName(index)}` : key.name;
      return key.database === 0 ? name : `${name} of the other database`;
    }
  }
  return `place ${place}`;
}
