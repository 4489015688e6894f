/** The file that a manifest is kept in: read at the start, and replaced as a whole whenever the files change. */

import { basename, dirname, join } from "node:path";
import { fromBinary } from "../../bytes/paths.ts";
import { decodeLatin1, encodeLatin1 } from "../../bytes/latin1.ts";
import { systemErrorCode } from "../../bytes/system_errors.ts";
import { files } from "../../runtime/files.ts";
import { FileError, removeQuietly, syncDirectory, writeBytes } from "../rdb_file.ts";
import { Manifest } from "./manifest.ts";

const PIECE_BYTES = 64 * 1024;

/** Path of the manifest of the append-only file `fileName`, a binary string, in a folder. */
export function manifestPath(folder: string, fileName: string): string {
  return join(folder, fromBinary(`${fileName}.manifest`));
}

/** Path of a manifest until it is whole. */
function temporaryPath(path: string): string {
  return join(dirname(path), `temp-${basename(path)}`);
}

/** Removes what a server has left that was killed while it wrote a manifest; whether there was something. */
export function removeUnfinished(path: string): boolean {
  return removeQuietly(temporaryPath(path));
}

/** Reads a manifest; null where there is none. Throws ManifestError, or FileError where it cannot be read. */
export function readManifest(path: string): Manifest | null {
  let text = "";
  try {
    const file = files().open(path, "read");
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const count = files().read(file, piece, 0, piece.length);
        if (count === 0) break;
        text += decodeLatin1(piece.subarray(0, count));
      }
    } finally {
      files().close(file);
    }
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT") return null;
    throw new FileError("Failed reading the AOF manifest file", path, cause);
  }
  return Manifest.parse(text);
}

/**
 * Writes a manifest in the place of the one that is there. Once it resolves, the new one is there whatever happens.
 * Rejects with a FileError; after a crash it may be either of them then. One at a time for a path.
 */
export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const file = files().open(temporary, "replace");
    try {
      writeBytes(file, encodeLatin1(manifest.format()));
      await files().syncLater(file, "all");
    } finally {
      files().close(file);
    }
    files().rename(temporary, path);
  } catch (cause) {
    removeQuietly(temporary);
    throw new FileError("Failed writing the AOF manifest file", path, cause);
  }
  await syncDirectory(dirname(path));
}
