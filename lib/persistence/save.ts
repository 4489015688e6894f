/**
 * Writing all data at once on the main thread: SAVE and SHUTDOWN, where the server is to do nothing else meanwhile.
 */

import { dirname } from "node:path";
import type { Store } from "../store/store.ts";
import { AtomicFile, createEmpty } from "./rdb_file.ts";
import { type EncoderOptions, RdbEncoder } from "./rdb_encoder.ts";
import { CHUNK_BYTES, type RdbInfo, RdbWriter } from "./rdb_writer.ts";
import { temporaryFile } from "./temporary_files.ts";

/** Entries looked at between two calls of `scan`. */
const SCAN_ENTRIES = 256;

export interface SaveOptions extends EncoderOptions {
  /** `rdb-save-incremental-fsync`. */
  readonly incrementalSync: boolean;
}

/** Writes the store to the RDB file `path` and returns the number of keys. Throws FileError; then the old file stays. */
export function saveSync(store: Store, path: string, info: RdbInfo, options: SaveOptions): number {
  const temporary = temporaryFile(dirname(path), "save");
  createEmpty(temporary);
  const file = new AtomicFile(temporary, options.incrementalSync);
  try {
    const encoder = new RdbEncoder(options, (bytes) => file.write(bytes));
    const keys = writeAll(store, encoder, info);
    file.commit(path);
    return keys;
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** Writes all databases of the store through an encoder, and returns the number of keys. */
export function writeAll(store: Store, encoder: RdbEncoder, info: RdbInfo): number {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const writer = new RdbWriter(store, (full, length) => {
    encoder.push(full, length);
    return chunk;
  }, chunk);
  writer.start(info);
  const refs: number[] = [];
  let keys = 0;
  store.databases.forEach((database, index) => {
    if (database.size === 0) return;
    writer.beginDatabase(index, database.size, store.tables.count(database.expires));
    let cursor = 0;
    do {
      cursor = store.tables.scan(database.keys, cursor, SCAN_ENTRIES, refs);
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
