/**
 * Connections from an address of our own choice (`bind-source-addr`), on either runtime: `Deno.connect` and
 * `Bun.connect` leave the choice to the system, `node:net` does not. Only links to a primary are opened so, and only
 * where the configuration asks for it.
 */

import { connect, type Socket as TcpSocket } from "node:net";
import { startTimer } from "../runtime/timers.ts";
import { Held } from "./held.ts";
import { addressText, NO_HANDLER, type Socket, type SocketHandler } from "./socket.ts";

class NodeSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isUnix = false;
  readonly #socket: TcpSocket;
  #closed = false;
  readonly #held = new Held();

  constructor(socket: TcpSocket) {
    this.#socket = socket;
    this.remoteAddress = addressText(socket.remoteAddress, socket.remotePort);
    this.localAddress = addressText(socket.localAddress, socket.localPort);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      // What comes is a Buffer, whose `slice` shares its memory where that of a Uint8Array copies.
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      this.handler.onData(bytes, 0, bytes.length);
    });
    socket.on("close", () => this.#gone());
  }

  get pendingBytes(): number {
    return this.#closed ? 0 : this.#socket.writableLength + this.#held.bytes;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || this.#socket.writableEnded || start === end) return;
    if (!this.#held.hold(this.handler, bytes, start, end, this.#hand)) this.#hand(bytes.slice(start, end));
  }

  #hand = (bytes: Uint8Array): void => {
    if (this.#closed) return;
    this.#socket.write(bytes, () => {
      if (!this.#closed && this.pendingBytes === 0) this.handler.onDrain();
    });
  };

  send(): void {} // `write` has begun to

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  rest(ms: number): void {
    this.pause();
    startTimer(() => this.resume(), ms);
  }

  end(): void {
    if (this.#held.end !== null) void this.#held.end.then(() => this.end());
    else this.#socket.end(() => this.destroy());
  }

  destroy(): void {
    this.#socket.destroy();
    this.#gone();
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.handler.onClose();
  }

  setKeepAlive(seconds: number): void {
    this.#socket.setKeepAlive(seconds > 0, seconds * 1000);
  }
}

/**
 * Connects to `hostname:port` from `sourceAddress`; null where that fails for whatever reason, as the address may be
 * none of this machine: Redis then leaves the choice to the system, too.
 */
export function connectFrom(sourceAddress: string, hostname: string, port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, localAddress: sourceAddress });
    socket.once("connect", () => resolve(new NodeSocket(socket)));
    // Stays for the connection's whole life: what an error means is told by the close that follows it.
    socket.on("error", () => resolve(null));
  });
}
