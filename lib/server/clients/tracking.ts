/**
 * Client-side caching (Redis documentation, "Client-side caching in Redis"): which clients have read which keys, and who
 * must be told that a key changed.
 *
 * In the normal mode a table maps each key that was read to the ids of its readers. A change tells them and drops the
 * key: a reader that still cares reads again. In the broadcasting mode nothing is remembered but the keys that changed
 * since the last round, by prefix. Changes (execution/changes.ts) call `changed` and `flushed`, the dispatcher `remember`.
 */

import { decodeLatin1, encodeLatin1, LONGEST_STRING } from "../../bytes/latin1.ts";
import type { Command } from "../../commands/command.ts";
import type { TrackingOptions, TrackingState } from "../../commands/client_state.ts";
import { findKeys } from "../../commands/find_keys.ts";
import type { Session } from "../../commands/session.ts";
import { FoundKeys } from "../../commands/key_specs.ts";
import { ReplyWriter } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import { SUBSCRIBED, TRACKING } from "./flags.ts";
import type { ClientSession } from "./session.ts";

const CHANNEL = "__redis__:invalidate";
/** Keys dropped at once from a table that is too large; the rest follows at the next tick. */
const MAX_DROPPED_AT_ONCE = 1000;

/** What happened to the keys of one prefix since the last round. */
interface Broadcast {
  readonly clients: Set<ClientSession>;
  /** Keys that changed, with the client that changed each last, if one did. */
  readonly changed: Map<string, Session | null>;
}

/** What tracking needs of the server. */
export interface TrackingHost {
  readonly clients: ReadonlyMap<number, ClientSession>;
}

/** Who has read which keys, and is to be told of their changes. */
export class Tracking {
  /** Most keys remembered (`tracking-table-max-keys`); 0: no limit. */
  maxKeys = 1_000_000;
  /** Clients that track. */
  clientCount = 0;
  /** Pairs of key and reader. */
  totalItems = 0;
  /** Not 0 while changes of keys matter to anybody: the one thing asked on hot paths. */
  active = 0;
  /** Whether changes wait for the next round of broadcasts. */
  hasBroadcasts = false;

  readonly #readers = new Map<string, Set<number>>();
  readonly #prefixes = new Map<string, Broadcast>();
  readonly #message = new ReplyWriter();
  readonly #found = new FoundKeys();

  constructor(readonly server: TrackingHost) {}

  /** Keys remembered. */
  get totalKeys(): number {
    return this.#readers.size;
  }

  get totalPrefixes(): number {
    return this.#prefixes.size;
  }

  enable(client: ClientSession, options: TrackingOptions): void {
    if (client.tracking === null) this.clientCount++;
    const added = options.broadcast && options.prefixes.length === 0 ? [""] : options.prefixes;
    const prefixes = [...new Set([...(client.tracking?.prefixes ?? []), ...added])];
    client.tracking = { ...options, prefixes, caching: client.tracking?.caching ?? false, redirectBroken: false };
    client.flags |= TRACKING;
    for (const prefix of added) {
      let broadcast = this.#prefixes.get(prefix);
      if (broadcast === undefined) {
        this.#prefixes.set(prefix, broadcast = { clients: new Set(), changed: new Map() });
      }
      broadcast.clients.add(client);
    }
    this.#refresh();
  }

  disable(client: ClientSession): void {
    const state = client.tracking;
    if (state === null) return;
    for (const prefix of state.prefixes) {
      const broadcast = this.#prefixes.get(prefix);
      broadcast?.clients.delete(client);
      if (broadcast?.clients.size === 0) this.#prefixes.delete(prefix);
    }
    client.tracking = null;
    client.flags &= ~TRACKING;
    this.clientCount--;
    this.#refresh();
  }

