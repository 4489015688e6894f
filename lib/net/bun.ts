/**
 * The network on Bun: `Bun.listen` and `Bun.connect`. Writing is synchronous there, and what the system does not take
 * at once waits until the socket drains.
 */

import process from "node:process";
import type * as BunModule from "bun";
import type { Socket as BunTcpSocket, TCPSocketListener, UnixSocketListener } from "bun";
import { startTimer } from "../runtime/timers.ts";
import { EndOfTurn, type Sender, useTurns } from "../runtime/turns.ts";
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

/** The runtime's global, declared here so that Deno's type check, which has no such global, can follow this file too. */
declare const Bun: typeof BunModule;

/** Received bytes after which the garbage collector is asked to run. */
const COLLECT_EVERY_BYTES = 64 * 1024 * 1024;
let uncollectedBytes = 0;

/** The engine's own module, which Deno's type check could not find by its name. */
const engine = process.getBuiltinModule("bun:jsc") as unknown as { readonly fullGC: () => number };

/**
 * Each arrival of data comes in a buffer of its own. The collector would let hundreds of megabytes of them pile up, as
 * it takes the arena's segments for heap and thinks that little against them, and as its quick collections, of what is
 * young, free none of them. So it is told when it is time for a full one. That takes a few milliseconds, of which most go
 * into freeing the buffers, whoever asks for it.
 */
function countReceived(bytes: number): void {
  uncollectedBytes += bytes;
  if (uncollectedBytes < COLLECT_EVERY_BYTES) return;
  uncollectedBytes = 0;
  engine.fullGC();
}

/** Of what arrives at once, this much is dealt with before other sockets have their turn, in bytes. */
const TURN_BYTES = 32 * 1024;
const NO_BYTES = new Uint8Array(0);

/** Immediates run when all sockets that are ready have been read. */
const endOfTurn = new EndOfTurn(setImmediate);

/** A connection, with what we keep of it: nothing before it is open, nor if it was reset by then. */
type Connection = BunTcpSocket<BunSocket | undefined>;

class BunSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isUnix: boolean;
  readonly #socket: Connection;
  readonly #outbox = new Outbox();
  /** The system takes no more until it says so. */
  #isFull = false;
  /** What has arrived and waits for its turn: the socket is paused until it is dealt with. */
  #arrived: Uint8Array = NO_BYTES;
  #dealtWith = 0;
  /** A turn of it has been asked for. */
  #isTurnDue = false;
  #isPaused = false;
  #ending = false;
  #closed = false;

  constructor(socket: Connection, unixPath: string) {
    this.#socket = socket;
    this.isUnix = unixPath !== "";
    this.remoteAddress = this.isUnix ? `${unixPath}:0` : addressText(socket.remoteAddress, socket.remotePort ?? 0);
    this.localAddress = this.isUnix ? `${unixPath}:0` : addressText(socket.localAddress, socket.localPort);
    if (!this.isUnix) socket.setNoDelay(true);
  }

  get pendingBytes(): number {
    return this.#outbox.length;
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
    if (this.#isFull || this.#closed) return;
    while (this.#outbox.released > 0) {
      const bytes = this.#outbox.next();
      const count = Math.max(0, this.#socket.write(bytes));
      this.#outbox.sent(count);
      if (count < bytes.length) {
        this.#isFull = true;
        return;
      }
    }
    if (this.#outbox.length > 0) return;
    if (this.#ending) this.destroy();
    else this.handler.onDrain();
  };

  /** The system can take more. */
  drain(): void {
    this.#isFull = false;
    this.#sendReleased();
  }

  /** Bytes have arrived, in a buffer of their own. */
  received(bytes: Uint8Array): void {
    if (this.#arrived.length > 0) return this.#keep(bytes);
    if (bytes.length <= TURN_BYTES) return this.handler.onData(bytes, 0, bytes.length);
    // Bun reads a socket on and on, half a megabyte at a time, as long as there is more.
    this.#socket.pause();
    this.#arrived = bytes;
    this.#takeTurn();
  }

  /** Adds to what waits for its turn: a socket that hangs up may still be read while it is paused. */
  #keep(bytes: Uint8Array): void {
    const rest = this.#arrived.subarray(this.#dealtWith);
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    this.#arrived = joined;
    this.#dealtWith = 0;
  }

  #awaitTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(this.#takeTurn);
  }

  #takeTurn = (): void => {
    this.#isTurnDue = false;
    if (this.#closed || this.#isPaused || this.#arrived.length === 0) return;
    const start = this.#dealtWith;
    const end = this.#dealtWith = Math.min(start + TURN_BYTES, this.#arrived.length);
    this.handler.onData(this.#arrived, start, end);
    if (end < this.#arrived.length) return this.#awaitTurn();
    this.#arrived = NO_BYTES;
    this.#dealtWith = 0;
    if (!this.#isPaused && !this.#closed) this.#socket.resume();
  };

  pause(): void {
    this.#isPaused = true;
    if (!this.#closed) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#arrived.length > 0) this.#awaitTurn();
    else if (!this.#closed) this.#socket.resume();
  }

  rest(ms: number): void {
    this.pause();
    startTimer(() => this.resume(), ms);
  }

  end(): void {
    this.#ending = true;
    if (this.#outbox.length === 0) this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#arrived = NO_BYTES; // or the close that `end` tells of would have it dealt with
    this.#socket.end();
    this.#closedNow();
  }

  /** The other end has closed the connection. What it sent before still counts. */
  closedByPeer(): void {
    const arrived = this.#arrived;
    this.#arrived = NO_BYTES;
    if (arrived.length > 0 && !this.#closed) this.handler.onData(arrived, this.#dealtWith, arrived.length);
    this.#closedNow();
  }

  #closedNow(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.clear();
    this.handler.onClose();
  }

  setKeepAlive(seconds: number): void {
    if (!this.isUnix && !this.#closed) this.#socket.setKeepAlive(seconds > 0, seconds * 1000);
  }
}

/** Turns Bun's errors into ours. */
function networkError(cause: unknown): NetworkError {
  const error = cause as Error & { code?: string }; // everything that the runtime throws is an Error
  return new NetworkError(error.message, error.code ?? error.name);
}

/** Callbacks shared by all sockets. */
function callbacks(unixPath: string, onSocket: (socket: Socket) => void) {
  return {
    open(connection: Connection): void {
      // One that was reset before it was taken has no other end any more: there is nobody to serve.
      if (unixPath === "" && (connection.remoteAddress as string | undefined) === undefined) {
        connection.end();
        return;
      }
      connection.data = new BunSocket(connection, unixPath);
      onSocket(connection.data);
    },
    data({ data: socket }: Connection, bytes: Uint8Array): void {
      countReceived(bytes.length);
      socket?.received(bytes);
    },
    drain({ data: socket }: Connection): void {
      socket?.drain();
    },
    close({ data: socket }: Connection): void {
      socket?.closedByPeer();
    },
    error({ data: socket }: Connection, error: Error): void {
      socket?.destroy();
      // Bun tells of what the callbacks above throw here, too: that is nothing of the connection's.
      if (!("code" in error)) throw error;
    },
    binaryType: "uint8array" as const,
  };
}

class BunListener implements Listener {
  readonly port: number;

  constructor(readonly listener: TCPSocketListener<BunSocket | undefined> | UnixSocketListener<BunSocket | undefined>) {
    this.port = "port" in listener ? listener.port : 0;
  }

  close(): void {
    this.listener.stop();
  }
}

/** The network. Bun looks at its sockets between immediates. */
export function openBunNetwork(): Network {
  useTurns(setImmediate);
  return new BunNetwork();
}

class BunNetwork implements Network {
  atEndOfTurn(sender: Sender): void {
    endOfTurn.add(sender);
  }

  listenTcp(hostname: string, port: number, _backlog: number, acceptor: Acceptor): Listener {
    const socket = callbacks("", (socket) => acceptor.accept(socket));
    try {
      return new BunListener(Bun.listen<BunSocket | undefined>({ hostname, port, socket }));
    } catch (error) {
      throw networkError(error);
    }
  }

  listenUnix(unix: string, acceptor: Acceptor): Listener {
    const socket = callbacks(unix, (socket) => acceptor.accept(socket));
    try {
      return new BunListener(Bun.listen<BunSocket | undefined>({ unix, socket }));
    } catch (error) {
      throw networkError(error);
    }
  }

  async connectTcp(hostname: string, port: number, sourceAddress: string): Promise<Socket> {
    const bound = sourceAddress === "" ? null : await connectFrom(sourceAddress, hostname, port);
    return bound ?? await new Promise((resolve, reject) => {
      const socket = {
        ...callbacks("", resolve),
        connectError: (_: unknown, error: Error) => reject(networkError(error)),
      };
      Bun.connect<BunSocket | undefined>({ hostname, port, socket }).catch((error: unknown) =>
        reject(networkError(error))
      );
    });
  }
}
