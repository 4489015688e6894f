/**
 * Reading RDB: a parser that is pushed bytes in pieces of any size and puts the keys it finds into databases. The same
 * one loads files, takes a primary's snapshot from a socket and reads RESTORE's payloads.
 *
 * It reads in units (the header, an opcode, a key with its value, one field of a hash table; see rdb_input.ts). What it
 * reads may be anything: every length is checked before it is followed, and whatever is wrong is an RdbError that names
 * the byte, and the key where there is one. After an error the databases hold what was read so far.
 */

import { decodeLatin1 } from "../bytes/latin1.ts";
import { monotonicMs, unixMs } from "../runtime/clock.ts";
import { BulkLoad } from "../store/bulk_load.ts";
import type { Database } from "../store/database.ts";
import { NO_EXPIRY, type UnixMs } from "../store/entry.ts";
import type { Databases } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";
import { isOutOfRoom } from "../store/out_of_room.ts";
import * as format from "./rdb_format.ts";
import { RdbError } from "./rdb_format.ts";
import { MAX_TEXT_BYTES, NEED_MORE, RdbInput, shownText, StringSlot } from "./rdb_input.ts";
import { valueLoaders } from "./types/all.ts";
import { EMPTY, LoadTarget, type ValueLoader } from "./types/value_loader.ts";

/** Units between two looks at the clock. */
const UNITS_PER_LOOK = 32;
/** Keys put into their tables between two. */
const SETTLED_AT_ONCE = 4096;
/** Keys with empty values of which each is told. */
const MAX_EMPTY_TOLD = 10;
/** Aux fields longer than this are not kept. */
const MAX_AUX_BYTES = 1024;
const CHECKSUM_BYTES = 8;
const CLOCK_MASK = 0xffffff;

export interface ReadOptions {
  /** Whether keys that have expired are left out, as a primary does. */
  readonly dropExpired: boolean;
  /** Whether all keys are left out, as only their number is wanted: they count as expired, and nobody is told. */
  readonly dropAll?: boolean;
  /** Told of each that has expired; the bytes are the reader's own during the call only. */
  readonly onExpired?: (databaseIndex: number, key: Uint8Array, start: number, length: number) => void;
  /** Told of the first keys left out because their value was empty, for the log. */
  readonly onEmptyKey?: (key: string) => void;
  /** `rdbchecksum`. */
  readonly verifyChecksum: boolean;
  /** Whether a key that is there already is replaced; else it is an error. */
  readonly replaceExisting?: boolean;
  /** Told of each aux field, as binary strings, and of each database that begins; `offset`: of what comes next. */
  readonly onAux?: (name: string, value: string, offset: number) => void;
  readonly onDatabase?: (index: number, offset: number) => void;
  /** Told of each module that has put data beside the keys, which is passed over. */
  readonly onModule?: (name: string) => void;
  /** `key-load-delay`, for tests of what happens meanwhile: how long each key takes at least, in ms. */
  readonly keyDelayMs?: () => number;
  /** Under an LRU policy: idle times that were read set access clocks. */
  readonly withIdle?: boolean;
  /** Under an LFU policy: the access clock of a frequency that was read. */
  readonly clockOfFrequency?: (frequency: number) => number;
}

type State = "header" | "records" | "elements" | "module" | "checksum" | "finished";

export class RdbReader {
  /** The aux fields read so far, as binary strings. */
  readonly aux: Map<string, string> = new Map();
  /** The function libraries read so far, as they are in the data. */
  readonly functions: Uint8Array[] = [];
  /** The version in the header, 0 before it was read. */
  version = 0;
  keysLoaded = 0;
  /** Keys that the databases so far have, as the data says of itself: a hint. */
  keysAnnounced = 0;
  /** Keys with an expiry, those left out among them. */
  keysExpiring = 0;
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
  readonly #loaders: ReadonlyMap<number, ValueLoader>;
  /** Where keys wait to be put into their tables together; null where each is looked up, as it may be there already. */
  #bulk: BulkLoad | null = null;
  /** The key under way, and where its value goes. */
  readonly #target: LoadTarget;
  /** What loads that value. */
  #loader: ValueLoader | null = null;
  readonly #name = new StringSlot();
  readonly #value = new StringSlot();
  #state: State = "header";
  #database: Database;
  #idle = -1;
  #frequency = -1;
  #elementsLeft = 0;
  /** Whether the unit under way has read its key, so that it lies in the target. */
  #inKey = false;
  /** The beginning of a key of which the value is read in several units, as its own bytes may be gone by then. */
  readonly #longKey = new StringSlot();
  #isLong = false;
  /** The key under way, for messages; only set where one is needed. */
  #keyText: string | null = null;

