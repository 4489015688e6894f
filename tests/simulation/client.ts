/**
 * A simulated client: sends requests to the primary, alone, in pipelines and in transactions, and holds each reply
 * against the model (model/). After every loss of its connection it reads its whole database and finds out which of its
 * requests were done. Now and then it reads from a replica, which must show an earlier moment of the primary's.
 */

import { unixMs } from "../../lib/runtime/clock.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import type { Chance } from "./chance.ts";
import { type Connection, isUnblocked, NO_MEMORY, NOT_NOW, openConnection } from "./connection.ts";
import { fieldIndex, isHash, type Key, type Keyspace, KEYSPACES, PLACES } from "./keys.ts";
import { readOf, valueIn } from "./model/observed.ts";
import { type Effects, effectsOf, oneOf, type Operation, replied, type State } from "./model/operations.ts";
import type { Value } from "./model/values.ts";
import type { SimulatedNetwork } from "./network.ts";
import { type Reply, shown } from "./resp.ts";
import { LIBRARY, LIBRARY_NAME, scripted } from "./scripts.ts";
import { closed, compare, Comparison, either, type Observed, Timeline } from "./timeline.ts";
import { Traffic } from "./traffic.ts";

const [HERE, OTHER] = KEYSPACES;
/** Of each database: its strings, which are read together, and all other keys. */
const TEXTS = KEYSPACES.map(({ of }) => [...of.string, ...of.number]);
const OTHERS = KEYSPACES.map(({ all }, index) => all.filter((key) => !TEXTS[index].includes(key)));
/** Reads of all keys, by the database in which they are. */
const READS = KEYSPACES.map((_, index) => [
  ["MGET", ...TEXTS[index].map(({ name }) => name)],
  ...OTHERS[index].map(readOf),
]);

/** What a client must know of the world. */
export interface ClientWorld {
  readonly network: SimulatedNetwork;
  /** Host of the primary, and of a replica that can be reached, if there is one. */
  primary(): string;
  replica(): string | null;
  /** Whether a replica may show a request of which only a part was done, for want of memory. */
  mayShowParts(): boolean;
  /** Counts the moments at which what was acknowledged may have been lost. */
  epoch(): number;
  /** Whether an allocation was made to fail since then, in ms of Unix time, so that a request may have been refused. */
  lackedMemory(sinceMs: number): boolean;
  isStopping(): boolean;
  /** How long to rest beside what one rests anyway, in ms: more than nothing while there is a lull. */
  restMs(): number;
  readonly port: number;
  fail(who: string, what: string): void;
  note(who: string, text: string): void;
  /** Tells whoever watches what a client has seen. */
  show(who: string, text: () => string): void;
}

/** What a client has read of its databases last. */
class Reading implements Observed {
  readonly values = new Array<Value | undefined>(PLACES).fill(undefined);
  readonly areThere = new Uint8Array(PLACES);
  fromMs = 0;
  toMs = 0;

  begin(fromMs: number, toMs: number): void {
    this.fromMs = fromMs;
    this.toMs = toMs;
    this.values.fill(undefined);
    this.areThere.fill(0);
  }

  /** Puts what the reads of a database have replied in its places. */
  note({ database }: Keyspace, [texts, ...others]: readonly Reply[]): void {
    const items = texts.kind === "array" ? texts.items : [];
    TEXTS[database].forEach((key, index) => this.#noteValue(key, items[index]));
    OTHERS[database].forEach((key, index) => {
      if (isHash(key)) this.#noteHash(key, others[index]);
      else this.#noteValue(key, others[index]);
    });
  }

  #noteValue(key: Key, reply: Reply): void {
    const value = valueIn(key, reply);
    if (value === null) return;
    this.values[key.first] = value;
    this.areThere[key.first] = 1;
  }

  #noteHash(key: Key, reply: Reply): void {
    const items = reply.kind === "array" ? reply.items : [reply];
    if (items.length > 0) this.areThere.fill(1, key.first, key.first + key.places);
    for (let i = 0; i < items.length; i += 2) {
      const [field, value] = [items[i], items[i + 1]];
      const index = field.kind === "bulk" ? fieldIndex(field.text) : -1;
      if (index < 0 || value?.kind !== "bulk") throw new Error(`${key.name} holds ${shown(reply)}`);
      this.values[key.first + index] = value.text;
    }
  }
}

