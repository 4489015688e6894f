/**
 * A server whose disk fails at one call, or at all from one on, whichever that is: over a life with writes, rewrites, the
 * append-only file off and on, and a shutdown. It goes on or ends in order; and what it has acknowledged is there when it
 * is started again on a disk that works.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, Host } from "./host.ts";
import type { Fault } from "./disk.ts";

const KEYS = ["a", "b", "c"] as const;
/** A write that is refused is tried again for so long, in ms of real time. */
const PATIENCE_MS = 30_000;

export interface FaultReport {
  readonly lives: number;
  readonly ended: number;
  readonly refusedStarts: number;
}

/** What one life is like. */
export interface Life {
  readonly policy: "always" | "everysec" | "no";
  readonly preamble: "yes" | "no";
  /** Whether all calls fail from the one on, until the server is started again. */
  readonly lasts: boolean;
  readonly code: Fault["code"];
}

/**
 * One life for each call of the disk that may fail, or for one in so many, from the `first` on. Rejects where something
 * acknowledged is lost, or anything else is wrong.
 */
export async function failEachCall(life: Life, first: number, oneIn: number): Promise<FaultReport> {
  const report = { lives: 0, ended: 0, refusedStarts: 0 };
  for (let at = first;; at += oneIn) {
    const { isOver, hasEnded, isUp } = await live(life, at);
    if (isOver) return report;
    report.lives++;
    if (hasEnded) report.ended++;
    if (!isUp) report.refusedStarts++;
  }
}

