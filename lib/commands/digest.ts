/**
 * The digest of a data set as DEBUG DIGEST shows it: 40 hexadecimal digits that are the same, in Redis and here, where
 * the data is the same, whatever the order of keys and fields. Redis's tests and replication checks compare it.
 *
 * Two operations on a digest of 20 bytes build it: *joining* data is an exclusive or with the data's SHA-1, so order does
 * not matter; *mixing* data joins it and replaces the digest by its own SHA-1, so order does.
 */

import { sha1, SHA1_BYTES } from "../bytes/sha1.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import type { Database } from "../store/database.ts";
import type { Keyspace } from "../store/keyspace.ts";
import type { Element } from "../store/listpack.ts";
import type { Store } from "../store/store.ts";
import type { ElementOrder, ElementSink } from "../store/types/value_type.ts";

const EXPIRES = encodeLatin1("!!expire!!");
const BATCH = 512;

const hashed = new Uint8Array(SHA1_BYTES);
const number = new Uint8Array(4);

function join(digest: Uint8Array, bytes: Uint8Array, start: number, length: number): void {
  sha1(bytes, start, length, hashed);
  for (let i = 0; i < SHA1_BYTES; i++) digest[i] ^= hashed[i];
}

function mix(digest: Uint8Array, bytes: Uint8Array, start: number, length: number): void {
  join(digest, bytes, start, length);
  sha1(digest, 0, SHA1_BYTES, digest);
}

/** Mixes a number, as 4 bytes, the highest first. */
function mixNumber(digest: Uint8Array, value: number): void {
  for (let i = 0; i < 4; i++) number[i] = value >>> (24 - 8 * i);
  mix(digest, number, 0, 4);
}

/** Mixes an entry's type and value, and joins that it expires, if it does. */
function mixValue(store: Store, digest: Uint8Array, ref: number): void {
  const { entries } = store.heap;
  mixNumber(digest, entries.type(ref));
  const type = store.heap.typeOf(ref);
  let cursor = 0;
  do cursor = type.walk(ref, cursor, BATCH, MIXERS[type.order](digest)); while (cursor !== 0);
  if (entries.hasExpiry(ref)) join(digest, EXPIRES, 0, EXPIRES.length);
}

/** What adds an element to a value's digest, by how elements make it. */
const MIXERS: Record<ElementOrder, (digest: Uint8Array) => ElementSink> = {
  ordered: (digest) => (element) => mixElement(digest, element),
  unordered: (digest) => (element) => {
    element.toBytes();
    join(digest, element.bytes, element.start, element.length);
  },
  pairs: (digest) => {
    const pair = new Uint8Array(SHA1_BYTES);
    return (first, second) => {
      pair.fill(0);
      mixElement(pair, first);
      mixElement(pair, second);
      join(digest, pair, 0, SHA1_BYTES);
    };
  },
};

function mixElement(digest: Uint8Array, element: Element): void {
  element.toBytes();
  mix(digest, element.bytes, element.start, element.length);
}

/** The digest of a value and its expiry; of no value for ref 0. */
export function digestOfValue(store: Store, ref: number): string {
  const digest = new Uint8Array(SHA1_BYTES);
  if (ref !== 0) mixValue(store, digest, ref);
  return toHex(digest);
}

/** The digest of all databases. */
export function digestOfKeyspace({ databases }: Keyspace): string {
  const digest = new Uint8Array(SHA1_BYTES);
  for (const database of databases) {
    if (database.size > 0) mixDatabase(digest, database);
  }
  return toHex(digest);
}

function mixDatabase(digest: Uint8Array, database: Database): void {
  const { store } = database;
  const { entries } = store.heap;
  mixNumber(digest, database.index);
  const key = new Uint8Array(SHA1_BYTES);
  const refs: number[] = [];
  let cursor = 0;
  do {
    cursor = database.scan(cursor, BATCH, refs);
    for (const ref of refs) {
      key.fill(0);
      mix(key, entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
      mixValue(store, key, ref);
      join(digest, key, 0, SHA1_BYTES);
    }
  } while (cursor !== 0);
}

function toHex(digest: Uint8Array): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
