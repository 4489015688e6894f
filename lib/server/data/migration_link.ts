/**
 * A connection to a server to which keys migrate: requests go out, and each is answered by one line. It is used for one
 * exchange at a time, and again for the next.
 */

import { decodeLatin1 } from "../../bytes/latin1.ts";
import type { Socket, SocketHandler } from "../../net/socket.ts";
import type { Request } from "../../resp/request.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";

/** Longest answer, in bytes: those to AUTH, SELECT and RESTORE are a few words. */
const MAX_LINE_BYTES = 64 * 1024;
const LF = 10;

/** Why an exchange has ended before all answers were there. */
export class LinkError extends Error {
  override name = "LinkError";
  /** `isTimeout`: the other end is slow, rather than gone. */
  constructor(message: string, readonly isTimeout: boolean) {
    super(message);
  }
}

interface Exchange {
  /** Answers that are still to come. */
  answersLeft: number;
  readonly onAnswer: (line: string) => void;
  readonly resolve: () => void;
  readonly reject: (error: LinkError) => void;
}

/** One connection. */
export class MigrationLink implements SocketHandler {
  /** Database that the other end has selected; -1 where that is not known. */
  selected = 0;
  /** Whether the connection is gone. */
  isClosed = false;
  #exchange: Exchange | null = null;
  /** Of an answer that is not whole. */
  #line = "";
  /** Bytes received; with what is pending it tells whether anything moves. */
  #received = 0;
  #timer: Timer | null = null;

  constructor(readonly socket: Socket) {
    socket.handler = this;
  }

  /**
   * Sends requests, and calls `onAnswer` with the line that answers each, without its end. Ends when all are there;
   * throws LinkError once nothing has moved for `timeoutMs` ms, or the connection is lost, and is of no more use then.
   */
  exchange(requests: readonly Request[], timeoutMs: number, onAnswer: (line: string) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) return reject(new LinkError("the connection is closed", false));
      this.#exchange = { answersLeft: requests.length, onAnswer, resolve, reject };
      this.#watch(timeoutMs);
      for (const { bytes, rawStart, rawEnd } of requests) this.socket.write(bytes, rawStart, rawEnd);
    });
  }

  /** Fails the exchange where nothing has moved by the end of the time. */
  #watch(timeoutMs: number): void {
    const { socket } = this;
    const received = this.#received;
    const pending = socket.pendingBytes;
    this.#timer = startTimer(() => {
      if (this.#received === received && socket.pendingBytes === pending) return this.#fail("nothing has moved", true);
      this.#watch(timeoutMs);
    }, timeoutMs);
  }

  close(): void {
    this.#fail("the connection was given up", false);
  }

  #fail(message: string, isTimeout: boolean): void {
    const exchange = this.#exchange;
    this.#end();
    this.isClosed = true;
    this.socket.destroy();
    exchange?.reject(new LinkError(message, isTimeout));
  }

  #end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#exchange = null;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.#received += end - start;
    let from = start;
    for (let at = bytes.indexOf(LF, from); at >= 0 && at < end; at = bytes.indexOf(LF, from)) {
      const line = this.#line + decodeLatin1(bytes, from, at);
      this.#line = "";
      from = at + 1;
      const exchange = this.#exchange;
      if (exchange === null) return this.#fail("an answer to nothing", false);
      exchange.onAnswer(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (--exchange.answersLeft > 0) continue;
      this.#end();
      exchange.resolve();
    }
    if (this.#line.length + end - from > MAX_LINE_BYTES) return this.#fail("an answer without an end", false);
    this.#line += decodeLatin1(bytes, from, end);
  }

  beforeSend(): null {
    return null;
  }

  onDrain(): void {}

  onClose(): void {
    if (!this.isClosed) this.#fail("the connection was lost", false);
  }
}