async function live(life: Life, at: number) {
  const folder = mkdtempSync(join(tmpdir(), "tredis-faults-"));
  const args = ["--appendonly", "yes", "--appendfsync", life.policy, "--aof-use-rdb-preamble", life.preamble];
  try {
    await prepare(folder, args);
    const fault = { at, lasts: life.lasts, code: life.code };
    const host = await Host.start(folder, { args, syncs: true, prepare: (disk) => disk.fault = fault });
    const told = new Told();
    const hasFailed = () => host.disk.failed !== "";
    try {
      if (host.isUp) await new Liver(host, told, life).run();
    } catch (error) {
      throw new Error(
        `call ${at} (${host.disk.failed}): ${error instanceof Error ? error.stack : error}\n${host.log.join("\n")}`,
      );
    } finally {
      await host.kill();
    }
    if (host.faults.length > 0) {
      const [fault] = host.faults;
      throw new Error(
        `call ${at} (${host.disk.failed}): thrown: ${fault instanceof Error ? fault.stack : fault}\n${
          host.log.join("\n")
        }`,
      );
    }
    // What waits to be written, for a sync of everysec or as nothing can be, is lost with the server.
    const mayWait = life.code === "SIGKILL" ? life.policy === "everysec" : life.lasts && life.policy !== "always";
    if (mayWait) told.keptSince = new Map();
    await check(folder, args, told, `call ${at} (${host.disk.failed})`, host.log);
    return { isOver: !hasFailed(), hasEnded: host.code !== null && host.code !== 0, isUp: host.isUp };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A server has been there before. */
async function prepare(folder: string, args: readonly string[]): Promise<void> {
  const host = await Host.start(folder, { args });
  for (const key of KEYS) await host.client().do("SET", key, "0");
  await host.kill();
}

/** What a client knows of counters that it raises: what was acknowledged, and what was asked for. */
class Told {
  readonly acknowledged = new Map<string, number>(KEYS.map((key) => [key, 0]));
  readonly asked = new Map<string, number>(KEYS.map((key) => [key, 0]));
  /** What was acknowledged when the append-only file was turned off, if it could not be turned on again. */
  keptSince: ReadonlyMap<string, number> | null = null;
}

class Liver {
  readonly #client: Client;

  constructor(readonly host: Host, readonly told: Told, readonly life: Life) {
    this.#client = host.client();
  }

  get #isGone(): boolean {
    return this.host.disk.isGone;
  }

  async run(): Promise<void> {
    await this.#write();
    await this.#rewrite();
    await this.#write();
    await this.#rewrite();
    await this.#write();
    await this.#turnOffAndOn();
    await this.#write();
    await this.#client.ask("BGSAVE");
    await this.#atRest();
    await this.#write();
    await this.#shutDown();
  }

  /** Some writes and a transaction; each that is refused is tried again until it is not, unless the disk is gone for good. */
  async #write(): Promise<void> {
    for (let i = 0; i < 4; i++) await this.#raise("a");
    for (const startMs = Date.now(); !this.#isGone;) {
      for (const key of ["b", "c"]) this.#ask(key);
      const replies = [
        await this.#client.ask("MULTI"),
        await this.#client.ask("INCR", "b"),
        await this.#client.ask("INCR", "c"),
      ];
      const reply = await this.#client.ask("EXEC");
      if (replies.every((text) => text !== null) && reply !== null && reply.startsWith("*")) {
        for (const key of ["b", "c"]) this.#acknowledge(key, reply);
        return;
      }
      if (!await this.#mayTryAgain(startMs, reply)) return;
    }
  }

  async #raise(key: string): Promise<void> {
    for (const startMs = Date.now(); !this.#isGone;) {
      this.#ask(key);
      const reply = await this.#client.ask("INCR", key);
      if (reply !== null && reply.startsWith(":")) return this.#acknowledge(key, reply);
      if (!await this.#mayTryAgain(startMs, reply)) return;
    }
  }

  #ask(key: string): void {
    this.told.asked.set(key, (this.told.asked.get(key) ?? 0) + 1);
  }

  /** The counter has what the reply says, the last number in it: two that are raised together are the same. */
  #acknowledge(key: string, reply: string): void {
    this.told.acknowledged.set(key, Number(/:(\d+)\r\n$/.exec(reply)?.[1]));
  }

  /** After a refusal: whether it makes sense to try again, as has been done since `startMs`. */
  async #mayTryAgain(startMs: number, reply: string | null): Promise<boolean> {
    if (this.#isGone) return false;
    if (reply !== null && !/^-(MISCONF|EXECABORT)/.test(reply)) throw new Error(`a write is refused with ${reply}`);
    if (this.life.lasts) return false;
    if (Date.now() - startMs > PATIENCE_MS) throw new Error(`a write is still refused: ${reply}`);
    await this.host.turn();
    return true;
  }

  async #rewrite(): Promise<void> {
    const reply = await this.#client.ask("BGREWRITEAOF");
    if (reply !== null && !/^\+|^-ERR/.test(reply)) throw new Error(`BGREWRITEAOF: ${reply}`);
    await this.#atRest();
  }

  async #atRest(): Promise<void> {
    await this.host.until(async () => {
      const info = await this.#client.ask("INFO", "persistence") ?? "";
      return /aof_rewrite_in_progress:0/.test(info) && /rdb_bgsave_in_progress:0/.test(info) &&
        (this.life.lasts || /aof_rewrite_scheduled:0/.test(info));
    });
  }

  async #turnOffAndOn(): Promise<void> {
    if (this.#isGone) return;
    const before = new Map(this.told.acknowledged);
    await this.#client.ask("CONFIG", "SET", "appendonly", "no");
    await this.#raise("a");
    for (let tries = 0; !this.#isGone; tries++) {
      const reply = await this.#client.ask("CONFIG", "SET", "appendonly", "yes");
      if (reply?.startsWith("+")) break;
      if (this.life.lasts || tries > 3) break;
    }
    await this.#atRest();
    const info = await this.#client.ask("INFO", "persistence") ?? "";
    // Where it is not on by now, what has been acknowledged since it was turned off need not be there.
    const isOn = /aof_enabled:1/.test(info) && /aof_last_bgrewrite_status:ok/.test(info);
    if (!isOn) this.told.keptSince ??= before;
  }

  async #shutDown(): Promise<void> {
    for (let tries = 0; !this.#isGone && tries < 3; tries++) {
      await this.#client.ask("SHUTDOWN", ...(tries === 0 ? [] : ["FORCE"]));
    }
  }
}

/** Whether a server that starts now, on a disk that works, has what it should. */
async function check(
  folder: string,
  args: readonly string[],
  told: Told,
  what: string,
  log: readonly string[],
): Promise<void> {
  const host = await Host.start(folder, { args });
  try {
    const wrong = (reason: string) => new Error(`${what}: ${reason}\n${log.join("\n")}\n---\n${host.log.join("\n")}`);
    if (!host.isUp) throw wrong("the next start is refused");
    const found = new Map<string, number>();
    for (const key of KEYS) found.set(key, Number(/\r\n(\d+)/.exec(await host.ask("GET", key) ?? "")?.[1]));
    for (const [key, value] of found) {
      const least = (told.keptSince ?? told.acknowledged).get(key) ?? 0;
      const most = told.asked.get(key) ?? 0;
      if (!(value >= least && value <= most)) throw wrong(`${key} is ${value}, not in [${least}, ${most}]`);
    }
    if (found.get("b") !== found.get("c")) throw wrong("a transaction is there in part");
    await host.client().do("INCR", "a");
  } finally {
    await host.kill();
  }
}
