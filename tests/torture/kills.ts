/**
 * A server that is killed again and again while clients write, and is started on the same directory each time: it must
 * come up, and show of each client a state that it has been in, with all that the append-only file had promised to keep.
 *
 * What befalls comes of a seed. When exactly a kill comes is up to the machine, so that a seed brings back the same
 * clients and events, but not always the same outcome.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import { ReplyError, TestClient } from "../integration/test_client.ts";
import { delay } from "./delay.ts";
import { show, type Shown } from "./model.ts";
import { Writer } from "./writer.ts";

const WRITERS = 4;
/** Most events before a kill. */
const MOST_EVENTS = 7;
/** A pause between events takes up to so long, in ms. */
const PAUSE_MS = 80;
/** A kill in the middle of what the last event has begun comes within so long, in ms. */
const SOON_MS = 40;
/** A start is killed within so long, in ms, which it takes about. */
const START_MS = 400;
const POLICIES = ["always", "always", "always", "everysec", "no"] as const;
/** What a server must not say. */
const FAULTS = /Internal error|\n\s+at .*:\d+|commands of the append only file were refused|panicked/;

export interface KillOptions {
  /** As TREDIS_SERVER names it. */
  readonly kind: string;
  readonly seed: number;
  readonly kills: number;
  readonly tell: (line: string) => void;
}

/** What all kills have come to. */
export interface KillReport {
  readonly kills: number;
  readonly killsWhileStarting: number;
  readonly cleanEnds: number;
  readonly units: number;
  /** Acknowledged, not promised to be durable, and not there. */
  readonly lost: number;
  readonly events: Readonly<Record<string, number>>;
}

type EventName =
  | "BGREWRITEAOF"
  | "BGSAVE"
  | "FLUSHALL"
  | "appendonly no"
  | "appendonly yes"
  | "appendfsync"
  | "DEBUG LOADAOF"
  | "two rewrites"
  | "SHUTDOWN";

const EVENTS: readonly EventName[] = [
  "BGREWRITEAOF",
  "BGREWRITEAOF",
  "BGREWRITEAOF",
  "two rewrites",
  "BGSAVE",
  "FLUSHALL",
  "appendonly no",
  "appendonly yes",
  "appendonly yes",
  "appendfsync",
  "DEBUG LOADAOF",
  "SHUTDOWN",
];

/** Kills a server so many times. Rejects, having told all there is to tell, where something is there or not there wrongly. */
export async function torture(options: KillOptions): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-torture-"));
  const run = new Torture(options, folder);
  try {
    const report = await run.run();
    rmSync(folder, { recursive: true, force: true });
    return report;
  } catch (error) {
    options.tell(`The files are kept in ${folder}`);
    throw error;
  } finally {
    await run.end();
  }
}

class Torture {
  readonly #random: Random;
  readonly #writers: Writer[];
  /** Whether what is acknowledged is written (see log_writing.ts): not while a sync of `everysec` may hold it up. */
  #isStrict = true;
  #isOn = true;
  #counts = { kills: 0, killsWhileStarting: 0, cleanEnds: 0, units: 0, lost: 0 };
  readonly #events: Record<string, number> = {};
  /** What has befallen the last server. */
  #befallen: string[] = [];
  /** The last two servers. */
  #servers: ServerProcess[] = [];

