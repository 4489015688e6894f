/**
 * A client of the torture: it sends unit after unit, some ahead of the replies, and keeps what it has sent and how much of
 * it was acknowledged, so that it can tell which states of its database a server may show after a kill.
 */

import type { Random } from "../integration/data_set.ts";
import { ReplyError, TestClient } from "../integration/test_client.ts";
import { drawUnit, Model, type Shown, type Unit } from "./model.ts";

/** One unit in so many is followed by the question whether what was written is durable. */
const ASKS_ONE_IN = 50;

/** A FLUSHALL, as a client sees it: it came behind `least` of its units at least, and behind `most` at most. */
export interface Flush {
  readonly least: number;
  most: number;
}

export class Writer {
  /** What was sent since the last restart. */
  readonly #units: Unit[] = [];
  /** What the server had at the last restart. */
  #base = new Model();
  /** How many units have been acknowledged; how many WAITAOF has told to be durable. */
  acknowledged = 0;
  #durable = 0;
  /** How many were acknowledged when the append-only file was turned off; null: it is on. */
  #acknowledgedWhenOff: number | null = null;
  /** The server's FLUSHALLs, as this client sees them. */
  readonly flushes: Flush[] = [];
  #number = 0;
  #isStopped = false;

  /** `asking`: by which request the client is told, with a reply that has a 1, what is durable. */
  constructor(readonly database: number, readonly random: Random, readonly asking: string = "WAITAOF 1 0 0") {}

  /** How many units are known to be durable. */
  get durable(): number {
    return this.#durable;
  }

  get sent(): number {
    return this.#units.length;
  }

  /** Writes until `stop` is called, or the server is gone. Rejects where a reply is an error. */
  async write(port: number): Promise<void> {
    this.#isStopped = false;
    const client = await TestClient.connect(port).catch(() => null);
    if (client === null) return;
    try {
      await client.call("SELECT", this.database);
      await this.#writeBy(client, 1 + this.random.below(40));
    } catch (error) {
      if (!/the connection ended/.test(String(error))) throw error;
    } finally {
      client.close();
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #writeBy(client: TestClient, depth: number): Promise<void> {
    /** Of each unit under way: how many replies it has, and whether what was written before it is asked for. */
    const underway: { readonly replies: number; readonly asks: boolean }[] = [];
    while (!this.#isStopped || underway.length > 0) {
      while (!this.#isStopped && underway.length < depth) {
        if (this.random.below(ASKS_ONE_IN) === 0) {
          client.send(this.asking);
          underway.push({ replies: 1, asks: true });
          continue;
        }
        const unit = drawUnit(this.random, ++this.#number);
        this.#units.push(unit);
        underway.push({ replies: unit.requests.length, asks: false });
        for (const request of unit.requests) client.send(...request);
      }
      const next = underway.shift();
      if (next !== undefined) await this.#acknowledge(client, next.replies, next.asks);
    }
  }

  async #acknowledge(client: TestClient, replies: number, asks: boolean): Promise<void> {
    for (let i = 0; i < replies; i++) {
      const reply = await client.read();
      if (asks && Array.isArray(reply) && reply.includes(1)) this.#durable = this.acknowledged;
      if (!asks && reply instanceof ReplyError) {
        throw new Error(`client ${this.database}, unit ${this.acknowledged}: ${reply.message}`);
      }
    }
    if (!asks) this.acknowledged++;
  }

  /** The append-only file is about to be turned off: what comes from now on may not be in it. */
  turnedOff(): void {
    this.#acknowledgedWhenOff ??= this.acknowledged;
  }

  /** It is on again: all that was acknowledged is in it. */
  turnedOn(): void {
    this.#acknowledgedWhenOff = null;
  }

  /** How many units must be there. `isStrict`: whatever was acknowledged is written; else what WAITAOF has told. */
  #mustHave(isStrict: boolean): number {
    return isStrict ? this.#acknowledgedWhenOff ?? this.acknowledged : this.#durable;
  }

  /**
   * How many units there are where the first `flushes` FLUSHALLs have been done, as the server shows this client's data;
   * -1 where that cannot be. `model`, if given, becomes what is there.
   */
  #unitsShown(
    shown: Shown,
    flushes: number,
    isStrict: boolean,
  ): { readonly units: number; readonly model: Model } | null {
    const floor = this.#mustHave(isStrict);
    const ceiling = Math.min(this.sent, this.flushes[flushes]?.most ?? Infinity);
    const { least, most } = this.flushes[flushes - 1] ?? { least: 0, most: 0 };
    for (let begin = least; begin <= Math.min(most, this.sent); begin++) {
      const model = flushes === 0 ? this.#base.copy() : new Model();
      for (let units = begin; units <= ceiling; units++) {
        if (units >= floor && model.is(shown)) return { units, model };
        if (units < ceiling) model.do(this.#units[units]);
      }
    }
    return null;
  }

  /** Whether what is shown can be where so many FLUSHALLs have been done. */
  canBe(shown: Shown, flushes: number, isStrict: boolean): boolean {
    return this.#unitsShown(shown, flushes, isStrict) !== null;
  }

  /** Goes on from what is shown; how many acknowledged units are not there. */
  restart(shown: Shown, flushes: number, isStrict: boolean): number {
    const found = this.#unitsShown(shown, flushes, isStrict);
    if (found === null) throw new Error("what is shown cannot be");
    const promised = this.#acknowledgedWhenOff ?? this.acknowledged;
    const lost = Math.max(0, promised - found.units);
    this.#base = found.model;
    this.#units.length = 0;
    this.flushes.length = 0;
    this.acknowledged = this.#durable = 0;
    this.#acknowledgedWhenOff = null;
    return lost;
  }

  /** What there is to say where nothing that is shown can be: how the nearest of what has been differs. */
  describe(shown: Shown): string {
    const model = this.#base.copy();
    let nearest = { units: 0, differing: differing(model.show(), shown) };
    for (const [index, unit] of this.#units.entries()) {
      model.do(unit);
      const found = differing(model.show(), shown);
      if (found.length <= nearest.differing.length) nearest = { units: index + 1, differing: found };
    }
    return `client ${this.database}: ${this.sent} sent, ${this.acknowledged} acknowledged, ${this.#durable} durable, ` +
      `${this.#acknowledgedWhenOff ?? "never"} when it was turned off, flushes ${JSON.stringify(this.flushes)}. ` +
      `After ${nearest.units} it would be nearest, but:\n${nearest.differing.join("\n")}`;
  }
}

const SHOWN_CHARACTERS = 1000;

/** What differs between two databases. */
function differing(model: Shown, shown: Shown): string[] {
  return model.flatMap((text, at) => {
    if (text === shown[at]) return [];
    return [`  should be: ${text.slice(0, SHOWN_CHARACTERS)}\n  is: ${shown[at].slice(0, SHOWN_CHARACTERS)}`];
  });
}
