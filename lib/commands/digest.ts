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
import { TYPE_HASH, TYPE_STRING } from "../store/entry.ts";
import { HashIterator } from "../store/hash.ts";
import type { Store } from "../store/store.ts";

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
  const { entries } = store;
  const type = entries.type(ref);
  mixNumber(digest, type);
  if (type === TYPE_STRING) {
    mix(digest, entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
  } else if (type === TYPE_HASH) {
    const iterator = new HashIterator(store);
    const pair = new Uint8Array(SHA1_BYTES);
    iterator.begin(ref);
    while (iterator.next()) {
      const { field, value } = iterator;
      pair.fill(0);
      field.toBytes();
      mix(pair, field.bytes, field.start, field.length);
      value.toBytes();
      mix(pair, value.bytes, value.start, value.length);
      join(digest, pair, 0, SHA1_BYTES);
    }
  } else {
    throw new Error(`no digest for values of type ${type}`);
  }
  if (entries.hasExpiry(ref)) join(digest, EXPIRES, 0, EXPIRES.length);
}

/** The digest of a value and its expiry; of no value for ref 0. */
export function digestOfValue(store: Store, ref: number): string {
  const digest = new Uint8Array(SHA1_BYTES);
  if (ref !== 0) mixValue(store, digest, ref);
  return toHex(digest);
}

/** The digest of all databases. */
export function digestOfStore(store: Store): string {
  const digest = new Uint8Array(SHA1_BYTES);
  for (const database of store.databases) {
    if (database.size > 0) mixDatabase(digest, database);
  }
  return toHex(digest);
}

function mixDatabase(digest: Uint8Array, database: Database): void {
  const { store } = database;
  const { entries, tables } = store;
  mixNumber(digest, database.index);
  const key = new Uint8Array(SHA1_BYTES);
  const refs: number[] = [];
  let cursor = 0;
  do {
    cursor = tables.scan(database.keys, cursor, BATCH, refs);
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
