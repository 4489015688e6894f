/**
 * A connection that sends thousands of commands at once and takes their replies as text: it finds where each reply ends
 * and makes nothing of it, since mostly the texts of both servers are the same.
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** How long a reply may take, on a slow machine, in ms. */
const PATIENCE_MS = 60_000;

export class Wire {
  #received = "";
  /** Where what was not taken yet begins, and how far it has been looked at. */
  #start = 0;
  #scanned = 0;
  /** Replies that the one under way still lacks: itself and elements. */
  #open = 0;
  /** Where the whole replies that were not taken yet end. */
  #ends: number[] = [];
  #wake: (() => void) | null = null;
  #closed = false;
  #failure = "";

  private constructor(readonly socket: Socket, readonly port: number) {
    socket.setNoDelay();
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.#received = this.#received.slice(this.#start) + chunk;
      this.#scanned -= this.#start;
      if (this.#start > 0) this.#ends = this.#ends.map((end) => end - this.#start);
      this.#start = 0;
      this.#scan();
      this.#wake?.();
    });
    socket.on("error", (error) => this.#failure = error.message);
    socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  static connect(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(new Wire(socket, port)));
      socket.once("error", reject);
    });
  }

  /** Sends bytes, given as a binary string. */
  send(bytes: string): void {
    this.socket.write(Buffer.from(bytes, "latin1"));
  }

  /** Whole replies that have come and were not taken. */
  get ready(): number {
    return this.#ends.length;
  }

  /** The next `count` replies. Throws where the connection ends before, or nothing comes for a minute. */
  async take(count: number): Promise<string[]> {
    if (this.#ends.length < count) await this.#until(() => this.#ends.length >= count, `${count} replies`);
    return this.#ends.splice(0, count).map((end) => {
      const reply = this.#received.slice(this.#start, end);
      this.#start = end;
      return reply;
    });
  }

  close(): void {
    this.socket.destroy();
  }

  async #until(isThere: () => boolean, what: string): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake?.();
    }, PATIENCE_MS);
    try {
      while (!isThere()) {
        if (this.#closed) {
          throw new Error(`connection ${this.port} ended (${this.#failure}) before ${what}, ${this.ready} came`);
        }
        if (isLate) throw new Error(`waited in vain for ${what}, there are ${this.#ends.length}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.#wake = null;
      clearTimeout(timer);
    }
  }

  /** Notes the ends of the replies that have become whole. */
  #scan(): void {
    const text = this.#received;
    for (;;) {
      const lineEnd = text.indexOf("\r\n", this.#scanned);
      if (lineEnd < 0) return;
      let next = lineEnd + 2;
      let elements = 0;
      switch (text[this.#scanned]) {
        case "$":
        case "=": {
          const length = Number(text.slice(this.#scanned + 1, lineEnd));
          if (length >= 0) next += length + 2;
          if (next > text.length) return;
          break;
        }
        case "%":
          elements = 2 * Number(text.slice(this.#scanned + 1, lineEnd));
          break;
        case "*":
        case "~":
        case ">":
          elements = Math.max(0, Number(text.slice(this.#scanned + 1, lineEnd)));
          break;
      }
      this.#scanned = next;
      this.#open += elements - (this.#open > 0 ? 1 : 0);
      if (this.#open === 0) this.#ends.push(next);
    }
  }
}
