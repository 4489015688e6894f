/**
 * The network on Deno: `Deno.listen` and `Deno.connect`.
 *
 * Reads and writes are promises there. A socket keeps one read under way, into a buffer that grows while it is filled
 * and so stays small for idle connections, and one write under way.
 *
 * What is written during a turn of the event loop is sent when all that came in has been dealt with (`sendDue`). The first
 * reply wakes its reader, who then finds the others coming while it is awake: replies sent one by one would each pay
 * for waking it, which costs more than the sending.
 */

import { copyBytes } from "../bytes/compare.ts";
import { connectFrom } from "./node.ts";
import { type Listener, type Network, NetworkError, NO_HANDLER, type Socket, type SocketHandler } from "./socket.ts";

const FIRST_READ_BYTES = 2048;
const LARGEST_READ_BYTES = 128 * 1024;
const LARGEST_POOLED_BYTES = 64 * 1024;
const MAX_POOLED = 64;

/** Bytes to be sent, in a buffer that is lent from a pool. */
class Output {
  readonly bytes: Uint8Array;
  length = 0;
  /** What is to be sent after it. */
  next: Output | null = null;
  /** The view of the bytes that was made last: replies are often as long as the one before. */
  #view: Uint8Array;

  constructor(capacity: number) {
    this.bytes = this.#view = new Uint8Array(capacity);
  }

