/**
 * Reading RDB: a parser that is pushed bytes in pieces of any size and puts the keys it finds into databases. The same
 * one loads files, takes a primary's snapshot from a socket and reads RESTORE's payloads.
 *
 * It reads in units (the header, an opcode, a key with its value, one field of a hash table; see rdb_input.ts). What it
 * reads may be anything: every length is checked before it is followed, and whatever is wrong is an RdbError that names
 * the byte, and the key where there is one. After an error the databases hold what was read so far.
 */

import { parseInt64 } from "../bytes/integers.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";
import { monotonicMs, unixMs } from "../runtime/clock.ts";
import { type Database, NO_EXPIRY, type UnixMs } from "../store/database.ts";
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { isOutOfRoom } from "../store/out_of_room.ts";
import * as format from "./rdb_format.ts";
import { RdbError } from "./rdb_format.ts";
import { EMPTY_HASH, HashLoader } from "./hash_loader.ts";
import { NEED_MORE, RdbInput, StringSlot } from "./rdb_input.ts";

/** Units between two looks at the clock. */
const UNITS_PER_LOOK = 32;
/** Aux fields longer than this are not kept. */
const MAX_AUX_BYTES = 1024;
/** Longest string that Redis embeds in its object, as OBJECT ENCODING tells. */
const MAX_EMBSTR_BYTES = 44;
const MAX_INT64_DIGITS = 20;
const CHECKSUM_BYTES = 8;
const CLOCK_MASK = 0xffffff;

export interface ReadOptions {
  /** Where the databases read go, by number; the store's own if not given. */
  readonly databases?: readonly Database[];
  /** Whether keys that have expired are left out, as a primary does. */
  readonly dropExpired: boolean;
  /** Told of each of those; the bytes are the reader's own during the call only. */
  readonly onExpired?: (databaseIndex: number, key: Uint8Array, start: number, length: number) => void;
  /** `rdbchecksum`. */
  readonly verifyChecksum: boolean;
  /** Whether a key that is there already is replaced; else it is an error. */
  readonly replaceExisting?: boolean;
  /** `key-load-delay`, for tests of what happens meanwhile: how long each key takes at least, in ms. */
  readonly keyDelayMs?: () => number;
  /** Under an LRU policy: idle times that were read set access clocks. */
  readonly withIdle?: boolean;
  /** Under an LFU policy: the access clock of a frequency that was read. */
  readonly clockOfFrequency?: (frequency: number) => number;
}

type State = "header" | "records" | "fields" | "checksum" | "finished";

/** The encoding of a string value, as OBJECT ENCODING tells it. */
function stringEncoding(value: StringSlot): number {
  const { bytes, start, length } = value;
  if (length <= MAX_INT64_DIGITS && parseInt64(bytes, start, length) !== null) return ENCODING_INT;
  return length <= MAX_EMBSTR_BYTES ? ENCODING_EMBSTR : ENCODING_RAW;
}

export class RdbReader {
  /** The aux fields read so far, as binary strings. */
  readonly aux: Map<string, string> = new Map();
  /** The version in the header, 0 before it was read. */
  version = 0;
  keysLoaded = 0;
  /** Keys left out because they had expired. */
  keysExpired = 0;
  /** Keys left out because their value was empty: some older Redis versions wrote such. */
  emptyKeys = 0;

  /** By how much what was read is ahead of the time that keys are to take, in ms. */
  aheadMs = 0;

  readonly #input = new RdbInput();
  readonly #options: ReadOptions;
  readonly #store: Store;
  readonly #databases: readonly Database[];
  readonly #nowMs = unixMs();
  readonly #hash: HashLoader;
  readonly #key = new StringSlot();
  readonly #fieldName = new StringSlot();
  readonly #value = new StringSlot();
  #state: State = "header";
  #database: Database;
  #expiry: UnixMs = NO_EXPIRY;
  #idle = -1;
  #frequency = -1;
  #fieldsLeft = 0;
  /** Whether the unit under way has read its key, so that it lies in `#key`. */
  #inKey = false;
  /** The key under way, for messages; only set where one may be needed. */
  #keyText: string | null = null;

  constructor(store: Store, options: ReadOptions) {
    this.#store = store;
    this.#options = options;
    this.#databases = options.databases ?? store.databases;
    this.#database = this.#databases[0];
    this.#hash = new HashLoader(store);
  }

  /** Whether all was read up to the end of the RDB data. What was pushed beyond is in `rest`. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  /** Bytes read and consumed. */
  get offset(): number {
    return this.#input.consumed;
  }

  /** What was pushed and not consumed. */
  get rest(): Uint8Array {
    return this.#input.rest;
  }

