/**
 * DUMP's payload and its way back: an RDB type number and value, 2 bytes of RDB version, 8 bytes of CRC-64 over all of
 * that, each with its lowest byte first.
 */

import { Crc64 } from "../bytes/crc64.ts";
import type { Database } from "../store/database.ts";
import type { UnixMs } from "../store/entry.ts";
import type { Keyspace } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";
import { OPCODE_FUNCTION2, RDB_LATEST_VERSION, RDB_VERSION, RdbError } from "./rdb_format.ts";
import { RdbEncoder } from "./rdb_encoder.ts";
import { RdbReader } from "./rdb_reader.ts";
import { RdbWriter } from "./rdb_writer.ts";
import { valueLoaders } from "./types/all.ts";

const FOOTER_BYTES = 10;
const CHECKSUM_BYTES = 8;
const FIRST_PAYLOAD_BYTES = 1024;
/** A buffer that one large value has grown beyond this is not kept for the next payload. */
const MAX_KEPT_BYTES = 64 * 1024;
/** The key under which a value is built before it goes to its own. */
const SCRATCH_KEY = Uint8Array.of(0x6b);

/** RESTORE's errors, word for word. */
export const BAD_PAYLOAD = "DUMP payload version or checksum are wrong";
export const BAD_FORMAT = "Bad data format";
/** FUNCTION RESTORE's. */
const NO_FUNCTION = "given type is not a function";

/** Makes payloads, in buffers that serve for one after the other. */
export class Dumper {
  readonly #options = { compression: false, checksum: true };
  readonly #encoder = new RdbEncoder(this.#options, (bytes) => this.#add(bytes));
  readonly #writer: RdbWriter;
  #payload = new Uint8Array(FIRST_PAYLOAD_BYTES);
  #length = 0;

  constructor(readonly store: Store) {
    this.#writer = new RdbWriter(store, this.#encoder, null);
  }

  /** The payload of an entry's value: bytes that stay as they are until the next call. */
  dump(ref: number, compression: boolean): Uint8Array {
    return this.#payloadOf(compression, () => this.#writer.typeAndValue(ref));
  }

  /** The payload of the code of libraries, as FUNCTION DUMP gives it. */
  dumpFunctions(sources: readonly Uint8Array[], compression: boolean): Uint8Array {
    return this.#payloadOf(compression, () => this.#writer.functions(sources));
  }

  #payloadOf(compression: boolean, write: () => void): Uint8Array {
    const encoder = this.#encoder;
    if (this.#payload.length > MAX_KEPT_BYTES) this.#payload = new Uint8Array(FIRST_PAYLOAD_BYTES);
    this.#length = 0;
    this.#options.compression = compression;
    encoder.checksum.reset();
    write();
    encoder.flush();
    this.#ensure(FOOTER_BYTES);
    const payload = this.#payload;
    const at = this.#length;
    payload[at] = RDB_VERSION & 255;
    payload[at + 1] = RDB_VERSION >> 8;
    encoder.checksum.update(payload, at, at + 2);
    encoder.checksum.writeTo(payload, at + 2);
    return payload.subarray(0, at + FOOTER_BYTES);
  }

  #add(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#payload.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #ensure(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#payload.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#payload.length * 2));
    grown.set(this.#payload.subarray(0, this.#length));
    this.#payload = grown;
  }
}

/** Whether bytes are a payload that DUMP gave, here or in a Redis that writes RDB versions we read, unchanged since. */
export function isPayloadIntact(payload: Uint8Array, start: number, length: number): boolean {
  if (!isPayloadReadable(payload, start, length)) return false;
  const crc = new Crc64();
  crc.update(payload, start, start + length - CHECKSUM_BYTES);
  return crc.matches(payload, start + length - CHECKSUM_BYTES);
}

