/**
 * The data of a server at a moment, and how two of them differ, expired keys apart: those may be gone. Values are kept as
 * hashes, since a simulation takes down what thousands of saves have.
 */

import { hashBytes } from "../../lib/bytes/hash.ts";
import { HLL_HEADER_BYTES } from "../../lib/bytes/hyperloglog.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import type { Element } from "../../lib/store/listpack.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";
import type { Store } from "../../lib/store/store.ts";
import type { ElementOrder, ElementSink } from "../../lib/store/types/value_type.ts";

/** A value by the hash and the length in bytes of its elements. */
interface Hashed {
  hash: number;
  bytes: number;
  /** When its key expires, in ms of Unix time: Infinity if it does not. */
  readonly expiryMs: number;
}

/** Values by number of the database and key, `0/key`. */
export type Contents = ReadonlyMap<string, Readonly<Hashed>>;

/**
 * A HyperLogLog begins so. The count that its header ends with is put there by whoever is asked for it, be that a replica;
 * the primary's may have none.
 */
const HLL_MAGIC = encodeLatin1("HYLL");
const HLL_COUNT_AT = 8;

/** Keys, or elements, that are asked for at a time. */
const BATCH = 100;

/** All that a keyspace holds, expired or not. */
export function contentsOf({ store, databases, functions }: Keyspace): Contents {
  const { entries } = store.heap;
  const found = new Map<string, Readonly<Hashed>>();
  for (const [index, source] of functions.entries()) {
    found.set(`library ${index}`, {
      hash: hashBytes(source, 0, source.length),
      bytes: source.length,
      expiryMs: Infinity,
    });
  }
  const refs: number[] = [];
  for (const [index, database] of databases.entries()) {
    if (database.size === 0) continue;
    let cursor = 0;
    do {
      cursor = database.scan(cursor, BATCH, refs);
      for (const ref of refs) {
        const start = entries.keyStart(ref);
        const key = decodeLatin1(entries.bytes(ref), start, start + entries.keyLength(ref));
        found.set(`${index}/${key}`, hashedValue(store, ref));
      }
    } while (cursor !== 0);
  }
  return found;
}

function hashedValue(store: Store, ref: number): Hashed {
  const { entries } = store.heap;
  const expiryMs = entries.hasExpiry(ref) ? Number(entries.exactExpiry(ref)) : Infinity;
  const value: Hashed = { hash: 0, bytes: 0, expiryMs };
  const type = store.heap.typeOf(ref);
  const sink = SINKS[type.order](value);
  let cursor = 0;
  do cursor = type.walk(ref, cursor, BATCH, sink); while (cursor !== 0);
  return value;
}

/** What adds an element to a value's hash, by how elements make it. */
const SINKS: Record<ElementOrder, (value: Hashed) => ElementSink> = {
  ordered: (value) => (element) => value.hash = mixed(value.hash, add(value, element)),
  unordered: (value) => (element) => value.hash = (value.hash + add(value, element)) | 0,
  pairs: (value) => (first, second) => value.hash = (value.hash + mixed(add(value, first), add(value, second))) | 0,
};

/** Adds an element's bytes; returns its hash. */
function add(value: Hashed, element: Element): number {
  element.toBytes();
  const { bytes, start, length } = element;
  value.bytes += length;
  if (length < HLL_HEADER_BYTES || !HLL_MAGIC.every((byte, i) => bytes[start + i] === byte)) {
    return hashBytes(bytes, start, length);
  }
  const copy = bytes.slice(start, start + length);
  copy.fill(0, HLL_COUNT_AT, HLL_HEADER_BYTES);
  return hashBytes(copy, 0, length);
}

/** A hash of two, in which their order counts. */
function mixed(first: number, second: number): number {
  return Math.imul(first, 0x9e3779b1) ^ (second + (first >>> 15));
}

/** The first thing in which `found` is not what `wanted` has become by `nowMs` of Unix time; empty if there is none. */
export function firstDifference(wanted: Contents, found: Contents, nowMs: number): string {
  for (const [key, value] of wanted) {
    const other = found.get(key);
    if (other === undefined ? value.expiryMs <= nowMs : areSame(value, other)) continue;
    return `${key} was ${shown(value)} and is ${shown(other)}`;
  }
  for (const [key, value] of found) if (!wanted.has(key)) return `${key} was not there and is ${shown(value)}`;
  return "";
}

function areSame(a: Hashed, b: Hashed): boolean {
  return a.hash === b.hash && a.bytes === b.bytes && a.expiryMs === b.expiryMs;
}

function shown(value: Hashed | undefined): string {
  if (value === undefined) return "missing";
  const expiry = value.expiryMs === Infinity ? "" : `, expires at ${value.expiryMs}`;
  return `[${value.bytes} bytes, hash ${(value.hash >>> 0).toString(16)}${expiry}]`;
}
