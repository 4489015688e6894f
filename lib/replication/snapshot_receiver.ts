/**
 * Where a primary's snapshot goes on a replica: into a file that is loaded once it is whole, or straight into databases
 * (`repl-diskless-load`).
 */

import { betweenSlices, countRdbKeys, loadRdbFile } from "../persistence/load.ts";
import { LoadAhead } from "../persistence/load_ahead.ts";
import { moveInto } from "../persistence/rdb_file.ts";
import { RdbReader, type ReadOptions } from "../persistence/rdb_reader.ts";
import { files, type SyncedPart } from "../runtime/files.ts";
import type { Database } from "../store/database.ts";
import type { Keyspace } from "../store/keyspace.ts";

const SLICE_MS = 2;
/** Bytes that wait to be parsed above which no more are wanted, and at which they are again. */
const FULL_BYTES = 4 * 1024 * 1024;
const ROOM_BYTES = 1024 * 1024;
/** A file is synced each time so much has been written to it. */
const SYNC_BYTES = 4 * 1024 * 1024;

export interface SnapshotReceiver {
  /** Whether what comes is loaded at once, not when it is whole. */
  readonly loadsAsItComes: boolean;
  /**
   * Takes bytes of the snapshot, which are valid only during the call. Whether it can keep up: if not, `onRoom` is
   * called when more may come. Throws where it cannot take them.
   */
  take(bytes: Uint8Array, start: number, end: number): boolean;
  /** Set by whoever brings the bytes. */
  onRoom: () => void;
  /**
   * All bytes are there: makes them the data set. `onReplaced` is called at the moment at which the old data is gone.
   * Resolves to the database in which the primary's stream goes on, if it does not say so itself.
   */
  finish(onReplaced: () => void): Promise<number>;
  /** No more bytes will come. */
  abort(): void;
}

/** Counts the keys of a snapshot, as far as `enough`. */
export type KeyCount = (enough: number) => Promise<number>;

/** How receivers see the server's data set. */
export interface ReceivingStore {
  readonly keyspace: Keyspace;
  readonly readOptions: ReadOptions;
  /** A snapshot has come as a whole, which has so many keys. Rejects where it must not replace what there is. */
  mayReplace(count: KeyCount): Promise<void>;
  /** Empties all databases. */
  flush(): void;
  /** What was received is now what they hold. */
  replaced(): void;
  /** A file that was received is loaded, or could not be: it is no longer needed. */
  fileRead(path: string): void;
  /** The data set is not whole, and commands are refused; or they are served again. */
  setLoading(isLoading: boolean): void;
  /** Another data set is being loaded beside the one that is served. */
  setAsyncLoading(isLoading: boolean): void;
}

/** The database that the stream had selected at the snapshot's point in time. */
function streamDatabase(aux: ReadonlyMap<string, string>, { databases }: Keyspace): number {
  const index = Number(aux.get("repl-stream-db") ?? 0);
  return databases[index] === undefined ? 0 : index;
}

/**
 * Receives into a file: the old data is served until the file is whole, and is gone while it is loaded. The file is
 * synced beside the main thread, piece by piece as it comes in, so that little is left to be waited for in the end. Where
 * there is no old data, which would have to be kept beside the new, what has come is loaded meanwhile.
 */
export class FileReceiver implements SnapshotReceiver {
  readonly loadsAsItComes = false;
  onRoom: () => void = () => {};
  readonly #file: number;
  #unsyncedBytes = 0;
  /** The sync under way. */
  #syncing: Promise<void> | null = null;
  #error: unknown = null;
  #isOpen = true;
  /** What has come of it is being loaded. */
  #ahead: LoadAhead | null = null;

  /** `loadsAhead`: whether there is no old data. */
  constructor(readonly into: ReceivingStore, readonly temporary: string, readonly path: string, loadsAhead: boolean) {
    this.#file = files().open(temporary, "replace");
    if (loadsAhead) this.#ahead = aheadOf(temporary, into);
  }

  take(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#error !== null) throw this.#error;
    for (let at = start; at < end;) at += files().write(this.#file, bytes, at, end - at);
    this.#unsyncedBytes += end - start;
    this.#ahead?.grew();
    if (this.#unsyncedBytes >= SYNC_BYTES && this.#syncing === null) this.#sync("data");
    return true;
  }

  /** Makes what was written durable. An error is kept for whoever comes next. */
  #sync(part: SyncedPart): Promise<void> {
    this.#unsyncedBytes = 0;
    const done = (error: unknown = null) => {
      this.#error ??= error;
      this.#syncing = null;
    };
    return this.#syncing = files().syncLater(this.#file, part).then(() => done(), done);
  }

  async finish(onReplaced: () => void): Promise<number> {
    await this.#syncing;
    await this.#sync("all");
    try {
      await this.#mayReplace();
      this.#close();
      moveInto(this.temporary, this.path);
    } catch (error) {
      this.#discard();
      throw error;
    }
    this.into.flush();
    onReplaced();
    this.into.setLoading(true);
    try {
      const { keyspace } = this.into;
      const { aux, functions } = await this.#load();
      keyspace.functions = functions;
      this.into.replaced();
      return streamDatabase(aux, keyspace);
    } catch (error) {
      this.into.flush();
      throw error;
    } finally {
      this.into.setLoading(false);
      this.into.fileRead(this.path);
    }
  }

  /** Loads the file, or what is left of it. Where that has failed ahead, it is read once more, to say what is wrong. */
  async #load(): Promise<Pick<LoadAhead, "aux" | "functions">> {
    const ahead = this.#ahead;
    const { keyspace, readOptions } = this.into;
    if (ahead === null || !await ahead.finish()) {
      return await loadRdbFile(this.path, keyspace, { ...readOptions, sliceMs: SLICE_MS });
    }
    ahead.exchange();
    return ahead;
  }

