/**
 * What the server knows of the network: this interface, which the adapter of each runtime implements. Nothing above
 * `lib/net/` knows whether it runs on Deno or on Bun.
 */

import type { Sender } from "../runtime/turns.ts";

/** An open connection. */
export interface Socket {
  /** Address of the other end: `ip:port`, or the path of a Unix socket followed by `:0`. */
  readonly remoteAddress: string;
  /** Address of this end, in the same form. */
  readonly localAddress: string;
  /** Whether it came in over a Unix socket. */
  readonly isUnix: boolean;
  /** Bytes written that the system has not taken yet. */
  readonly pendingBytes: number;
  /** Who is told of data, drain and close. To be set before the function that handed the socket over returns. */
  handler: SocketHandler;
  /**
   * Takes `bytes[start, end)` for sending at the end of the turn, in order, and copies what it must keep. Does nothing
   * once closed.
   */
  write(bytes: Uint8Array, start: number, end: number): void;
  /** Sends what it can of that at once, for when there will be no end of the turn. */
  send(): void;
  /** Stops and resumes calls of `onData`. */
  pause(): void;
  resume(): void;
  /** Calls `onData` no more until `ms` ms are over: what comes meanwhile comes at once then. For use in `onData`. */
  rest(ms: number): void;
  /** Sends what is pending, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** TCP keep-alive, in seconds between probes; 0 turns it off. */
  setKeepAlive(seconds: number): void;
}

/** Who listens to a socket. Each call is synchronous; none must throw. */
export interface SocketHandler {
  /** Bytes came in; `bytes[start, end)` is valid only during the call. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /**
   * Asked before what was written is handed to the system: null where it may be, else what is to be waited for, which does
   * not reject. Those who must have made durable what replies tell of are why.
   */
  beforeSend(): Promise<void> | null;
  /** All pending bytes were taken by the system. */
  onDrain(): void;
  /** The connection is gone, whoever ended it; called once. */
  onClose(): void;
}

/** A listening address. */
export interface Listener {
  /** The port it listens on; 0 for a Unix socket. */
  readonly port: number;
  close(): void;
}

/** Thrown by `listen` and `connect`; `code` is the system's, such as EADDRINUSE. */
export class NetworkError extends Error {
  override name = "NetworkError";
  constructor(message: string, readonly code: string) {
    super(message);
  }
}

/** Who is handed the connections that a listener takes. */
export interface Acceptor {
  accept(socket: Socket): void;
  /** The system had a connection, but could not hand it over, as it has no descriptors or memory left. */
  acceptFailed(error: NetworkError): void;
}

/** The network of one runtime. Listening takes place at once, so that CONFIG SET can tell how it went. */
export interface Network {
  /** Listens on an address. `::` takes connections over IPv4 too. */
  listenTcp(hostname: string, port: number, backlog: number, acceptor: Acceptor): Listener;
  listenUnix(path: string, acceptor: Acceptor): Listener;
  /** Connects to `hostname:port`, from `sourceAddress` if that is not empty. */
  connectTcp(hostname: string, port: number, sourceAddress: string): Promise<Socket>;
  /** Has a sender told at the end of the turn, when it may still write to sockets. */
  atEndOfTurn(sender: Sender): void;
}

/**
 * `host:port`, as the server shows an address. An IPv4 address that came in by way of IPv6 (`::ffff:127.0.0.1`) is shown
 * as what it is.
 */
export function addressText(host = "?", port = 0): string {
  if (MAPPED.test(host)) return `${host.slice(host.lastIndexOf(":") + 1)}:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const MAPPED = /^::ffff:\d+\.\d+\.\d+\.\d+$/i;

/** The handler of a socket that nobody listens to. */
export const NO_HANDLER: SocketHandler = { onData() {}, beforeSend: () => null, onDrain() {}, onClose() {} };