  constructor(readonly options: KillOptions, readonly folder: string) {
    this.#random = new Random(options.seed);
    this.#writers = Array.from({ length: WRITERS }, (_, database) => {
      return new Writer(database, new Random(options.seed + 1 + database));
    });
  }

  async run(): Promise<KillReport> {
    for (let round = 1; round <= this.options.kills; round++) {
      try {
        await this.#round();
      } catch (error) {
        this.options.tell(`round ${round}: ${error instanceof Error ? error.stack : error}`);
        this.options.tell(`Befallen before: ${this.#befallen.join(", ")}`);
        for (const server of this.#servers.slice(-2)) {
          this.options.tell(`--- A server said:\n${server.output.slice(-6000)}`);
        }
        throw error;
      }
    }
    const server = await this.#start();
    await this.#verify(server);
    return { ...this.#counts, events: this.#events };
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.kill("SIGKILL");
  }

  async #round(): Promise<void> {
    const server = await this.#start();
    await this.#verify(server);
    this.#befallen = [];
    const client = await server.connect();
    const writing = Promise.all(this.#writers.map((writer) => writer.write(server.port)));
    writing.catch(() => {}); // it is waited for below
    const isOver = await Promise.race([this.#disturb(client), writing.then(() => false)]);
    if (!isOver) {
      server.signal("SIGKILL");
      this.#counts.kills++;
    }
    await until("the end of the server", () => server.exited);
    await writing;
    this.#befallen.push(isOver ? "its end" : "a kill");
    for (const writer of this.#writers) this.#counts.units += writer.sent;
  }

  // --- Starts ---------------------------------------------------------------------------------------------------------

  async #start(): Promise<ServerProcess> {
    const random = this.#random;
    const policy = random.of(POLICIES);
    const args = [
      "--save",
      "",
      "--appendonly",
      "yes",
      "--appendfsync",
      policy,
      "--aof-use-rdb-preamble",
      random.below(3) === 0 ? "no" : "yes",
      "--aof-timestamp-enabled",
      random.below(2) === 0 ? "no" : "yes",
      "--auto-aof-rewrite-min-size",
      random.of(["64mb", "300kb"]),
      "--enable-debug-command",
      "yes",
    ];
    while (random.below(6) === 0) await this.#startAndKill(args);
    const server = await this.#launch(args);
    await server.isUp();
    return server;
  }

  async #launch(args: readonly string[]): Promise<ServerProcess> {
    const server = await ServerProcess.launch({ kind: this.options.kind, folder: this.folder, args });
    this.#befallen.push(`a start (${args.slice(2).filter((word) => !word.startsWith("--")).join(" ")})`);
    this.#servers = [...this.#servers.slice(-1), server];
    return server;
  }

  async #startAndKill(args: readonly string[]): Promise<void> {
    const server = await this.#launch(args);
    await delay(this.#random.below(START_MS));
    if (server.exited) throw new Error(`the server ended with ${server.exitCode}`);
    await server.kill("SIGKILL");
    this.#counts.killsWhileStarting++;
  }

  /** Whether what a server shows can be. Goes on from there. */
  async #verify(server: ServerProcess): Promise<void> {
    if (FAULTS.test(server.output)) throw new Error("the server has said what it must not say");
    const client = await server.connect();
    const shown: Shown[] = [];
    for (const { database } of this.#writers) shown.push(await show(client, database));
    const flushes = this.#writers[0].flushes.length;
    for (let done = flushes; done >= 0; done--) {
      if (!this.#writers.every((writer, i) => writer.canBe(shown[i], done, this.#isStrict))) continue;
      for (const [i, writer] of this.#writers.entries()) {
        this.#counts.lost += writer.restart(shown[i], done, this.#isStrict);
      }
      this.#isStrict = /appendfsync (always|no)/.test(await this.#policyOf(client));
      this.#isOn = true;
      return;
    }
    const wrong = this.#writers.filter((writer, i) => !writer.canBe(shown[i], flushes, this.#isStrict));
    throw new Error(wrong.map((writer) => writer.describe(shown[writer.database])).join("\n"));
  }

  async #policyOf(client: TestClient): Promise<string> {
    const reply = await client.call("CONFIG GET appendfsync");
    return Array.isArray(reply) ? reply.join(" ") : "";
  }

  // --- Events ---------------------------------------------------------------------------------------------------------

  /** Has one thing after the other befall the server, and pauses a while; whether one of them was its end. */
  async #disturb(client: TestClient): Promise<boolean> {
    const random = this.#random;
    try {
      for (let left = random.below(MOST_EVENTS); left > 0; left--) {
        if (await this.#befall(client, random.of(EVENTS))) return true;
        await delay(random.below(PAUSE_MS));
      }
      if (random.below(2) === 0) {
        const last = this.#befall(client, random.of(EVENTS));
        last.catch(() => {}); // the kill may come before its end
        await delay(random.below(SOON_MS));
      } else {
        await delay(random.below(4 * PAUSE_MS));
      }
    } catch (error) {
      if (!/the connection ended/.test(String(error))) throw error;
    }
    return false;
  }

  /** Whether it was the server's end. */
  async #befall(client: TestClient, name: EventName): Promise<boolean> {
    this.#events[name] = (this.#events[name] ?? 0) + 1;
    this.#befallen.push(name);
    switch (name) {
      case "BGREWRITEAOF":
        await client.expect("BGREWRITEAOF", /rewriting (started|scheduled)|already in progress/);
        return false;
      case "two rewrites":
        for (let i = 0; i < 2; i++) {
          await client.expect("BGREWRITEAOF", /rewriting (started|scheduled)|already in progress/);
          await until("the end of the rewrite", () => this.#isAtRest(client));
        }
        return false;
      case "BGSAVE":
        await client.expect("BGSAVE SCHEDULE", /Background saving (started|scheduled)|already in progress/);
        return false;
      case "FLUSHALL":
        return await this.#flushAll(client);
      case "appendonly no":
        for (const writer of this.#writers) writer.turnedOff();
        this.#isOn = false;
        await client.expect("CONFIG SET appendonly no", "OK");
        return false;
      case "appendonly yes":
        return await this.#turnOn(client);
      case "appendfsync": {
        const policy = this.#random.of(POLICIES);
        if (policy === "everysec") this.#isStrict = false;
        await client.expect(["CONFIG", "SET", "appendfsync", policy], "OK");
        return false;
      }
      case "DEBUG LOADAOF":
        if (this.#isOn) await client.expect("DEBUG LOADAOF", "OK");
        return false;
      case "SHUTDOWN":
        return await this.#shutDown(client);
    }
  }

  async #isAtRest(client: TestClient): Promise<boolean> {
    const info = String(await client.call("INFO persistence"));
    return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info);
  }

  async #turnOn(client: TestClient): Promise<boolean> {
    await client.expect("CONFIG SET appendonly yes", "OK");
    if (this.#isOn) return false;
    await until("the first base", () => this.#isAtRest(client));
    for (const writer of this.#writers) writer.turnedOn();
    this.#isOn = true;
    return false;
  }

  async #flushAll(client: TestClient): Promise<boolean> {
    for (const writer of this.#writers) writer.flushes.push({ least: writer.acknowledged, most: Infinity });
    const number = this.#writers[0].flushes.length - 1;
    await client.expect("FLUSHALL", "OK");
    for (const writer of this.#writers) writer.flushes[number].most = writer.sent;
    return false;
  }

  /** SHUTDOWN, which is refused while the first base is being written. */
  async #shutDown(client: TestClient): Promise<boolean> {
    const reply = await client.call("SHUTDOWN").catch(() => null);
    if (reply instanceof ReplyError) return false;
    this.#counts.cleanEnds++;
    this.#isStrict = true; // whatever the policy, all is written at the end
    return true;
  }
}

/** The names in the directory of an append-only file that its manifest does not have. */
export function unnamedFiles(folder: string): string[] {
  const directory = join(folder, "appendonlydir");
  const manifest = readFileSync(join(directory, "appendonly.aof.manifest"), "latin1");
  return readdirSync(directory).filter((name) => !name.endsWith(".manifest") && !manifest.includes(` ${name} `));
}
