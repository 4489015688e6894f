/**
 * Finds the commands in a file of an append-only file, piece by piece, for whoever loads or checks it.
 *
 * Such a file has requests in RESP, each whole, and between them lines that begin with `#`: annotations, of which `#TS:`
 * with seconds of Unix time is one (Redis documentation, "Persistence"). What stands between MULTI and EXEC counts as a
 * whole, or, where EXEC is missing, not at all.
 */

import { decodeLatin1 } from "../../bytes/latin1.ts";
import { INCOMPLETE, PROTOCOL_ERROR, RequestParser } from "../../resp/parser.ts";
import { type Request, STAR } from "../../resp/request.ts";

const HASH = 0x23;
const CR = 13;
const LF = 10;
const LEAST_BUFFER_BYTES = 64 * 1024;
/** Longest annotation with its end, in bytes. */
const MOST_ANNOTATION_BYTES = 1024;
const TIMESTAMP = /^#TS:(\d{1,15})$/;

/** A file that is not what it ought to be, and where. A file that ends too soon is none of that. */
export class LogFormatError extends Error {
  override name = "LogFormatError";
  /** `offset`: of the command, or the annotation, in bytes of the file. */
  constructor(readonly reason: string, readonly offset: number) {
    super(`${reason}, at offset ${offset}`);
  }
}

/** Who hears what is found. */
export interface LogListener {
  /** Whole commands: `bytes[start, end)`, valid during the call. */
  onCommands(bytes: Uint8Array, start: number, end: number): void;
  /** All that comes was written at or after this time, in seconds of Unix time. `offset`: of the annotation. */
  onTimestamp?(seconds: number, offset: number): void;
}

/** Scans one file from its beginning. */
export class LogScanner {
  /** Bytes of the file up to the end of the last command outside of a transaction: so much of it counts. */
  validBytes = 0;
  /** Commands that were found, MULTI and EXEC among them. */
  commands = 0;
  readonly #parser = new RequestParser();
  #buffer: Uint8Array = new Uint8Array(LEAST_BUFFER_BYTES);
  /** What of the buffer was not found to be whole yet. */
  #start = 0;
  #end = 0;
  /** Offset in the file of the buffer's first byte. */
  #base: number;
  #inTransaction = false;
  /** Lines of what was found to be whole; an argument is one, whatever is in it. */
  #lines = 0;

  /** `offset`: where in the file the first piece begins. */
  constructor(readonly listener: LogListener, offset = 0) {
    this.#base = this.validBytes = offset;
    this.#parser.maxBulkBytes = Number.MAX_SAFE_INTEGER; // what was written once was allowed then
  }

