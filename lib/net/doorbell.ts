/**
 * Has Deno look at its sockets. A read of a socket that has more is done at once there, and what it continues with may
 * read again: no other socket is looked at as long as bytes come. Neither an immediate nor a job for another thread
 * changes that. A timer does, but takes a millisecond. So the server has a connection to itself: a byte sent through it
 * can be received only after the system was asked which sockets are ready, all of them at once.
 */

const HOST = "127.0.0.1";
const BYTE = new Uint8Array(1);

export class Doorbell {
  readonly #button: Deno.TcpConn;
  readonly #bell: Deno.TcpConn;
  #due: (() => void)[] = [];
  /** The connection has been cut: timers must do. */
  #isBroken = false;

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
    const { state } = Deno.permissions.querySync({ name: "net", host: HOST });
    if (state !== "granted") return null; // nobody is to be asked for this
    try {
      using listener = Deno.listen({ hostname: HOST, port: 0 });
      const [button, bell] = await Promise.all([
        Deno.connect({ hostname: HOST, port: listener.addr.port }),
        listener.accept(),
      ]);
      if (bell.remoteAddr.port === button.localAddr.port) return new Doorbell(button, bell);
      button.close(); // somebody else was quicker to connect
      bell.close();
    } catch {
      // No such address here.
    }
    return null;
  }

  /** Calls back when the sockets that are ready now have been looked at. */
  readonly ring = (callback: () => void): void => {
    if (this.#isBroken) {
      setTimeout(callback, 0);
    } else if (this.#due.push(callback) === 1) {
      this.#bell.ref();
      this.#button.write(BYTE).catch(() => {}); // `#listen` will know
    }
  };

  async #listen(): Promise<void> {
    const heard = new Uint8Array(16);
    try {
      while (await this.#bell.read(heard) !== null) this.#callAll(queueMicrotask);
    } catch {
      // As if it had ended.
    }
    this.#isBroken = true;
    this.#callAll((callback) => setTimeout(callback, 0));
  }

  #callAll(schedule: (callback: () => void) => void): void {
    this.#bell.unref();
    const due = this.#due;
    this.#due = [];
    for (const callback of due) schedule(callback);
  }

  /** Cuts the connection. */
  close(): void {
    this.#button.close();
  }
}
