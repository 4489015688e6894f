/**
 * Clients that wait until a key has a value: BLPOP and its kin. Owned by the server; changes of keys are told to it
 * (changes.ts), commands have their clients wait, and the dispatcher has those served whose keys have come to be, once the
 * command, or the transaction, is through that has made them.
 *
 * To serve a client is to run its command again, which so does and propagates what it would have done had it come later.
 * Clients are served in the order in which they came to wait for a key, keys in the order in which they came to be. One
 * that finds nothing after all keeps its place. Nobody is served while the phase holds the command up (a pause).
 */

import { bytesEqual } from "../../bytes/compare.ts";
import type { Command } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import type { Database } from "../../store/database.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import { type IndexedKey, KeyIndex } from "./key_index.ts";

/** What those who wait are told when the server becomes a replica; they are closed after it. */
export const ROLE_CHANGED =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

/** Requests of clients that wait are kept for the next time up to this size, in bytes. */
const KEPT_BYTES = 512;

/** A client as it waits: `ClientSession`. */
export interface WaitingClient {
  readonly database: Database;
  readonly lastCommand: Command | null;
  readonly blocking: { readonly onGone: () => void } | null;
  readonly reply: { error(text: string): void };
  /** How it waits, or has waited last. */
  keyWait: KeyWait | null;
  /** Stops running requests until `unblock`, or until the time is up (0: for ever) and `onTimeout` has replied. */
  block(timeoutMs: number, onTimeout: () => void, onGone: () => void): void;
  /** Ends that: `write` gives the reply that was waited for. */
  unblock(write: () => void): void;
  /** The same: `run` runs the command again. */
  runAgain(run: () => void): void;
  close(): void;
}

/**
 * How a client waits. It is kept when the wait is over: who takes elements off a queue sends the same request over and
 * over, and then waits as before. So all that a wait takes is made once: what each wait would make anew, and have live
 * until it is over, the garbage collector would copy about.
 */
export class KeyWait {
  /** Whether it waits. */
  isUnderWay = false;
  /** When the time is up, on the monotonic clock; Infinity: never. */
  untilMs = Infinity;
  onTimeout: () => void = () => {};
  /** Where it stands, for each key. */
  readonly places: readonly Place[];
  /** What `block` is given, and `runAgain`. */
  readonly timeIsUp: () => void;
  readonly isGone: () => void;
  readonly run: () => void;

  /**
   * `request` and `keys` are its own. A key's value must have the type `type`; `alsoWhenGone`: the command is to run again,
   * too, when a key goes or has another type, as it will say what is wrong.
   */
  constructor(
    waiters: { remove(wait: KeyWait): void; run(wait: KeyWait): void },
    readonly client: WaitingClient,
    readonly command: Command,
    readonly request: Request,
    readonly databaseIndex: number,
    keys: readonly Uint8Array[],
    readonly type: number,
    readonly alsoWhenGone: boolean,
  ) {
    this.places = keys.map((key) => new Place(this, key));
    this.timeIsUp = () => {
      waiters.remove(this);
      this.onTimeout();
    };
    this.isGone = () => waiters.remove(this);
    this.run = () => waiters.run(this);
  }

  /** Whether a request of the same client asks for the same. */
  isAskedBy(request: Request, databaseIndex: number): boolean {
    const own = this.request;
    const length = request.rawEnd - request.rawStart;
    return databaseIndex === this.databaseIndex && request.rawEnd > 0 && length === own.rawEnd &&
      bytesEqual(own.bytes, 0, request.bytes, request.rawStart, length);
  }
}

/** Where a client stands in the queue of a key. */
class Place {
  /** The queue that it stands in, or null: it does not wait, or stands there by way of the same key already. */
  queue: Queue | null = null;
  before: Place | null = null;
  next: Place | null = null;

  constructor(readonly wait: KeyWait, readonly key: Uint8Array) {}
}

/** Those who wait for a key, in the order in which they came. */
class Queue {
  first: Place | null = null;
  #last: Place | null = null;

  /** Has one stand at the end, unless it does already. */
  add(place: Place): void {
    const last = this.#last;
    if (last?.wait === place.wait) return;
    place.queue = this;
    place.before = last;
    if (last === null) this.first = place;
    else last.next = place;
    this.#last = place;
  }

  /** Takes one out that stands in it. */
  remove(place: Place): void {
    const { before, next } = place;
    if (before === null) this.first = next;
    else before.next = next;
    if (next === null) this.#last = before;
    else next.before = before;
    place.queue = place.before = place.next = null;
  }

  *[Symbol.iterator](): Generator<KeyWait> {
    for (let place = this.first; place !== null; place = place.next) yield place.wait;
  }
}

/** A key that somebody waits for. */
type AwaitedKey = IndexedKey<Queue>;

