/**
 * The main thread's half of writing RDB: turns entries of the store into *tokens*, as cheaply as they can be copied.
 *
 * A token is a header, `length << 1 | isString` in 7-bit groups with the lowest first, and that many bytes. Bytes of a
 * plain token go into the RDB as they are; a string token is for the encoder (rdb_encoder.ts, mostly in a worker) to
 * write as an RDB string: as an integer, compressed, or raw. Value types need nothing of the encoder but that.
 *
 * Tokens fill chunks; a full chunk goes to the sink, which gives the next one to fill. A token's bytes may go on in the
 * next chunk, its header never does. Used by the snapshot, by SAVE and by DUMP.
 */

import { copyBytes } from "../bytes/compare.ts";
import { encodeLatin1 } from "../bytes/latin1.ts";
import { unixMs } from "../runtime/clock.ts";
import { SEGMENT_MASK, SEGMENT_SHIFT } from "../store/arena.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK, TYPE_HASH, TYPE_STRING } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import {
  MAX_LENGTH_BYTES,
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRETIME_MS,
  OPCODE_FREQ,
  OPCODE_IDLE,
  OPCODE_RESIZEDB,
  OPCODE_SELECTDB,
  RDB_TYPE_HASH,
  RDB_TYPE_HASH_LISTPACK,
  RDB_TYPE_STRING,
  RDB_VERSION,
  writeLength,
} from "./rdb_format.ts";

/** Bytes of a chunk of tokens. */
export const CHUNK_BYTES = 128 * 1024;
/** A hash table with more fields, or an inline value of more bytes, is a large value: written in steps. */
const LARGE_FIELDS = 128;
const LARGE_BYTES = 64 * 1024;
/** Bytes of a large value copied in a step, at most. */
const STEP_BYTES = 64 * 1024;
/** Fields of a large hash written in a step, about. */
const STEP_FIELDS = 64;
/** Room that must be left for a plain token of opcodes and lengths, header included. */
const SMALL_TOKEN_BYTES = 48;
const MAX_HEADER_BYTES = 5;

/** Takes a full chunk (its first `length` bytes) and returns another to fill, of any size above a few hundred bytes. */
export type ChunkSink = (chunk: Uint8Array, length: number) => Uint8Array;

/** What the aux fields at the start of a file say, and which opcodes accompany keys. */
export interface RdbInfo {
  /** As `redis-ver`. */
  readonly redisVersion: string;
  /** As `used-mem`, in bytes. */
  readonly usedMemoryBytes: number;
  /** Where the replication stream stands at this point in time; its database is -1 where none is selected. */
  readonly replication?: { readonly database: number; readonly id: string; readonly offset: number };
  /** Whether this is the base file of an append-only file. */
  readonly aofBase?: boolean;
  /** Under an LRU policy: each key's idle time goes along. */
  readonly withIdle?: boolean;
  /** Under an LFU policy: the frequency (0–255) that goes along, from the access clock. */
  readonly frequency?: ((clock: number) => number) | undefined;
}

/** A value of which a part was written. */
export interface LargeValue {
  readonly ref: number;
  /** Where the fields' scan goes on; the byte at which the inline value does. */
  cursor: number;
  /** The table of fields, or 0 for an inline value. */
  readonly table: number;
}

/** Whether an entry's value is large: `RdbWriter.entry` writes only its beginning. */
export function isLargeValue(store: Store, ref: number): boolean {
  const { entries, tables } = store;
  const value = entries.valueWord(ref);
  return entries.encoding(ref) === ENCODING_HASHTABLE ? tables.count(value) > LARGE_FIELDS : value > LARGE_BYTES;
}

/** The RDB type of an entry. */
export function rdbTypeOf(type: number, encoding: number): number {
  if (type === TYPE_STRING) return RDB_TYPE_STRING;
  if (type === TYPE_HASH && encoding === ENCODING_HASHTABLE) return RDB_TYPE_HASH;
  if (type === TYPE_HASH && encoding === ENCODING_LISTPACK) return RDB_TYPE_HASH_LISTPACK;
  throw new Error(`no RDB type for type ${type} in encoding ${encoding}`);
}

