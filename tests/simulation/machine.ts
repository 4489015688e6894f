/**
 * A simulated machine: a host with a disk, on which a server is started, killed and started again. It keeps the books of
 * what the server promises: which state of the data each save has, and that one is there again after a crash.
 */

import { ALL_COMMANDS } from "../../lib/commands/all.ts";
import { CommandTable } from "../../lib/commands/table.ts";
import { parseCommandLine } from "../../lib/config/command_line.ts";
import { Config } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { SaveJobs, type ToWorker } from "../../lib/persistence/save_job.ts";
import type { WorkerStarter } from "../../lib/runtime/workers.ts";
import { applyConfig } from "../../lib/server/program/apply_config.ts";
import { bringUp } from "../../lib/server/program/bring_up.ts";
import { Listeners } from "../../lib/server/program/listeners.ts";
import { Log } from "../../lib/server/program/log.ts";
import { Server } from "../../lib/server/server.ts";
import { type Arena, ArenaFullError } from "../../lib/store/arena.ts";
import { FakeSocket } from "../server/fake_client.ts";
import type { Chance } from "./chance.ts";
import { unixMs } from "../../lib/runtime/clock.ts";
import { type Contents, contentsOf, firstDifference } from "./contents.ts";
import { DIRECTORY, Disk } from "./disk.ts";
import { GuardWatch } from "./guard_watch.ts";
import { giveBack } from "./memory.ts";
import type { SimulatedNetwork } from "./network.ts";
import { Killed, type Scheduler, Scope } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

export const PORT = 6379;
/** A message to or from a worker takes up to so long, in ms. */
const MESSAGE_MS = 2;

/** A server that ends within so long after a call of its disk failed, or a thread of it, may do so for that, in ms. */
const FAILED_LATELY_MS = 5000;

/** So often is looked for a reply that has not come at once, in ms. */
const REPLY_LOOK_MS = 10;

/** The data at the point in time of a save. */
interface SavedState {
  readonly number: number;
  readonly by: Machine;
  /** Whether a part of a request was in it; see Machine. */
  readonly isPartial: boolean;
  readonly contents: Contents;
}

/** What all machines of a simulation share. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  /** The states that saves of all machines have had, oldest first. */
  readonly states: SavedState[];
  /** Whether threads may break down. */
  threadsBreak: boolean;
  /** A machine starts without what it had. */
  readonly dataLost: (machine: Machine) => void;
  /** A promise was broken. */
  readonly fail: (who: string, what: string) => void;
}

/** The log of a server: a part of the trace, as far as it is the same in each run. */
class SimulatedLog extends Log {
  constructor(readonly machine: Machine, readonly scope: Scope) {
    super();
  }

  override debug(): void {}
  override verbose(): void {}
  override notice(message: string): void {
    this.machine.logged(this.scope, message);
  }
  override warning(message: string): void {
    this.machine.logged(this.scope, `# ${message}`);
  }
}

/** What an error says that is none of the program's own. */
const SIMULATED = "simulated lack of memory";
/** What a log line must not say: each is a fault of the program's own. */
const FAULTS = /Internal error|after an error in a command|== CRITICAL ==|panicked/;

export class Machine {
  readonly disk: Disk;
  server: Server | null = null;
  scope: Scope;
  /** Whether the server has loaded its data. */
  isUp = false;
  starts = 0;
  /** Whether its data is that of a replica that has done a part of a request for want of memory. */
  isPartial = false;
  /** When it was so last, in ms. */
  partialMs = -Infinity;
  /** Memory that a server takes without data, in bytes. */
  emptyBytes = 0;
  /** Whether its data stays where its primary has lost its own. */
  readonly guardWatch = new GuardWatch((what) => this.around.fail(this.name, what));
  /** The state that the last save acknowledged has. */
  #acknowledged: SavedState | null = null;
  /** Saves that the server has counted. */
  #saves = 0;
  /** Whether a snapshot of another's may have come to lie on the disk since the last acknowledged save. */
  #mayHaveReceived = false;
  /** The memory of the last server. */
  #arena: Arena | null = null;
  /** Allocations after which one fails, of the server that is to start. */
  #failAfter = Infinity;
  /** When an allocation was last made to fail, in ms of Unix time. */
  lackedMemoryMs = -Infinity;
  /** Whether a server may refuse to come up, as its disk fails or an allocation did. */
  #mayRefuse = false;
  /** Whether how it writes its append-only file was changed while it ran. */
  #isReconfigured = false;

  constructor(readonly name: string, readonly around: Surroundings, readonly options: () => readonly string[]) {
    this.scope = new Scope(name);
    this.scope.isDead = true;
    this.disk = new Disk(name, around.scheduler, around.chance.fork(), around.trace);
  }

  get isRunning(): boolean {
    return !this.scope.isDead;
  }

