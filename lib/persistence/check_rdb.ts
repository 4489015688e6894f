/**
 * Checking an RDB file: all of it is read as if it were loaded, every value built and checked, into a keyspace that is
 * emptied as it goes. Needs as much memory as the largest value.
 */

import { files } from "../runtime/files.ts";
import { Keyspace } from "../store/keyspace.ts";
import { RDB_CHECKSUM_SINCE, RdbError } from "./rdb_format.ts";
import { RdbReader } from "./rdb_reader.ts";

const PIECE_BYTES = 1024 * 1024;
/** Databases that a file may have: more than anybody uses. All that is read goes into one. */
const DATABASES = 16_384;
/** What was read goes when it takes so many bytes. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Blocks that are freed at a time. */
const FREED_AT_ONCE = 1024;

/** Who hears what is found on the way; offsets are bytes of the file. */
export interface RdbCheckListener {
  onAux(name: string, value: string, offset: number): void;
  onDatabase(index: number, offset: number): void;
  /** From time to time: how far it has come. */
  onProgress(bytes: number): void;
}

/** What a check has come to. */
export interface RdbCheck {
  /** What is wrong, or null. */
  readonly error: RdbError | null;
  /** Bytes of the RDB data. */
  readonly bytes: number;
  readonly keys: number;
  /** Keys with an expiry, and those of them that have expired. */
  readonly expiring: number;
  readonly expired: number;
  /** Whether there was a checksum, which is right. */
  readonly hasChecksum: boolean;
  /** What of the file was read behind the RDB data. */
  readonly rest: Uint8Array;
}

/** Checks the RDB data at the beginning of an open file. Throws the system's error where it cannot be read. */
export function checkRdb(file: number, listener: RdbCheckListener): RdbCheck {
  const keyspace = new Keyspace(1);
  const [database] = keyspace.databases;
  const databases = new Array<typeof database>(DATABASES).fill(database);
  const reader = new RdbReader({ store: keyspace.store, databases }, {
    dropExpired: true,
    verifyChecksum: true,
    replaceExisting: true,
    onAux: (name, value, offset) => listener.onAux(name, value, offset),
    onDatabase: (index, offset) => listener.onDatabase(index, offset),
  });
  const piece = new Uint8Array(PIECE_BYTES);
  let error: RdbError | null = null;
  try {
    while (!reader.finished) {
      const count = files().read(file, piece, 0, piece.length);
      if (count === 0) break;
      reader.feed(piece.subarray(0, count));
      listener.onProgress(reader.offset);
      if (reader.isBetweenKeys && keyspace.store.heap.arena.usedBytes > KEPT_BYTES) empty(keyspace);
    }
    reader.close();
  } catch (thrown) {
    if (!(thrown instanceof RdbError)) throw thrown;
    error = thrown;
  }
  return {
    error,
    bytes: reader.offset,
    keys: reader.keysLoaded + reader.keysExpired,
    expiring: reader.keysExpiring,
    expired: reader.keysExpired,
    hasChecksum: reader.version >= RDB_CHECKSUM_SINCE,
    rest: reader.rest.slice(),
  };
}

function empty(keyspace: Keyspace): void {
  const { heap } = keyspace.store;
  for (const database of keyspace.databases) database.clear();
  while (heap.hasDiscarded) heap.freeDiscarded(FREED_AT_ONCE);
}