/** Whether bytes end like a payload of an RDB version that we read, whatever their checksum. */
export function isPayloadReadable(payload: Uint8Array, start: number, length: number): boolean {
  if (length < FOOTER_BYTES) return false;
  const versionAt = start + length - FOOTER_BYTES;
  return (payload[versionAt] | (payload[versionAt + 1] << 8)) <= RDB_LATEST_VERSION;
}

/** Rebuilds values from payloads, for RESTORE. */
export class Restorer {
  /** Payloads whose values were checked to the last byte. */
  checked = 0;
  readonly #scratch: Database;
  /** The RDB types of values: all else in a payload's first place is none. */
  readonly #types: ReadonlySet<number>;

  /** `onFault` is told why a payload made no value. */
  constructor(keyspace: Keyspace, readonly onFault: (error: RdbError) => void = () => {}) {
    this.#types = new Set(valueLoaders(keyspace.store).keys());
    this.#scratch = keyspace.createUnnumbered();
  }

  /**
   * Builds the value of a payload that is intact (see `isPayloadIntact`) and puts it under a key, in place of what may
   * be there. Returns false where the payload's bytes make no value (BAD_FORMAT), and throws where there is no memory
   * for it: nothing has changed then.
   */
  restore(
    database: Database,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    payload: Uint8Array,
    start: number,
    length: number,
    expiry: UnixMs,
  ): boolean {
    const scratch = this.#scratch;
    try {
      if (!this.#build(payload, start, length)) return false;
      const ref = scratch.peek(SCRATCH_KEY, 0, SCRATCH_KEY.length);
      database.adopt(scratch, scratch.setExpiry(ref, expiry), key, keyStart, keyLength);
      return true;
    } finally {
      // What is still there was given up: what was built, and keys that stood in the payload behind it.
      scratch.remove(SCRATCH_KEY, 0, SCRATCH_KEY.length);
      if (scratch.size > 0) scratch.clear();
    }
  }

  /** The code of libraries in a payload of FUNCTION DUMP that is intact; the error where it holds something else. */
  readFunctions(payload: Uint8Array, start: number, length: number): readonly Uint8Array[] | string {
    const end = start + length - FOOTER_BYTES;
    if (end > start && payload[start] !== OPCODE_FUNCTION2) return NO_FUNCTION;
    const into = { store: this.#scratch.store, databases: [this.#scratch] };
    const reader = new RdbReader(into, { dropExpired: false, verifyChecksum: false });
    reader.skipHeader(payload[end] | (payload[end + 1] << 8));
    try {
      reader.push(payload.subarray(start, end));
      reader.run();
      if (!reader.isAtRest) return "failed loading the given functions payload";
      return reader.keysLoaded + reader.emptyKeys > 0 ? NO_FUNCTION : reader.functions;
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      if (error.cause !== undefined) throw error.cause;
      return "failed loading the given functions payload";
    } finally {
      reader.abandon();
      if (this.#scratch.size > 0) this.#scratch.clear();
    }
  }

  /** Reads the value into the scratch database. */
  #build(payload: Uint8Array, start: number, length: number): boolean {
    this.checked++;
    if (!this.#types.has(payload[start])) return false;
    const end = start + length - FOOTER_BYTES;
    const into = { store: this.#scratch.store, databases: [this.#scratch] };
    const reader = new RdbReader(into, { dropExpired: false, verifyChecksum: false });
    reader.skipHeader(payload[end] | (payload[end + 1] << 8));
    const head = new Uint8Array(2 + SCRATCH_KEY.length);
    head[0] = payload[start];
    head[1] = SCRATCH_KEY.length;
    head.set(SCRATCH_KEY, 2);
    try {
      reader.push(head);
      reader.push(payload.subarray(start + 1, end));
      reader.run();
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      if (error.cause !== undefined) throw error.cause; // the payload is fine, but there is no room for it
      this.onFault(error);
      return false;
    } finally {
      reader.abandon();
    }
    // An empty value is passed over by the reader, and a key behind it would stand in its place.
    return reader.isAtRest && reader.keysLoaded === 1 && reader.emptyKeys === 0 && this.#scratch.size === 1;
  }
}
