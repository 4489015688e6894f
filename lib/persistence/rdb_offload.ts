/**
 * The main thread's end of the worker that encodes and writes snapshots (rdb_worker.ts).
 *
 * The worker is started with the first save and then kept, because starting one takes some 15 ms of the main thread on
 * Deno. One `Offload` is one save: it counts the chunks on their way and reports the outcome once.
 */

import { dirname } from "node:path";
import { startWorker, type WorkerThread } from "../runtime/workers.ts";
import { createEmpty, moveInto, removeQuietly, syncDirectory } from "./rdb_file.ts";
import { type Chunk, CHUNK_BYTES } from "./token_writer.ts";
import type { SnapshotMemory } from "../store/snapshot_memory.ts";
import type { FromWorker, ToWorker, WorkerOptions } from "./save_job.ts";

/**
 * Where the worker's module lies: beside this one, or, where `bun build --compile` put all modules but the entry points
 * into one file at the root, at its path from the root. Both are written out so that `deno compile` finds the first.
 */
function workerUrl(): URL {
  const isBundled = !import.meta.url.endsWith("/rdb_offload.ts");
  return isBundled
    ? new URL("./lib/persistence/rdb_worker.ts", import.meta.url)
    : new URL("./rdb_worker.ts", import.meta.url);
}

/** Chunks on their way to the worker or the sink at which the walk pauses. */
export const WINDOW_CHUNKS = 8;
/** Emptied chunks that are kept to be filled again. */
const KEPT_CHUNKS = WINDOW_CHUNKS;

/** Where a snapshot goes. */
export type SnapshotTarget =
  | {
    readonly kind: "file";
    readonly path: string;
    /** The name of the file until it is complete, in the same directory. */
    readonly temporary: string;
  }
  | {
    readonly kind: "stream";
    /** Takes the next bytes of the RDB data; the walk pauses while too many of the promises returned are pending. */
    readonly onBytes: (bytes: Uint8Array) => Promise<void> | void;
  };

export interface OffloadEvents {
  /** There is room for more chunks. */
  readonly onRoom: () => void;
  /** All is written; with the bytes of the RDB data. */
  readonly onFinished: (bytes: number) => void;
  /** It failed, in one line. Nothing comes after this. */
  readonly onFailed: (reason: Error) => void;
}

/** The worker, and which save it is busy with. */
export class SaveWorker {
  #worker: WorkerThread | null = null;
  #current: Offload | null = null;
  #jobs = 0;

  /** Starts the worker if there is none: to be called while a short stall does no harm, before the first save. */
  warmUp(): void {
    if (this.#worker !== null) return;
    this.#worker = startWorker(workerUrl(), {
      onMessage: (message) => this.#receive(message as FromWorker), // it sends nothing else
      onFailed: (reason) => this.#broke(new Error(`the save worker failed: ${reason}`)),
    });
  }

  /** Makes a save the one that answers go to, and returns its number. */
  begin(offload: Offload): number {
    this.warmUp();
    this.#current = offload;
    return ++this.#jobs;
  }

  /** Ends that, once `offload` has its outcome. */
  end(offload: Offload): void {
    if (this.#current === offload) this.#current = null;
  }

  send(message: ToWorker): void {
    this.#worker?.post(message);
  }

  /** Ends the worker; another starts with the next save. */
  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #receive(message: FromWorker): void {
    if (message.job === this.#jobs) this.#current?.receive(message);
  }

  #broke(reason: Error): void {
    this.stop();
    this.#current?.fail(reason);
  }
}

/** What begins a save. */
function firstMessage(target: SnapshotTarget, options: WorkerOptions, job: number): ToWorker {
  if (target.kind === "file") return { kind: "file", job, temporary: target.temporary, options };
  if (options.format !== "rdb") throw new Error("what is streamed is RDB");
  return { kind: "stream", job, options };
}

export class Offload {
  readonly #free: Chunk[] = [];
  /** Chunks that the worker has, the oldest first. */
  readonly #posted: Chunk[] = [];
  /** How many of all chunks posted the target has not taken yet. */
  #pending = 0;
  /** What the chunks take that there are, filled or not, and the encoded bytes that the target has not been given yet. */
  #bytes = 0;
  #isOver = false;
  #isAborted = false;
  /** The order of the stream's bytes: each delivery waits for the one before. */
  #delivery: Promise<void> = Promise.resolve();

