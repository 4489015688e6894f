/**
 * What an RDB file is made of: opcodes, type numbers, the encoding of lengths. The writer, the encoder and the reader
 * share it; it knows nothing of the store.
 *
 * A file is "REDIS" and four digits of version, then records, then the opcode EOF and, from version 5 on, 8 bytes of
 * CRC-64. A record is an opcode with its operands, or: opcodes that concern one key, a type number, the key, the value.
 * A length is 1 byte (6 bits), 2 bytes (14 bits), or a marker byte and 4 or 8 bytes, the highest first; or instead of a
 * length it is one of the string encodings below.
 */

/** The version this server writes: what Redis 7.0 and all after it can load. */
export const RDB_VERSION = 10;
/** The latest version that is read, that of Redis 7.4. */
export const RDB_LATEST_VERSION = 12;
/** The first version whose files end in a checksum. */
export const RDB_CHECKSUM_SINCE = 5;
/** What a file begins with. */
export const RDB_SIGNATURE = "REDIS";
/** Bytes of that and the version. */
export const RDB_HEADER_BYTES = 9;

export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION2 = 245;
export const OPCODE_FUNCTION_PRE_GA = 246;
export const OPCODE_MODULE_AUX = 247;
export const OPCODE_IDLE = 248;
export const OPCODE_FREQ = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZEDB = 251;
export const OPCODE_EXPIRETIME_MS = 252;
export const OPCODE_EXPIRETIME = 253;
export const OPCODE_SELECTDB = 254;
export const OPCODE_EOF = 255;

// The parts of a module's data, each a number of these and what it says.
export const MODULE_END = 0;
export const MODULE_SIGNED = 1;
export const MODULE_UNSIGNED = 2;
export const MODULE_FLOAT = 3;
export const MODULE_DOUBLE = 4;
export const MODULE_STRING = 5;
const MODULE_NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MODULE_NAME_LENGTH = 9;
/** Bits of a module's id behind its name: the version of what it writes. */
const MODULE_VERSION_BITS = 10n;

/** The name in the id of a module's type, which is given as its two words: nine letters of 6 bits. */
export function moduleName(high: number, low: number): string {
  const id = BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0)) >> MODULE_VERSION_BITS;
  return Array.from({ length: MODULE_NAME_LENGTH }, (_, i) => {
    return MODULE_NAME_LETTERS[Number((id >> BigInt(6 * (MODULE_NAME_LENGTH - 1 - i))) & 63n)];
  }).join("");
}

export const RDB_TYPE_STRING = 0;
export const RDB_TYPE_LIST = 1;
export const RDB_TYPE_SET = 2;
export const RDB_TYPE_ZSET = 3;
export const RDB_TYPE_HASH = 4;
export const RDB_TYPE_ZSET_2 = 5;
export const RDB_TYPE_HASH_ZIPMAP = 9;
export const RDB_TYPE_LIST_ZIPLIST = 10;
export const RDB_TYPE_SET_INTSET = 11;
export const RDB_TYPE_ZSET_ZIPLIST = 12;
export const RDB_TYPE_HASH_ZIPLIST = 13;
export const RDB_TYPE_LIST_QUICKLIST = 14;
export const RDB_TYPE_STREAM_LISTPACKS = 15;
export const RDB_TYPE_HASH_LISTPACK = 16;
export const RDB_TYPE_ZSET_LISTPACK = 17;
export const RDB_TYPE_LIST_QUICKLIST_2 = 18;
export const RDB_TYPE_STREAM_LISTPACKS_2 = 19;
export const RDB_TYPE_SET_LISTPACK = 20;
export const RDB_TYPE_STREAM_LISTPACKS_3 = 21;
export const RDB_TYPE_HASH_METADATA_PRE_GA = 22;
export const RDB_TYPE_HASH_LISTPACK_EX_PRE_GA = 23;
export const RDB_TYPE_HASH_METADATA = 24;
export const RDB_TYPE_HASH_LISTPACK_EX = 25;

/** What a node of RDB_TYPE_LIST_QUICKLIST_2 is: one element as it is, or a listpack. */
export const QUICKLIST_NODE_PLAIN = 1;
export const QUICKLIST_NODE_PACKED = 2;

/** What messages call each type number. */
export const RDB_TYPE_NAMES: readonly string[] = [
  "string",
  "list",
  "set",
  "sorted set",
  "hash",
  "sorted set (binary scores)",
  "module value (before 4.0)",
  "module value",
  "unknown",
  "hash (zipmap)",
  "list (ziplist)",
  "set (intset)",
  "sorted set (ziplist)",
  "hash (ziplist)",
  "list (quicklist of ziplists)",
  "stream",
  "hash (listpack)",
  "sorted set (listpack)",
  "list (quicklist)",
  "stream (version 2)",
  "set (listpack)",
  "stream (version 3)",
  "hash with field expiry (before 7.4)",
  "hash with field expiry (listpack, before 7.4)",
  "hash with field expiry",
  "hash with field expiry (listpack)",
];

/** The upper 2 bits of a length's first byte. */
export const LENGTH_6_BITS = 0;
export const LENGTH_14_BITS = 1;
export const LENGTH_ENCODED = 3;
/** First byte of a length of 4 and of 8 bytes. */
export const LENGTH_32_BITS_MARK = 0x80;
export const LENGTH_64_BITS_MARK = 0x81;
/** The lower 6 bits of the first byte of an encoded string. */
export const ENCODED_INT8 = 0;
export const ENCODED_INT16 = 1;
export const ENCODED_INT32 = 2;
export const ENCODED_LZF = 3;

/** Most bytes that a length takes. */
export const MAX_LENGTH_BYTES = 9;

/** Writes a length (a safe integer) at `at` and returns the offset after it. */
export function writeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < 0x40) {
    bytes[at] = length;
    return at + 1;
  }
  if (length < 0x4000) {
    bytes[at] = (LENGTH_14_BITS << 6) | (length >>> 8);
    bytes[at + 1] = length;
    return at + 2;
  }
  if (length > 0xffffffff) {
    bytes[at++] = LENGTH_64_BITS_MARK;
    const high = Math.floor(length / 2 ** 32);
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = high >>> shift;
    length -= high * 2 ** 32;
  } else {
    bytes[at++] = LENGTH_32_BITS_MARK;
  }
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = length >>> shift;
  return at;
}

/** Why an RDB file or stream could not be read, and at which of its bytes. */
export class RdbError extends Error {
  override name = "RdbError";
  /** `reason` says what is wrong, without the place. */
  constructor(
    readonly reason: string,
    readonly offset: number,
    readonly key: string | null = null,
    options?: ErrorOptions,
  ) {
    super(`${reason} (at byte ${offset}${key === null ? "" : `, key '${key}'`})`, options);
  }
}