/** What waiting for keys needs of the server. */
export interface KeyWaitersHost {
  readonly dispatcher: {
    /** Whether a pause holds up what a client waits to do. */
    mustWait(client: WaitingClient, command: Command): boolean;
    serveWaiter(client: WaitingClient, request: Request, command: Command): void;
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
  readonly #awaited: KeyIndex<Queue>[] = [];
  /** Keys that may have come to be, in that order, and where. */
  readonly #ready = new Map<AwaitedKey, Database>();
  #isServing = false;
  /** The one whose command runs again, and who is next in the same queue. */
  #served: KeyWait | null = null;
  #next: Place | null = null;
  #isDue = false;

  constructor(readonly server: KeyWaitersHost) {}

  /** Keys that somebody waits for; of them, those of which one also wants to know when they go. */
  countKeys(): { readonly all: number; readonly whenGone: number } {
    let all = 0;
    let whenGone = 0;
    for (const keys of this.#awaited) {
      for (const { value: queue } of keys ?? []) {
        all++;
        if ([...queue].some(({ alsoWhenGone }) => alsoWhenGone)) whenGone++;
      }
    }
    return { all, whenGone };
  }

  /**
   * Has the client wait for keys, which are `count` arguments of the request under way from `first` on; `timeoutMs` of 0
   * is for ever. See `KeyWait` for what it waits for. O(keys), and without allocation where it has waited so before.
   */
  wait(
    client: WaitingClient,
    request: Request,
    first: number,
    count: number,
    type: number,
    alsoWhenGone: boolean,
    timeoutMs: number,
    onTimeout: () => void,
  ): void {
    const served = this.#served;
    if (served !== null && served.client === client) {
      // It has found nothing, and goes on waiting where it stands.
      this.#served = null;
      return this.#block(served);
    }
    const { lastCommand, database } = client;
    if (lastCommand === null) throw new Error("a client waits without a command");
    let wait = client.keyWait;
    if (wait === null || !wait.isAskedBy(request, database.index)) {
      const keys: Uint8Array[] = [];
      for (let i = first; i < first + count; i++) keys.push(request.copyOf(i));
      wait = new KeyWait(this, client, lastCommand, request.copy(), database.index, keys, type, alsoWhenGone);
      client.keyWait = wait;
    }
    wait.untilMs = timeoutMs === 0 ? Infinity : monotonicMs() + timeoutMs;
    wait.onTimeout = onTimeout;
    this.#add(wait);
    this.#block(wait);
  }

  #block(wait: KeyWait): void {
    const leftMs = wait.untilMs === Infinity ? 0 : Math.max(1, wait.untilMs - monotonicMs());
    wait.client.block(leftMs, wait.timeIsUp, wait.isGone);
  }

  #add(wait: KeyWait): void {
    wait.isUnderWay = true;
    this.count++;
    if (wait.alsoWhenGone) this.#whenGone++;
    const awaited = this.#awaited[wait.databaseIndex] ??= new KeyIndex();
    for (const place of wait.places) {
      const { key } = place;
      let queue = awaited.find(key, 0, key.length)?.value;
      if (queue === undefined) awaited.add(key, queue = new Queue());
      queue.add(place);
    }
  }

  /** Has a client wait no more, if it does. */
  remove(wait: KeyWait): void {
    if (!wait.isUnderWay) return;
    wait.isUnderWay = false;
    this.count--;
    if (wait.alsoWhenGone) this.#whenGone--;
    for (const place of wait.places) {
      const { queue } = place;
      if (queue === null) continue;
      if (place === this.#next) this.#next = place.next;
      queue.remove(place);
      if (queue.first === null) this.#awaited[wait.databaseIndex].delete(place.key);
    }
    if (wait.request.bytes.length > KEPT_BYTES) wait.client.keyWait = null;
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
      this.#next = null;
      for (const [key, database] of held) this.#ready.set(key, database);
      this.hasReady = false;
    }
  }

  /** Serves those who wait for a key; false where a pause holds one up. */
  #serveKey(database: Database, { bytes }: AwaitedKey): boolean {
    const { entries } = database.store.heap;
    let place = this.#awaited[database.index].find(bytes, 0, bytes.length)?.value.first ?? null;
    for (; place !== null; place = this.#next) {
      this.#next = place.next; // whoever leaves the queue meanwhile sees to it that this still stands there
      const { wait } = place;
      const ref = database.peek(bytes, 0, bytes.length);
      if (ref === 0 && this.#whenGone === 0) return true;
      const type = ref === 0 ? -1 : entries.type(ref);
      if (type !== wait.type && !wait.alsoWhenGone) continue;
      if (this.server.dispatcher.mustWait(wait.client, wait.command)) return false;
      wait.client.runAgain(wait.run);
    }
    return true;
  }

  /** Runs a waiting client's command again; it goes on waiting if that finds nothing. */
  run(wait: KeyWait): void {
    this.#served = wait;
    try {
      this.server.dispatcher.serveWaiter(wait.client, wait.request, wait.command);
      if (this.#served === wait) this.remove(wait);
    } catch (error) {
      this.remove(wait);
      throw error;
    } finally {
      this.#served = null;
    }
  }

  /** A pause has ended: those are served whom it held up. */
  resume(): void {
    if (this.#ready.size > 0) this.serve();
  }

  /** The server has become a replica: nobody will bring what its clients wait for, or so they must fear. */
  endAll(): void {
    const clients = new Set<WaitingClient>();
    for (const keys of this.#awaited) {
      for (const { value: queue } of keys ?? []) for (const { client } of queue) clients.add(client);
    }
    for (const client of clients) {
      client.blocking?.onGone();
      client.unblock(() => client.reply.error(ROLE_CHANGED));
      client.close();
    }
  }
}