export class RdbWriter {
  /** The database that readers of what was written so far have selected, or -1. */
  database = -1;
  #chunk: Uint8Array;
  #at = 0;
  /** Where the length of the plain token under way is to go, or -1. */
  #tokenAt = -1;
  readonly #refs: number[] = [];
  /** Which opcodes accompany keys: see RdbInfo. */
  withIdle = false;
  frequency: ((clock: number) => number) | undefined = undefined;

  constructor(readonly store: Store, readonly sink: ChunkSink, firstChunk: Uint8Array) {
    this.#chunk = firstChunk;
  }

  /** Writes "REDIS", the version and the aux fields. */
  start(info: RdbInfo): void {
    this.configure(info);
    this.#plain(encodeLatin1(`REDIS${String(RDB_VERSION).padStart(4, "0")}`));
    this.#aux("redis-ver", info.redisVersion);
    this.#aux("redis-bits", "64");
    this.#aux("ctime", String(Math.floor(unixMs() / 1000)));
    this.#aux("used-mem", String(info.usedMemoryBytes));
    if (info.replication !== undefined) {
      this.#aux("repl-stream-db", String(info.replication.database));
      this.#aux("repl-id", info.replication.id);
      this.#aux("repl-offset", String(info.replication.offset));
    }
    this.#aux("aof-base", info.aofBase ? "1" : "0");
  }

  /** Takes from `info` (or another writer) which opcodes accompany keys. */
  configure(info: Pick<RdbInfo, "withIdle" | "frequency">): void {
    this.withIdle = info.withIdle ?? false;
    this.frequency = info.frequency;
  }

  /** Writes that the keys after this are of another database, with a hint at their number. */
  beginDatabase(index: number, keys: number, expiring: number): void {
    this.#select(index);
    this.#begin(SMALL_TOKEN_BYTES);
    this.#byte(OPCODE_RESIZEDB);
    this.#length(keys);
    this.#length(expiring);
    this.#end();
  }

  /**
   * Writes an entry with all that goes along. Of a large value only the beginning: then the rest is to be written with
   * `step` or `complete`, before anything else.
   */
  entry(database: number, ref: number): LargeValue | null {
    if (database !== this.database) this.#select(database);
    const { entries } = this.store;
    const word0 = entries.word(ref, 0);
    this.#begin(SMALL_TOKEN_BYTES);
    if (entries.hasExpiry(ref)) {
      this.#byte(OPCODE_EXPIRETIME_MS);
      this.#int32(entries.word(ref, 3));
      this.#int32(entries.word(ref, 4));
    }
    if (this.withIdle) {
      this.#byte(OPCODE_IDLE);
      this.#length((this.store.accessClock - (word0 >>> 8)) & 0xffffff);
    } else if (this.frequency !== undefined) {
      this.#byte(OPCODE_FREQ);
      this.#byte(this.frequency(word0 >>> 8));
    }
    this.#byte(rdbTypeOf(word0 & 15, (word0 >>> 4) & 15));
    this.#end();
    this.#string(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    return this.#beginValue(ref);
  }

  /** Writes an entry's type and value alone, as DUMP shows them. */
  typeAndValue(ref: number): void {
    const word0 = this.store.entries.word(ref, 0);
    this.#begin(SMALL_TOKEN_BYTES);
    this.#byte(rdbTypeOf(word0 & 15, (word0 >>> 4) & 15));
    this.#end();
    const large = this.#beginValue(ref);
    if (large !== null) this.complete(large);
  }

