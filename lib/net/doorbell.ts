/**
 * Has Deno look at its sockets. A read of a socket that has more is done at once there, and what it continues with may
 * read again: no other socket is looked at as long as bytes come. Neither an immediate nor a job for another thread
 * changes that. A timer does, but takes a millisecond. So the server has a connection to itself: a byte sent through it
 * can be received only after the system was asked which sockets are ready, all of them at once.
 */

export class Doorbell {
  readonly #button: Deno.TcpConn;
  readonly #bell: Deno.TcpConn;
  #due: (() => void)[] = [];

  private constructor(button: Deno.TcpConn, bell: Deno.TcpConn) {
    this.#button = button;
    this.#bell = bell;
    button.setNoDelay(true);
    // The process need not live on for the sake of these.
    button.unref();
    bell.unref();
    this.#listen();
  }

  /** Connects the server to itself; null where that is not allowed. */
  static async open(): Promise<Doorbell | null> {
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const [button, bell] = await Promise.all([
        Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
        listener.accept(),
      ]);
      if (bell.remoteAddr.port === button.localAddr.port) return new Doorbell(button, bell);
      button.close(); // somebody else was quicker to connect
      bell.close();
    } catch {
      // No permission, or no such address.
    }
    return null;
  }

  /** Calls back when the sockets that are ready now have been looked at. */
  readonly ring = (callback: () => void): void => {
    if (this.#due.push(callback) > 1) return;
    this.#bell.ref();
    this.#button.write(BYTE);
  };

  async #listen(): Promise<void> {
    const heard = new Uint8Array(16);
    while (await this.#bell.read(heard) !== null) {
      this.#bell.unref();
      const due = this.#due;
      this.#due = [];
      for (const callback of due) queueMicrotask(callback);
    }
  }
}

const BYTE = new Uint8Array(1);