  /** Whether what the server has acknowledged is there again, however it ends now. */
  get keepsAll(): boolean {
    const { server } = this;
    if (server === null || !this.isUp || this.#isReconfigured || this.disk.hasBrokenFiles) return false;
    const { appendOnly, config } = server;
    return appendOnly.state === "on" && config.choice("appendfsync") === "always" &&
      !config.flag("no-appendfsync-on-rewrite");
  }

  /** A directive is about to be set. */
  reconfigured(name: string): void {
    if (/^append|^no-appendfsync/.test(name)) this.#isReconfigured = true;
  }

  /** Whether the server may end by itself: it cannot write its append-only file. */
  get mayGiveUp(): boolean {
    const fromMs = this.around.scheduler.nowMs - FAILED_LATELY_MS;
    return this.#mayRefuse || this.disk.failedMs > fromMs || this.scope.threadBrokeMs > fromMs;
  }

  note(text: string): void {
    this.around.trace.note(this.around.scheduler.nowMs, this.name, text);
  }

  logged(scope: Scope, message: string): void {
    if (scope.isDead) return;
    if (message.includes("Finished with success")) this.#setPartial(false);
    if (message.startsWith("Removing the RDB file")) { // as the operator wants it
      this.#acknowledged = null;
      this.#mayHaveReceived = true;
    }
    const withoutStack = message.replace(/\n +at .*/g, ""); // the places in it would make the trace that of one checkout
    this.note(`  log: ${withoutStack.replace(/pid \d+/, "pid N").replace(/(temp-[a-z-]+)\d+-\d+/g, "$1N")}`);
    if (FAULTS.test(message) && !message.includes(SIMULATED)) this.around.fail(this.name, `logged '${message}'`);
  }

  /** Starts a server with the data that is on the disk, if there is none. */
  start(): void {
    if (this.isRunning) return;
    this.starts++;
    const scope = this.scope = new Scope(this.name);
    this.around.scheduler.after(0, () => this.#startIn(scope), scope);
  }

  #startIn(scope: Scope): void {
    this.note("START");
    const config = new Config({ currentDirectory: () => DIRECTORY, changeDirectory: () => null });
    const words = ["--port", String(PORT), "--protected-mode", "no", ...this.options()];
    loadConfig(config, parseCommandLine(words), { version: "simulation" });
    const log = new SimulatedLog(this, scope);
    if (this.#arena !== null) giveBack(this.#arena);
    const server = this.server = new Server(log, config, new CommandTable(ALL_COMMANDS));
    applyConfig(server);
    this.emptyBytes = server.store.heap.arena.usedBytes;
    this.#saves = server.saving.saves;
    this.#arena = server.store.heap.arena;
    this.#watchSaves(server);
    this.failAllocation(this.#failAfter);
    const { network } = this.around;
    server.listeners = new Listeners(
      network.of(this.name),
      config,
      server.admission,
      (message) => log.warning(message),
    );
    server.listeners.open();
    this.#mayRefuse = this.disk.failing !== null;
    this.#isReconfigured = false;
    bringUp(server).then((isUp) => scope.isDead || this.#broughtUp(server, isUp), (error) => {
      if (!(error instanceof Killed) && !scope.isDead) this.around.fail(this.name, `did not come up: ${String(error)}`);
    });
  }

  #broughtUp(server: Server, isUp: boolean): void {
    if (!isUp) {
      if (this.disk.hasBrokenLogs) {
        this.note("the append-only file is given up");
        this.disk.removeLogs();
        this.around.dataLost(this);
      } else if (!this.#mayRefuse && !this.mayGiveUp && this.disk.failing === null) {
        this.around.fail(this.name, "cannot load what it has saved");
      }
      this.note("did not come up, as its disk or memory failed");
      return this.kill(false);
    }
    this.isUp = true;
    this.note("UP");
    this.#checkLoaded(server);
  }

  /** Whether it has a part of a request in its data, or may after a crash, as a save has that it may go back to. */
  get mayHaveParts(): boolean {
    const since = this.#acknowledged?.number ?? -1;
    return this.isPartial ||
      this.around.states.some(({ by, number, isPartial }) => isPartial && by === this && number >= since);
  }

  #setPartial(isPartial: boolean): void {
    if (this.isPartial) this.partialMs = this.around.scheduler.nowMs;
    this.isPartial = isPartial;
  }

  /** What was loaded is what the last acknowledged save had, or a later one. */
  #checkLoaded(server: Server): void {
    if (server.config.flag("appendonly")) return; // what that has, the clients know
    const { states, fail } = this.around;
    const loaded = contentsOf(server.keyspace);
    const since = this.#acknowledged?.number ?? -1;
    const mayBe = states.filter((state) => state.by === this ? state.number >= since : this.#mayHaveReceived);
    let difference = "";
    for (const state of mayBe.reverse()) {
      difference = firstDifference(state.contents, loaded, unixMs());
      if (difference === "") return this.#setPartial(state.isPartial);
    }
    if (this.#acknowledged === null && loaded.size === 0) return;
    fail(this.name, `the data loaded is that of no save since the last that was acknowledged: ${difference}`);
  }

  /** Notes the state of the data at the point in time of each save. */
  #watchSaves(server: Server): void {
    const describe = server.saving.describeReplication;
    server.saving.describeReplication = () => {
      this.#noteSaves(server); // the last one may have ended in the same event
      const { states } = this.around;
      const { isPartial } = this;
      states.push({ number: states.length, by: this, isPartial, contents: contentsOf(server.keyspace) });
      return describe();
    };
  }