  /** Takes in a copy of some bytes; `run` reads them. */
  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  /**
   * Reads what was pushed, for about `budgetMs` at most, and if that is finite, until keys are a millisecond ahead of the
   * time that they are to take. Returns whether it stopped for want of bytes (or at the end of the data). Throws RdbError; after that the reader is of no more use.
   */
  run(budgetMs: number = Infinity): boolean {
    const input = this.#input;
    const deadline = budgetMs === Infinity ? Infinity : monotonicMs() + budgetMs;
    let units = 0;
    try {
      while (this.#state !== "finished" && input.begin()) {
        if (this.aheadMs >= 1 && deadline !== Infinity) return false;
        this.#readUnit();
        input.commit();
        if (++units % UNITS_PER_LOOK === 0 && deadline !== Infinity && monotonicMs() >= deadline) return false;
      }
    } catch (error) {
      if (this.#inKey) this.#keyText = this.#key.toString();
      if (error === NEED_MORE) return true;
      if (error instanceof RdbError) throw new RdbError(error.reason, error.offset, this.#keyText);
      if (isOutOfRoom(error)) throw this.#input.error(error.message, this.#keyText, error);
      throw error;
    }
    return true;
  }

  /** Time has passed between two slices, in ms. */
  waited(ms: number): void {
    this.aheadMs = this.#options.keyDelayMs?.() === 0 ? 0 : this.aheadMs - ms;
  }

  /** `push` and `run` in one, for callers that need no slices. */
  feed(chunk: Uint8Array): void {
    this.push(chunk);
    this.run();
  }

  /** To be called when no more bytes come: throws unless the data was read to its end. */
  close(): void {
    if (this.finished) return;
    throw new RdbError("Unexpected EOF reading RDB file", this.#input.received, this.#keyText);
  }

  /** In place of a header: what comes is of the given version, and starts with a key. */
  skipHeader(version: number): void {
    this.version = version;
    this.#state = "records";
  }

  /** Whether all that was pushed was consumed and no key is incomplete. */
  get isAtRest(): boolean {
    return this.#state === "records" && this.#input.rest.length === 0;
  }

  #readUnit(): void {
    this.#inKey = false;
    switch (this.#state) {
      case "header":
        return this.#header();
      case "records":
        return this.#record();
      case "fields":
        return this.#field();
      case "checksum":
        return this.#checksum();
    }
  }

  #header(): void {
    const input = this.#input;
    const at = input.take(format.RDB_HEADER_BYTES);
    const text = decodeLatin1(input.bytes, at, at + format.RDB_HEADER_BYTES);
    if (!text.startsWith("REDIS")) throw new RdbError("Wrong signature trying to load DB from file", 0);
    const version = /^\d{4}$/.test(text.slice(5)) ? Number(text.slice(5)) : 0;
    if (version < 1 || version > format.RDB_LATEST_VERSION) {
      const shown = text.slice(5).replace(/[^ -~]/g, "?");
      throw new RdbError(`Can't handle RDB format version ${shown}, only 1 to ${format.RDB_LATEST_VERSION}`, 5);
    }
    this.version = version;
    this.#state = "records";
  }

  #record(): void {
    const input = this.#input;
    const type = input.byte();
    switch (type) {
      case format.OPCODE_EXPIRETIME:
        this.#expiry = storableExpiry(BigInt(input.int32()) * 1000n);
        return;
      case format.OPCODE_EXPIRETIME_MS:
        this.#expiry = storableExpiry(input.int64());
        return;
      case format.OPCODE_IDLE:
        this.#idle = input.length();
        return;
      case format.OPCODE_FREQ:
        this.#frequency = input.byte();
        return;
      case format.OPCODE_SELECTDB:
        return this.#selectDatabase();
      case format.OPCODE_RESIZEDB:
        input.length();
        input.length();
        return;
      case format.OPCODE_SLOT_INFO:
        for (let i = 0; i < 3; i++) input.length();
        return;
      case format.OPCODE_AUX:
        return this.#aux();
      case format.OPCODE_FUNCTION2:
        input.string(this.#value);
        if (this.#value.length > 0) throw this.#error("the data holds a function library; those are not supported");
        return;
      case format.OPCODE_FUNCTION_PRE_GA:
        throw this.#error("the data holds functions of a Redis 7.0 release candidate; those are not supported");
      case format.OPCODE_MODULE_AUX:
        throw this.#error("the data holds a module's data; modules are not supported");
      case format.OPCODE_EOF:
        this.#state = this.version >= format.RDB_CHECKSUM_SINCE ? "checksum" : "finished";
        return;
    }
    this.#keyAndValue(type);
  }

  #selectDatabase(): void {
    const index = this.#input.length();
    if (index >= this.#databases.length) {
      throw this.#error(`the data has a database ${index}, but there are only ${this.#databases.length}`);
    }
    this.#database = this.#databases[index];
  }

  #keyAndValue(type: number): void {
    const input = this.#input;
    const typeAt = input.offset - 1;
    if (type >= format.RDB_TYPE_NAMES.length) throw new RdbError(`unknown value type or opcode ${type}`, typeAt);
    input.string(this.#key);
    this.#inKey = true;
    if (!format.READABLE_TYPES.has(type)) {
      throw new RdbError(`a value of type ${type}, ${format.RDB_TYPE_NAMES[type]}, is not supported`, typeAt);
    }
    const dropped = this.#options.dropExpired && this.#expiry !== NO_EXPIRY && this.#expiry < this.#nowMs;
    const database = dropped ? null : this.#database;
    if (dropped) this.#options.onExpired?.(this.#database.index, this.#key.bytes, this.#key.start, this.#key.length);
    if (type === format.RDB_TYPE_STRING) {
      input.string(this.#value);
      if (database !== null) this.#putString(database, this.#value);
      return this.#keyDone(database);
    }
    if (type === format.RDB_TYPE_HASH) return this.#beginHash(database);
    input.string(this.#value);
    if (database !== null) this.#expectAbsent(database);
    const fault = this.#hash.packed(type, database, this.#key, this.#value, this.#expiry);
    if (fault === EMPTY_HASH) return this.#emptyDone();
    if (fault !== null) throw this.#error(fault);
    this.#keyDone(database);
  }

  #putString(database: Database, value: StringSlot): void {
    const key = this.#key;
    const before = database.size;
    database.setString(
      key.bytes,
      key.start,
      key.length,
      value.bytes,
      value.start,
      value.length,
      stringEncoding(value),
      this.#expiry,
    );
    if (database.size === before && !this.#options.replaceExisting) throw this.#twice(database);
  }

  #beginHash(database: Database | null): void {
    const fields = this.#input.length();
    if (fields === 0) return this.#emptyDone();
    if (database !== null) this.#expectAbsent(database);
    this.#hash.begin(database, this.#key, fields, this.#expiry);
    this.#fieldsLeft = fields;
    this.#keyText = this.#key.toString();
    this.#state = "fields";
  }

  #field(): void {
    this.#input.string(this.#fieldName);
    this.#input.string(this.#value);
    if (!this.#hash.add(this.#fieldName, this.#value)) {
      throw this.#error(`the hash has the field '${this.#fieldName}' twice`);
    }
    if (--this.#fieldsLeft > 0) return;
    const database = this.#hash.end();
    this.#state = "records";
    this.#keyDone(database);
  }

  /** Makes sure that a key is free, or makes it so. */
  #expectAbsent(database: Database): void {
    const { bytes, start, length } = this.#key;
    if (database.peek(bytes, start, length) === 0) return;
    if (!this.#options.replaceExisting) throw this.#twice(database);
    database.remove(bytes, start, length);
  }

  #twice(database: Database): RdbError {
    return this.#error(`database ${database.index} has this key already`);
  }

  /** Ends a key that was put into `database`, or dropped where that is null. */
  #keyDone(database: Database | null): void {
    if (database === null) {
      this.keysExpired++;
    } else {
      this.keysLoaded++;
      if (this.#idle >= 0 || this.#frequency >= 0) this.#setClock(this.#hash.ref || this.#stringRef(database));
    }
    this.#resetKey();
  }

  #emptyDone(): void {
    this.emptyKeys++;
    this.#resetKey();
  }

