/**
 * Writing RDB: the file's beginning, its keys with all that goes along, and its end, to either output (rdb_output.ts). How
 * values are written is their types' matter (types/). Used by the snapshot, by SAVE and by DUMP.
 */

import { encodeLatin1 } from "../bytes/latin1.ts";
import { unixMs } from "../runtime/clock.ts";
import type { SnapshotHooks } from "../store/snapshot_hooks.ts";
import type { Store } from "../store/store.ts";
import {
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRETIME_MS,
  OPCODE_FREQ,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_RESIZEDB,
  OPCODE_SELECTDB,
  RDB_VERSION,
} from "./rdb_format.ts";
import type { RdbOutput } from "./rdb_output.ts";
import { ValueWriters } from "./types/all.ts";
import { type BodyWriter, STEP_BYTES, WRITTEN } from "./types/value_writer.ts";

/** Elements of a large body written in a step, about. */
const STEP_ELEMENTS = 64;

/** What the aux fields at the start of a file say, and which opcodes accompany keys. */
export interface RdbInfo {
  /** As `redis-ver`. */
  readonly redisVersion: string;
  /** As `used-mem`, in bytes. */
  readonly usedMemoryBytes: number;
  /** Where the replication stream stands at this point in time; its database is -1 where none is selected. */
  readonly replication?: { readonly database: number; readonly id: string; readonly offset: number };
  /** Function libraries, which go along. */
  readonly functions?: readonly Uint8Array[];
  /** Whether this is the base file of an append-only file. */
  readonly aofBase?: boolean;
  /** Under an LRU policy: each key's idle time goes along. */
  readonly withIdle?: boolean;
  /** Under an LFU policy: the frequency (0–255) that goes along, from the access clock. */
  readonly frequency?: ((clock: number) => number) | undefined;
}

/** A value of which a part was written. */
export interface LargeValue {
  /** The entry whose inline value it is. */
  readonly ref: number;
  /** The body that it is, or 0. */
  readonly body: number;
  /** What is read of it. */
  source: number;
  /** How that is written; null for an inline value. */
  readonly writer: BodyWriter | null;
  /** Where the elements go on; the byte at which the inline value does. */
  cursor: number;
  /** Elements of a body that are still to come. */
  left: number;
}

export class RdbWriter<Output extends RdbOutput = RdbOutput> {
  /** The database that readers of what was written so far have selected, or -1. */
  database = -1;
  /** Which opcodes accompany keys: see RdbInfo. */
  withIdle = false;
  frequency: ((clock: number) => number) | undefined = undefined;
  readonly #writers: ValueWriters;

  /** `marks`: of the snapshot that this is for, which marks what it has written; null: all is written, unmarked. */
  constructor(readonly store: Store, readonly output: Output, readonly marks: SnapshotHooks | null) {
    this.#writers = new ValueWriters(store);
  }

  /** Writes "REDIS", the version and the aux fields. */
  start(info: RdbInfo): void {
    this.configure(info);
    this.output.plain(encodeLatin1(`REDIS${String(RDB_VERSION).padStart(4, "0")}`));
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
    this.functions(info.functions ?? []);
  }

  /** Writes the code of libraries of functions. */
  functions(sources: readonly Uint8Array[]): void {
    for (const source of sources) {
      this.output.plain(Uint8Array.of(OPCODE_FUNCTION2));
      this.output.string(source, 0, source.length);
    }
  }

  /** Takes from `info` (or another writer) which opcodes accompany keys. */
  configure(info: Pick<RdbInfo, "withIdle" | "frequency">): void {
    this.withIdle = info.withIdle ?? false;
    this.frequency = info.frequency;
  }

  /** Writes that the keys after this are of another database, with a hint at their number. */
  beginDatabase(index: number, keys: number, expiring: number): void {
    const { output } = this;
    this.#select(index);
    output.begin();
    output.byte(OPCODE_RESIZEDB);
    output.length(keys);
    output.length(expiring);
    output.end();
  }

  /** Whether an entry's value is large: `entry` writes only its beginning. An inline value is as large as a step. */
  isLarge(ref: number): boolean {
    const body = this.#writers.body(ref);
    const value = this.store.heap.entries.valueWord(ref);
    return body === null ? value > STEP_BYTES : body.isLarge(value) || body.isLong(value);
  }

