/**
 * A simulated client: sends requests to the primary, alone, in pipelines and in transactions, and holds each reply
 * against the model (model.ts). After every loss of its connection it reads its whole database and finds out which of its
 * requests were done. Now and then it reads from a replica, which must show an earlier moment of the primary's.
 */

import { unixMs } from "../../lib/runtime/clock.ts";
import { sleep, startTimer } from "../../lib/runtime/timers.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { Chance } from "./chance.ts";
import * as model from "./model.ts";
import { compare, type Observed, type Operation, outcomeOf, type State, Timeline } from "./model.ts";
import type { SimulatedNetwork, SimulatedSocket } from "./network.ts";
import { encodeRequests, type Reply, ReplyReader, shown } from "./resp.ts";

/** A reply that has not come after so long never will, in ms. */
const REPLY_TIMEOUT_MS = 3000;
/** Errors that say that nothing was done, and that another try later, or elsewhere, may do. */
const NOT_NOW = /^-(LOADING|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|EXECABORT)/;
const NO_MEMORY = "-OOM command not allowed, there is no memory for it.";

const STRINGS = ["s0", "s1", "s2", "s3", "s4", "s5"];
const EXPIRING = ["e0", "e1", "e2", "e3"];
const NUMBERS = ["n0", "n1", "n2"];
const HASHES = ["h0", "h1", "h2"];

/** What a client must know of the world. */
export interface ClientWorld {
  readonly network: SimulatedNetwork;
  /** Host of the primary, and of a replica that can be reached, if there is one. */
  primary(): string;
  replica(): string | null;
  /** Counts the moments at which what was acknowledged may have been lost. */
  epoch(): number;
  /** Whether an allocation was made to fail, so that requests may be refused. */
  mayLackMemory(): boolean;
  isStopping(): boolean;
  readonly port: number;
  fail(who: string, what: string): void;
  note(who: string, text: string): void;
}

/** A connection with the replies that have come over it. */
class Connection {
  readonly #reader = new ReplyReader();
  /** Called with whether it has what a reply is waited for. */
  #wake: ((inTime: boolean) => void) | null = null;
  /** When the reply that is waited for must have come, in ms. */
  #deadlineMs = 0;
  #isTimerSet = false;
  #isClosed = false;

  constructor(readonly socket: SimulatedSocket) {
    socket.handler = {
      onData: (bytes, start, end) => {
        this.#reader.add(bytes, start, end);
        this.#wake?.(true);
      },
      onDrain: () => {},
      onClose: () => {
        this.#isClosed = true;
        this.#wake?.(true);
      },
    };
  }

  send(requests: readonly (readonly string[])[]): void {
    const request = encodeRequests(requests);
    this.socket.write(request, 0, request.length);
  }

