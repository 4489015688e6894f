/**
 * A simulated network between hosts: connections that deliver in order, each at its own pace, in pieces of any size.
 * Connections can be cut, and hosts parted, which stalls what is between them; a killed server's connections end at once,
 * or only much later, as those of a machine do that has lost its power.
 */

import { Held } from "../../lib/net/held.ts";
import { copyBytes } from "../../lib/bytes/compare.ts";
import {
  type Acceptor,
  type Listener,
  type Network,
  NetworkError,
  NO_HANDLER,
  type Socket,
  type SocketHandler,
} from "../../lib/net/socket.ts";
import type { Chance } from "./chance.ts";
import type { Scheduler, Scope } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** How long bytes are on their way, in ms: mostly, and on a slow connection. */
const LATENCY_MS = 1;
const SLOW_LATENCY_MS = 150;
/** How long whoever connects to a host that does not answer waits, in ms. */
const CONNECT_TIMEOUT_MS = 8000;
/** After a power failure the other end learns of it within this time, in ms. */
const UNHEARD_MS = 30_000;
/** Bytes that the system takes before they are `pendingBytes`: one of these. */
const WINDOWS = [4 * 1024, 64 * 1024, 1024 * 1024];
/** What is read at once, at most. */
const READ_BYTES = 64 * 1024;
/** What a buffer holds once its time is over. */
const STALE = 0xee;
/** The least that is allocated for bytes on their way. */
const FIRST_ROOM_BYTES = 1024;

/** Bytes in the order in which they were added. */
class ByteQueue {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const added = end - start;
    if (this.#end + added > this.#bytes.length) this.#makeRoom(added);
    copyBytes(bytes, start, added, this.#bytes, this.#end);
    this.#end += added;
  }

  /** Moves what is there to the beginning, of a larger buffer if need be. */
  #makeRoom(added: number): void {
    const { length } = this;
    const wanted = length + added;
    const old = this.#bytes;
    if (wanted > old.length) this.#bytes = new Uint8Array(Math.max(FIRST_ROOM_BYTES, 2 * wanted));
    this.#bytes.set(old.subarray(this.#start, this.#end));
    this.#start = 0;
    this.#end = length;
  }

  /** Moves the first `length` bytes to `target`. */
  take(length: number, target: Uint8Array, at: number): void {
    copyBytes(this.#bytes, this.#start, length, target, at);
    this.#start += length;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#start = this.#end = 0;
  }
}

/** One end of a connection. */
export class SimulatedSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly isUnix = false;
  isClosed = false;
  /** Whether whoever connected has been handed it. */
  isReady = false;
  readonly #outgoing = new ByteQueue();
  #isPaused = false;
  #isEnding = false;
  #isFull = false;
  #deliveryDue = false;
  #latestMs = 0;
  readonly #held = new Held();
  /** The other end. */
  peer: SimulatedSocket = this;

  constructor(
    readonly network: SimulatedNetwork,
    readonly scope: Scope,
    readonly host: string,
    readonly localAddress: string,
    readonly remoteAddress: string,
    readonly windowBytes: number,
    readonly latencyMs: number,
  ) {}