  /** `into`: where the databases read go, by number. */
  constructor(into: Databases, options: ReadOptions) {
    this.#store = into.store;
    this.#options = options;
    this.#databases = into.databases;
    this.#database = this.#databases[0];
    this.#loaders = valueLoaders(into.store);
    this.#target = new LoadTarget(this.#input);
  }

  /** Whether all was read up to the end of the RDB data, and is in place. What was pushed beyond is in `rest`. */
  get finished(): boolean {
    return this.#state === "finished" && (this.#bulk?.count ?? 0) === 0;
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
   * time that they are to take. Returns whether it stopped for want of bytes (or at the end of the data). Throws RdbError;
   * after that the reader is of no more use.
   */
  run(budgetMs: number = Infinity): boolean {
    const input = this.#input;
    const deadline = budgetMs === Infinity ? Infinity : monotonicMs() + budgetMs;
    let units = 0;
    try {
      this.#refuseTwice(); // somebody may have looked since the last slice
      while (this.#state !== "finished" && input.begin()) {
        if (this.aheadMs >= 1 && deadline !== Infinity) return false;
        if (this.#bulk?.isFull && this.#state === "records" && !this.#settle(deadline)) return false;
        this.#readUnit();
        input.commit();
        if (++units % UNITS_PER_LOOK === 0 && deadline !== Infinity && monotonicMs() >= deadline) return false;
      }
      return this.#state !== "finished" || this.#settle(deadline);
    } catch (error) {
      if (this.#inKey) this.#keyText = this.#target.key.toString();
      else if (this.#isLong) this.#keyText = this.#longKey.toString();
      if (error === NEED_MORE) return true;
      this.#giveUp();
      if (error instanceof RdbError) throw new RdbError(error.reason, error.offset, error.key ?? this.#keyText);
      if (isOutOfRoom(error)) throw this.#input.error(error.message, this.#keyText, error);
      throw error;
    }
  }

  /** Puts keys that wait into their tables; whether none waits any more. */
  #settle(deadline: number): boolean {
    const bulk = this.#bulk;
    if (bulk === null) return true;
    for (let isDone = false; !isDone;) {
      isDone = bulk.settle(SETTLED_AT_ONCE);
      this.#refuseTwice();
      if (!isDone && monotonicMs() >= deadline) return false;
    }
    return true;
  }

  /** Throws where a key was found to have been there already. It may be the one under way, of which no more is to come then. */
  #refuseTwice(): void {
    const bulk = this.#bulk;
    if (!bulk?.hasTwice) return;
    this.#loader?.giveUp?.();
    const key = shownText(bulk.takeTwice() ?? "");
    throw this.#input.error(`database ${bulk.database.index} has this key already`, key);
  }

  /** What was read so far is made what can be used. */
  #giveUp(): void {
    this.#loader?.giveUp?.();
    try {
      this.#bulk?.settle();
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      this.#bulk?.drop();
    }
    this.#bulk?.takeTwice();
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
    this.#giveUp();
    if (this.#isLong) this.#keyText = this.#longKey.toString();
    throw new RdbError("Unexpected EOF reading RDB file", this.#input.received, this.#keyText);
  }

  /** To be called where nothing more is read, whether that was the end or not: what still waits is given up. */
  abandon(): void {
    this.#loader?.giveUp?.();
    this.#bulk?.drop();
    this.#bulk?.takeTwice();
  }

  /** In place of a header: what comes is of the given version, and is one key. */
  skipHeader(version: number): void {
    this.version = version;
    this.#state = "records";
  }

  /** Whether all that was pushed was consumed and no key is incomplete. */
  get isAtRest(): boolean {
    return this.#state === "records" && this.#input.rest.length === 0;
  }

  /** Whether no value is under way of which a part was read. */
  get isBetweenKeys(): boolean {
    return this.#state !== "elements";
  }

  #readUnit(): void {
    this.#inKey = false;
    switch (this.#state) {
      case "header":
        return this.#header();
      case "records":
        return this.#record();
      case "elements":
        return this.#element();
      case "module":
        return this.#modulePart();
      case "checksum":
        return this.#checksum();
    }
  }

  #header(): void {
    const input = this.#input;
    const at = input.take(format.RDB_HEADER_BYTES);
    const text = decodeLatin1(input.bytes, at, at + format.RDB_HEADER_BYTES);
    if (!text.startsWith(format.RDB_SIGNATURE)) throw new RdbError("Wrong signature trying to load DB from file", 0);
    const version = /^\d{4}$/.test(text.slice(5)) ? Number(text.slice(5)) : 0;
    if (version < 1 || version > format.RDB_LATEST_VERSION) {
      const shown = text.slice(5).replace(/[^ -~]/g, "?");
      throw new RdbError(`Can't handle RDB format version ${shown}, only 1 to ${format.RDB_LATEST_VERSION}`, 5);
    }
    this.version = version;
    if (!this.#options.replaceExisting) this.#bulk = new BulkLoad(this.#store.heap, this.#database);
    this.#state = "records";
  }

  #record(): void {
    const input = this.#input;
    const type = input.byte();
    switch (type) {
      case format.OPCODE_EXPIRETIME:
        this.#target.expiry = storableExpiry(BigInt(input.int32()) * 1000n);
        return;
      case format.OPCODE_EXPIRETIME_MS:
        this.#target.expiry = storableExpiry(input.int64());
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
        return this.#databaseSize();
      case format.OPCODE_SLOT_INFO:
        for (let i = 0; i < 3; i++) input.length();
        return;
      case format.OPCODE_AUX:
        return this.#aux();
      case format.OPCODE_FUNCTION2:
        input.string(this.#value);
        this.functions.push(this.#value.bytes.slice(this.#value.start, this.#value.start + this.#value.length));
        return;
      case format.OPCODE_FUNCTION_PRE_GA:
        throw this.#error("the data holds functions of a Redis 7.0 release candidate; those are not supported");
      case format.OPCODE_MODULE_AUX:
        input.longLength();
        this.#options.onModule?.(format.moduleName(input.high, input.low));
        this.#state = "module";
        return;
      case format.OPCODE_EOF:
        this.#state = this.version >= format.RDB_CHECKSUM_SINCE ? "checksum" : "finished";
        return;
    }
    this.#keyAndValue(type);
  }

  /** Passes over a part of what a module has put beside the keys, which tells where it ends whatever it means. */
  #modulePart(): void {
    const input = this.#input;
    const kind = input.length();
    switch (kind) {
      case format.MODULE_END:
        this.#state = "records";
        return;
      case format.MODULE_SIGNED:
      case format.MODULE_UNSIGNED:
        return input.longLength();
      case format.MODULE_FLOAT:
        input.take(4);
        return;
      case format.MODULE_DOUBLE:
        input.take(8);
        return;
      case format.MODULE_STRING:
        return input.string(this.#value);
    }
    throw this.#error(`a module's data of an unknown kind, ${kind}`);
  }

  #selectDatabase(): void {
    const index = this.#input.length();
    if (index >= this.#databases.length) {
      throw this.#error(`the data has a database ${index}, but there are only ${this.#databases.length}`);
    }
    this.#database = this.#databases[index];
    this.#settle(Infinity); // of what is found twice the message says where
    this.#bulk?.begin(this.#database);
    this.#options.onDatabase?.(index, this.#input.offset);
  }

  #databaseSize(): void {
    const keys = this.#input.length();
    this.#input.length(); // how many of them expire; where that has not come, all of this is read again
    this.keysAnnounced += keys;
  }

  #keyAndValue(type: number): void {
    const input = this.#input;
    const typeAt = input.offset - 1;
    if (type >= format.RDB_TYPE_NAMES.length) throw new RdbError(`unknown value type or opcode ${type}`, typeAt);
    const target = this.#target;
    input.string(target.key);
    this.#inKey = true;
    const loader = this.#loaders.get(type);
    if (loader === undefined) {
      throw new RdbError(`a value of type ${type}, ${format.RDB_TYPE_NAMES[type]}, is not supported`, typeAt);
    }
    this.#loader = loader;
    target.home = this.#isDropped(target.expiry) ? null : this.#bulk ?? this.#database;
    this.#elementsLeft = loader.begin(type, target);
    // Only now: what is before it is read again if not all of it had come.
    if (target.home === null && !this.#options.dropAll) {
      const { bytes, start, length } = target.key;
      this.#options.onExpired?.(this.#database.index, bytes, start, length);
    }
    if (this.#elementsLeft === EMPTY) return this.#emptyDone();
    if (this.#elementsLeft === 0) return this.#keyDone();
    this.#longKey.copy(target.key.bytes, target.key.start, Math.min(target.key.length, MAX_TEXT_BYTES + 1));
    this.#isLong = true;
    this.#state = "elements";
  }

  #isDropped(expiry: UnixMs): boolean {
    const { dropAll, dropExpired } = this.#options;
    return dropAll === true || (dropExpired && expiry !== NO_EXPIRY && expiry < this.#nowMs);
  }

  #element(): void {
    this.#elementsLeft += (this.#loader?.element(this.#target) ?? 0) - 1;
    if (this.#elementsLeft > 0) return;
    this.#state = "records";
    this.#keyDone();
  }

  /** All of a key's value was read. */
  #keyDone(): void {
    const target = this.#target;
    if (this.#loader?.end(target) === false) return this.#emptyDone();
    if (target.expiry !== NO_EXPIRY) this.keysExpiring++;
    if (target.home === null) {
      this.keysExpired++;
    } else {
      this.keysLoaded++;
      if (this.#idle >= 0 || this.#frequency >= 0) this.#setClock(this.#loader?.ref(target) ?? 0);
    }
    this.#resetKey();
  }

  #emptyDone(): void {
    const key = this.#isLong ? this.#longKey : this.#target.key;
    if (this.emptyKeys++ < MAX_EMPTY_TOLD) this.#options.onEmptyKey?.(key.toString());
    this.#resetKey();
  }

  #resetKey(): void {
    if (this.#options.keyDelayMs !== undefined) this.aheadMs += this.#options.keyDelayMs();
    this.#target.expiry = NO_EXPIRY;
    this.#idle = -1;
    this.#frequency = -1;
    this.#keyText = null;
    this.#inKey = false;
    this.#isLong = false;
    this.#loader = null;
  }

  /** Sets an access clock from the idle time or the frequency that came before the key. */
  #setClock(ref: number): void {
    const { withIdle, clockOfFrequency } = this.#options;
    if (withIdle && this.#idle >= 0) {
      this.#store.heap.entries.setClock(ref, (this.#store.accessClock - this.#idle) & CLOCK_MASK);
    } else if (clockOfFrequency !== undefined && this.#frequency >= 0) {
      this.#store.heap.entries.setClock(ref, clockOfFrequency(this.#frequency) & CLOCK_MASK);
    }
  }

  #aux(): void {
    this.#input.string(this.#name);
    this.#input.string(this.#value);
    if (this.#name.length > MAX_AUX_BYTES || this.#value.length > MAX_AUX_BYTES) return;
    const [name, value] = [this.#name.text(), this.#value.text()];
    this.aux.set(name, value);
    this.#options.onAux?.(name, value, this.#input.offset);
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

/** An expiry as the store takes it: numbers below 0 have another meaning there, except -1, which means none here too. */
function storableExpiry(unixMs: bigint): UnixMs {
  if (unixMs === -1n) return NO_EXPIRY;
  return unixMs >= 0n && unixMs <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(unixMs) : unixMs;
}
