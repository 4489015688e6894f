/** Runs a case on both servers: pipelines of some hundred commands, until replies differ or all is done. */

import { encodeRequest } from "../../integration/test_client.ts";
import { Follower } from "./follower.ts";
import { frameOf } from "./frames.ts";
import { findRest } from "./rest.ts";
import type { Servers } from "./servers.ts";
import type { Calls, Carry, Case, Difference, Draw, Setting, Step } from "./steps.ts";
import { BULK_LIMIT_BYTES } from "./families.ts";
import { runWaiting } from "./waiting.ts";

/** Most commands sent at once. */
const LONGEST_PIPELINE = 400;

/** What Redis replies where registers are damaged. */
const DAMAGED = "-INVALIDOBJ ";

const BELOW_DELETED = "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";

/** The two servers have parted, as this one does what 7.2 does: XSETID below an ID that was deleted. */
function partsOnPurpose(args: readonly string[], here: string, redis: string): boolean {
  return args[0].toLowerCase() === "xsetid" && redis === "+OK\r\n" && here === `-${BELOW_DELETED}\r\n`;
}

/**
 * Follows which EXECs may be broken here alone: those of connections that watch a key of BITFIELD or PFDEBUG. What only made
 * a value longer, or a HyperLogLog dense, changes it here, and in Redis nobody hears of that (see docs/differences.md).
 */
class BrokenHere {
  readonly #watched: Set<string>[];
  readonly #changedHere = new Set<string>();

  constructor(connections: number) {
    this.#watched = Array.from({ length: connections }, () => new Set());
  }

  /** Whether a command is such an EXEC, by its replies. To be called for all commands, in order. */
  breaks(connection: number, args: readonly string[], here: string, redis: string): boolean {
    const watched = this.#watched[connection];
    const name = args[0].toLowerCase();
    if (name === "bitfield" && args.length > 1) this.#changedHere.add(args[1]);
    else if (name === "pfdebug" && args.length > 2) this.#changedHere.add(args[2]);
    else if (name === "watch") { for (const key of args.slice(1)) watched.add(key); }
    else if (["exec", "discard", "unwatch", "reset"].includes(name)) {
      if (redis[0] === "-" || redis === QUEUED) return false;
      const isBroken = name === "exec" && NIL_ARRAYS.includes(here) && !NIL_ARRAYS.includes(redis) &&
        redis[0] === "*" &&
        [...watched].some((key) => this.#changedHere.has(key));
      watched.clear();
      return isBroken;
    }
    return false;
  }
}

const QUEUED = "+QUEUED\r\n";
/** EXEC's reply where a watched key was changed. */
const NIL_ARRAYS: readonly string[] = ["*-1\r\n", "_\r\n"];

/** The first difference, or null. */
export async function runCase(servers: Servers, { setting, steps }: Case): Promise<Difference | null> {
  await servers.prepare(setting);
  if (setting.waits) return await runWaiting(servers, steps, setting);
  const run = new PipelinedRun(servers, steps, setting);
  const difference = await run.run();
  return difference !== null || run.isOver ? difference : await findRest(servers, steps.length, setting);
}

class PipelinedRun {
  readonly #followers: Follower[];
  /** Whether a connection is within a transaction. */
  readonly #inMulti: boolean[];

  readonly #brokenHere: BrokenHere;
  /** Whether it has ended early: see `Setting.damages`, and `BrokenHere`. */
  isOver = false;

  constructor(readonly servers: Servers, readonly steps: readonly Step[], readonly setting: Setting) {
    const { connections } = setting;
    this.#followers = Array.from({ length: connections }, () => new Follower(setting.sorts));
    this.#inMulti = Array.from({ length: connections }, () => false);
    this.#brokenHere = new BrokenHere(connections);
  }

