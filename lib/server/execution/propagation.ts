/**
 * The one door through which writes go on, to whoever follows the data set: the replication stream, with its backlog and
 * its replicas, and the log, the append-only file.
 *
 * A write goes as the bytes that the client sent, with a SELECT before it where the database changed. What one unit of
 * execution propagates (a transaction, or a command on whose way keys expired) is wrapped in MULTI and EXEC when it is
 * more than one command, so that followers apply all of it or nothing. On a replica the stream is the primary's, and
 * passes byte for byte; what clients write there themselves goes no further. The log has what is done here, whoever asked
 * for it.
 *
 * Before any reply leaves a follower is asked (`beforeReplies`): one that must have made durable what it was given does so
 * then, once for all that ran in the turn, and the replies wait.
 */

import { rawBytes, Request } from "../../resp/request.ts";
import { RequestBuilder } from "../../resp/request_builder.ts";

/** Follows the data set. */
export interface Target {
  /** Takes `bytes[start, end)`, whole requests in RESP, during the call. */
  feed(bytes: Uint8Array, start: number, end: number): void;
  /** What replies to what it was fed must wait for; null where they need not. It does not reject. */
  beforeReplies?(): Promise<void> | null;
}

/** A follower, and what it knows. */
interface Follower {
  target: Target | null;
  /** The database that it has selected, or -1. */
  selected: number;
}

interface PendingWrite {
  readonly databaseIndex: number;
  readonly request: Request;
  /** Whom it goes to. */
  readonly targets: number;
}

/** Whom writes go to: the log, and replicas. */
export const TO_LOG = 1 << 0;
export const TO_REPLICAS = 1 << 1;
export const TO_ALL = TO_LOG | TO_REPLICAS;

const MULTI = Request.of("MULTI");
const EXEC = Request.of("EXEC");

/** Hands writes to whoever follows the data set. */
export class Propagation {
  /** Builds what the command under way propagates as. */
  readonly builder = new RequestBuilder();
  readonly #removal = new RequestBuilder();
  readonly #select = new RequestBuilder();
  /** The replication stream, while it is kept. */
  readonly #replicas: Follower = { target: null, selected: -1 };
  /** The append-only file, while it is written. */
  readonly #log: Follower = { target: null, selected: -1 };
  #relays = false;
  #isMuted = false;
  /** Whether anybody follows what this server's clients write. */
  active = false;
  /** Whom what is written goes to: all, but where a script has chosen. */
  targets = TO_ALL;
  #depth = 0;
  readonly #pending: PendingWrite[] = [];

  /** Sets where the replication stream goes. */
  setReplicas(target: Target | null): void {
    this.#set(this.#replicas, target);
  }

  /** Sets where the log of what is done goes. A log that begins anew is another one. */
  setLog(target: Target | null): void {
    this.#set(this.#log, target);
  }