  /**
   * Writes an entry with all that goes along. Of a large value only the beginning: then the rest is to be written with
   * `step` or `complete`, before anything else. `count`: of the elements of a body that has changed since.
   */
  entry(database: number, ref: number, count = -1): LargeValue | null {
    if (database !== this.database) this.#select(database);
    const { output } = this;
    const { entries } = this.store.heap;
    const word0 = entries.word(ref, 0);
    output.begin();
    if (entries.hasExpiry(ref)) {
      output.byte(OPCODE_EXPIRETIME_MS);
      output.int32(entries.word(ref, 3));
      output.int32(entries.word(ref, 4));
    }
    if (this.withIdle) {
      output.byte(OPCODE_IDLE);
      output.length((this.store.accessClock - (word0 >>> 8)) & 0xffffff);
    } else if (this.frequency !== undefined) {
      output.byte(OPCODE_FREQ);
      output.byte(this.frequency(word0 >>> 8));
    }
    output.byte(this.#writers.of(word0 & 15).rdbType((word0 >>> 4) & 15));
    output.end();
    output.string(entries.bytes(ref), entries.keyStart(ref), entries.keyLength(ref));
    return this.#beginValue(ref, count);
  }

  /** Writes an entry's type and value alone, as DUMP shows them. */
  typeAndValue(ref: number): void {
    const { output } = this;
    const word0 = this.store.heap.entries.word(ref, 0);
    output.begin();
    output.byte(this.#writers.of(word0 & 15).rdbType((word0 >>> 4) & 15));
    output.end();
    const large = this.#beginValue(ref, -1);
    if (large !== null) this.complete(large);
  }

  /**
   * Writes some more of a large value; whether that was the end of it, or of what its body still holds: `left` may be
   * more than 0 then, if elements have left the body since the snapshot's point in time.
   */
  step(large: LargeValue): boolean {
    const { entries } = this.store.heap;
    const { source, writer, ref } = large;
    if (writer !== null) {
      large.cursor = writer.write(this.output, source, large.cursor, STEP_ELEMENTS, this.marks);
      large.left -= writer.written;
      if (large.left < 0) throw new Error("a value has more elements than it had when its writing began");
      return large.cursor === WRITTEN;
    }
    const length = Math.min(STEP_BYTES, entries.valueWord(ref) - large.cursor);
    this.output.append(entries.bytes(ref), entries.valueStart(ref) + large.cursor, length);
    large.cursor += length;
    return large.cursor === entries.valueWord(ref);
  }

  /** Writes the rest of a large value. */
  complete(large: LargeValue): void {
    while (!this.step(large));
  }

  /** Writes an element that has left the body of a large value. */
  element(large: LargeValue, ref: number): void {
    if (large.left-- <= 0) throw new Error("a value has more elements than it had when its writing began");
    large.writer?.element(this.output, ref);
  }

  /** Writes the opcode that ends the file; the checksum after it is the encoder's. */
  end(): void {
    this.output.plain(Uint8Array.of(OPCODE_EOF));
    this.output.flush();
  }

  #beginValue(ref: number, count: number): LargeValue | null {
    const { output } = this;
    const { entries } = this.store.heap;
    const value = entries.valueWord(ref);
    const writer = this.#writers.body(ref);
    if (writer === null) {
      const { inline } = this.#writers.of(entries.type(ref));
      if (inline !== null) {
        inline(output, entries.bytes(ref), entries.valueStart(ref), value, entries.encoding(ref));
        return null;
      }
      if (value <= STEP_BYTES) {
        output.string(entries.bytes(ref), entries.valueStart(ref), value);
        return null;
      }
      output.beginString(value);
      return { ref, body: 0, source: 0, writer, cursor: 0, left: 0 };
    }
    const left = count < 0 ? writer.count(value) : count;
    writer.begin(output, left);
    const large: LargeValue = { ref, body: value, source: writer.source(value), writer, cursor: 0, left };
    if (count >= 0 || writer.isLarge(value)) return large;
    for (let bytes = 0; !this.step(large);) {
      bytes += writer.writtenBytes;
      if (bytes > STEP_BYTES) return large; // few elements, but long ones
    }
    if (large.left !== 0) throw new Error("a value has fewer elements than it says");
    return null;
  }

  #select(index: number): void {
    const { output } = this;
    output.begin();
    output.byte(OPCODE_SELECTDB);
    output.length(index);
    output.end();
    this.database = index;
  }

  #aux(name: string, value: string): void {
    this.output.plain(Uint8Array.of(OPCODE_AUX));
    this.output.string(encodeLatin1(name), 0, name.length);
    this.output.string(encodeLatin1(value), 0, value.length);
  }
}