/** Outcomes of one request that are all tried. */
const FEW_OUTCOMES = 8;

/** Whether any of the requests may see or change what one does: they share a word, or concern all keys. */
function isTouchedIn(requests: readonly Operation[], { words: [, ...words] }: Operation): boolean {
  return requests.some((other) =>
    /^(FLUSH|SWAPDB)/.test(other.words[0]) || other.words.some((one) => words.includes(one))
  );
}

export class SimulatedClient {
  requests = 0;
  isDone = false;
  readonly #timeline = new Timeline();
  /** Requests that may have been done or not, in order, and when the first was sent. */
  #uncertain: Operation[] = [];
  #uncertainSinceMs = 0;
  #epoch = 0;
  /** How often the world wanted it to look anew. */
  #moves = 0;
  #connection: Connection | null = null;
  readonly #reading = new Reading();
  readonly #traffic: Traffic;

  /** `database` and the one after it are the client's own; it uses the first, and puts keys into the other one. */
  constructor(
    readonly name: string,
    readonly database: number,
    readonly world: ClientWorld,
    readonly chance: Chance,
  ) {
    this.#traffic = new Traffic(chance, database);
  }

  /** Sends requests until the world is stopping, and then reads once more what there is. */
  async run(): Promise<void> {
    while (!this.world.isStopping()) {
      const connection = this.#connection ?? await this.#connect();
      if (connection === null) await sleep(this.chance.between(20, 300));
      else if (!await this.#step(connection)) await this.#lost();
      const pauseMs = this.chance.oneIn(4) ? this.chance.between(0, 60) : this.chance.between(0, 8);
      await sleep(pauseMs + this.world.restMs());
    }
    await this.#lost();
    while (await this.#connect() === null) await sleep(100);
    await this.#lost();
    this.isDone = true;
  }

  /** The world wants it to look anew where the primary is. */
  reconnect(): void {
    this.#moves++;
    this.#connection?.socket.destroy();
  }

  /** The moment reads as a number of Unix time in ms. */
  async #lost(): Promise<void> {
    await this.#connection?.close();
    this.#connection = null;
  }

  #open(host: string): Promise<Connection | null> {
    return openConnection(this.world, this.name, host, this.database);
  }

  /** Connects to the primary, and finds out what is there; null where that does not work now. */
  async #connect(): Promise<Connection | null> {
    const [epoch, moves] = [this.world.epoch(), this.#moves];
    const connection = await this.#open(this.world.primary());
    if (connection === null) return null;
    const observed = await this.#observe(connection);
    if (observed === null || this.world.epoch() !== epoch) {
      await connection.close();
      return null;
    }
    this.#settle(observed, epoch);
    // Where the primary has become another one meanwhile, this one may be its replica by now.
    if (!await this.#loadLibrary(connection) || this.world.epoch() !== epoch || this.#moves !== moves) {
      await connection.close();
      return null;
    }
    return this.#connection = connection;
  }

