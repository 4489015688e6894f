/**
 * Runs a case whose commands may wait: one step at a time on all connections, and after each one waits until every
 * connection that has no reply yet is blocked. So who is served, with what, and when, is the same each time.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { encodeRequest } from "../../integration/test_client.ts";
import { Follower } from "./follower.ts";
import { findRest } from "./rest.ts";
import type { Servers } from "./servers.ts";
import type { Difference, Setting, Step } from "./steps.ts";

/** How long a server may take to come to rest, in ms. */
const PATIENCE_MS = 30_000;

/** Turns of the event loop before blocked clients are counted again, and counts before a pause is made. */
const TURNS_PER_COUNT = 20;
const TRIES_AT_ONCE = 5;

export async function runWaiting(
  servers: Servers,
  steps: readonly Step[],
  setting: Setting,
): Promise<Difference | null> {
  const run = new WaitingRun(servers, setting);
  for (const [i, step] of steps.entries()) {
    // Whoever waits can't send, and steps of other kinds ask for replies at once.
    if (!("commands" in step)) continue;
    for (const args of step.commands) {
      if (run.waits(step.connection)) break;
      const difference = await run.send(i, step.connection, args, step.timed === true);
      if (difference !== null) return difference;
    }
  }
  return await run.release(steps.length) ?? await findRest(servers, steps.length, setting);
}

class WaitingRun {
  readonly #followers: Follower[];
  /** What a connection has no reply to yet. */
  readonly #waiting: ((readonly string[]) | null)[];

  constructor(readonly servers: Servers, { connections, sorts }: Setting) {
    this.#followers = Array.from({ length: connections }, () => new Follower(sorts));
    this.#waiting = Array.from({ length: connections }, () => null);
  }

  waits(connection: number): boolean {
    return this.#waiting[connection] !== null;
  }

  /** Sends a command; one that is timed has its reply before anything else happens. */
  async send(
    step: number,
    connection: number,
    args: readonly string[],
    isTimed: boolean,
  ): Promise<Difference | null> {
    this.#waiting[connection] = args;
    this.servers.send(connection, encodeRequest(args));
    return await this.#settle(step, isTimed ? [connection] : []);
  }

  /** Lets go whoever still waits. */
  async release(step: number): Promise<Difference | null> {
    const still = this.#waiting.flatMap((args, connection) => (args === null ? [] : [connection]));
    for (const connection of still) await this.servers.unblock(connection);
    return await this.#settle(step, still);
  }

  /** Waits for both to come to rest, and compares the replies that came; those of `due` have to come. */
  async #settle(step: number, due: readonly number[]): Promise<Difference | null> {
    const rested = await Promise.all(([0, 1] as const).map((which) => this.#rests(which, due)));
    if (rested.includes(false)) {
      return { step, args: ["(coming to rest)"], replies: [String(rested[0]), String(rested[1])] };
    }
    for (const [connection, args] of this.#waiting.entries()) {
      if (args === null) continue;
      const wires = this.servers.wires(connection);
      if (wires.every((wire) => wire.ready === 0)) continue;
      const [a, b] = await Promise.all(
        wires.map(async (wire) => wire.ready === 0 ? "(waits)" : (await wire.take(1))[0]),
      );
      if (a === "(waits)" || b === "(waits)" || !this.#followers[connection].same(args, a, b)) {
        return { step, args, replies: [a, b] };
      }
      this.#waiting[connection] = null;
    }
    return null;
  }

  /** Waits until all that have no reply are blocked; false where that does not come to be. */
  async #rests(which: 0 | 1, due: readonly number[]): Promise<boolean> {
    const wires = this.#waiting.flatMap((args, connection) =>
      args === null ? [] : [this.servers.wires(connection)[which]]
    );
    const deadline = Date.now() + PATIENCE_MS;
    for (let tries = 0; Date.now() < deadline; tries++) {
      // Without a reply before the count is asked for: a count may be of before a command that has its reply by now.
      const waiting = wires.filter((wire) => wire.ready === 0).length;
      const blocked = await this.servers.blockedClients(which);
      if (waiting === blocked && due.every((one) => this.servers.wires(one)[which].ready > 0)) return true;
      for (let turns = 0; turns < TURNS_PER_COUNT; turns++) await new Promise((resolve) => setImmediate(resolve));
      if (tries > TRIES_AT_ONCE) await sleep(1);
    }
    return false;
  }
}
