/**
 * The one door through which writes go on, to whoever follows the data set: the replication stream today, with its
 * backlog and its replicas.
 *
 * A write goes as the bytes that the client sent, with a SELECT before it where the database changed. What one unit of
 * execution propagates (a transaction, or a command on whose way keys expired) is wrapped in MULTI and EXEC when it is
 * more than one command, so that followers apply all of it or nothing. On a replica the stream is the primary's, and
 * passes byte for byte; what clients write there themselves goes no further.
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

interface PendingWrite {
  readonly databaseIndex: number;
  readonly request: Request;
}

const MULTI = Request.of("MULTI");
const EXEC = Request.of("EXEC");

/** Hands writes to whoever follows the data set. */
export class Propagation {
  /** Builds what the command under way propagates as. */
  readonly builder = new RequestBuilder();
  readonly #removal = new RequestBuilder();
  readonly #select = new RequestBuilder();
  /** The replication stream, while it is kept. */
  #replicas: Target | null = null;
  #relays = false;
  /** Whether anybody follows what this server's clients write. */
  active = false;
  /** Database that followers have selected, or -1. */
  #selected = -1;
  #depth = 0;
  readonly #pending: PendingWrite[] = [];

  /** Sets where the replication stream goes. */
  setReplicas(target: Target | null): void {
    if (target === this.#replicas) return;
    this.#replicas = target;
    this.#selected = -1;
    this.#apply();
  }

  /** Whether the stream is a primary's, which `relay` passes on: the role of a replica. */
  set relays(relays: boolean) {
    this.#relays = relays;
    this.#apply();
  }

  #apply(): void {
    this.active = this.#replicas !== null && !this.#relays;
  }

  /** Passes the stream of this server's primary on, byte for byte. */
  relay(bytes: Uint8Array, start: number, end: number): void {
    this.#replicas?.feed(bytes, start, end);
  }

  /** What must be waited for before anything is sent, replies to what was fed among others; null: nothing. */
  beforeReplies(): Promise<void> | null {
    return this.#replicas?.beforeReplies?.() ?? null;
  }

  /** Makes the next write begin with a SELECT: a follower has come that knows none. */
  forgetSelected(): void {
    this.#selected = -1;
  }

  /** The database that followers have selected, or -1. */
  get selectedDatabase(): number {
    return this.#selected;
  }

  begin(): void {
    this.#depth++;
  }

  /** Ends what `begin` began; the outermost end sends what has gathered. */
  end(): void {
    this.#depth--;
    if (this.isDue) this.settle(true);
  }

  /** Propagates a write to a database; inside of a unit, at its end. -1 stands for no particular database. */
  write(databaseIndex: number, request: Request): void {
    if (!this.active) return;
    if (this.#depth === 0 && this.#pending.length === 0) this.#send(databaseIndex, request);
    else this.#pending.push({ databaseIndex, request: request.copy() });
  }

  /** Propagates a write of the command under way before the command's own. Whoever runs it calls `settle` after that. */
  writeAhead(databaseIndex: number, request: Request): void {
    if (this.active) this.#pending.push({ databaseIndex, request: request.copy() });
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
    if (isAhead) this.#pending.push({ databaseIndex, request: request.copy() });
    else this.write(databaseIndex, request);
  }

  /** Whether writes have gathered, and no unit is under way. */
  get isDue(): boolean {
    return this.#pending.length > 0 && this.#depth === 0;
  }

  /** Sends what has gathered: as one unit, or each write on its own. */
  settle(asUnit: boolean): void {
    const writes = this.#pending.splice(0);
    if (!this.active) return;
    const isWrapped = asUnit && writes.length > 1;
    if (isWrapped) this.#send(writes[0].databaseIndex, MULTI);
    for (const { databaseIndex, request } of writes) this.#send(databaseIndex, request);
    if (isWrapped) this.#send(-1, EXEC);
  }

  #send(databaseIndex: number, request: Request): void {
    if (databaseIndex !== this.#selected && databaseIndex >= 0) {
      this.#selected = databaseIndex;
      this.#feed(this.#select.begin(2).word("SELECT").integer(databaseIndex).request);
    }
    this.#feed(request);
  }

  #feed(request: Request): void {
    if (request.rawEnd > 0) {
      this.#replicas?.feed(request.bytes, request.rawStart, request.rawEnd);
      return;
    }
    const bytes = rawBytes(request);
    this.#replicas?.feed(bytes, 0, bytes.length);
  }
}