  /** Writes some more of a large value; whether that was the end of it. */
  step(large: LargeValue): boolean {
    const { entries, tables } = this.store;
    if (large.table !== 0) {
      large.cursor = tables.scan(large.table, large.cursor, STEP_FIELDS, this.#refs);
      for (const field of this.#refs) this.#field(field);
      return large.cursor === 0;
    }
    const length = Math.min(STEP_BYTES, entries.valueWord(large.ref) - large.cursor);
    this.#copy(entries.bytes(large.ref), entries.valueStart(large.ref) + large.cursor, length);
    large.cursor += length;
    return large.cursor === entries.valueWord(large.ref);
  }

  /** Writes the rest of a large value. */
  complete(large: LargeValue): void {
    while (!this.step(large));
  }

  /** Writes the opcode that ends the file; the checksum after it is the encoder's. */
  end(): void {
    this.#plain(Uint8Array.of(OPCODE_EOF));
    this.flush();
  }

  /** Hands over the chunk under way, if there is anything in it. */
  flush(): void {
    if (this.#at === 0) return;
    const length = this.#at;
    this.#at = 0;
    this.#chunk = this.sink(this.#chunk, length);
  }

  /** Ends writing without the rest and lets go of the chunk under way. */
  takeChunk(): Uint8Array {
    const chunk = this.#chunk;
    this.#at = 0;
    this.#chunk = new Uint8Array(0);
    return chunk;
  }

  #beginValue(ref: number): LargeValue | null {
    const { entries, tables } = this.store;
    const encoding = entries.encoding(ref);
    if (encoding === ENCODING_HASHTABLE) {
      const table = entries.valueWord(ref);
      const count = tables.count(table);
      this.#begin(SMALL_TOKEN_BYTES);
      this.#length(count);
      this.#end();
      if (count > LARGE_FIELDS) return { ref, table, cursor: 0 };
      let cursor = 0;
      do {
        cursor = tables.scan(table, cursor, LARGE_FIELDS, this.#refs);
        for (const field of this.#refs) this.#field(field);
      } while (cursor !== 0);
      return null;
    }
    const length = entries.valueWord(ref);
    if (length <= LARGE_BYTES) {
      this.#string(entries.bytes(ref), entries.valueStart(ref), length);
      return null;
    }
    this.#header(length, 1);
    return { ref, table: 0, cursor: 0 };
  }

  #field(field: number): void {
    const words = this.store.arena.words[field >>> SEGMENT_SHIFT];
    const bytes = this.store.arena.bytes[field >>> SEGMENT_SHIFT];
    const entries = this.store.entries;
    const keyStart = entries.keyStart(field);
    const keyLength = entries.keyLength(field);
    this.#string(bytes, keyStart, keyLength);
    this.#string(bytes, keyStart + keyLength, words[((field & SEGMENT_MASK) << 1) + 2]);
  }

  #select(index: number): void {
    this.#begin(SMALL_TOKEN_BYTES);
    this.#byte(OPCODE_SELECTDB);
    this.#length(index);
    this.#end();
    this.database = index;
  }

  #aux(name: string, value: string): void {
    this.#plain(Uint8Array.of(OPCODE_AUX));
    this.#string(encodeLatin1(name), 0, name.length);
    this.#string(encodeLatin1(value), 0, value.length);
  }

  #plain(bytes: Uint8Array): void {
    this.#header(bytes.length, 0);
    this.#copy(bytes, 0, bytes.length);
  }

  #string(bytes: Uint8Array, start: number, length: number): void {
    this.#header(length, 1);
    if (length > this.#chunk.length - this.#at) return this.#copy(bytes, start, length);
    copyBytes(bytes, start, length, this.#chunk, this.#at);
    this.#at += length;
  }

  /** Copies bytes of a token, into as many chunks as it takes. */
  #copy(bytes: Uint8Array, start: number, length: number): void {
    while (length > 0) {
      if (this.#at === this.#chunk.length) this.flush();
      const part = Math.min(length, this.#chunk.length - this.#at);
      copyBytes(bytes, start, part, this.#chunk, this.#at);
      this.#at += part;
      start += part;
      length -= part;
    }
  }

  #header(length: number, isString: 0 | 1): void {
    if (this.#chunk.length - this.#at < MAX_HEADER_BYTES) this.flush();
    let rest = ((length << 1) | isString) >>> 0;
    while (rest > 127) {
      this.#chunk[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#chunk[this.#at++] = rest;
  }

  /** Begins a plain token of less than 64 bytes. */
  #begin(room: number): void {
    if (this.#chunk.length - this.#at < room) this.flush();
    this.#tokenAt = this.#at++;
  }

  #end(): void {
    this.#chunk[this.#tokenAt] = (this.#at - this.#tokenAt - 1) << 1;
  }

  #byte(value: number): void {
    this.#chunk[this.#at++] = value;
  }

  #int32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#chunk[this.#at++] = value >>> shift;
  }

  #length(value: number): void {
    this.#at = writeLength(this.#chunk, this.#at, value);
  }
}

/** Checked when this module loads: the longest plain token built in place fits the room kept for it. */
if (1 + 9 + 1 + MAX_LENGTH_BYTES + 1 > SMALL_TOKEN_BYTES || 2 + 2 * MAX_LENGTH_BYTES > SMALL_TOKEN_BYTES) {
  throw new Error("SMALL_TOKEN_BYTES is too small");
}
