/**
 * What the worker behind background saves does: encodes the chunks of tokens that the main thread sends, as RDB or as
 * commands, and writes the file or sends the encoded bytes back. A fault ends the save, not the worker. rdb_worker.ts has a
 * thread do it; a simulation has it done on turns of its own.
 */

import { systemErrorText } from "../bytes/system_errors.ts";
import { CommandEncoder, type CommandEncoderOptions } from "./aof/command_encoder.ts";
import { type ByteSink, RdbEncoder } from "./rdb_encoder.ts";
import { AtomicFile } from "./rdb_file.ts";
import type { SaveOptions } from "./save.ts";
import type { Chunk } from "./token_writer.ts";

/** What the main thread sends. `job` tells saves apart, so that what is left of one that was aborted is not mixed up. */
export type ToWorker =
  | {
    readonly kind: "file";
    readonly job: number;
    readonly temporary: string;
    readonly options: WorkerOptions;
  }
  | { readonly kind: "stream"; readonly job: number; readonly options: RdbOptions }
  | { readonly kind: "chunk"; readonly bytes: Chunk; readonly length: number }
  | { readonly kind: "finish" }
  | { readonly kind: "abort" };

/** What the worker answers. */
export type FromWorker =
  /** The oldest chunk was dealt with, and can be filled again; with the encoded bytes that it gave, for a stream. */
  | {
    readonly kind: "done";
    readonly job: number;
    readonly output: Uint8Array<ArrayBuffer> | null;
  }
  /** Everything was; with the stream's last bytes. */
  | {
    readonly kind: "finished";
    readonly job: number;
    readonly bytes: number;
    readonly output: Uint8Array<ArrayBuffer> | null;
  }
  | { readonly kind: "failed"; readonly job: number; readonly message: string };

/** How RDB is written, to a file or to a stream. */
export interface RdbOptions extends SaveOptions {
  readonly format: "rdb";
}

/** How a file of commands is written: the base of an append-only file without RDB. */
export interface CommandOptions extends CommandEncoderOptions, Pick<SaveOptions, "incrementalSync"> {
  readonly format: "commands";
}

export type WorkerOptions = RdbOptions | CommandOptions;

/** What makes a file's bytes of tokens. */
type Encoder = Pick<RdbEncoder, "push" | "flush" | "finish" | "bytesOut">;

function fileEncoder(options: WorkerOptions, sink: ByteSink): Encoder {
  return options.format === "rdb" ? new RdbEncoder(options, sink) : new CommandEncoder(options, sink);
}

/** One worker's work: one save after the other. */
export class SaveJobs {
  #job = 0;
  #file: AtomicFile | null = null;
  #encoder: Encoder | null = null;
  /** Encoded bytes of a stream that were not sent yet. */
  #outputs: Uint8Array[] = [];

  /** `send` takes answers for the main thread. */
  constructor(readonly send: (message: FromWorker) => void) {}

  /** Does what a message asks for. */
  receive(message: ToWorker): void {
    try {
      this.#take(message);
    } catch (error) {
      this.#discard();
      this.send({ kind: "failed", job: this.#job, message: systemErrorText(error) });
    }
  }

  #take(message: ToWorker): void {
    switch (message.kind) {
      case "file": {
        this.#job = message.job;
        const file = this.#file = new AtomicFile(message.temporary, message.options.incrementalSync);
        this.#encoder = fileEncoder(message.options, (bytes) => file.write(bytes));
        return;
      }
      case "stream":
        this.#job = message.job;
        this.#encoder = new RdbEncoder(message.options, (bytes) => this.#outputs.push(bytes.slice()));
        return;
      case "chunk":
        return this.#encode(message.bytes, message.length);
      case "finish":
        return this.#finish();
      case "abort":
        return this.#discard();
    }
  }

  #encode(chunk: Chunk, length: number): void {
    if (this.#encoder === null) return; // it failed, and the main thread does not know yet
    this.#encoder.push(chunk, length);
    if (this.#file === null) this.#encoder.flush();
    this.send({ kind: "done", job: this.#job, output: this.#takeOutput() });
  }

  #finish(): void {
    if (this.#encoder === null) return;
    this.#encoder.finish();
    const bytes = this.#encoder.bytesOut;
    this.#file?.sync(); // its name is given on the main thread, which may have given the save up by then
    this.#file = null;
    this.#encoder = null;
    this.send({ kind: "finished", job: this.#job, bytes, output: this.#takeOutput() });
  }

  /** Ends the save under way, if any, without a trace. */
  #discard(): void {
    this.#encoder = null;
    this.#file?.discard();
    this.#file = null;
    this.#outputs = [];
  }

  /** The stream's bytes since the last call as one array, or null. */
  #takeOutput(): Uint8Array<ArrayBuffer> | null {
    if (this.#outputs.length === 0) return null;
    const output = new Uint8Array(this.#outputs.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#outputs) {
      output.set(part, at);
      at += part.length;
    }
    this.#outputs = [];
    return output;
  }
}