  /** The next reply; null where the connection is lost, or the reply takes too long. */
  async reply(): Promise<Reply | null> {
    for (;;) {
      const reply = this.#reader.next();
      if (reply !== null || this.#isClosed) return reply;
      this.#deadlineMs = unixMs() + REPLY_TIMEOUT_MS;
      if (!this.#isTimerSet) this.#setTimer();
      const inTime = await new Promise<boolean>((resolve) => this.#wake = resolve);
      this.#wake = null;
      if (!inTime) return null;
    }
  }

  /** One timer serves the replies of seconds: most come long before it goes off. */
  #setTimer(): void {
    this.#isTimerSet = true;
    startTimer(() => {
      this.#isTimerSet = false;
      if (this.#wake === null || this.#isClosed) return;
      if (unixMs() < this.#deadlineMs) this.#setTimer();
      else this.#wake(false);
    }, this.#deadlineMs - unixMs());
  }

  /** Ends it; resolves when the server can have nothing of it any more. */
  async close(): Promise<void> {
    this.socket.destroy();
    const { peer } = this.socket;
    while (!peer.isClosed && !peer.scope.isDead) await sleep(1);
  }
}

export class SimulatedClient {
  requests = 0;
  isDone = false;
  #timeline = new Timeline(new Map());
  readonly #past: Timeline[] = [];
  /** Requests that may have been done or not, in order, and when the first was sent. */
  #uncertain: Operation[] = [];
  #uncertainSinceMs = 0;
  #epoch = 0;
  #connection: Connection | null = null;

  constructor(
    readonly name: string,
    readonly database: number,
    readonly world: ClientWorld,
    readonly chance: Chance,
  ) {}

  /** Sends requests until the world is stopping, and then reads once more what there is. */
  async run(): Promise<void> {
    while (!this.world.isStopping()) {
      const connection = this.#connection ?? await this.#connect();
      if (connection === null) await sleep(this.chance.between(20, 300));
      else if (!await this.#step(connection)) await this.#lost();
      await sleep(this.chance.oneIn(4) ? this.chance.between(0, 60) : this.chance.between(0, 8));
    }
    await this.#lost();
    while (await this.#connect() === null) await sleep(100);
    await this.#lost();
    this.isDone = true;
  }

  /** The world wants it to look anew where the primary is. */
  reconnect(): void {
    this.#connection?.socket.destroy();
  }

  /** The moment reads as a number of Unix time in ms. */
  async #lost(): Promise<void> {
    await this.#connection?.close();
    this.#connection = null;
  }

  async #open(host: string): Promise<Connection | null> {
    const { network, port } = this.world;
    let socket: SimulatedSocket;
    try {
      socket = await network.connect(this.name, host, port);
    } catch {
      return null;
    }
    const connection = new Connection(socket);
    await nextTurn();
    connection.send([["SELECT", String(this.database)]]);
    const reply = await connection.reply();
    if (reply?.kind === "line" && reply.text === "+OK") return connection;
    await connection.close();
    return null;
  }

  /** Connects to the primary, and finds out what is there; null where that does not work now. */
  async #connect(): Promise<Connection | null> {
    const epoch = this.world.epoch();
    const connection = await this.#open(this.world.primary());
    if (connection === null) return null;
    const observed = await this.#observe(connection);
    if (observed === null || this.world.epoch() !== epoch) {
      await connection.close();
      return null;
    }
    this.#settle(observed, epoch);
    return this.#connection = connection;
  }

  /** Reads the whole database at one moment. */
  async #observe(connection: Connection): Promise<Observed | null> {
    const keys = [...STRINGS, ...EXPIRING, ...NUMBERS];
    const fromMs = unixMs();
    const reads = [...keys.map((key) => ["GET", key]), ...HASHES.map((key) => ["HGETALL", key])];
    connection.send([["MULTI"], ...reads, ["EXEC"]]);
    let reply: Reply | null = null;
    for (let i = 0; i < reads.length + 2; i++) {
      reply = await connection.reply();
      if (reply === null) return null;
    }
    if (reply?.kind !== "array") return null;
    const values = new Map<string, string>();
    reply.items.forEach((item, index) => {
      if (item.kind === "bulk") values.set(keys[index], item.text);
      if (item.kind !== "array") return;
      for (let i = 0; i + 1 < item.items.length; i += 2) {
        const [field, value] = [item.items[i], item.items[i + 1]];
        if (field.kind !== "bulk" || value.kind !== "bulk") continue;
        values.set(model.nameOf(HASHES[index - keys.length], field.text), value.text);
      }
    });
    if (reply.items.some((item) => item.kind === "line")) return null;
    return { values, fromMs, toMs: unixMs() };
  }

  /** Decides which of the uncertain requests were done, and, in a new epoch, how much was lost. */
  #settle(observed: Observed, epoch: number): void {
    const states = this.#possibleStates(observed.toMs);
    const fitting = states.filter((state) => compare(state, observed) === null);
    let found = fitting.length === 0 ? null : fitting.reduce(model.either);
    if (found === null && epoch === this.#epoch) {
      const words = this.#uncertain.map((one) => one.words.join(" ").slice(0, 80)).join("; ");
      const differences = states.map((state) => compare(state, observed)).join(" or ");
      return this.world.fail(this.name, `lost or made up a write: ${differences}; uncertain were ${words}`);
    }
    if (found === null) found = this.#findPast(observed);
    if (found === null) {
      const what = compare(this.#timeline.state, observed);
      return this.world.fail(this.name, `finds data that there never was; latest: ${what}`);
    }
    this.world.note(this.name, `settled ${this.#uncertain.length} uncertain, epoch ${epoch}`);
    this.#epoch = epoch;
    this.#endTimeline(observed.toMs);
    this.#timeline = new Timeline(found);
  }

  #findPast(observed: Observed): State | null {
    const timelines = [this.#timeline, ...this.#past.toReversed()];
    for (const timeline of timelines) {
      const found = timeline.find(observed);
      if (found !== null) return found;
    }
    return null;
  }

  /** The states that there may be, with each uncertain request done or not. */
  #possibleStates(toMs: number): State[] {
    let states: State[] = [new Map(this.#timeline.state)];
    for (const operation of this.#uncertain) {
      states = states.flatMap((state) => [
        ...operation.outcomes(state, this.#uncertainSinceMs, toMs).map(({ effects }) => {
          const after = new Map(state);
          model.apply(after, effects);
          return after;
        }),
        state,
      ]);
    }
    return states;
  }

  #endTimeline(toMs: number): void {
    for (const operation of this.#uncertain.splice(0)) {
      this.#timeline.add(operation.outcomes(this.#timeline.state, this.#uncertainSinceMs, toMs)[0].effects);
    }
    this.#past.push(this.#timeline);
  }

  /** One exchange with the primary; false where the connection is of no use any more. */
  async #step(connection: Connection): Promise<boolean> {
    if (this.chance.oneIn(25)) await this.#readReplica();
    const operations = Array.from({ length: this.chance.oneIn(3) ? 1 + this.chance.below(6) : 1 }, () => this.#draw());
    this.requests += operations.length;
    this.#uncertain = operations;
    const fromMs = this.#uncertainSinceMs = unixMs();
    if (this.chance.oneIn(6)) return await this.#transact(connection, operations, fromMs);
    connection.send(operations.map(({ words }) => words));
    let isOfUse = true;
    for (const operation of operations) {
      const reply = await connection.reply();
      if (reply === null) return false;
      if (this.#lackedMemory(reply) && operation.parts !== undefined) {
        this.#uncertain = [operation.parts(), ...this.#uncertain.slice(1)];
        return false;
      }
      if (!this.#replied(operation, reply, fromMs)) isOfUse = false;
      this.#uncertain = this.#uncertain.slice(1);
    }
    return isOfUse;
  }

  async #transact(connection: Connection, operations: readonly Operation[], fromMs: number): Promise<boolean> {
    connection.send([["MULTI"], ...operations.map(({ words }) => words), ["EXEC"]]);
    for (let i = 0; i < operations.length + 1; i++) if (await connection.reply() === null) return false;
    const reply = await connection.reply();
    if (reply === null) return false;
    this.#uncertain = [];
    if (reply.kind !== "array") return this.#refused("EXEC", reply);
    if (reply.items.length !== operations.length) {
      this.world.fail(this.name, `EXEC of ${operations.length} commands: ${shown(reply)}`);
      return false;
    }
    for (const [index, operation] of operations.entries()) {
      const item = reply.items[index];
      if (this.#lackedMemory(item) && operation.parts !== undefined) {
        this.#timeline.endRequest();
        this.#uncertain = [operation.parts(), ...operations.slice(index + 1)];
        return false;
      }
      const outcome = outcomeOf(operation, item, this.#timeline.state, fromMs, unixMs());
      if (outcome !== null) this.#timeline.addPart(outcome.effects);
      else if (!this.#refused(operation.words.join(" "), item)) {
        this.#timeline.endRequest();
        return false;
      }
    }
    this.#timeline.endRequest();
    return true;
  }

  /** Holds a reply against the model; false where the connection is of no use any more. */
  #replied(operation: Operation, reply: Reply, fromMs: number): boolean {
    const outcome = outcomeOf(operation, reply, this.#timeline.state, fromMs, unixMs());
    if (outcome === null) return this.#refused(operation.words.join(" "), reply, operation, fromMs);
    this.#timeline.add(outcome.effects);
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

  #lackedMemory(reply: Reply): boolean {
    return reply.kind === "line" && reply.text === NO_MEMORY && this.world.mayLackMemory();
  }

  /** Reads from a replica. */
  async #readReplica(): Promise<void> {
    const host = this.world.replica();
    if (host === null) return;
    const connection = await this.#open(host);
    if (connection === null) return;
    const observed = await this.#observe(connection);
    await connection.close();
    if (observed === null) return;
    const timelines = [this.#timeline, ...this.#past.toReversed()];
    if (timelines.some((timeline) => timeline.has(observed))) return;
    const what = timelines.map((timeline) => timeline.nearest(observed)).join("; ");
    this.world.fail(this.name, `the replica ${host} shows data that its primary never had: ${what}`);
  }

  #draw(): Operation {
    const { chance } = this;
    const draw = chance.below(100);
    if (draw < 12) return model.get(chance.of([...STRINGS, ...EXPIRING, ...NUMBERS]));
    if (draw < 30) return model.set(chance.of(STRINGS), this.#value());
    if (draw < 36) return model.append(chance.of(STRINGS.slice(0, 2)), this.#value().slice(0, 50));
    if (draw < 48) return model.increase(chance.of(NUMBERS), chance.below(1000) - 300);
    if (draw < 58) {
      return model.setFor(chance.of(EXPIRING), this.#value(), 1 + chance.below(chance.of([20, 2000, 20000])));
    }
    if (draw < 63) return model.expireAt(chance.of(EXPIRING), unixMs() + chance.below(3000) - 100);
    if (draw < 68) return model.remove(chance.of([...EXPIRING, ...STRINGS]), chance.of(["DEL", "UNLINK"] as const));
    if (draw < 84) return model.setFields(chance.of(HASHES), this.#fields());
    if (draw < 89) return model.removeField(chance.of(HASHES), `f${chance.below(40)}`);
    if (draw < 94) return model.increaseField(chance.of(HASHES), `c${chance.below(4)}`, chance.below(100));
    if (draw < 97) return model.getFields(chance.of(HASHES));
    if (draw < 99) return model.remove(chance.of(HASHES), chance.of(["DEL", "UNLINK"] as const));
    return chance.oneIn(5) ? model.flush(chance.of(["SYNC", "ASYNC"] as const)) : model.get("s0");
  }

  #fields(): ReadonlyMap<string, string> {
    const count = this.chance.oneIn(30) ? 300 : 1 + this.chance.below(4);
    const fields = count === 300 ? 600 : 40;
    return new Map(Array.from({ length: count }, () => [`f${this.chance.below(fields)}`, this.#value(60)] as const));
  }

  #value(most = 20_000): string {
    const length = this.chance.oneIn(40) ? this.chance.below(most) : this.chance.below(40);
    if (this.chance.oneIn(3)) return String(this.chance.below(1e6));
    const words = String.fromCharCode(97 + this.chance.below(26)) + this.chance.below(1e6);
    return words.repeat(Math.ceil(length / words.length)).slice(0, length);
  }
}