  #set(follower: Follower, target: Target | null): void {
    if (target === follower.target) return;
    follower.target = target;
    follower.selected = -1;
    this.#apply();
  }

  /** Whether the stream is a primary's, which `relay` passes on: the role of a replica. */
  set relays(relays: boolean) {
    this.#relays = relays;
    this.#apply();
  }

  /** Whether nothing that is done goes on: while a log is replayed, of which all has gone on when it was done first. */
  set muted(isMuted: boolean) {
    this.#isMuted = isMuted;
    this.#apply();
  }

  #apply(): void {
    this.active = !this.#isMuted &&
      (this.#log.target !== null || (this.#replicas.target !== null && !this.#relays));
  }

  /** Passes the stream of this server's primary on, byte for byte. */
  relay(bytes: Uint8Array, start: number, end: number): void {
    this.#replicas.target?.feed(bytes, start, end);
  }

  /** What must be waited for before anything is sent, replies to what was fed among others; null: nothing. */
  beforeReplies(): Promise<void> | null {
    return this.#log.target?.beforeReplies?.() ?? null;
  }

  /** Makes the next write begin with a SELECT: a replica has come that knows none. */
  forgetSelected(): void {
    this.#replicas.selected = -1;
  }

  /** The database that replicas have selected, or -1. */
  get selectedDatabase(): number {
    return this.#replicas.selected;
  }

  begin(): void {
    this.#depth++;
  }

  /** Whether a unit is under way: what it has done so far goes on together with what is still to come. */
  get isInUnit(): boolean {
    return this.#depth > 0;
  }

  /** Ends what `begin` began; the outermost end sends what has gathered. */
  end(): void {
    this.#depth--;
    if (this.isDue) this.settle(true);
  }

  /** Propagates a write to a database; inside of a unit, at its end. -1 stands for no particular database. */
  write(databaseIndex: number, request: Request): void {
    if (!this.active) return;
    if (this.#depth === 0 && this.#pending.length === 0) this.#send(databaseIndex, request, this.targets);
    else this.#add(databaseIndex, request, this.targets);
  }

  #add(databaseIndex: number, request: Request, targets: number): void {
    if (targets !== 0) this.#pending.push({ databaseIndex, request: request.copy(), targets });
  }

  /** Tells replicas something that is no write, in its place among the writes. */
  tellReplicas(request: Request): void {
    if (this.#replicas.target === null || this.#relays) return;
    if (this.#depth === 0 && this.#pending.length === 0) this.#feed(this.#replicas, -1, request);
    else this.#add(-1, request, TO_REPLICAS);
  }

  /** Propagates a write of the command under way before the command's own. Whoever runs it calls `settle` after that. */
  writeAhead(databaseIndex: number, request: Request): void {
    if (this.active) this.#add(databaseIndex, request, this.targets);
  }

  /**
   * Propagates that a key has gone though no command removed it. `command`: DEL or UNLINK. `isAhead`: on the way of a
   * command, before whose own write it goes; whoever runs the command calls `settle` after it.
   */
  writeRemoval(
    databaseIndex: number,
    command: string,
    bytes: Uint8Array,
    start: number,
    length: number,
    isAhead: boolean,
  ): void {
    if (!this.active) return;
    const { request } = this.#removal.begin(2).word(command).bytes(bytes, start, length);
    if (isAhead) this.#add(databaseIndex, request, TO_ALL);
    else this.write(databaseIndex, request);
  }

  /** Whether writes have gathered, and no unit is under way. */
  get isDue(): boolean {
    return this.#pending.length > 0 && this.#depth === 0;
  }

  /** Forgets what has gathered: nobody is to follow a part of it. */
  discard(): void {
    this.#pending.length = 0;
  }

  /** Sends what has gathered: as one unit, or each write on its own. */
  settle(asUnit: boolean): void {
    const writes = this.#pending.splice(0);
    if (!this.active) return;
    const isWrapped = asUnit && writes.length > 1;
    const targets = writes.reduce((all, write) => all | write.targets, 0);
    if (isWrapped) this.#send(writes[0].databaseIndex, MULTI, targets);
    for (const { databaseIndex, request, targets } of writes) this.#send(databaseIndex, request, targets);
    if (isWrapped) this.#send(-1, EXEC, targets);
  }

  #send(databaseIndex: number, request: Request, targets: number): void {
    if ((targets & TO_REPLICAS) !== 0 && !this.#relays) this.#feed(this.#replicas, databaseIndex, request);
    if ((targets & TO_LOG) !== 0) this.#feed(this.#log, databaseIndex, request);
  }

  #feed(follower: Follower, databaseIndex: number, request: Request): void {
    const { target } = follower;
    if (target === null) return;
    if (databaseIndex !== follower.selected && databaseIndex >= 0) {
      follower.selected = databaseIndex;
      hand(target, this.#select.begin(2).word("SELECT").integer(databaseIndex).request);
    }
    hand(target, request);
  }
}

function hand(target: Target, request: Request): void {
  if (request.rawEnd > 0) return target.feed(request.bytes, request.rawStart, request.rawEnd);
  const bytes = rawBytes(request);
  target.feed(bytes, 0, bytes.length);
}
