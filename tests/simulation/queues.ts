/**
 * Clients that wait for elements of a queue, one round after the other: some wait, elements are added, and what was left is
 * taken. Whoever waited first must have been served first, each element must have been given to one, and nobody may wait
 * while there is something for him. All of it is held to as long as it is one server that was asked; a connection that is
 * lost may have taken an element with it.
 */

import { unixMs } from "../../lib/runtime/clock.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import type { Chance } from "./chance.ts";
import type { ClientWorld } from "./client.ts";
import { type Connection, NO_MEMORY, NOT_NOW, openConnection } from "./connection.ts";
import { MOVED, QUEUE_KINDS, type QueueKind } from "./queue_kinds.ts";
import { type Reply, shown } from "./resp.ts";

/** What CLIENT UNBLOCK has a client told. */
const UNBLOCKED = "-UNBLOCKED client unblocked";
const KEY = "queue";
/** Never there. */
const EMPTY_KEY = "empty";
const WAITERS = 3;
/** How long after its time is up a client may go on waiting, in ms: servers are slow, paused, and far away. */
const GRACE_MS = 15_000;
/** How often is looked whether a client waits, and how long between two looks, in ms. */
const LOOKS = 100;
const LOOK_MS = 5;
/** How often somebody must be seen to wait for what is there, for this to be more than a pause. */
const SUSPICIONS = 4;

type Words = readonly string[];

/** A client that waits. */
interface Waiter {
  readonly name: string;
  readonly id: string;
  readonly connection: Connection;
  readonly words: Words;
  readonly sentMs: number;
  /** When its time is up; Infinity: never. */
  readonly untilMs: number;
  /** Whether it was seen to wait before the next one came. */
  isKnownToWait: boolean;
  isUnblocked: boolean;
  /** Null once the connection is lost, or it was refused; undefined before that, or a reply. */
  reply: Reply | null | undefined;
  repliedMs: number;
}

/** The connections of a round. */
interface Members {
  readonly epoch: number;
  readonly control: Connection;
  readonly waiting: readonly { readonly id: string; readonly connection: Connection }[];
}

export class SimulatedQueue {
  requests = 0;
  isDone = false;
  #members: Members | null = null;
  /** When the round began, in ms of Unix time. */
  #roundMs = 0;
  /** The last element that was added. */
  #last = 0;

  constructor(
    readonly name: string,
    readonly database: number,
    readonly world: ClientWorld,
    readonly chance: Chance,
  ) {}

  async run(): Promise<void> {
    while (!this.world.isStopping()) {
      const members = this.#members ?? await this.#connect();
      if (members === null) {
        await sleep(this.chance.between(50, 1000));
      } else if (!await this.#round(members)) {
        await this.#close(members);
        this.#members = null;
      }
      await sleep(this.chance.between(0, 1200) + this.world.restMs());
    }
    if (this.#members !== null) await this.#close(this.#members);
    this.isDone = true;
  }

  /** The world wants it to look anew where the primary is. */
  reconnect(): void {
    this.#members?.control.socket.destroy();
  }

  // --- Connections ----------------------------------------------------------------------------------------------------

  /** Connects to the primary, all to the same one; null where that does not work now. */
  async #connect(): Promise<Members | null> {
    const epoch = this.world.epoch();
    const host = this.world.primary();
    const opened: { id: string; connection: Connection }[] = [];
    while (opened.length <= WAITERS) {
      const connection = await openConnection(this.world, `${this.name}-${opened.length}`, host, this.database);
      if (connection === null) break;
      const reply = await this.#ask(connection, ["CLIENT", "ID"]);
      opened.push({ id: reply?.kind === "line" ? reply.text.slice(1) : "", connection });
      if (reply?.kind !== "line" || reply.text[0] !== ":") break;
    }
    const [{ connection: control } = { connection: null }, ...waiting] = opened;
    if (control !== null && waiting.length === WAITERS && this.world.epoch() === epoch) {
      return this.#members = { epoch, control, waiting };
    }
    for (const { connection } of opened) await connection.close();
    return null;
  }