  /** The bytes from `start` on. */
  from(start: number): Uint8Array {
    if (start > 0) return this.bytes.subarray(start, this.length);
    if (this.#view.length !== this.length) this.#view = this.bytes.subarray(0, this.length);
    return this.#view;
  }
}

const pool: Output[] = [];

function takeOutput(bytes: number): Output {
  if (bytes > LARGEST_POOLED_BYTES) return new Output(bytes);
  return pool.pop() ?? new Output(LARGEST_POOLED_BYTES);
}

function giveOutput(output: Output): void {
  if (output.bytes.length !== LARGEST_POOLED_BYTES || pool.length === MAX_POOLED) return;
  output.length = 0;
  output.next = null;
  pool.push(output);
}

/** Sockets with output that was written in this turn; the first `dueCount` count. */
const due: (DenoSocket | null)[] = [];
let dueCount = 0;
const DONE = Promise.resolve();

/** Has a socket's output sent at the end of the turn. */
function sendLater(socket: DenoSocket): void {
  if (dueCount === 0) DONE.then(sendDue);
  due[dueCount++] = socket;
}

function sendDue(): void {
  const count = dueCount;
  dueCount = 0; // sending writes nothing, and so makes nothing due
  for (let i = 0; i < count; i++) {
    due[i]?.send();
    due[i] = null;
  }
}

class DenoSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  pendingBytes = 0;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isUnix: boolean;
  readonly #connection: Deno.Conn;
  /** The write under way, and how much of it is written. */
  #writing: Output | null = null;
  #written = 0;
  /** What waits behind it, from the first to the one that is being filled. */
  #first: Output | null = null;
  #last: Output | null = null;
  #ending = false;
  #closed = false;
  #resumed: (() => void) | null = null;
  #paused = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.isUnix = connection.remoteAddr.transport === "unix";
    this.remoteAddress = addressText(connection.remoteAddr, connection.localAddr);
    this.localAddress = addressText(connection.localAddr, connection.localAddr);
    if (!this.isUnix) (connection as Deno.TcpConn).setNoDelay(true); // the transport was looked at
  }

  /** Reads until the connection ends. */
  async run(): Promise<void> {
    let buffer = new Uint8Array(FIRST_READ_BYTES);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null || this.#closed) break;
        if (this.#paused) await new Promise<void>((resolve) => this.#resumed = resolve);
        if (this.#closed) break;
        this.handler.onData(buffer, 0, count);
        if (count === buffer.length && count < LARGEST_READ_BYTES) buffer = new Uint8Array(count * 4);
      }
    } catch {
      // A reset, or our own close: both end here, and onClose is all that the server needs to know.
    }
    this.destroy();
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closed || this.#ending || start === end) return;
    const length = end - start;
    let output = this.#last;
    if (output === null) {
      output = this.#first = this.#last = takeOutput(length);
      if (this.#writing === null) sendLater(this);
    } else if (output.bytes.length - output.length < length) {
      output = output.next = this.#last = takeOutput(length);
    }
    copyBytes(bytes, start, length, output.bytes, output.length);
    output.length += length;
    this.pendingBytes += length;
  }

  /** Begins to send what waits. */
  send(): void {
    const output = this.#first;
    if (output === null || this.#closed) return;
    this.#first = output.next;
    if (this.#first === null) this.#last = null;
    this.#writing = output;
    this.#written = 0;
    this.#connection.write(output.from(0)).then(this.#onWritten, this.#onWriteFailed);
  }

  #onWritten = (count: number): void => {
    const output = this.#writing;
    if (output === null) return;
    this.pendingBytes -= count;
    this.#written += count;
    if (this.#written < output.length) {
      this.#connection.write(output.from(this.#written)).then(this.#onWritten, this.#onWriteFailed);
      return;
    }
    giveOutput(output);
    this.#writing = null;
    if (this.#first !== null) this.send();
    else if (this.#ending) this.destroy();
    else this.handler.onDrain();
  };

  #onWriteFailed = (): void => {
    this.#writing = null;
    this.destroy();
  };

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resumed?.();
    this.#resumed = null;
  }

  end(): void {
    this.#ending = true;
    if (this.#writing === null && this.#first === null) this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#first = this.#last = null;
    this.pendingBytes = 0;
    try {
      this.#connection.close();
    } catch {
      // Already closed by the other end.
    }
    this.resume();
    this.handler.onClose();
  }

  setKeepAlive(seconds: number): void {
    if (!this.isUnix) (this.#connection as Deno.TcpConn).setKeepAlive(seconds > 0); // the transport was looked at
  }
}

function addressText(address: Deno.Addr, local: Deno.Addr): string {
  if (address.transport === "unix" || address.transport === "unixpacket") {
    const path = address.path || (local.transport === "unix" ? local.path : "");
    return `${path}:0`;
  }
  if (address.transport !== "tcp" && address.transport !== "udp") return "?:0";
  return address.hostname.includes(":")
    ? `[${address.hostname}]:${address.port}`
    : `${address.hostname}:${address.port}`;
}

/** Turns Deno's errors into ours. */
function networkError(cause: unknown): NetworkError {
  const error = cause as Error & { code?: string }; // everything that the runtime throws is an Error
  return new NetworkError(error.message.replace(/ \(os error \d+\)/, ""), error.code ?? error.name);
}

class DenoListener implements Listener {
  readonly port: number;
  readonly #listener: Deno.Listener;

  constructor(listener: Deno.Listener) {
    this.#listener = listener;
    this.port = listener.addr.transport === "tcp" ? listener.addr.port : 0;
  }

  async run(onSocket: (socket: Socket) => void): Promise<void> {
    for (;;) {
      let connection: Deno.Conn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        await new Promise((resolve) => setTimeout(resolve, 100)); // out of file descriptors: try again in a while
        continue;
      }
      const socket = new DenoSocket(connection);
      onSocket(socket);
      socket.run();
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

export class DenoNetwork implements Network {
  listenTcp(hostname: string, port: number, tcpBacklog: number, onSocket: (socket: Socket) => void): Listener {
    return this.#listen(() => Deno.listen({ hostname, port, tcpBacklog }), onSocket);
  }

  listenUnix(path: string, onSocket: (socket: Socket) => void): Listener {
    return this.#listen(() => Deno.listen({ transport: "unix", path }), onSocket);
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

  #listen(open: () => Deno.Listener, onSocket: (socket: Socket) => void): Listener {
    try {
      const listener = new DenoListener(open());
      listener.run(onSocket);
      return listener;
    } catch (error) {
      throw networkError(error);
    }
  }
}