  /** Throws FileError where the temporary file cannot be made. */
  constructor(
    readonly worker: SaveWorker,
    readonly target: SnapshotTarget,
    options: WorkerOptions,
    readonly events: OffloadEvents,
    readonly memory: SnapshotMemory,
  ) {
    if (target.kind === "file") createEmpty(target.temporary);
    worker.send(firstMessage(target, options, worker.begin(this)));
  }

  /** Whether the walk should pause until `onRoom`. */
  get isFull(): boolean {
    return this.#pending >= WINDOW_CHUNKS;
  }

  /** An empty chunk to fill. */
  takeChunk(): Chunk {
    const chunk = this.#free.pop();
    if (chunk !== undefined) return chunk;
    this.#count(CHUNK_BYTES);
    return new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES));
  }

  /** Gives back a chunk that `takeChunk` gave. */
  giveBack(chunk: Chunk): void {
    if (this.#isOver) return;
    if (this.#free.length < KEPT_CHUNKS) this.#free.push(chunk);
    else this.#count(-CHUNK_BYTES);
  }

  #count(bytes: number): void {
    if (this.#isOver) return;
    this.#bytes += bytes;
    this.memory.keepChunks(bytes);
  }

  /** Sends a chunk of tokens, which is the worker's until it is done with it. */
  post(chunk: Chunk, length: number): void {
    if (this.#isOver) return;
    this.#pending++;
    this.#posted.push(chunk);
    this.worker.send({ kind: "chunk", bytes: chunk, length });
  }

  /** Tells that all chunks were posted. */
  finish(): void {
    if (!this.#isOver) this.worker.send({ kind: "finish" });
  }

  /** Ends the save without a result: no event comes after this, and the temporary file is gone. */
  abort(): void {
    this.#isAborted = true;
    if (this.#isOver) return;
    // The worker removes its file too, but the process may be about to exit before that.
    this.worker.send({ kind: "abort" });
    this.#end();
  }

  /** Takes an answer of the worker. */
  receive(message: FromWorker): void {
    switch (message.kind) {
      case "done":
        this.#chunkRead();
        return this.#deliver(message.output, () => this.#chunkDone());
      case "finished":
        return this.#deliver(message.output, () => this.#finished(message.bytes));
      case "failed":
        return this.fail(new Error(message.message));
    }
  }

  /** Ends the save with an error. */
  fail(reason: Error): void {
    if (this.#isOver) return;
    this.worker.send({ kind: "abort" });
    this.#end();
    this.events.onFailed(reason);
  }

  /** All is encoded: a file gets its name now, so that a save that was aborted until here leaves no trace. */
  #finished(bytes: number): void {
    const { target } = this;
    if (target.kind === "file") {
      try {
        moveInto(target.temporary, target.path);
      } catch (error) {
        return this.fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#end();
    if (target.kind === "stream") return this.events.onFinished(bytes);
    syncDirectory(dirname(target.path)).then(
      () => {
        if (!this.#isAborted) this.events.onFinished(bytes);
      },
      (error) => {
        if (!this.#isAborted) this.events.onFailed(error);
      },
    );
  }

  /** The worker has read the oldest chunk that it had. */
  #chunkRead(): void {
    const chunk = this.#posted.shift();
    if (chunk !== undefined) this.giveBack(chunk);
  }

  #chunkDone(): void {
    this.#pending--;
    if (this.#pending === WINDOW_CHUNKS - 1) this.events.onRoom();
  }

  /** Gives bytes to a stream's sink, after all bytes before them, and then goes on. */
  #deliver(output: Uint8Array | null, then: () => void): void {
    const target = this.target;
    if (target.kind === "file") return then();
    const bytes = output?.length ?? 0;
    this.#count(bytes);
    this.#delivery = this.#delivery.then(async () => {
      if (this.#isOver) return;
      this.#count(-bytes); // it is the target's
      if (output !== null) await target.onBytes(output);
      if (!this.#isOver) then();
    }).catch((error) => this.fail(error instanceof Error ? error : new Error(String(error))));
  }

  #end(): void {
    this.#count(-this.#bytes);
    this.#isOver = true;
    this.#free.length = this.#posted.length = 0;
    this.worker.end(this);
    if (this.target.kind === "file") removeQuietly(this.target.temporary);
  }
}
