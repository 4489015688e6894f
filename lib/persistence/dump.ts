/**
 * DUMP's payload and its way back: an RDB type number and value, 2 bytes of RDB version, 8 bytes of CRC-64 over all of
 * that, each with its lowest byte first.
 */

import { Crc64 } from "../bytes/crc64.ts";
import { Database, type UnixMs } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { RDB_LATEST_VERSION, RDB_VERSION, RdbError, READABLE_TYPES } from "./rdb_format.ts";
import { RdbEncoder } from "./rdb_encoder.ts";
import { RdbReader } from "./rdb_reader.ts";
import { CHUNK_BYTES, RdbWriter } from "./rdb_writer.ts";

const FOOTER_BYTES = 10;
const CHECKSUM_BYTES = 8;
/** The key under which a value is built before it goes to its own. */
const SCRATCH_KEY = Uint8Array.of(0x6b);

/** RESTORE's errors, word for word. */
export const BAD_PAYLOAD = "DUMP payload version or checksum are wrong";
export const BAD_FORMAT = "Bad data format";

/** The payload of an entry's value. */
export function dumpValue(store: Store, ref: number, compression: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const encoder = new RdbEncoder({ compression, checksum: true }, (bytes) => {
    parts.push(bytes.slice());
    length += bytes.length;
  });
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, 1024 + store.arena.usableBytes(ref)));
  const writer = new RdbWriter(store, (full, used) => {
    encoder.push(full, used);
    return chunk;
  }, chunk);
  writer.typeAndValue(ref);
  writer.flush();
  encoder.flush();
  const payload = new Uint8Array(length + FOOTER_BYTES);
  let at = 0;
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  payload[at++] = RDB_VERSION & 255;
  payload[at++] = RDB_VERSION >> 8;
  encoder.checksum.update(payload, at - 2, at);
  encoder.checksum.writeTo(payload, at);
  return payload;
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
  readonly #scratch: Database;

  constructor(readonly store: Store) {
    this.#scratch = new Database(store, 0);
  }

  /**
   * Builds the value of a payload that is intact (see `isPayloadIntact`) and puts it under a key, in place of what may
   * be there. Returns false and changes nothing where the payload's bytes make no value (BAD_FORMAT).
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
    if (!this.#build(payload, start, length)) {
      if (scratch.size > 0) scratch.clear();
      return false;
    }
    database.remove(key, keyStart, keyLength);
    const ref = scratch.peek(SCRATCH_KEY, 0, SCRATCH_KEY.length);
    database.adopt(scratch, scratch.setExpiry(ref, expiry), key, keyStart, keyLength);
    return true;
  }

  /** Reads the value into the scratch database. */
  #build(payload: Uint8Array, start: number, length: number): boolean {
    if (!READABLE_TYPES.has(payload[start])) return false;
    const end = start + length - FOOTER_BYTES;
    const reader = new RdbReader(this.store, {
      databases: [this.#scratch],
      dropExpired: false,
      verifyChecksum: false,
    });
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
      if (error instanceof RdbError) return false;
      throw error;
    }
    return reader.isAtRest && reader.keysLoaded === 1 && this.#scratch.size === 1;
  }
}