  #resetKey(): void {
    if (this.#options.keyDelayMs !== undefined) this.aheadMs += this.#options.keyDelayMs();
    this.#expiry = NO_EXPIRY;
    this.#idle = -1;
    this.#frequency = -1;
    this.#keyText = null;
    this.#inKey = false;
    this.#hash.ref = 0;
  }

  #stringRef(database: Database): number {
    return database.peek(this.#key.bytes, this.#key.start, this.#key.length);
  }

  /** Sets an access clock from the idle time or the frequency that came before the key. */
  #setClock(ref: number): void {
    const { withIdle, clockOfFrequency } = this.#options;
    if (withIdle && this.#idle >= 0) {
      this.#store.entries.setClock(ref, (this.#store.accessClock - this.#idle) & CLOCK_MASK);
    } else if (clockOfFrequency !== undefined && this.#frequency >= 0) {
      this.#store.entries.setClock(ref, clockOfFrequency(this.#frequency) & CLOCK_MASK);
    }
  }

  #aux(): void {
    this.#input.string(this.#fieldName);
    this.#input.string(this.#value);
    if (this.#fieldName.length > MAX_AUX_BYTES || this.#value.length > MAX_AUX_BYTES) return;
    this.aux.set(binaryString(this.#fieldName), binaryString(this.#value));
  }

  #checksum(): void {
    const input = this.#input;
    const crc = input.checksum();
    const at = input.take(CHECKSUM_BYTES);
    const bytes = input.bytes.subarray(at, at + CHECKSUM_BYTES);
    if (this.#options.verifyChecksum && !crc.matches(bytes, 0) && bytes.some((byte) => byte !== 0)) {
      const found = [...bytes].reverse().map((byte) => byte.toString(16).padStart(2, "0")).join("");
      throw new RdbError(
        `Wrong RDB checksum expected: (${crc}) but got (${found}), RDB CRC error`,
        input.offset - CHECKSUM_BYTES,
      );
    }
    this.#state = "finished";
  }

  #error(reason: string): RdbError {
    return this.#input.error(reason);
  }
}

function binaryString(slot: StringSlot): string {
  return decodeLatin1(slot.bytes, slot.start, slot.start + slot.length);
}

/** An expiry as the store takes it: numbers below 0 have another meaning there, except -1, which means none here too. */
function storableExpiry(unixMs: bigint): UnixMs {
  if (unixMs === -1n) return NO_EXPIRY;
  return unixMs >= 0n && unixMs <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(unixMs) : unixMs;
}
