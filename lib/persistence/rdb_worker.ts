/**
 * The worker behind background saves: encodes the chunks of tokens that the main thread sends, and writes the file or
 * sends the encoded bytes back. A fault ends the save, not the worker.
 */

import { AtomicFile } from "./rdb_file.ts";
import { type EncoderOptions, RdbEncoder } from "./rdb_encoder.ts";

/** What the main thread sends. `job` tells saves apart, so that what is left of one that was aborted is not mixed up. */
export type ToWorker =
  | {
    readonly kind: "file";
    readonly job: number;
    readonly temporary: string;
    readonly options: WorkerOptions;
  }
  | { readonly kind: "stream"; readonly job: number; readonly options: WorkerOptions }
  | { readonly kind: "chunk"; readonly bytes: Uint8Array<ArrayBuffer>; readonly length: number }
  | { readonly kind: "finish" }
  | { readonly kind: "abort" };

/** What the worker answers. */
export type FromWorker =
  /** A chunk was dealt with, and can be filled again; with the encoded bytes that it gave, for a stream. */
  | {
    readonly kind: "done";
    readonly job: number;
    readonly chunk: Uint8Array<ArrayBuffer>;
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

export interface WorkerOptions extends EncoderOptions {
  /** `rdb-save-incremental-fsync`. */
  readonly incrementalSync: boolean;
}

/** The part of a worker's global scope that is used here; the runtimes' own types of it differ. */
interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as Scope; // a module worker's global object has these two

let job = 0;
let file: AtomicFile | null = null;
let encoder: RdbEncoder | null = null;
/** Encoded bytes of a stream that were not sent yet. */
let outputs: Uint8Array[] = [];

scope.onmessage = (event) => {
  try {
    receive(event.data);
  } catch (error) {
    discard();
    scope.postMessage({ kind: "failed", job, message: error instanceof Error ? error.message : String(error) }, []);
  }
};

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "file": {
      job = message.job;
      const opened = file = new AtomicFile(message.temporary, message.options.incrementalSync);
      encoder = new RdbEncoder(message.options, (bytes) => opened.write(bytes));
      return;
    }
    case "stream":
      job = message.job;
      encoder = new RdbEncoder(message.options, (bytes) => outputs.push(bytes.slice()));
      return;
    case "chunk": {
      if (encoder === null) return; // it failed, and the main thread does not know yet
      encoder.push(message.bytes, message.length);
      if (file === null) encoder.flush();
      const output = takeOutput();
      const transfer = [message.bytes.buffer];
      if (output !== null) transfer.push(output.buffer);
      return scope.postMessage({ kind: "done", job, chunk: message.bytes, output }, transfer);
    }
    case "finish": {
      if (encoder === null) return;
      encoder.finish();
      const bytes = encoder.bytesOut;
      file?.sync(); // its name is given on the main thread, which may have given the save up by then
      file = null;
      encoder = null;
      const output = takeOutput();
      return scope.postMessage({ kind: "finished", job, bytes, output }, output === null ? [] : [output.buffer]);
    }
    case "abort":
      return discard();
  }
}

/** Ends the save under way, if any, without a trace. */
function discard(): void {
  encoder = null;
  file?.discard();
  file = null;
  outputs = [];
}

/** The stream's bytes since the last call as one array, or null. */
function takeOutput(): Uint8Array<ArrayBuffer> | null {
  if (outputs.length === 0) return null;
  const output = new Uint8Array(outputs.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of outputs) {
    output.set(part, at);
    at += part.length;
  }
  outputs = [];
  return output;
}