  /** To be called after each event of the server's. */
  afterEvent(): void {
    const { server } = this;
    if (server === null) return;
    if (server.isReplica) this.#mayHaveReceived = true;
    if (this.isUp) this.guardWatch.look(server);
    this.#noteSaves(server);
  }

  /** Takes note of a save that the server has counted: its state is the last, as there is one save at a time. */
  #noteSaves(server: Server): void {
    if (server.saving.saves === this.#saves) return;
    this.#saves = server.saving.saves;
    this.#acknowledged = this.around.states.findLast((state) => state.by === this) ?? null;
    this.#mayHaveReceived = server.isReplica;
    this.note("save acknowledged");
  }

  /** Has an allocation fail, after so many others, of this server or the next one; none, for Infinity. */
  failAllocation(after: number): void {
    const arena = this.server?.store.heap.arena;
    this.#failAfter = arena === undefined ? after : Infinity;
    if (arena === undefined) return;
    const stop = () => Reflect.deleteProperty(arena, "alloc");
    stop();
    if (after === Infinity) return;
    const alloc = arena.alloc.bind(arena);
    let left = after;
    arena.alloc = (bytes) => {
      if (--left > 0) return alloc(bytes);
      stop();
      this.#allocationFails();
      throw new ArenaFullError(SIMULATED);
    };
  }

  #allocationFails(): void {
    this.note("an allocation fails");
    this.lackedMemoryMs = unixMs();
    this.isPartial ||= this.server?.isReplica ?? false;
    this.#mayRefuse = true;
    this.around.scheduler.noteFault();
  }

  /** The simulation is over. */
  end(): void {
    this.scope.isDead = true;
    if (this.#arena !== null) giveBack(this.#arena);
  }

  /** The server ends at once, with all that it had under way; with `powerFailed`, the disk loses what was not synced. */
  kill(powerFailed: boolean): void {
    if (!this.isRunning) return;
    this.note(powerFailed ? "POWER FAILS" : "KILLED");
    this.scope.isDead = true;
    this.server = null;
    this.isUp = false;
    this.disk.crash(powerFailed);
    this.around.network.dropAll(this.scope, powerFailed);
  }

  /**
   * Has the server run a command, as if a client on the machine had sent it. `onReply`, which is the world's, is told of
   * the reply's first line: later where clients are paused, and never where the server ends before.
   */
  command(words: readonly string[], onReply: (reply: string) => void = () => {}): void {
    const { scheduler } = this.around;
    const socket = new FakeSocket();
    const readReply = () => {
      if (socket.received === "") return void scheduler.after(REPLY_LOOK_MS, readReply);
      const reply = socket.received.split("\r\n")[0];
      this.note(`${words.join(" ")}: ${reply}`);
      scheduler.after(0, () => onReply(reply), scheduler.world);
      socket.destroy();
    };
    scheduler.after(0, () => {
      const { server } = this;
      if (server === null) return;
      server.admission.accept(socket);
      socket.say(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
      readReply();
    }, this.scope);
  }
}

/** Starts workers that run within the scope of whoever starts them. */
export function simulatedWorkers(around: Surroundings): WorkerStarter {
  const { scheduler, chance } = around;
  return (_, listener) => {
    let isEnded = false;
    let [inMs, outMs] = [0, 0];
    /** Has something happen after what was sent before, in the scope of whoever sends. */
    const later = (earliestMs: number, run: () => void): number => {
      const atMs = Math.max(earliestMs, scheduler.nowMs + chance.between(0, MESSAGE_MS)) + 1e-6;
      scheduler.after(atMs - scheduler.nowMs, () => isEnded || run());
      return atMs;
    };
    const jobs = new SaveJobs((message) => {
      const received = structuredClone(message);
      outMs = later(outMs, () => listener.onMessage(received));
    });
    return {
      post: (message) => {
        const received = structuredClone(message) as ToWorker; // nothing else is posted
        const breaks = chance.oneIn(2000) && around.threadsBreak;
        inMs = later(inMs, () => {
          if (!breaks) return jobs.receive(received);
          scheduler.noteFault();
          scheduler.current.threadBrokeMs = scheduler.nowMs;
          listener.onFailed("simulated");
        });
      },
      terminate: () => {
        isEnded = true;
        jobs.receive({ kind: "abort" }); // the files of a thread are closed with it
      },
    };
  };
}
