/**
 * Writing a file so that its name shows either the old content or the whole of the new: a temporary file in the same
 * directory, synced, then renamed. Synchronous: SAVE runs it in place, background saves in the worker.
 */

import { dirname } from "node:path";
import { toBinary } from "../bytes/paths.ts";
import { isDirectoryNeverSynced, systemErrorText } from "../bytes/system_errors.ts";
import { files } from "../runtime/files.ts";

/** With `incrementalSync`, what was written is synced each time it comes to this much: no long sync at the end. */
const SYNC_BYTES = 4 * 1024 * 1024;

/** What went wrong with a file, in one line, a binary string: what was attempted, on which path, the system's reason. */
export class FileError extends Error {
  override name = "FileError";
  /** The system's reason alone. */
  readonly reason: string;
  constructor(attempt: string, path: string, cause: unknown) {
    const reason = systemErrorText(cause);
    super(`${attempt} ${toBinary(path)}: ${reason}`);
    this.reason = reason;
  }
}

/** What is appended to a temporary file's name for the file whose place it takes. */
export const OLD_SUFFIX = ".old";

export class AtomicFile {
  #descriptor: number;
  #unsynced = 0;

  /** Opens `temporary`, which `createEmpty` made and `commit` will rename. Throws FileError, as all methods do. */
  constructor(readonly temporary: string, readonly incrementalSync: boolean) {
    try {
      this.#descriptor = files().open(temporary, "update");
    } catch (cause) {
      removeQuietly(temporary);
      throw new FileError("Failed opening the temp file", temporary, cause);
    }
  }

  write(bytes: Uint8Array): void {
    try {
      writeBytes(this.#descriptor, bytes);
      this.#unsynced += bytes.length;
      if (this.incrementalSync && this.#unsynced >= SYNC_BYTES) {
        files().sync(this.#descriptor, "data");
        this.#unsynced = 0;
      }
    } catch (cause) {
      this.discard();
      throw new FileError("Write error on", this.temporary, cause);
    }
  }

  /** Makes the content durable, and closes the file. */
  sync(): void {
    try {
      files().sync(this.#descriptor, "all");
      files().close(this.#descriptor);
      this.#descriptor = -1;
    } catch (cause) {
      this.discard();
      throw new FileError("Failed syncing the temp file", this.temporary, cause);
    }
  }

  /** Syncs, renames to `path` and syncs the directory. */
  commit(path: string): void {
    this.sync();
    moveInto(this.temporary, path);
    const directory = dirname(path);
    const descriptor = openDirectory(directory);
    if (descriptor < 0) return;
    try {
      files().sync(descriptor, "all");
    } catch (cause) {
      if (!isDirectoryNeverSynced(cause)) throw new FileError(SYNC_DIRECTORY, directory, cause);
    } finally {
      files().close(descriptor);
    }
  }

  /** Closes and removes the temporary file. */
  discard(): void {
    if (this.#descriptor >= 0) {
      try {
        files().close(this.#descriptor);
      } catch {
        // Nothing more can be done for a file that is to be removed.
      }
      this.#descriptor = -1;
    }
    removeQuietly(this.temporary);
  }
}

/** Writes all of `bytes` behind what was written last. Throws the system's error; a part may have been written then. */
export function writeBytes(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += files().write(file, bytes, at, bytes.length - at);
}

/**
 * Makes an empty file, in place of what is there. Apart from writing it, so that the thread that removes it when the
 * save is aborted is the one that makes it: it cannot come back. Throws FileError.
 */
export function createEmpty(path: string): void {
  try {
    files().close(files().open(path, "replace"));
  } catch (cause) {
    throw new FileError("Failed opening the temp file", path, cause);
  }
}

/** Removes a file if it is there; whether it did. Else it is gone already, or the directory is not writable. */
export function removeQuietly(path: string): boolean {
  try {
    files().remove(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives the finished file `temporary` the name `path`. Throws FileError; the temporary file is gone then.
 *
 * The file that had the name has another one meanwhile, and loses that beside the thread that asks: to let go of the last
 * name of a file of 200 MB takes the system 40 ms.
 */
export function moveInto(temporary: string, path: string): void {
  const old = `${temporary}${OLD_SUFFIX}`;
  const isKept = linkQuietly(path, old);
  try {
    files().rename(temporary, path);
  } catch (cause) {
    removeQuietly(temporary);
    throw new FileError(`Error moving the temp file ${temporary} to`, path, cause);
  } finally {
    if (isKept) files().removeLater(old).catch(() => {}); // the next start removes it
  }
}

/**
 * Removes the file `path`: at once by name, so that it cannot be one that gets the name meanwhile, and beside the thread
 * that asks by content, as `moveInto` does. `temporary` is a name that no other file has. Rejects with the system's error.
 */
export function removeAside(path: string, temporary: string): Promise<void> {
  const old = `${temporary}${OLD_SUFFIX}`;
  try {
    files().rename(path, old);
  } catch (cause) {
    return Promise.reject(cause);
  }
  return files().removeLater(old);
}

/** Gives a file a second name; false where there is no such file, or the file system has one name for each. */
function linkQuietly(path: string, other: string): boolean {
  try {
    files().link(path, other);
    return true;
  } catch {
    return false;
  }
}

const SYNC_DIRECTORY = "Failed syncing the directory";

/** Makes a rename in a directory durable, beside the thread that asks. Rejects with a FileError. */
export async function syncDirectory(path: string): Promise<void> {
  const descriptor = openDirectory(path);
  if (descriptor < 0) return;
  try {
    await files().syncLater(descriptor, "all");
  } catch (cause) {
    if (!isDirectoryNeverSynced(cause)) throw new FileError(SYNC_DIRECTORY, path, cause);
  } finally {
    files().close(descriptor);
  }
}

/** A descriptor of a directory; -1 where the system opens none. Throws FileError. */
function openDirectory(path: string): number {
  try {
    return files().open(path, "read");
  } catch (cause) {
    if (isDirectoryNeverSynced(cause)) return -1;
    throw new FileError(SYNC_DIRECTORY, path, cause);
  }
}
