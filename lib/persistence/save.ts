/**
 * Writing all data at once on the main thread: SAVE and SHUTDOWN, where the server is to do nothing else meanwhile.
 */

import { dirname } from "node:path";
import type { Databases, Keyspace } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";
import { AtomicFile, createEmpty } from "./rdb_file.ts";
import { type EncoderOptions, RdbEncoder } from "./rdb_encoder.ts";
import type { RdbOutput } from "./rdb_output.ts";
import { type RdbInfo, RdbWriter } from "./rdb_writer.ts";
import { temporaryFile } from "./temporary_files.ts";

/** Entries looked at between two calls of `scan`. */
const SCAN_ENTRIES = 64;

export interface SaveOptions extends EncoderOptions {
  /** `rdb-save-incremental-fsync`. */
  readonly incrementalSync: boolean;
}

/** Writes all databases to the RDB file `path` and returns the number of keys. Throws FileError; then the old file stays. */
export function saveSync(keyspace: Keyspace, path: string, info: RdbInfo, options: SaveOptions): number {
  const temporary = temporaryFile(dirname(path), "save");
  createEmpty(temporary);
  const file = new AtomicFile(temporary, options.incrementalSync);
  try {
    const encoder = new RdbEncoder(options, (bytes) => file.write(bytes));
    const keys = writeAll(keyspace, encoder, info);
    file.commit(path);
    return keys;
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** An RDB file without keys, for a replica that asks for none. */
export function emptyRdb(store: Store, info: RdbInfo, options: EncoderOptions): Uint8Array {
  let rdb = new Uint8Array(0);
  const encoder = new RdbEncoder(options, (bytes) => {
    const joined = new Uint8Array(rdb.length + bytes.length);
    joined.set(rdb);
    joined.set(bytes, rdb.length);
    rdb = joined;
  });
  writeAll({ store, databases: [] }, encoder, info);
  return rdb;
}

/** Writes databases through an encoder, and returns the number of keys. */
export function writeAll(
  { store, databases }: Databases,
  encoder: RdbOutput & Pick<RdbEncoder, "finish">,
  info: RdbInfo,
): number {
  const writer = new RdbWriter(store, encoder, null);
  writer.start(info);
  const refs: number[] = [];
  let keys = 0;
  databases.forEach((database) => {
    if (database.size === 0) return;
    const { index } = database;
    writer.beginDatabase(index, database.size, database.expiring);
    let cursor = 0;
    do {
      cursor = database.scan(cursor, SCAN_ENTRIES, refs);
      store.heap.foresight.fetchEntries(refs);
      for (const ref of refs) {
        const large = writer.entry(index, ref);
        if (large !== null) writer.complete(large);
      }
      keys += refs.length;
    } while (cursor !== 0);
  });
  writer.end();
  encoder.finish();
  return keys;
}