  #refresh(): void {
    this.active = this.clientCount + this.#readers.size > 0 ? 1 : 0;
  }

  /** Remembers the keys that a command of a tracking client has read. */
  remember(client: ClientSession, command: Command, request: Request): void {
    const state = client.tracking;
    if (state === null || state.broadcast) return;
    if (state.choice === "optin" ? !state.caching : state.choice === "optout" && state.caching) return;
    const found = this.#found;
    if (!findKeys(command, request, found) || found.count === 0) return;
    for (const i of found.indices) {
      if (request.lengths[i] > LONGEST_STRING) continue; // who reads such a key is told to forget all when it changes
      const key = request.text(i);
      let readers = this.#readers.get(key);
      if (readers === undefined) this.#readers.set(key, readers = new Set());
      if (!readers.has(client.id)) this.totalItems++;
      readers.add(client.id);
    }
    found.clear(); // a request of a million keys leaves nothing behind
    this.#refresh();
    this.enforceLimit();
  }

  /** A key changed, by the doing of `author` if a client did it. */
  changed(author: Session | null, bytes: Uint8Array, start: number, length: number): void {
    if (length > LONGEST_STRING) return this.flushed(); // it cannot be named
    const key = decodeLatin1(bytes, start, start + length);
    for (const [prefix, broadcast] of this.#prefixes) {
      if (!key.startsWith(prefix)) continue;
      broadcast.changed.set(key, author);
      this.hasBroadcasts = true;
    }
    this.#drop(key, author);
  }

  /** Tells the readers of a key that it changed, and forgets them. */
  #drop(key: string, author: Session | null): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    this.totalItems -= readers.size;
    for (const id of readers) {
      const client = this.server.clients.get(id);
      const state = client?.tracking ?? null;
      if (client === undefined || state === null || state.broadcast) continue;
      if (state.noLoop && client === author) continue;
      this.#send(client, [key]);
    }
    this.#refresh();
  }

  /** Drops keys that are too many, oldest first. */
  enforceLimit(): void {
    if (this.maxKeys === 0) return;
    let surplus = Math.min(this.#readers.size - this.maxKeys, MAX_DROPPED_AT_ONCE);
    if (surplus <= 0) return;
    for (const key of this.#readers.keys()) {
      if (surplus-- <= 0) break;
      this.#drop(key, null);
    }
  }

  /** All keys are gone, or have other values: every tracking client is told to forget everything. */
  flushed(): void {
    if (this.active === 0) return;
    this.#readers.clear();
    this.totalItems = 0;
    for (const client of this.server.clients.values()) if (client.tracking !== null) this.#send(client, null);
    this.#refresh();
  }

  /** Tells the broadcasting clients of what changed since the last round: one message per prefix and client. */
  broadcast(): void {
    this.hasBroadcasts = false;
    for (const { clients, changed } of this.#prefixes.values()) {
      if (changed.size === 0) continue;
      const all = [...changed.keys()];
      for (const client of clients) {
        const keys = client.tracking?.noLoop ? all.filter((key) => changed.get(key) !== client) : all;
        if (keys.length > 0) this.#send(client, keys);
      }
      changed.clear();
    }
  }

  /** Sends an invalidation, to the client or to whom it redirects them; null stands for all keys. */
  #send(client: ClientSession, keys: readonly string[] | null): void {
    const state = client.tracking;
    if (state === null) return;
    let target = client;
    if (state.redirect !== 0) {
      const redirected = this.server.clients.get(state.redirect);
      if (redirected === undefined || redirected.isDropped) return this.#reportBroken(client, state);
      target = redirected;
    }
    const message = this.#message;
    message.clear();
    message.protocol = target.protocol;
    if (target.protocol === 3) {
      message.push(2);
      message.bulkString("invalidate");
    } else {
      if (target === client || (target.flags & SUBSCRIBED) === 0) return; // RESP2 knows messages on channels only
      message.array(3);
      message.bulkString("message");
      message.bulkString(CHANNEL);
    }
    if (keys === null) {
      message.nil();
    } else {
      message.array(keys.length);
      for (const key of keys) message.bulkBytes(encodeLatin1(key));
    }
    target.connection.deliver(message.buffer, 0, message.length);
  }

  #reportBroken(client: ClientSession, state: TrackingState): void {
    state.redirectBroken = true;
    if (client.protocol !== 3) return;
    const message = this.#message;
    message.clear();
    message.protocol = 3;
    message.push(2);
    message.bulkString("tracking-redir-broken");
    message.integer(state.redirect);
    client.connection.deliver(message.buffer, 0, message.length);
  }
}
