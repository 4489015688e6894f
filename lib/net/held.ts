/** What a socket without an outbox is to send later, as its handler holds it back. */

import type { SocketHandler } from "./socket.ts";

/** Bytes that are held back, each piece behind the one before. */
export class Held {
  bytes = 0;
  #last: Promise<void> | null = null;

  /** Resolves when all that is held now has been handed on; null while nothing is held. */
  get end(): Promise<void> | null {
    return this.#last;
  }

  /** Whether `bytes[start, end)` must wait: then a copy is given to `hand` when it need not any more. */
  hold(
    handler: SocketHandler,
    bytes: Uint8Array,
    start: number,
    end: number,
    hand: (copy: Uint8Array) => void,
  ): boolean {
    const before = this.#last;
    const wait = handler.beforeSend() ?? before;
    if (wait === null) return false;
    const copy = bytes.slice(start, end);
    this.bytes += copy.length;
    const last = this.#last = wait.then(() => before).then(() => {
      this.bytes -= copy.length;
      if (this.#last === last) this.#last = null;
      hand(copy);
    });
    return true;
  }
}