  /** Has the library there that it will call, whatever has become of it. */
  async #loadLibrary(connection: Connection): Promise<boolean> {
    connection.send([["FUNCTION", "LOAD", "REPLACE", LIBRARY]]);
    const reply = await connection.reply();
    if (reply === null) return false;
    return reply.kind === "bulk" ? reply.text === LIBRARY_NAME : this.#refused("FUNCTION LOAD", reply) && false;
  }

  /** Reads both databases at one moment. */
  async #observe(connection: Connection): Promise<Observed | null> {
    const fromMs = unixMs();
    const [own, other] = [this.database, this.database + 1].map(String);
    const reads = [["SELECT", other], ...READS[1], ["SELECT", own], ...READS[0]];
    connection.send([["MULTI"], ...reads, ["EXEC"]]);
    let reply: Reply | null = null;
    for (let i = 0; i < reads.length + 2; i++) {
      reply = await connection.reply();
      if (reply === null) return null;
    }
    if (reply?.kind !== "array" || reply.items.length !== reads.length) return null;
    const observed = this.#reading;
    observed.begin(fromMs, unixMs());
    observed.note(OTHER, reply.items.slice(1));
    observed.note(HERE, reply.items.slice(2 + READS[1].length));
    return observed;
  }

  /** Decides which of the uncertain requests were done, and, in a new epoch, how much was lost. */
  #settle(observed: Observed, epoch: number): void {
    const found = this.#tryUncertain(observed);
    if (epoch !== this.#epoch) {
      const past = this.#timeline.find(observed);
      if (past !== null) found.push(past);
    }
    if (found.length === 0 && epoch === this.#epoch) {
      const words = this.#uncertain.map((one) => one.words.join(" ").slice(0, 80)).join("; ");
      const difference = this.#timeline.nearest(observed); // all that they may have done is a moment of it
      return this.world.fail(this.name, `lost or made up a write: ${difference}; uncertain were ${words}`);
    }
    if (found.length === 0) {
      return this.world.fail(this.name, `finds data that there never was: ${this.#timeline.nearest(observed)}`);
    }
    this.world.note(this.name, `settled ${this.#uncertain.length} uncertain, epoch ${epoch}`);
    this.#epoch = epoch;
    this.#uncertain = [];
    this.#timeline.jump(closed(found.reduce(either), observed));
  }

  /**
   * The states that may have been observed, with each uncertain request done or not. All that there may have been on the
   * way to them become moments of the timeline: a replica may show those, or have come no further when its primary is lost.
   */
  #tryUncertain(observed: Observed): State[] {
    const timeline = this.#timeline;
    const uncertain = this.world.lackedMemory(this.#uncertainSinceMs)
      ? this.#uncertain.map((one) => one.parts === undefined ? one : oneOf([one, one.parts()]))
      : this.#uncertain;
    const { state } = timeline;
    const comparison = new Comparison(state, observed);
    const found: State[] = [];
    const add = (effects: Effects) => {
      timeline.add(effects);
      for (const [place, entry] of effects) comparison.see(place, entry ?? undefined);
    };
    const tryFrom = (index: number) => {
      const operation = uncertain[index];
      if (operation === undefined) {
        if (comparison.wrong === 0) found.push(state.slice());
        return;
      }
      const outcomes = operation.outcomes(state, this.#uncertainSinceMs, observed.toMs);
      // Of many parts that may have been done, those that cannot be seen any more were not: each would be tried with all
      // that follows.
      const isLast = outcomes.length > FEW_OUTCOMES && !isTouchedIn(uncertain.slice(index + 1), operation);
      const places = new Set(isLast ? outcomes.flatMap(({ effects }) => effects.map(([place]) => place)) : []);
      for (const { effects } of outcomes) {
        if (isLast && !comparison.wouldFit(effects, places, state)) continue;
        const before = effects.map(([place]) => [place, state[place] ?? null] as const);
        add(effects);
        tryFrom(index + 1);
        add(before);
      }
      if (operation.isDone !== true) tryFrom(index + 1);
    };
    tryFrom(0);
    return found;
  }

  /** One exchange with the primary; false where the connection is of no use any more. */
  async #step(connection: Connection): Promise<boolean> {
    if (this.chance.oneIn(60)) await this.#readReplica();
    const operations = this.#drawSome();
    this.requests += operations.length;
    this.#uncertain = operations;
    const fromMs = this.#uncertainSinceMs = unixMs();
    if (this.chance.oneIn(6)) return await this.#transact(connection, operations, fromMs);
    connection.send(operations.map(({ words }) => words));
    let isOfUse = true;
    for (const operation of operations) {
      const reply = await connection.reply();
      this.#show(operation, reply);
      if (reply === null) return false;
      if ((this.#lackedMemory(reply) || isUnblocked(reply)) && operation.parts !== undefined) {
        this.#uncertain = [operation.parts(), ...this.#uncertain.slice(1)];
        return false;
      }
      const effects = effectsOf(operation, reply, this.#timeline.state, fromMs, unixMs());
      if (effects.length > 1) {
        this.#uncertain = [replied(operation, reply), ...this.#uncertain.slice(1)];
        return false;
      }
      if (effects.length === 0) {
        if (!this.#refused(operation.words.join(" "), reply, operation, fromMs)) isOfUse = false;
      } else {
        operation.onReply?.(reply, this.#timeline.state);
        this.#timeline.add(effects[0]);
      }
      this.#uncertain = this.#uncertain.slice(1);
    }
    return isOfUse;
  }

  /** A few requests, of which only the last may be one that nothing is known of before its reply. */
  #drawSome(): Operation[] {
    const count = this.chance.oneIn(3) ? 1 + this.chance.below(6) : 1;
    const operations: Operation[] = [];
    while (operations.length < count && operations.at(-1)?.isOpen !== true) {
      operations.push(this.#traffic.draw(this.#timeline.state));
    }
    return operations;
  }

  async #transact(connection: Connection, operations: readonly Operation[], fromMs: number): Promise<boolean> {
    const requests = operations.map(({ words }) => words);
    const script = scripted(requests, this.chance);
    connection.send(script === null ? [["MULTI"], ...requests, ["EXEC"]] : [script]);
    const announced = script === null ? operations.length + 1 : 0;
    for (let i = 0; i < announced; i++) if (await connection.reply() === null) return false;
    const reply = await connection.reply();
    if (reply === null) return false;
    this.#uncertain = [];
    if (reply.kind !== "array") return this.#refused(script?.[0] ?? "EXEC", reply);
    if (reply.items.length !== operations.length) {
      this.world.fail(this.name, `EXEC of ${operations.length} commands: ${shown(reply)}`);
      return false;
    }
    for (const [index, operation] of operations.entries()) {
      const item = reply.items[index];
      this.#show(operation, item);
      if (this.#lackedMemory(item) && operation.parts !== undefined) {
        this.#timeline.endRequest();
        this.#uncertain = [operation.parts(), ...operations.slice(index + 1)];
        return false;
      }
      const { state } = this.#timeline;
      const [effects, ...others] = effectsOf(operation, item, state, fromMs, unixMs());
      if (others.length > 0) {
        this.#timeline.endRequest();
        this.#uncertain = [replied(operation, item), ...operations.slice(index + 1)];
        return false;
      }
      if (effects !== undefined) {
        operation.onReply?.(item, state);
        this.#timeline.addPart(effects);
      } else if (!this.#refused(operation.words.join(" "), item)) {
        this.#timeline.endRequest();
        return false;
      }
    }
    this.#timeline.endRequest();
    return true;
  }

  /** A reply that is none of the command's; whether it does no harm. */
  #refused(words: string, reply: Reply, operation: Operation | null = null, fromMs = 0): boolean {
    if (reply.kind === "line" && NOT_NOW.test(reply.text)) return false;
    if (this.#lackedMemory(reply)) return true;
    const expected = operation?.outcomes(this.#timeline.state, fromMs, unixMs()).map((one) => shown(one.reply));
    this.world.fail(this.name, `'${words.slice(0, 200)}' replied ${shown(reply)}, not ${expected?.join(" or ")}`);
    return false;
  }

  #show(operation: Operation, reply: Reply | null): void {
    this.world.show(this.name, () => {
      const words = operation.words.join(" ");
      return `  ${words.length > 100 ? `${words.slice(0, 100)}…` : words}: ${
        reply === null ? "nothing" : shown(reply)
      }`;
    });
  }

  #lackedMemory(reply: Reply): boolean {
    return reply.kind === "line" && reply.text === NO_MEMORY && this.world.lackedMemory(this.#uncertainSinceMs);
  }

  /** Reads from a server that has come to rest with all others: it must show what is there now. */
  async confirm(host: string): Promise<void> {
    const connection = await this.#open(host);
    const observed = connection === null ? null : await this.#observe(connection);
    if (observed === null) return this.world.fail(this.name, `cannot read from ${host}`);
    const difference = compare(this.#timeline.state, observed);
    if (difference !== null) this.world.fail(this.name, `${host} does not have the data of the primary: ${difference}`);
    await connection?.close();
  }

  /** Reads from a replica. */
  async #readReplica(): Promise<void> {
    const host = this.world.replica();
    if (host === null) return;
    const connection = await this.#open(host);
    if (connection === null) return;
    const observed = await this.#observe(connection);
    await connection.close();
    if (observed === null || this.world.mayShowParts() || this.#timeline.has(observed)) return;
    const what = this.#timeline.nearest(observed);
    this.world.fail(this.name, `the replica ${host} shows data that its primary never had: ${what}`);
  }
}
