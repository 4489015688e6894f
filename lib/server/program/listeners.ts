/**
 * The addresses that the server listens on, as `bind`, `port` and `unixsocket` name them. Opened at the start, moved by
 * CONFIG SET, closed at the end; hands connections to admission.
 */

import { chmodSync, rmSync } from "node:fs";
import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import type { Config } from "../../config/config.ts";
import { type Acceptor, type Listener, type Network, NetworkError } from "../../net/socket.ts";
import { startTimer, type Timer } from "../../runtime/timers.ts";

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

/** A TCP address that is listened on; `address` is as `bind` has it. Without a listener, `::` takes its connections. */
interface Opened {
  readonly address: string;
  readonly port: number;
  readonly listener: Listener | null;
}

/** The sockets that connections come in by. */
export class Listeners {
  #tcp: Opened[] = [];
  #unix: Listener | null = null;
  /** Addresses that are still being given up by those they overlap with. */
  #late: Timer | null = null;

  constructor(
    readonly network: Network,
    readonly config: Config,
    readonly acceptor: Acceptor,
    /** Told what goes wrong after `rebind` has returned. */
    readonly onError: (message: string) => void,
  ) {}

  /** Listens on all configured addresses. Throws a ListenError. */
  open(): void {
    const port = this.config.number("port");
    try {
      if (port !== 0) { for (const address of widestFirst(this.config.list("bind"))) this.#openTcp(address, port); }
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
    const wanted = port === 0 ? [] : widestFirst(this.config.list("bind"));
    const before = this.#tcp;
    // Where `::` comes or goes, all others change hands.
    const isSameForAll = before.some(isWildcard6) === wanted.some((address) => isWildcard6({ address }));
    const stays = (one: Opened) => isSameForAll && one.port === port && wanted.includes(one.address);
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
      for (const one of this.#tcp) if (!before.includes(one)) one.listener?.close();
      this.#tcp = before;
      return error.message;
    }
    for (const one of leaving) one.listener?.close();
    this.#late?.cancel();
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
    if (left.length > 0 && tries > 0) this.#late = startTimer(() => this.#openLate(left, port, tries - 1), LATE_TRY_MS);
  }

  close(): void {
    this.#late?.cancel();
    for (const { listener } of this.#tcp) listener?.close();
    this.#tcp = [];
    if (this.#unix === null) return;
    this.#unix.close();
    this.#unix = null;
    rmSync(fromBinary(this.config.text("unixsocket")), { force: true });
  }

  /** Listens on one address of `bind`; passes over one that the system does not have, if the address allows that. */
  #openTcp(address: string, port: number): void {
    const isOptional = address.startsWith("-");
    const host = hostOf(address);
    const isCovered = this.#tcp.some((one) => one.port === port && isWildcard6(one) && one.listener !== null);
    if (isCovered) return void this.#tcp.push({ address, port, listener: null });
    try {
      const acceptor = host === "::" ? this.#acceptorOfBoth() : this.acceptor;
      const listener = this.network.listenTcp(host, port, this.config.number("tcp-backlog"), acceptor);
      this.#tcp.push({ address, port, listener });
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (isOptional && ABSENT.includes(error.code)) return;
      const reason = systemErrorText(error);
      throw new ListenError(
        `Warning: Could not create server TCP listening socket ${address}:${port}: bind: ${reason}`,
        error.code,
      );
    }
  }

  /**
   * Takes the connections of `::`, which come over IPv4 too. Where `bind` names IPv4 addresses besides, only those that
   * it names are served.
   */
  #acceptorOfBoth(): Acceptor {
    const { acceptor } = this;
    return {
      accept: (socket) => {
        const host = socket.localAddress.slice(0, socket.localAddress.lastIndexOf(":"));
        const named = this.config.list("bind").map(hostOf).filter((one) => !one.includes(":"));
        if (host.startsWith("[") || named.length === 0 || named.includes("0.0.0.0") || named.includes(host)) {
          acceptor.accept(socket);
        } else socket.destroy();
      },
      acceptFailed: (error) => acceptor.acceptFailed(error),
    };
  }

  #openUnix(binaryPath: string): Listener {
    const path = fromBinary(binaryPath);
    try {
      rmSync(path, { force: true });
      const listener = this.network.listenUnix(path, this.acceptor);
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
  const bare = address.startsWith("-") ? address.slice(1) : address;
  if (bare === "*") return "0.0.0.0";
  return bare === "::*" ? "::" : bare;
}

/** Whether it stands for all addresses of this machine: those of IPv4 come in there too. */
function isWildcard6({ address }: { readonly address: string }): boolean {
  return hostOf(address) === "::";
}

/** The addresses with `::` first, as it takes the connections of all others. */
function widestFirst(addresses: readonly string[]): string[] {
  const wide = addresses.filter((address) => isWildcard6({ address }));
  return [...wide, ...addresses.filter((address) => !isWildcard6({ address }))];
}