  /** Rejects where the file cannot take the place of what there is, or must not. */
  async #mayReplace(): Promise<void> {
    if (this.#error !== null) throw this.#error;
    const { keyspace, readOptions: { verifyChecksum } } = this.into;
    const options = { verifyChecksum, sliceMs: SLICE_MS };
    await this.into.mayReplace((enough) => countRdbKeys(this.temporary, keyspace, options, enough));
    if (this.#error !== null) throw this.#error; // given up meanwhile
  }

  abort(): void {
    if (!this.#isOpen) return;
    this.#error ??= new Error("the connection was lost");
    // A file that is being synced must not be closed: its number could be another file's by then.
    if (this.#syncing === null) this.#discard();
    else this.#syncing.then(() => this.#discard());
  }

  #close(): void {
    if (this.#isOpen) files().close(this.#file);
    this.#isOpen = false;
  }

  #discard(): void {
    this.#ahead?.giveUp();
    this.#close();
    files().removeLater(this.temporary).catch(() => {}); // it takes long, if the file is large; it may be gone already
  }
}

/** Loads a file as it comes; null where it cannot be begun, as then all is loaded in the end. */
function aheadOf(path: string, { keyspace, readOptions }: ReceivingStore): LoadAhead | null {
  try {
    return new LoadAhead(path, keyspace, readOptions);
  } catch {
    return null;
  }
}

/**
 * Receives into databases of its own, which take the place of the old ones when the snapshot is whole. A quick network
 * brings more than can be parsed: what waits is bounded.
 */
export class SwapReceiver implements SnapshotReceiver {
  readonly loadsAsItComes = true;
  onRoom: () => void = () => {};
  readonly #databases: Database[];
  readonly #reader: RdbReader;
  readonly #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  /** Whether whoever brings the bytes waits for `onRoom`. */
  #isFull = false;
  #running = false;
  #error: unknown = null;
  #isLetGo = false;
  #done: (() => void) | null = null;

  /** `servesMeanwhile`: the old data set is still worth reading, as an earlier state of what comes. */
  constructor(readonly into: ReceivingStore, readonly servesMeanwhile: boolean) {
    const { keyspace } = into;
    this.#databases = keyspace.createDetached();
    this.#setLoading(true);
    this.#reader = new RdbReader({ store: keyspace.store, databases: this.#databases }, into.readOptions);
  }

  #setLoading(isLoading: boolean): void {
    if (this.servesMeanwhile) this.into.setAsyncLoading(isLoading);
    else this.into.setLoading(isLoading);
  }

  take(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#error !== null) throw this.#error;
    this.#backlog.push(bytes.slice(start, end));
    this.#backlogBytes += end - start;
    if (this.#backlogBytes > FULL_BYTES) this.#isFull = true;
    if (!this.#running) this.#run();
    return !this.#isFull;
  }

  /** Parses what has come, in slices. */
  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let chunk = this.#backlog.shift(); chunk !== undefined; chunk = this.#backlog.shift()) {
        this.#reader.push(chunk);
        while (this.#error === null && !this.#reader.run(SLICE_MS)) await betweenSlices(this.#reader);
        if (this.#error !== null) break;
        this.#backlogBytes -= chunk.length;
        if (this.#backlogBytes <= ROOM_BYTES) this.#hasRoom();
      }
    } catch (error) {
      this.#error = error;
      this.#hasRoom(); // the next bytes will learn of the error
    }
    this.#running = false;
    this.#done?.();
  }

  #hasRoom(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.onRoom();
  }

  async finish(onReplaced: () => void): Promise<number> {
    if (this.#running) await new Promise<void>((resolve) => this.#done = resolve);
    try {
      if (this.#error !== null) throw this.#error;
      this.#reader.close();
      await this.into.mayReplace(() => Promise.resolve(this.#databases.reduce((sum, { size }) => sum + size, 0)));
      if (this.#error !== null) throw this.#error; // given up meanwhile
    } catch (error) {
      this.abort();
      throw error;
    }
    const { keyspace } = this.into;
    this.into.flush();
    keyspace.exchange(this.#databases);
    keyspace.functions = this.#reader.functions;
    this.into.replaced();
    this.#letGo();
    onReplaced();
    return streamDatabase(this.#reader.aux, keyspace);
  }

  abort(): void {
    this.#error ??= new Error("the connection was lost");
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isLetGo) return;
    this.#isLetGo = true;
    this.#setLoading(false);
    this.#reader.abandon();
    this.into.keyspace.discardDetached(this.#databases);
  }
}
