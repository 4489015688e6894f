/**
 * The directory of an append-only file: which of its files count, and that what counts is there whatever happens.
 *
 * A file is made before the manifest names it, and removed when no manifest names it any more. So a crash at any moment
 * leaves all that the manifest names, and at most files that it does not: their names are given again.
 */

import { dirname, join } from "node:path";
import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorCode } from "../../bytes/system_errors.ts";
import { files } from "../../runtime/files.ts";
import { FileError, syncDirectory } from "../rdb_file.ts";
import { abandonedFile } from "../temporary_files.ts";
import { type AofFile, type BaseFormat, Manifest } from "./manifest.ts";
import { manifestPath, readManifest, removeUnfinished, writeManifest } from "./manifest_file.ts";

/** Where an append-only file lies, and of what it consists. */
export class AofDirectory {
  readonly path: string;
  #manifest = Manifest.EMPTY;
  /** The last change of the manifest; the next one waits for its end. */
  #changing: Promise<void> = Promise.resolve();
  /** Whether the directory may be gone after a crash. */
  #isNew = false;
  /** Names that were given, which the manifest does not have, or not yet. */
  readonly #given = new Set<string>();

  /** `parent`: the server's directory; `name` and `fileName` as `appenddirname` and `appendfilename`, binary strings. */
  constructor(readonly parent: string, name: string, readonly fileName: string) {
    this.path = join(parent, fromBinary(name));
  }

  /** Which files count. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  get manifestPath(): string {
    return manifestPath(this.path, this.fileName);
  }

  /** Removes what a server has left half written that was killed. */
  removeUnfinished(): void {
    removeUnfinished(this.manifestPath);
  }

  pathOf({ name }: AofFile): string {
    return join(this.path, fromBinary(name));
  }

  /** Bytes of a file. Throws FileError. */
  bytesOf(file: AofFile): number {
    try {
      return files().stat(this.pathOf(file)).bytes;
    } catch (cause) {
      throw new FileError("Unable to read the AOF file", this.pathOf(file), cause);
    }
  }

  /** A base file that is to be made: its name is nobody else's. */
  newBase(format: BaseFormat): AofFile {
    return this.#give(this.#manifest.nextBase(this.fileName, format, this.#given));
  }

  /** An incremental file that is to be made. */
  newIncrement(): AofFile {
    return this.#give(this.#manifest.nextIncrement(this.fileName, this.#given));
  }

  #give(file: AofFile): AofFile {
    this.#given.add(file.name);
    return file;
  }

  /** No manifest has ever named a file, not even one that was not written for certain: its name may be given again. */
  takeBack({ name }: AofFile): void {
    this.#given.delete(name);
  }

  /** Makes the directory, if it is not there. Throws FileError. */
  make(): void {
    if (exists(this.path)) return;
    try {
      files().makeDirectory(this.path);
    } catch (cause) {
      throw new FileError("Can't open or create the append-only dir", this.path, cause);
    }
    this.#isNew = true;
  }

  /** Reads the manifest; whether there is one. Throws ManifestError, or FileError where it cannot be read. */
  read(): boolean {
    const manifest = readManifest(this.manifestPath);
    this.#manifest = manifest ?? Manifest.EMPTY;
    return manifest !== null;
  }

  /**
   * Has all that the manifest names be there whatever happens: a server that was killed may have written and named what it
   * had not made durable yet, and what is loaded of that is shown to clients. Rejects with a FileError.
   */
  async secure(): Promise<void> {
    for (const file of this.#manifest.loaded) await syncWhole(this.pathOf(file));
    await syncDirectory(this.path);
    await syncDirectory(this.parent);
  }

  /**
   * Changes which files count, one change after the other. Once it resolves, the change is there whatever happens. Rejects
   * with a FileError: nothing has changed then but what a crash may show.
   */
  change(to: (manifest: Manifest) => Manifest): Promise<void> {
    const changing = this.#changing.then(async () => {
      const manifest = to(this.#manifest);
      if (this.#isNew) await syncDirectory(this.parent);
      this.#isNew = false;
      await writeManifest(this.manifestPath, manifest);
      this.#manifest = manifest;
    });
    this.#changing = changing.catch(() => {}); // whoever asked for it is told
    return changing;
  }

  /**
   * Removes what is history; `onFile` is told of each file. A file loses its name at once, and is let go of beside the
   * thread that asks: that takes the system a while where it is large. Rejects with a FileError; what is left is removed
   * next time.
   */
  async removeHistory(onFile: (name: string) => void): Promise<void> {
    const { history, loaded } = this.#manifest;
    if (history.length === 0) return;
    for (const file of history) {
      if (loaded.some(({ name }) => name === file.name)) continue; // another server has given the name again
      onFile(file.name);
      const aside = abandonedFile(this.parent, "rewriteaof-bg");
      try {
        files().rename(this.pathOf(file), aside);
        files().removeLater(aside).catch(() => {}); // the next start removes it
      } catch (cause) {
        if (systemErrorCode(cause) !== "ENOENT") throw new FileError("Can't remove", this.pathOf(file), cause);
      }
    }
    await this.change((manifest) => manifest.withoutHistory(history));
  }

  /** Path of the one file that servers before Redis 7 wrote, in the server's directory. */
  get singleFilePath(): string {
    return join(this.parent, fromBinary(this.fileName));
  }

  /**
   * Takes the one file that servers before Redis 7 wrote into the directory, as the base; whether there was one. Goes on
   * where an earlier attempt ended. Rejects with a FileError.
   */
  async adoptSingleFile(): Promise<boolean> {
    const from = this.singleFilePath;
    if (!exists(from)) return false;
    const manifest = Manifest.ofSingleFile(this.fileName);
    const base = manifest.loaded[0];
    if (this.#manifest !== Manifest.EMPTY && this.#manifest.base?.name !== base.name) return false;
    if (exists(this.pathOf(base))) return false;
    this.make();
    if (this.#manifest === Manifest.EMPTY) await this.change(() => manifest);
    try {
      files().rename(from, this.pathOf(base));
    } catch (cause) {
      throw new FileError("Can't move into the append-only dir", from, cause);
    }
    await syncDirectory(this.path);
    await syncDirectory(dirname(from));
    return true;
  }
}

async function syncWhole(path: string): Promise<void> {
  try {
    const file = files().open(path, "update"); // not every system syncs what is open for reading
    try {
      await files().syncLater(file, "all");
    } finally {
      files().close(file);
    }
  } catch (cause) {
    throw new FileError("Error syncing the AOF file", path, cause);
  }
}

/** Whether something is there. What cannot be looked at may be: without it a server would start without its data. */
function exists(path: string): boolean {
  try {
    files().stat(path);
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT") return false;
    throw new FileError("Can't look for", path, cause);
  }
}
