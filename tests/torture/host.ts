/**
 * A server in this process on a directory of its own: brought up as the program brings it up, with a disk that may fail,
 * with no network and no thread, and by a clock that runs faster. One at a time.
 */

import process from "node:process";
import { setImmediate } from "node:timers";
import { CommandTable } from "../../lib/commands/table.ts";
import { ALL_COMMANDS } from "../../lib/commands/all.ts";
import { digestOfKeyspace } from "../../lib/commands/digest.ts";
import { parseCommandLine } from "../../lib/config/command_line.ts";
import { Config } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { toBinary } from "../../lib/bytes/paths.ts";
import { type FromWorker, SaveJobs, type ToWorker } from "../../lib/persistence/save_job.ts";
import { type Clock, useClock } from "../../lib/runtime/clock.ts";
import { useEnding } from "../../lib/runtime/ending.ts";
import { files, useFiles } from "../../lib/runtime/files.ts";
import { useMemory } from "../../lib/runtime/memory.ts";
import { useTurns } from "../../lib/runtime/turns.ts";
import { startTimer, type Timers, useTimers } from "../../lib/runtime/timers.ts";
import { useWorkers, type WorkerStarter } from "../../lib/runtime/workers.ts";
import { applyConfig } from "../../lib/server/program/apply_config.ts";
import { bringUp } from "../../lib/server/program/bring_up.ts";
import { Log } from "../../lib/server/program/log.ts";
import { Server } from "../../lib/server/server.ts";
import { encodeRequest } from "../integration/test_client.ts";
import { connect, type FakeSocket } from "../server/fake_client.ts";
import { giveBack, takeUsed } from "../simulation/memory.ts";
import { FaultyDisk, Gone } from "./disk.ts";

/** How much faster the servers' clock runs than the system's. */
const HASTE = 100;
/** What is waited for comes within so long, in ms of real time. */
const PATIENCE_MS = 30_000;

/** The server ends itself. */
class Ended extends Error {
  override name = "Ended";
  constructor(readonly code: number) {
    super(`the server ends with ${code}`);
  }
}

class KeptLog extends Log {
  readonly lines: string[] = [];
  override debug(): void {}
  override verbose(): void {}
  override notice(message: string): void {
    this.lines.push(message);
  }
  override warning(message: string): void {
    this.lines.push(`# ${message}`);
  }
}

export interface HostOptions {
  /** Whether what is to be made durable is. */
  readonly syncs?: boolean;
  readonly args?: readonly string[];
  /** Has the disk fail. */
  readonly prepare?: (disk: FaultyDisk) => void;
}

/** A server, from its start to its end. */
export class Host {
  /** The code that it has ended with; null while it has not. */
  code: number | null = null;
  isUp = false;
  /** What was thrown, or rejects, where nobody hears it. */
  readonly faults: unknown[] = [];
  readonly disk: FaultyDisk;
  readonly #log = new KeptLog();
  readonly #server: Server;
  readonly #restore: (() => void)[] = [];

