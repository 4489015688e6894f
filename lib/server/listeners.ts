/** The addresses that the server listens on, as `bind`, `port` and `unixsocket` name them. */

import { chmodSync, rmSync } from "node:fs";
import { fromBinary } from "../bytes/paths.ts";
import { systemErrorText } from "../bytes/system_errors.ts";
import type { Config } from "../config/config.ts";
import { type Listener, type Network, NetworkError, type Socket } from "../net/socket.ts";

/** Reasons for which an address with a `-` before it is passed over: the system has no such address. */
const ABSENT = ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ENOPROTOOPT"];

/** How often, and after how many ms each time, an address is tried that is not free yet. */
const MAX_LATE_TRIES = 100;
const LATE_TRY_MS = 10;

/** Listening failed; the message is for the operator. */
export class ListenError extends Error {
  override name = "ListenError";
  /** `code` is the system's, such as EADDRINUSE. */
  constructor(message: string, readonly code: string = "") {
    super(message);
  }
}

/** A TCP address that is listened on; `address` is as `bind` has it. */
interface Opened {
  readonly address: string;
  readonly port: number;
  readonly listener: Listener;
}

export class Listeners {
  #tcp: Opened[] = [];
  #unix: Listener | null = null;
  /** Addresses that are still being given up by those they overlap with. */
  #late: ReturnType<typeof setTimeout> | null = null;

  constructor(
    readonly network: Network,
    readonly config: Config,
    readonly onSocket: (socket: Socket) => void,
    /** Told what goes wrong after `rebind` has returned. */
    readonly onError: (message: string) => void,
  ) {}

  /** Listens on all configured addresses. Throws a ListenError. */
  open(): void {
    const port = this.config.number("port");
    try {
      if (port !== 0) { for (const address of this.config.list("bind")) this.#openTcp(address, port); }
      const path = this.config.text("unixsocket");
      if (path !== "") this.#unix = this.#openUnix(path);
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.#tcp.length === 0 && this.#unix === null) {
      throw new ListenError("Configured to not listen anywhere, exiting.");
    }
  }

  /** The addresses and the path that are listened on, for the log. */
  get addresses(): string[] {
    const shown = this.#tcp.map(({ address, port }) => {
      const host = address.startsWith("-") ? address.slice(1) : address;
      return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    });
    return this.#unix === null ? shown : [...shown, this.config.text("unixsocket")];
  }

  /** Moves to the addresses configured now. Where that fails, listens as before and returns why it failed. */
  rebind(): string | null {
    const port = this.config.number("port");
    const wanted = port === 0 ? [] : this.config.list("bind");
    const stays = (one: Opened) => one.port === port && wanted.includes(one.address);
    const before = this.#tcp;
    const leaving = before.filter((one) => !stays(one));
    const late: string[] = [];
    this.#tcp = before.filter(stays);
    try {
      for (const address of wanted) {
        if (this.#tcp.some((one) => one.address === address)) continue;
        try {
          this.#openTcp(address, port);
        } catch (error) {
          // A wildcard and an address that it covers exclude each other, and one that leaves is not free at once.
          const isOurs = leaving.some((one) => one.port === port);
          if (!(error instanceof ListenError) || error.code !== "EADDRINUSE" || !isOurs) throw error;
          late.push(address);
        }
      }
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      for (const one of this.#tcp) if (!before.includes(one)) one.listener.close();
      this.#tcp = before;
      return error.message;
    }
    for (const one of leaving) one.listener.close();
    if (this.#late !== null) clearTimeout(this.#late);
    this.#openLate(late, port, MAX_LATE_TRIES);
    return null;
  }

  #openLate(addresses: readonly string[], port: number, tries: number): void {
    this.#late = null;
    const left: string[] = [];
    for (const address of addresses) {
      try {
        this.#openTcp(address, port);
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        if (tries === 0) this.onError(error.message);
        left.push(address);
      }
    }
    if (left.length > 0 && tries > 0) this.#late = setTimeout(() => this.#openLate(left, port, tries - 1), LATE_TRY_MS);
  }

  close(): void {
    if (this.#late !== null) clearTimeout(this.#late);
    for (const { listener } of this.#tcp) listener.close();
    this.#tcp = [];
    if (this.#unix === null) return;
    this.#unix.close();
    this.#unix = null;
    rmSync(fromBinary(this.config.text("unixsocket")), { force: true });
  }

  /** Listens on one address of `bind`; passes over one that the system does not have, if the address allows that. */
  #openTcp(address: string, port: number): void {
    const isOptional = address.startsWith("-");
    const host = hostOf(isOptional ? address.slice(1) : address);
    try {
      const listener = this.network.listenTcp(host, port, this.config.number("tcp-backlog"), this.onSocket);
      this.#tcp.push({ address, port, listener });
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      // An IPv6 wildcard may cover the IPv4 one on some systems: then there is nothing left to listen on.
      const isCovered = host === "::" && this.#tcp.some((one) => one.port === port) && error.code === "EADDRINUSE";
      if (isCovered || (isOptional && ABSENT.includes(error.code))) return;
      const reason = systemErrorText(error);
      throw new ListenError(
        `Warning: Could not create server TCP listening socket ${address}:${port}: bind: ${reason}`,
        error.code,
      );
    }
  }

  #openUnix(binaryPath: string): Listener {
    const path = fromBinary(binaryPath);
    try {
      rmSync(path, { force: true });
      const listener = this.network.listenUnix(path, this.onSocket);
      const mode = this.config.number("unixsocketperm");
      if (mode > 0) chmodSync(path, mode);
      return listener;
    } catch (error) {
      throw new ListenError(`Failed opening Unix socket: bind: ${systemErrorText(error)} ('${binaryPath}')`);
    }
  }
}

/** The host to listen on for an address of `bind`. */
function hostOf(address: string): string {
  if (address === "*") return "0.0.0.0";
  return address === "::*" ? "::" : address;
}