  async run(): Promise<Difference | null> {
    const { steps } = this;
    for (let i = 0; i < steps.length && !this.isOver;) {
      const step = steps[i];
      let difference: Difference | null = null;
      if ("commands" in step) {
        let end = i;
        for (let count = 0; end < steps.length && count < LONGEST_PIPELINE; end++) {
          const next = steps[end];
          if (!("commands" in next) || next.connection !== step.connection) break;
          count += next.commands.length;
        }
        difference = await this.#pipeline(i, end);
        i = end;
      } else if (this.#inMulti[step.connection]) i++;
      else if ("draw" in step) difference = await this.#draw(step, i++);
      else difference = await this.#carry(step, i++);
      if (difference !== null) return difference;
    }
    return null;
  }

  /** Sends steps of one connection together. */
  async #pipeline(start: number, end: number): Promise<Difference | null> {
    const { connection } = this.steps[start];
    const sent: { readonly step: number; readonly args: readonly string[] }[] = [];
    for (let step = start; step < end; step++) {
      const { commands, alone } = this.steps[step] as Calls; // the caller has seen so
      if (alone && this.#inMulti[connection]) continue;
      for (const args of commands) {
        this.#noteTransaction(connection, args);
        sent.push({ step, args });
      }
    }
    this.servers.send(connection, sent.map(({ args }) => encodeRequest(args)).join(""));
    const [here, redis] = await this.servers.take(connection, sent.length);
    for (const [i, { step, args }] of sent.entries()) {
      const isBroken = this.#brokenHere.breaks(connection, args, here[i], redis[i]);
      if (isBroken || partsOnPurpose(args, here[i], redis[i])) {
        this.isOver = true;
        return null;
      }
      if (!this.#followers[connection].same(args, here[i], redis[i])) {
        return { step, args, replies: [here[i], redis[i]] };
      }
      if (this.setting.damages && redis[i].includes(DAMAGED)) {
        this.isOver = true;
        return null;
      }
    }
    return null;
  }

  #noteTransaction(connection: number, args: readonly string[]): void {
    if (args.length !== 1) return;
    const name = args[0].toLowerCase();
    if (name === "multi") this.#inMulti[connection] = true;
    else if (name === "exec" || name === "discard" || name === "reset") this.#inMulti[connection] = false;
  }

  /**
   * SPOP on both, whose members must have been there. Each server's own go back in, and those that Redis has drawn leave
   * both, so that the sets are the same again.
   */
  async #draw({ connection, draw }: Draw, step: number): Promise<Difference | null> {
    const { servers } = this;
    const key = draw[1] ?? "";
    const before = await servers.callOne(0, connection, "SMEMBERS", key);
    const [a, b] = await servers.call(connection, ...draw);
    if (a === b) return null;
    const difference: Difference = { step, args: draw, replies: [a, b] };
    const drawn = [frameOf(a), frameOf(b)].map((frame) => (frame.items.length > 0 ? frame.items : [frame]));
    if (a[0] !== b[0] || drawn[0].length !== drawn[1].length || !"$*~".includes(a[0])) return difference;
    const members = new Set(frameOf(before).items.map((item) => item.content));
    if (!drawn[0].every((one) => members.delete(one.content))) return difference;
    // All were drawn, in another order.
    if (members.size === 0) return null;
    const words = drawn.map((items) => items.map((item) => item.content ?? ""));
    for (const which of [0, 1] as const) {
      await servers.callOne(which, connection, "SADD", key, ...words[which]);
      await servers.callOne(which, connection, "SREM", key, ...words[1]);
    }
    return null;
  }

  /** DUMP on one server, RESTORE on both. */
  async #carry({ connection, from, key, restore }: Carry, step: number): Promise<Difference | null> {
    const { servers } = this;
    const [to, ttl, ...options] = restore;
    const dump = ["DUMP", key];
    const dumped = await servers.call(connection, ...dump);
    const follower = this.#followers[connection];
    if (!follower.same(dump, ...dumped)) return { step, args: dump, replies: dumped };
    const payload = frameOf(dumped[from]).content ?? "";
    // Both end the connection of whoever sends so much at once.
    if (payload.length >= BULK_LIMIT_BYTES) return null;
    const args = ["RESTORE", to, ttl, payload, ...options];
    const replies = await servers.call(connection, ...args);
    return follower.same(args, ...replies) ? null : { step, args, replies };
  }
}
