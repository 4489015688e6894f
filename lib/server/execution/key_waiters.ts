/**
 * Clients that wait until a key has a value: BLPOP and its kin. Owned by the server; changes of keys are told to it
 * (changes.ts), commands have their clients wait, and the dispatcher has those served whose keys have come to be, once the
 * command, or the transaction, is through that has made them.
 *
 * To serve a client is to run its command again, which so does and propagates what it would have done had it come later.
 * Clients are served in the order in which they came to wait for a key, keys in the order in which they came to be. One
 * that finds nothing after all keeps its place. Nobody is served while the phase holds the command up (a pause).
 */

import type { Command } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import { type IndexedKey, KeyIndex } from "./key_index.ts";

/** What those who wait are told when the server becomes a replica; they are closed after it. */
export const ROLE_CHANGED =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

/** What a client waits for. */
export interface Wanted {
  /** The type that a key's value must have. */
  readonly type: number;
  /** Whether the command is to run again, too, when a key goes or has another type: it will say what is wrong. */
  readonly alsoWhenGone: boolean;
}

/** A client as it waits: `ClientSession`. */
export interface WaitingClient {
  readonly database: Database;
  readonly lastCommand: Command | null;
  readonly blocking: { readonly onGone: () => void } | null;
  readonly reply: { error(text: string): void };
  /** Stops running requests until `unblock`, or until the time is up (0: for ever) and `onTimeout` has replied. */
  block(timeoutMs: number, onTimeout: () => void, onGone: () => void): void;
  /** Ends that: `write` gives the reply that was waited for. */
  unblock(write: () => void): void;
  /** The same: `run` runs the command again. */
  runAgain(run: () => void): void;
  close(): void;
}

interface Waiter {
  readonly client: WaitingClient;
  readonly command: Command;
  readonly request: Request;
  readonly databaseIndex: number;
  readonly keys: readonly Uint8Array[];
  readonly wanted: Wanted;
  readonly onTimeout: () => void;
  /** When the time is up, on the monotonic clock; Infinity: never. */
  readonly untilMs: number;
}

/** A key, with those who wait for it in the order in which they came. */
type AwaitedKey = IndexedKey<Set<Waiter>>;

/** What waiting for keys needs of the server. */
export interface KeyWaitersHost {
  readonly dispatcher: {
    /** Whether a pause holds up what a client waits to do. */
    mustWait(client: WaitingClient, command: Command): boolean;
    execute(client: WaitingClient, request: Request, command: Command): void;
  };
  readonly keyspace: Keyspace;
  /** The client whose requests are being run. */
  readonly current: WaitingClient | null;
}

/** Who waits for which keys. */
export class KeyWaiters {
  /** Clients that wait. */
  count = 0;
  /** Of them, those who want to know when a key goes. */
  #whenGone = 0;
  /** Whether keys have come to be that somebody waits for. */
  hasReady = false;
  /** By the database's number. */
  readonly #awaited: KeyIndex<Set<Waiter>>[] = [];
  /** Keys that may have come to be, in that order, and where. */
  readonly #ready = new Map<AwaitedKey, Database>();
  #isServing = false;
  /** The one whose command runs again. */
  #served: Waiter | null = null;
  #isDue = false;

  constructor(readonly server: KeyWaitersHost) {}

  /** Keys that somebody waits for; of them, those of which one also wants to know when they go. */
  countKeys(): { readonly all: number; readonly whenGone: number } {
    let all = 0;
    let whenGone = 0;
    for (const keys of this.#awaited) {
      for (const { value: waiters } of keys ?? []) {
        all++;
        if ([...waiters].some(({ wanted }) => wanted.alsoWhenGone)) whenGone++;
      }
    }
    return { all, whenGone };
  }

  /**
   * Has the client wait for keys, which are `count` arguments of the request under way from `first` on; `timeoutMs` of 0
   * is for ever.
   */
  wait(
    client: WaitingClient,
    request: Request,
    first: number,
    count: number,
    wanted: Wanted,
    timeoutMs: number,
    onTimeout: () => void,
  ): void {
    const served = this.#served;
    if (served !== null && served.client === client) {
      // It has found nothing, and goes on waiting where it stands.
      this.#served = null;
      return this.#block(served);
    }
    const { lastCommand } = client;
    if (lastCommand === null) throw new Error("a client waits without a command");
    const keys: Uint8Array[] = [];
    for (let i = first; i < first + count; i++) keys.push(request.copyOf(i));
    const waiter: Waiter = {
      client,
      command: lastCommand,
      request: request.copy(),
      databaseIndex: client.database.index,
      keys,
      wanted,
      onTimeout,
      untilMs: timeoutMs === 0 ? Infinity : monotonicMs() + timeoutMs,
    };
    this.#add(waiter);
    this.#block(waiter);
  }