  private constructor(folder: string, options: HostOptions) {
    this.disk = new FaultyDisk(files(), { syncs: options.syncs ?? false });
    options.prepare?.(this.disk);
    this.#replaceRuntime();
    const config = new Config({ currentDirectory: () => folder, changeDirectory: () => null });
    const words = ["--port", "0", "--save", "", "--hz", "500", "--dir", toBinary(folder), ...(options.args ?? [])];
    loadConfig(config, parseCommandLine(words), { version: "torture" });
    this.#server = new Server(this.#log, config, new CommandTable(ALL_COMMANDS));
    applyConfig(this.#server);
  }

  /** Starts a server; `isUp` tells whether it serves, `faults` what it threw instead. */
  static async start(folder: string, options: HostOptions = {}): Promise<Host> {
    const host = new Host(folder, options);
    try {
      host.isUp = await bringUp(host.#server);
      if (!host.isUp) host.code = 1;
    } catch (error) {
      host.#hear(error);
    }
    if (!host.isUp) host.#server.cron.stop();
    return host;
  }

  #replaceRuntime(): void {
    const system = { files: useFiles(this.disk.files), memory: useMemory(takeUsed) };
    const clock: Clock = useClock({
      unixMs: () => Math.floor(clock.unixMs() * HASTE) - (HASTE - 1) * startedMs,
      monotonicMs: () => clock.monotonicMs() * HASTE,
      preciseUnixMs: () => clock.preciseUnixMs() * HASTE - (HASTE - 1) * startedMs,
    });
    const startedMs = clock.unixMs();
    const timers: Timers = useTimers({
      start: (callback, delayMs) => timers.start(this.#guarded(callback), delayMs / HASTE),
      startRepeating: (callback, periodMs) => timers.startRepeating(this.#guarded(callback), periodMs / HASTE),
      block: (durationMs) => timers.block(durationMs / HASTE),
    });
    const turns = useTurns((callback) => void setImmediate(this.#guarded(callback)));
    const workers = useWorkers(this.#worker);
    const ending = useEnding((code) => {
      this.code ??= code;
      this.disk.isGone = true;
      throw new Ended(code);
    });
    const onRejection = (error: unknown) => this.#hear(error);
    process.on("unhandledRejection", onRejection);
    this.#restore.push(() => {
      useFiles(system.files);
      useMemory(system.memory);
      useClock(clock);
      useTimers(timers);
      useTurns(turns);
      useWorkers(workers);
      useEnding(ending);
      process.off("unhandledRejection", onRejection);
    });
  }

  /** Calls back while the server is there. */
  #guarded(callback: () => void): () => void {
    return () => {
      if (this.disk.isGone) return;
      try {
        callback();
      } catch (error) {
        this.#hear(error);
      }
    };
  }

  #hear(error: unknown): void {
    if (!(error instanceof Ended) && !(error instanceof Gone)) this.faults.push(error);
  }

  /** What the save worker does, between the turns of the thread that serves. */
  readonly #worker: WorkerStarter = (_, listener) => {
    const later = (run: () => void) => startTimer(run, 0);
    const jobs = new SaveJobs((message: FromWorker) => {
      const received = structuredClone(message);
      later(() => listener.onMessage(received));
    });
    return {
      post: (message) => {
        const received = structuredClone(message) as ToWorker; // nothing else is posted
        later(() => jobs.receive(received));
      },
      terminate: () => {},
    };
  };

  get log(): readonly string[] {
    return this.#log.lines;
  }

  /** What the log tells the operator that is no mere notice. */
  get warnings(): readonly string[] {
    return this.#log.lines.filter((line) => line.startsWith("# "));
  }

  /** All that there is, as a number. */
  get digest(): string {
    return digestOfKeyspace(this.#server.keyspace);
  }

  /** Runs a command on a connection of its own; as `Client.ask`. */
  async ask(...words: readonly string[]): Promise<string | null> {
    const client = this.client();
    const reply = await client.ask(...words);
    if (reply !== null) client.close();
    return reply;
  }

  /** Connects. */
  client(): Client {
    return new Client(this, connect(this.#server), (error) => this.#hear(error));
  }

  /** Waits a moment. */
  turn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  /** Waits until a condition holds, or the server is gone. */
  async until(condition: () => Promise<boolean> | boolean): Promise<void> {
    const deadlineMs = Date.now() + PATIENCE_MS;
    while (!this.disk.isGone && !await condition()) {
      if (Date.now() > deadlineMs) throw new Error("waited in vain");
      await this.turn();
    }
  }

  /** The server is gone at once, if it is not yet, and what it had under way ends. */
  async kill(): Promise<void> {
    this.disk.isGone = true;
    this.#server.cron.stop();
    do await this.turn(); while (this.disk.underway > 0);
    await this.turn();
    giveBack(this.#server.store.heap.arena);
    for (const restore of this.#restore.splice(0)) restore();
  }
}

/** A client of a server in this process. */
export class Client {
  constructor(readonly host: Host, readonly socket: FakeSocket, readonly onError: (error: unknown) => void) {}

  /** Runs a command, and waits until its reply may leave; null where the server is gone before. */
  async ask(...words: readonly string[]): Promise<string | null> {
    const { host, socket } = this;
    if (host.disk.isGone) return null;
    socket.received = "";
    try {
      socket.say(encodeRequest(words));
      await socket.handler.beforeSend();
      await host.until(() => socket.received !== ""); // it may wait for something else
    } catch (error) {
      this.onError(error);
    }
    return host.disk.isGone ? null : socket.received;
  }

  /** The same for a command that must not be refused. */
  async do(...words: readonly string[]): Promise<void> {
    const reply = await this.ask(...words);
    if (reply === null || reply.startsWith("-")) throw new Error(`${words.join(" ")}: ${reply}`);
  }

  close(): void {
    this.socket.destroy();
  }
}