  get pendingBytes(): number {
    return this.isClosed ? 0 : Math.max(0, this.#outgoing.length - this.windowBytes);
  }

  /** Whether all that was written has been taken by the other end. */
  get isDrained(): boolean {
    return this.#outgoing.length === 0;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.isClosed || this.#isEnding || this.scope.isDead || start === end) return;
    const isHeld = this.#held.hold(this.handler, bytes, start, end, (copy) => {
      if (!this.isClosed && !this.scope.isDead) this.#hand(copy, 0, copy.length);
    });
    if (!isHeld) this.#hand(bytes, start, end);
  }

  #hand(bytes: Uint8Array, start: number, end: number): void {
    this.#outgoing.add(bytes, start, end);
    if (this.pendingBytes > 0) this.#isFull = true;
    this.#scheduleDelivery();
  }

  send(): void {}

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.peer.#scheduleDelivery();
  }

  rest(ms: number): void {
    this.pause();
    this.network.scheduler.after(ms, () => this.resume(), this.scope);
  }

  /** Whoever connected has it now: what has come for it can be delivered. */
  ready(): void {
    this.isReady = true;
    this.peer.#scheduleDelivery();
  }

  /** Hosts are no longer parted. */
  healed(): void {
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    const { scheduler, chance } = this.network;
    if (this.#deliveryDue || (this.#outgoing.length === 0 && !this.#isEnding)) return;
    this.#deliveryDue = true;
    this.#latestMs = Math.max(this.#latestMs, scheduler.nowMs + chance.between(0, this.latencyMs));
    scheduler.after(this.#latestMs - scheduler.nowMs, () => {
      this.#deliveryDue = false;
      this.#deliver();
    }, this.peer.scope);
  }

  /** Hands the other end a piece of what is on its way. */
  #deliver(): void {
    const { peer, network } = this;
    if (peer.isClosed || peer.#isPaused || !peer.isReady || network.areParted(this.host, peer.host)) return;
    if (this.#outgoing.length > 0) {
      const { chance, scheduler, trace, arrived } = network;
      const most = Math.min(READ_BYTES, this.#outgoing.length);
      const length = chance.oneIn(4) ? 1 + chance.below(most) : most;
      const start = chance.below(3);
      const end = start + length;
      this.#outgoing.take(length, arrived, start);
      trace.noteBytes(scheduler.nowMs, arrived, start, end);
      peer.handler.onData(arrived, start, end);
      arrived.fill(STALE, start, end);
      this.#taken();
    }
    if (this.#outgoing.length > 0) return this.#scheduleDelivery();
    if (!this.#isEnding) return;
    peer.closeNow();
    network.scheduler.after(0, () => this.closeNow(), this.scope);
  }

  #taken(): void {
    if (!this.#isFull || this.pendingBytes > 0) return;
    this.#isFull = false;
    this.network.scheduler.after(0, () => {
      if (!this.isClosed && this.pendingBytes === 0) this.handler.onDrain();
    }, this.scope);
  }

  end(): void {
    if (this.#held.end !== null) {
      void this.#held.end.then(() => this.end());
      return;
    }
    this.#isEnding = true;
    this.#scheduleDelivery();
  }

  destroy(): void {
    if (this.isClosed || this.scope.isDead) return;
    const { scheduler, chance } = this.network;
    this.closeNow();
    scheduler.after(chance.between(0, this.latencyMs), () => this.peer.closeNow(), this.peer.scope);
  }

  /** It is gone, without a word to the other end. */
  closeNow(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#outgoing.clear();
    this.network.sockets.delete(this);
    if (!this.scope.isDead) this.handler.onClose();
  }

  setKeepAlive(): void {}
}

export class SimulatedNetwork {
  readonly sockets = new Set<SimulatedSocket>();
  /** Holds what a socket is handed, while it is. */
  readonly arrived = new Uint8Array(READ_BYTES + 2).fill(STALE);
  /** Once in how many connections there is a slow one. */
  slowOneIn = 20;
  readonly #listeners = new Map<string, { readonly scope: Scope; readonly acceptor: Acceptor }>();
  readonly #parted = new Set<string>();
  #nextPort = 20_000;

  constructor(readonly scheduler: Scheduler, readonly chance: Chance, readonly trace: Trace) {}

  /** The network as a host sees it. */
  of(host: string): Network {
    return {
      listenTcp: (_, port, __, acceptor) => this.#listen(`${host}:${port}`, port, acceptor),
      listenUnix: () => {
        throw new NetworkError("a simulation has no Unix sockets", "EACCES");
      },
      connectTcp: (remote, port) => this.connect(host, remote, port),
      atEndOfTurn: (sender) => void this.scheduler.after(0, () => sender.send()),
    };
  }

  #listen(address: string, port: number, acceptor: Acceptor): Listener {
    const one = { scope: this.scheduler.current, acceptor };
    this.#listeners.set(address, one);
    return {
      port,
      close: () => {
        if (this.#listeners.get(address) === one) this.#listeners.delete(address);
      },
    };
  }

  connect(host: string, remote: string, port: number): Promise<SimulatedSocket> {
    return new Promise((resolve, reject) => {
      const scope = this.scheduler.current;
      const refuse = (code: string, delayMs: number) =>
        this.scheduler.after(delayMs, () => {
          this.scheduler.noteFault();
          reject(new NetworkError(code, code));
        }, scope);
      if (this.areParted(host, remote)) {
        refuse("ETIMEDOUT", this.chance.between(100, CONNECT_TIMEOUT_MS));
        return;
      }
      const listener = this.#listeners.get(`${remote}:${port}`);
      if (listener === undefined || listener.scope.isDead) {
        refuse("ECONNREFUSED", LATENCY_MS);
        return;
      }
      const timeout = refuse("ETIMEDOUT", CONNECT_TIMEOUT_MS); // the other end may be killed before it answers
      this.scheduler.after(this.chance.between(0, LATENCY_MS), () => {
        const [near, far] = this.#pair(scope, host, listener.scope, remote, port);
        listener.acceptor.accept(far);
        far.ready();
        this.scheduler.after(this.chance.between(0, LATENCY_MS), () => {
          timeout.cancel();
          resolve(near);
          this.scheduler.after(0, () => near.ready(), scope);
        }, scope);
      }, listener.scope);
    });
  }

  #pair(nearScope: Scope, near: string, farScope: Scope, far: string, port: number) {
    const latencyMs = this.chance.oneIn(this.slowOneIn) ? SLOW_LATENCY_MS : LATENCY_MS;
    const window = this.chance.of(WINDOWS);
    const nearAddress = `${near}:${this.#nextPort++}`;
    const one = new SimulatedSocket(this, nearScope, near, nearAddress, `${far}:${port}`, window, latencyMs);
    const other = new SimulatedSocket(this, farScope, far, `${far}:${port}`, nearAddress, window, latencyMs);
    one.peer = other;
    other.peer = one;
    this.sockets.add(one).add(other);
    return [one, other] as const;
  }

  /** Ends a connection, of which either end learns in its own time. */
  cut(socket: SimulatedSocket, withinMs: number): void {
    for (const end of [socket, socket.peer]) {
      this.scheduler.after(this.chance.between(0, withinMs), () => end.closeNow(), end.scope);
    }
  }

  /** A server is gone: the other ends learn of it at once, or, after a power failure, when they do. */
  dropAll(scope: Scope, powerFailed: boolean): void {
    for (const socket of [...this.sockets]) {
      if (socket.scope !== scope) continue;
      this.sockets.delete(socket);
      const { peer } = socket;
      const delayMs = this.chance.between(0, powerFailed && this.chance.oneIn(2) ? UNHEARD_MS : 2 * LATENCY_MS);
      this.scheduler.after(delayMs, () => peer.closeNow(), peer.scope);
    }
  }

  areParted(a: string, b: string): boolean {
    return this.#parted.size > 0 && this.#parted.has(pairOf(a, b));
  }

  part(a: string, b: string): void {
    this.#parted.add(pairOf(a, b));
  }

  /** Lets hosts reach each other again: what was stalled goes on, or its connection is reset. */
  heal(a: string, b: string): void {
    if (!this.#parted.delete(pairOf(a, b))) return;
    for (const socket of [...this.sockets]) {
      if (pairOf(socket.host, socket.peer.host) !== pairOf(a, b)) continue;
      if (this.chance.oneIn(4)) this.cut(socket, LATENCY_MS);
      else socket.healed();
    }
  }
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