  #block(waiter: Waiter): void {
    const leftMs = waiter.untilMs === Infinity ? 0 : Math.max(1, waiter.untilMs - monotonicMs());
    waiter.client.block(leftMs, () => {
      this.#remove(waiter);
      waiter.onTimeout();
    }, () => this.#remove(waiter));
  }

  #add(waiter: Waiter): void {
    this.count++;
    if (waiter.wanted.alsoWhenGone) this.#whenGone++;
    const awaited = this.#awaited[waiter.databaseIndex] ??= new KeyIndex();
    for (const key of waiter.keys) {
      const found = awaited.find(key, 0, key.length);
      if (found === null) awaited.add(key, new Set([waiter]));
      else found.value.add(waiter);
    }
  }

  #remove(waiter: Waiter): void {
    const awaited = this.#awaited[waiter.databaseIndex];
    let was = false;
    for (const key of waiter.keys) {
      const waiters = awaited.find(key, 0, key.length)?.value;
      if (waiters?.delete(waiter)) was = true;
      if (waiters?.size === 0) awaited.delete(key);
    }
    if (!was) return;
    this.count--;
    if (waiter.wanted.alsoWhenGone) this.#whenGone--;
  }

  /** A key has changed, or gone. To be called only while there are clients that wait. */
  keyChanged(database: Database, bytes: Uint8Array, start: number, length: number): void {
    const key = this.#awaited[database.index]?.find(bytes, start, length) ?? null;
    if (key !== null) this.#markReady(database, key);
  }

  /** The contents of a database are others: any key may have come to be, or gone. */
  databaseChanged(database: Database): void {
    for (const key of this.#awaited[database.index] ?? []) this.#markReady(database, key);
  }

  #markReady(database: Database, key: AwaitedKey): void {
    this.#ready.set(key, database);
    this.hasReady = true;
    // Outside of commands nobody comes by.
    if (this.server.current !== null || this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.serve();
    });
  }

  /** Serves clients as long as there are keys for them. */
  serve(): void {
    if (this.#isServing) return; // what a served client has made is dealt with by the loop under way
    this.#isServing = true;
    const held: [AwaitedKey, Database][] = [];
    try {
      for (const [key, database] of this.#ready) {
        this.#ready.delete(key); // it may come again while its clients are served
        if (!this.#serveKey(database, key)) held.push([key, database]);
      }
    } finally {
      this.#isServing = false;
      for (const [key, database] of held) this.#ready.set(key, database);
      this.hasReady = false;
    }
  }

  /** Serves those who wait for a key; false where a pause holds one up. */
  #serveKey(database: Database, { bytes }: AwaitedKey): boolean {
    const { entries } = database.store.heap;
    const waiters = this.#awaited[database.index].find(bytes, 0, bytes.length)?.value;
    for (const waiter of waiters ?? []) { // those that are served leave it meanwhile
      const ref = database.peek(bytes, 0, bytes.length);
      if (ref === 0 && this.#whenGone === 0) return true;
      const type = ref === 0 ? -1 : entries.type(ref);
      if (type !== waiter.wanted.type && !waiter.wanted.alsoWhenGone) continue;
      if (this.server.dispatcher.mustWait(waiter.client, waiter.command)) return false;
      this.#runAgain(waiter);
    }
    return true;
  }

  #runAgain(waiter: Waiter): void {
    const { client, request, command } = waiter;
    client.runAgain(() => {
      this.#served = waiter;
      try {
        this.server.dispatcher.execute(client, request, command);
        if (this.#served === waiter) this.#remove(waiter);
      } catch (error) {
        this.#remove(waiter);
        throw error;
      } finally {
        this.#served = null;
      }
    });
  }

  /** A pause has ended: those are served whom it held up. */
  resume(): void {
    if (this.#ready.size > 0) this.serve();
  }

  /** The server has become a replica: nobody will bring what its clients wait for, or so they must fear. */
  endAll(): void {
    const clients = new Set<WaitingClient>();
    for (const keys of this.#awaited) {
      for (const { value: waiters } of keys ?? []) for (const { client } of waiters) clients.add(client);
    }
    for (const client of clients) {
      client.blocking?.onGone();
      client.unblock(() => client.reply.error(ROLE_CHANGED));
      client.close();
    }
  }
}