  /** Bytes of the file that were found to be whole, within a transaction or not. */
  get offset(): number {
    return this.offsetOf(this.#start);
  }

  /** Offset in the file of a place in the bytes that the listener is told of. */
  offsetOf(at: number): number {
    return this.#base + at;
  }

  /** Number of the line in which the file ends, or is wrong, from 1 on. */
  get line(): number {
    return 1 + this.#lines + linesOf(this.#buffer, this.#start, this.#end);
  }

  /** Whether the file ends, if it ends here, in the middle of a command, of an annotation or of a transaction. */
  get isCut(): boolean {
    return this.#start < this.#end || this.#inTransaction;
  }

  /** Takes the next piece of the file, of which a copy is kept as far as it is needed. Throws LogFormatError. */
  push(piece: Uint8Array, start: number, end: number): void {
    this.#keep(piece, start, end);
    if (this.#parser.underway && this.#end < this.#parser.wanted) return;
    this.#scan();
  }

  /** Adds to what is there, which is moved to the beginning where there is no room behind it. */
  #keep(piece: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#end + length > this.#buffer.length) {
      const kept = this.#end - this.#start;
      const wanted = kept + length;
      const room = wanted <= this.#buffer.length ? this.#buffer : new Uint8Array(Math.max(wanted, 2 * kept));
      room.set(this.#buffer.subarray(this.#start, this.#end));
      this.#parser.rebase(room, -this.#start);
      this.#base += this.#start;
      this.#buffer = room;
      this.#start = 0;
      this.#end = kept;
    }
    this.#buffer.set(piece.subarray(start, end), this.#end);
    this.#end += length;
  }

  /** Finds what is whole. The listener hears of it whatever is found to be wrong behind. */
  #scan(): void {
    const bytes = this.#buffer;
    const end = this.#end;
    while (this.#start < end) {
      const from = this.#start;
      let wrong: LogFormatError | null = null;
      try {
        this.#passCommands(bytes, end);
      } catch (error) {
        if (!(error instanceof LogFormatError)) throw error;
        wrong = error;
      }
      if (this.#start > from) this.listener.onCommands(bytes, from, this.#start);
      if (wrong !== null) throw wrong;
      if (this.#start === end || this.#parser.underway || bytes[this.#start] === STAR) return;
      const next = this.#annotation(bytes, this.#start, end);
      if (next === INCOMPLETE) return;
      this.#pass(next);
    }
  }

  /** Passes commands up to the end, or to what is none. */
  #passCommands(bytes: Uint8Array, end: number): void {
    while (this.#start < end && (this.#parser.underway || bytes[this.#start] === STAR)) {
      const next = this.#parser.parse(bytes, this.#start, end);
      if (next === INCOMPLETE) return;
      if (next === PROTOCOL_ERROR) throw this.#wrong(this.#parser.error);
      this.#check(this.#parser.request);
      this.#pass(next);
    }
  }

  /** All up to `next` is whole. */
  #pass(next: number): void {
    this.#start = next;
    if (!this.#inTransaction) this.validBytes = this.offset;
  }

  /** What the parser leaves to its caller: each line and argument has its end, and transactions are not nested. */
  #check(request: Request): void {
    const { argc, bytes, rawStart, starts, lengths } = request;
    if (argc === 0) throw this.#wrong("a command without arguments");
    let header = rawStart;
    while (bytes[header] !== CR) header++;
    if (bytes[header + 1] !== LF) throw this.#wrong("a line without its end");
    for (let i = 0; i < argc; i++) {
      const end = starts[i] + lengths[i];
      if (bytes[starts[i] - 1] !== LF) throw this.#wrong("a line without its end");
      if (bytes[end] !== CR || bytes[end + 1] !== LF) throw this.#wrong("an argument without its end");
    }
    this.commands++;
    this.#lines += 1 + 2 * argc;
    if (argc !== 1) return;
    if (request.is(0, "multi")) {
      if (this.#inTransaction) throw this.#wrong("MULTI within MULTI");
      this.#inTransaction = true;
    } else if (request.is(0, "exec")) {
      if (!this.#inTransaction) throw this.#wrong("EXEC without MULTI");
      this.#inTransaction = false;
    }
  }

  /** The offset behind an annotation, or INCOMPLETE. */
  #annotation(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] !== HASH) {
      const found = decodeLatin1(bytes, start, start + 1);
      throw this.#wrong(`expected '*', got ${/[!-~]/.test(found) ? `'${found}'` : `byte ${bytes[start]}`}`);
    }
    const newline = bytes.subarray(start, Math.min(end, start + MOST_ANNOTATION_BYTES)).indexOf(LF);
    if (newline < 0) {
      if (end - start >= MOST_ANNOTATION_BYTES) throw this.#wrong("an annotation without an end");
      return INCOMPLETE;
    }
    const line = decodeLatin1(bytes, start, start + newline).replace(/\r$/, "");
    const seconds = TIMESTAMP.exec(line)?.[1];
    if (line.startsWith("#TS:") && seconds === undefined) throw this.#wrong("a timestamp that is no number");
    this.#lines++;
    if (seconds !== undefined) this.listener.onTimestamp?.(Number(seconds), this.offset);
    return start + newline + 1;
  }

  #wrong(reason: string): LogFormatError {
    return new LogFormatError(reason, this.offset);
  }
}

/** Whole lines at the beginning of `bytes[start, end)`, which may be no whole command, or no command at all. */
function linesOf(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== STAR) return 0;
  let lines = 0;
  let at = start;
  while (at < end) {
    const newline = bytes.subarray(at, end).indexOf(LF);
    if (newline < 1 || bytes[at + newline - 1] !== CR) break;
    const header = decodeLatin1(bytes, at, at + newline - 1);
    const count = Number(header.slice(1));
    if (!/^[*$]\d{1,15}$/.test(header) || (header[0] === "*") !== (at === start)) break;
    lines++;
    at += newline + 1;
    if (header[0] === "*") continue;
    at += count + 2;
    if (at > end || bytes[at - 2] !== CR || bytes[at - 1] !== LF) break;
    lines++;
  }
  return lines;
}
