/**
 * Loading an RDB file while it is still being written, as a replica receives it: into databases beside those that are
 * served, which they replace when the file is whole. What comes is written and served first; what has been written is read
 * in between, in short slices.
 */

import { files } from "../runtime/files.ts";
import type { Database } from "../store/database.ts";
import type { Keyspace } from "../store/keyspace.ts";
import { betweenSlices, READ_BYTES } from "./load.ts";
import { RdbReader, type ReadOptions } from "./rdb_reader.ts";

/** How long others wait for a slice, in ms: while more comes, of which some 32 KB are dealt with between two, and then. */
const COMING_SLICE_MS = 0.25;
const WHOLE_SLICE_MS = 2;

/** A file that is written by somebody else, and loaded behind him. */
export class LoadAhead {
  readonly #databases: readonly Database[];
  readonly #reader: RdbReader;
  /** Whether something was written since the last read began, and whether that was the last of it. */
  #hasGrown = false;
  #isWhole = false;
  #wake: () => void = () => {};
  #isGivenUp = false;
  /** Whether all could be read. */
  readonly #ended: Promise<boolean>;

  /** Opens the file `path`. Throws where that fails, or where there is no memory for the databases. */
  constructor(path: string, readonly keyspace: Keyspace, options: ReadOptions) {
    const file = files().open(path, "read");
    try {
      this.#databases = keyspace.createDetached();
    } catch (error) {
      files().close(file);
      throw error;
    }
    this.#reader = new RdbReader({ store: keyspace.store, databases: this.#databases }, options);
    this.#ended = this.#read(file).finally(() => files().close(file)).then(() => true, () => false);
  }

  /** The aux fields, and the function libraries, when all is loaded. */
  get aux(): ReadonlyMap<string, string> {
    return this.#reader.aux;
  }

  get functions(): readonly Uint8Array[] {
    return this.#reader.functions;
  }

  /** More has been written. */
  grew(): void {
    this.#hasGrown = true;
    this.#wake();
  }

  /**
   * All has been written. Resolves when it is loaded; to false where that failed, whether the file is bad or could not be
   * read: then nothing is left of it. It does not reject.
   */
  async finish(): Promise<boolean> {
    this.#isWhole = true;
    this.grew();
    const isLoaded = await this.#ended && !this.#isGivenUp;
    if (!isLoaded) this.giveUp();
    return isLoaded;
  }

  /** Puts what was loaded in the place of what there is, which is to be empty. */
  exchange(): void {
    this.keyspace.exchange(this.#databases);
    this.giveUp();
  }

  /** Nothing more is to come of it. */
  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#wake();
    this.#reader.abandon();
    this.keyspace.discardDetached(this.#databases);
  }

  async #read(file: number): Promise<void> {
    const reader = this.#reader;
    const chunk = new Uint8Array(READ_BYTES);
    while (!reader.finished && !this.#isGivenUp) {
      const isWhole = this.#isWhole;
      this.#hasGrown = false;
      const count = await files().readLater(file, chunk, 0, READ_BYTES);
      if (count === 0) {
        if (isWhole) break;
        if (!this.#hasGrown && !this.#isGivenUp) await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      if (this.#isGivenUp) return;
      reader.push(chunk.subarray(0, count));
      while (!this.#isGivenUp && !reader.run(this.#isWhole ? WHOLE_SLICE_MS : COMING_SLICE_MS)) {
        await betweenSlices(reader);
      }
    }
    if (!this.#isGivenUp) reader.close();
  }
}