  async #close({ control, waiting }: Members): Promise<void> {
    for (const connection of [control, ...waiting.map((one) => one.connection)]) await connection.close();
  }

  async #ask(connection: Connection, words: Words): Promise<Reply | null> {
    this.requests++;
    connection.send([words]);
    const reply = await connection.reply();
    this.#show(words, reply);
    return reply;
  }

  /** Asks for all of this at one moment; the replies, or null. */
  async #askAtOnce(connection: Connection, requests: readonly Words[]): Promise<readonly Reply[] | null> {
    this.requests += requests.length;
    connection.send([["MULTI"], ...requests, ["EXEC"]]);
    let reply: Reply | null = null;
    for (let i = 0; i < requests.length + 2; i++) if ((reply = await connection.reply()) === null) return null;
    this.#show(requests.flat(), reply);
    return reply?.kind === "array" && reply.items.length === requests.length ? reply.items : null;
  }

  #show(words: Words, reply: Reply | null): void {
    this.world.show(
      this.name,
      () => `  ${words.join(" ").slice(0, 100)}: ${reply === null ? "nothing" : shown(reply)}`,
    );
  }

  #fail(what: string): void {
    this.world.fail(this.name, what);
  }

  // --- A round --------------------------------------------------------------------------------------------------------

  /** One round; false where the connections are of no use any more. */
  async #round(members: Members): Promise<boolean> {
    const { control } = members;
    this.#roundMs = unixMs();
    const kind = this.chance.of(QUEUE_KINDS);
    const moved = members.waiting.map((_, index) => `${MOVED}${index}`);
    const prepared = await this.#askAtOnce(control, [["DEL", KEY, ...moved], ...kind.prepare(KEY)]);
    if (prepared === null || prepared.some((one) => one.kind === "line" && one.text[0] === "-")) return false;
    const waiters: Waiter[] = [];
    const count = 1 + this.chance.below(WAITERS);
    for (let i = 0; i < count; i++) if (!await this.#beginToWait(kind, members, waiters)) return false;
    const restMs = this.world.restMs();
    if (restMs > 0) await sleep(restMs);
    if (this.chance.oneIn(3)) await this.#unblock(control, this.chance.of(waiters));
    const first = this.#last + 1;
    const added = await this.#add(kind, control);
    if (added === null || !await this.#checkNobodyIsLeft(kind, control, waiters)) return false;
    const rest = await this.#end(kind, control, waiters);
    if (rest === null || this.world.epoch() !== members.epoch) return false;
    this.#checkOrder(kind, waiters);
    this.#checkTimes(waiters);
    this.#checkDelivery(kind, first, added, waiters, rest);
    return waiters.every(({ reply }) => reply !== null);
  }

  /** Has a client wait, and looks whether it does. */
  async #beginToWait(kind: QueueKind, { control, waiting }: Members, waiters: Waiter[]): Promise<boolean> {
    const { chance } = this;
    const { id, connection } = waiting[waiters.length];
    const name = String(waiters.length);
    const timeoutMs = chance.of([0, 0, 1 + chance.below(50), 1 + chance.below(3000)]);
    const words = chance.of(kind.waits)(chance.oneIn(3) ? [EMPTY_KEY, KEY] : [KEY], timeoutMs, name);
    const sentMs = unixMs();
    const waiter: Waiter = {
      name,
      id,
      connection,
      words,
      sentMs,
      untilMs: timeoutMs === 0 ? Infinity : sentMs + timeoutMs,
      isKnownToWait: false,
      isUnblocked: false,
      reply: undefined,
      repliedMs: Infinity,
    };
    waiters.push(waiter);
    this.requests++;
    connection.send([words]);
    void this.#hear(waiter);
    for (let look = 0; look < LOOKS && waiter.reply === undefined; look++) {
      if (chance.oneIn(8)) return true; // nobody knows who comes first
      const waits = await this.#doWait(control, [waiter]);
      if (waits === null) return false;
      if (waits[0]) {
        waiter.isKnownToWait = true;
        return true;
      }
      await sleep(LOOK_MS);
    }
    return true;
  }

  /** Takes the reply of a client that waits, whenever it comes. */
  async #hear(waiter: Waiter): Promise<void> {
    let reply: Reply | null;
    do reply = await waiter.connection.reply(); while (reply === null && !waiter.connection.isLost);
    waiter.reply = reply?.kind === "line" && NOT_NOW.test(reply.text) && !reply.text.startsWith(UNBLOCKED)
      ? null
      : reply;
    waiter.repliedMs = unixMs();
    this.#show(waiter.words, reply);
  }

  /** Whether each of these waits, as the server sees it; null where it cannot be asked. */
  async #doWait(control: Connection, waiters: readonly Waiter[]): Promise<readonly boolean[] | null> {
    const reply = await this.#ask(control, ["CLIENT", "LIST", "ID", ...waiters.map(({ id }) => id)]);
    return reply?.kind === "bulk" ? whoWaits(reply.text, waiters) : null;
  }

  /** CLIENT UNBLOCK, after which it waits no more. */
  async #unblock(control: Connection, waiter: Waiter): Promise<void> {
    const how = this.chance.of(["TIMEOUT", "ERROR"]);
    const isWaiting = waiter.isKnownToWait && waiter.reply === undefined && !waiter.isUnblocked;
    waiter.isUnblocked = true;
    const reply = await this.#ask(control, ["CLIENT", "UNBLOCK", waiter.id, how]);
    if (!isWaiting || waiter.untilMs < Infinity || reply?.kind !== "line" || reply.text !== ":1") return;
    if (!await this.#replyOf(waiter)) return this.#fail(`'${waiter.words.join(" ")}' waits on though it was unblocked`);
    const { reply: found } = waiter;
    if (found === null || found === undefined) return;
    const isAsked = how === "TIMEOUT"
      ? found.kind === "null"
      : found.kind === "line" && found.text.startsWith(UNBLOCKED);
    if (!isAsked) this.#fail(`'${waiter.words.join(" ")}', unblocked by ${how}, replied ${shown(found)}`);
  }

  /** Adds elements; which of them are there for certain, or null where the server cannot be asked any more. */
  async #add(kind: QueueKind, control: Connection): Promise<Set<number> | null> {
    const { chance } = this;
    const added = new Set<number>();
    for (let left = chance.below(3) + 1; left > 0; left--) {
      const elements = Array.from({ length: 1 + chance.below(3) }, () => ++this.#last);
      const requests = kind.add(KEY, elements);
      if (chance.oneIn(2)) await sleep(chance.between(0, chance.of([5, 100])));
      const replies = chance.oneIn(3)
        ? await this.#askAtOnce(control, requests)
        : await this.#askInTurn(control, requests);
      if (replies === null) return null;
      if (replies.every((reply) => reply.kind !== "line" || reply.text[0] !== "-")) {
        for (const element of elements) added.add(element);
      }
    }
    return added;
  }

  async #askInTurn(control: Connection, requests: readonly Words[]): Promise<readonly Reply[] | null> {
    const replies: Reply[] = [];
    for (const words of requests) {
      const reply = await this.#ask(control, words);
      if (reply === null || (reply.kind === "line" && NOT_NOW.test(reply.text))) return null;
      replies.push(reply);
    }
    return replies;
  }

  // --- What must be so ------------------------------------------------------------------------------------------------

  /** Nobody waits while there is an element for him, other than for as long as a pause takes. */
  async #checkNobodyIsLeft(kind: QueueKind, control: Connection, waiters: readonly Waiter[]): Promise<boolean> {
    for (let suspicions = 0; suspicions < SUSPICIONS; suspicions++) {
      if (await this.#ask(control, ["DEL", EMPTY_KEY]) === null) return false; // comes back when a pause is over
      const list = ["CLIENT", "LIST", "ID", ...waiters.map(({ id }) => id)];
      const replies = await this.#askAtOnce(control, [kind.count(KEY), list]);
      if (replies === null) return false;
      const [left, clients] = replies;
      const who = clients.kind === "bulk" ? whoWaits(clients.text, waiters) : [];
      if (kind.left(left) === 0 || !who.includes(true)) return true;
      if (suspicions === SUSPICIONS - 1) {
        this.#fail(
          `'${waiters[who.indexOf(true)].words.join(" ")}' waits though ${kind.left(left)} elements are there`,
        );
      }
      await sleep(this.chance.between(10, 700));
    }
    return false;
  }

  /** Ends all that still wait, and takes what is left; null where the server cannot be asked any more. */
  async #end(kind: QueueKind, control: Connection, waiters: readonly Waiter[]): Promise<number[] | null> {
    if (this.chance.oneIn(3)) await sleep(this.chance.between(0, 500)); // somebody's time may be up meanwhile
    for (const waiter of waiters) {
      // Its request may still be on the way, so that there is nobody to unblock.
      for (let look = 0; waiter.reply === undefined && waiter.untilMs === Infinity && look < LOOKS; look++) {
        await this.#unblock(control, waiter);
        await sleep(LOOK_MS);
      }
    }
    for (const waiter of waiters) {
      if (await this.#replyOf(waiter)) continue;
      if (control.isLost) return null;
      this.#fail(`'${waiter.words.join(" ")}' was never replied`);
      return null;
    }
    const replies = await this.#askAtOnce(control, [kind.drain(KEY)]);
    return replies === null || this.#lacksMemory(replies[0]) ? null : kind.read(replies[0]);
  }

  /** Waits until a client has its reply, or is lost; false where that takes too long. */
  async #replyOf(waiter: Waiter): Promise<boolean> {
    const lastMs = GRACE_MS + (waiter.untilMs === Infinity ? unixMs() : Math.max(unixMs(), waiter.untilMs));
    while (waiter.reply === undefined && unixMs() < lastMs) await sleep(LOOK_MS);
    return waiter.reply !== undefined;
  }

  #lacksMemory(reply: Reply): boolean {
    return reply.kind === "line" && reply.text === NO_MEMORY && this.world.lackedMemory(this.#roundMs);
  }

  /** Who came first was served first. */
  #checkOrder(kind: QueueKind, waiters: readonly Waiter[]): void {
    for (const [index, one] of waiters.entries()) {
      if (!one.isKnownToWait || one.isUnblocked || !one.reply || this.#lacksMemory(one.reply)) continue;
      const [first = Infinity] = kind.read(one.reply);
      for (const later of waiters.slice(index + 1)) {
        const [second = Infinity] = later.reply ? kind.read(later.reply) : [];
        if (second > first || second === Infinity || later.repliedMs >= one.untilMs) continue;
        this.#fail(
          `'${later.words.join(" ")}' got ${second}, and '${one.words.join(" ")}', which had come before, ${first}`,
        );
      }
    }
  }

  /** Nobody was sent away before his time was up. */
  #checkTimes(waiters: readonly Waiter[]): void {
    for (const { words, reply, repliedMs, untilMs, isUnblocked } of waiters) {
      if (reply?.kind !== "null" || isUnblocked || repliedMs >= untilMs) continue;
      this.#fail(`'${words.join(" ")}' was sent away ${untilMs - repliedMs} ms before its time was up`);
    }
  }

  /** Each element was given to one, or is left; those who are lost may have had some. */
  #checkDelivery(
    kind: QueueKind,
    first: number,
    added: ReadonlySet<number>,
    waiters: readonly Waiter[],
    rest: readonly number[],
  ): void {
    const seen = new Set<number>();
    const given = waiters.flatMap(({ reply }) => reply ? kind.read(reply) : []);
    for (const element of [...given, ...rest]) {
      if (element < first || element > this.#last) this.#fail(`element ${element} was never added`);
      if (seen.has(element)) this.#fail(`element ${element} was given twice`);
      seen.add(element);
    }
    for (const { reply, words } of waiters) {
      if (!reply || reply.kind !== "line" || reply.text.startsWith(UNBLOCKED) || this.#lacksMemory(reply)) continue;
      this.#fail(`'${words.join(" ")}' replied ${shown(reply)}`);
    }
    const missing = [...added].filter((element) => !seen.has(element));
    const lost = waiters.filter(({ reply }) => reply === null).length;
    if (missing.length > 2 * lost) this.#fail(`elements ${missing.join()} are gone, and nobody had them`);
  }
}

/** Whether each of these waits, by a CLIENT LIST. */
function whoWaits(list: string, waiters: readonly Waiter[]): boolean[] {
  const lines = list.split("\n");
  return waiters.map(({ id }) => lines.some((line) => line.startsWith(`id=${id} `) && /\bflags=\w*b/.test(line)));
}
