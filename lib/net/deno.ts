/**
 * The network on Deno: `Deno.listen` and `Deno.connect`.
 *
 * Reads and writes are promises there. A socket keeps one read under way, into a buffer that grows while it is filled
 * and so stays small for idle connections, and one write under way.
 */

import { monotonicMs } from "../runtime/clock.ts";
import { sleep } from "../runtime/timers.ts";
import { EndOfTurn, nextTurn, type Sender, useTurns } from "../runtime/turns.ts";
import { Doorbell } from "./doorbell.ts";
import { connectFrom } from "./node.ts";
import { Outbox, SENT_AT_ONCE_BYTES } from "./outbox.ts";
import {
  type Acceptor,
  addressText,
  type Listener,
  type Network,
  NetworkError,
  NO_HANDLER,
  type Socket,
  type SocketHandler,
} from "./socket.ts";

const FIRST_READ_BYTES = 2048;
/** Some hundred requests: what others wait for while it is dealt with. */
const LARGEST_READ_BYTES = 32 * 1024;
/** How long a socket whose reads all come back full is read on before others have their turn, in ms. */
const TURN_MS = 0.5;

const DONE = Promise.resolve();
/** All reads that are ready continue before what they add to the microtasks. */
const endOfTurn = new EndOfTurn((run) => DONE.then(run));

class DenoSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isUnix: boolean;
  readonly #connection: Deno.Conn;
  readonly #outbox = new Outbox();
  #isWriting = false;
  #ending = false;
  #closed = false;
  #resumed: (() => void) | null = null;
  #paused = false;
  #restMs = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.isUnix = connection.remoteAddr.transport === "unix";
    this.remoteAddress = endText(connection.remoteAddr, connection.localAddr);
    this.localAddress = endText(connection.localAddr, connection.localAddr);
    if (!this.isUnix) (connection as Deno.TcpConn).setNoDelay(true); // the transport was looked at
  }

  get pendingBytes(): number {
    return this.#outbox.length;
  }

  /** Reads until the connection ends. */
  async run(): Promise<void> {
    let buffer = new Uint8Array(FIRST_READ_BYTES);
    let fullSinceMs = 0;
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null || this.#closed) break;
        if (this.#paused) await new Promise<void>((resolve) => this.#resumed = resolve);
        if (this.#closed) break;
        this.handler.onData(buffer, 0, count);
        if (this.#restMs > 0) {
          await sleep(this.#restMs);
          this.#restMs = 0;
        }
        if (count < buffer.length) {
          fullSinceMs = 0;
          continue;
        }
        if (count < LARGEST_READ_BYTES) buffer = new Uint8Array(Math.min(count * 4, LARGEST_READ_BYTES));
        if (fullSinceMs === 0) {
          fullSinceMs = monotonicMs();
        } else if (monotonicMs() - fullSinceMs > TURN_MS) {
          await nextTurn(); // see doorbell.ts
          fullSinceMs = 0;
        }
      }
    } catch {
      // A reset, or our own close: both end here, and onClose is all that the server needs to know.
    }
    this.destroy();
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || this.#ending || start === end) return;
    if (this.#outbox.unaskedBytes === 0) endOfTurn.add(this);
    this.#outbox.add(bytes, start, end);
    if (this.#outbox.unaskedBytes >= SENT_AT_ONCE_BYTES) this.send();
  }

  send(): void {
    this.#outbox.release(this.handler, this.#sendReleased);
    this.#sendReleased();
  }

  #sendReleased = (): void => {
    if (this.#isWriting || this.#outbox.released === 0) return;
    this.#isWriting = true;
    this.#connection.write(this.#outbox.next()).then(this.#onWritten, this.#onWriteFailed);
  };

  #onWritten = (count: number): void => {
    this.#isWriting = false;
    if (this.#closed) return;
    this.#outbox.sent(count);
    if (this.#outbox.length > 0) this.#sendReleased();
    else if (this.#ending) this.destroy();
    else this.handler.onDrain();
  };

  #onWriteFailed = (): void => this.destroy();

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resumed?.();
    this.#resumed = null;
  }

  rest(ms: number): void {
    this.#restMs = ms;
  }

  end(): void {
    this.#ending = true;
    if (this.#outbox.length === 0) this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.clear();
    try {
      this.#connection.close();
    } catch {
      // Already closed by the other end.
    }
    this.resume();
    this.handler.onClose();
  }

  setKeepAlive(seconds: number): void {
    if (this.isUnix || this.#closed) return;
    try {
      (this.#connection as Deno.TcpConn).setKeepAlive(seconds > 0); // the transport was looked at
    } catch {
      // It has been reset, as reading it will tell.
    }
  }
}

/** An end of a connection as text. */
function endText(address: Deno.Addr, local: Deno.Addr): string {
  if (address.transport === "unix" || address.transport === "unixpacket") {
    const path = address.path || (local.transport === "unix" ? local.path : "");
    return `${path}:0`;
  }
  if (address.transport !== "tcp" && address.transport !== "udp") return "?:0";
  return addressText(address.hostname, address.port);
}

/** Turns Deno's errors into ours. */
function networkError(cause: unknown): NetworkError {
  const error = cause as Error & { code?: string }; // everything that the runtime throws is an Error
  return new NetworkError(error.message.replace(/ \(os error \d+\)/, ""), error.code ?? error.name);
}

/** Errors of `accept` that are not about the connection that was to be taken, but about what all of them need. */
const EXHAUSTED = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];
/** How long accepting rests when there are no descriptors left, in ms. */
const EXHAUSTED_MS = 100;
/** Connections that fail in succession, as when they were all reset while they waited, before others have their turn. */
const FAILURES_AT_ONCE = 16;

class DenoListener implements Listener {
  readonly port: number;
  readonly #listener: Deno.Listener;

  constructor(listener: Deno.Listener) {
    this.#listener = listener;
    this.port = listener.addr.transport === "tcp" ? listener.addr.port : 0;
  }

  async run(acceptor: Acceptor): Promise<void> {
    let failures = 0;
    for (;;) {
      try {
        take(await this.#listener.accept(), acceptor);
        failures = 0;
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        const reason = networkError(error);
        const isExhausted = EXHAUSTED.includes(reason.code);
        if (isExhausted) acceptor.acceptFailed(reason);
        if (isExhausted || ++failures % FAILURES_AT_ONCE === 0) {
          await sleep(isExhausted ? EXHAUSTED_MS : 0);
        }
      }
    }
  }

  close(): void {
    try {
      this.#listener.close();
    } catch {
      // Closed before.
    }
  }
}

/** Hands a connection over. One that was reset in the meantime throws: there is nobody to serve any more. */
function take(connection: Deno.Conn, acceptor: Acceptor): void {
  let socket: DenoSocket;
  try {
    socket = new DenoSocket(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
  queueMicrotask(() => { // so that what this throws is not taken for an error of the connection's
    acceptor.accept(socket);
    socket.run();
  });
}

/** The network, with turns of the event loop that come as soon as Deno can be made to look at its sockets. */
export async function openDenoNetwork(): Promise<Network> {
  const doorbell = await Doorbell.open();
  if (doorbell !== null) useTurns(doorbell.ring);
  return new DenoNetwork();
}

class DenoNetwork implements Network {
  atEndOfTurn(sender: Sender): void {
    endOfTurn.add(sender);
  }

  listenTcp(hostname: string, port: number, tcpBacklog: number, acceptor: Acceptor): Listener {
    return this.#listen(() => Deno.listen({ hostname, port, tcpBacklog }), acceptor);
  }

  listenUnix(path: string, acceptor: Acceptor): Listener {
    return this.#listen(() => Deno.listen({ transport: "unix", path }), acceptor);
  }

  async connectTcp(hostname: string, port: number, sourceAddress: string): Promise<Socket> {
    const bound = sourceAddress === "" ? null : await connectFrom(sourceAddress, hostname, port);
    if (bound !== null) return bound;
    try {
      const socket = new DenoSocket(await Deno.connect({ hostname, port }));
      queueMicrotask(() => socket.run());
      return socket;
    } catch (error) {
      throw networkError(error);
    }
  }

  #listen(open: () => Deno.Listener, acceptor: Acceptor): Listener {
    try {
      const listener = new DenoListener(open());
      listener.run(acceptor);
      return listener;
    } catch (error) {
      throw networkError(error);
    }
  }
}
