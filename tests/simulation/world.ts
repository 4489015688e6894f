/**
 * The world of a simulation: machines in a chain of replication, clients, and what befalls them, all from one seed. After
 * a time of faults comes a quiet one, at the end of which everything must have come to rest and agree.
 */

import process from "node:process";
import { useEnding } from "../../lib/runtime/ending.ts";
import { type Files, useFiles } from "../../lib/runtime/files.ts";
import { useMemory } from "../../lib/runtime/memory.ts";
import { unixMs } from "../../lib/runtime/clock.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import { useWorkers } from "../../lib/runtime/workers.ts";
import { seedHash } from "../../lib/bytes/hash.ts";
import type { Server } from "../../lib/server/server.ts";
import { Chance } from "./chance.ts";
import { type ClientWorld, SimulatedClient } from "./client.ts";
import { contentsOf, firstDifference } from "./contents.ts";
import { Machine, PORT, simulatedWorkers, type Surroundings } from "./machine.ts";
import { takeUsed } from "./memory.ts";
import { SimulatedNetwork } from "./network.ts";
import { Pace } from "./pace.ts";
import { SimulatedQueue } from "./queues.ts";
import { EPOCH_MS, Killed, Scheduler, Scope } from "./scheduler.ts";
import { Trace } from "./trace.ts";

/** Options that all servers share, as the bytes of values go by them. */
const SHARED_OPTIONS = ["--hll-sparse-max-bytes", "200"];
const MACHINES = ["a", "b", "c", "d"];
const CLIENTS = 4;
/** How long, in ms, everything may take to come to rest. */
const REST_MS = 120_000;
/** How long after a replica has synchronised those below it have, too, in ms. */
const SYNCHRONISED_MS = 15_000;

/** What a replica has been told is on its disk by then, if it keeps that at all, in ms. */
const SYNCED_MS = 3000;

/** By then what a server was told last has come to it, in ms. */
const COMMAND_MS = 10;

/** How a simulation went. */
export interface Outcome {
  readonly seed: number;
  /** What was promised and not kept, in words; null where all was. */
  readonly failure: string | null;
  readonly traceHash: string;
  readonly events: number;
  readonly requests: number;
  readonly kills: number;
  /** Fake time that passed, in ms. */
  readonly simulatedMs: number;
  /** The last things that happened, oldest first. */
  readonly lastEvents: readonly string[];
}

/** Runs a simulation of `faultsMs` of fake time, and the quiet time after it; `onEvent` is told what happens. */
export async function simulate(seed: number, faultsMs: number, onEvent?: (line: string) => void): Promise<Outcome> {
  const world = new World(seed, faultsMs, new Trace(onEvent));
  return await world.run();
}

class World implements ClientWorld {
  readonly port = PORT;
  readonly network: SimulatedNetwork;
  readonly #chance: Chance;
  readonly #pace: Pace;
  readonly #trace: Trace;
  readonly #around: Surroundings;
  readonly #scheduler: Scheduler;
  readonly #machines: Machine[];
  /** Clients with data of their own, and queues that clients wait at. */
  readonly #clients: (SimulatedClient | SimulatedQueue)[];
  readonly #clientScope = new Scope("clients");
  /** Whom each machine follows; null for the primary. */
  readonly #parents = new Map<Machine, Machine | null>();
  readonly #options = new Map<Machine, readonly string[]>();
  #epoch = 0;
  /** When each primary became one, in ms. */
  readonly #primarySinceMs = new Map<Machine, number>();
  /** The server that was told to become the primary, and has not replied. */
  #promoting: Server | null = null;
  #kills = 0;
  #isStopping = false;
  /** Nothing befalls the servers any more. */
  #isQuiet = false;
  #isOver = false;
  #failure: string | null = null;

  constructor(readonly seed: number, readonly faultsMs: number, trace: Trace) {
    this.#trace = trace;
    const chance = this.#chance = new Chance(seed);
    this.#pace = new Pace(seed, faultsMs, EPOCH_MS);
    const scheduler = this.#scheduler = new Scheduler(chance);
    this.network = new SimulatedNetwork(scheduler, chance.fork(), this.#trace);
    const around: Surroundings = this.#around = {
      scheduler,
      chance: chance.fork(),
      trace: this.#trace,
      network: this.network,
      states: [],
      threadsBreak: true,
      dataLost: (machine) => {
        if (this.#parents.get(machine) === null) this.#epoch++;
      },
      fail: (who, what) => this.fail(who, what),
    };
    this.#machines = MACHINES.map((name) => {
      const machine: Machine = new Machine(name, around, () => this.#optionsOf(machine));
      return machine;
    });
    this.#clients = Array.from(
      { length: CLIENTS },
      (_, index) => new SimulatedClient(`client${index}`, 2 * index, this, chance.fork()),
    );
    this.#clients.push(new SimulatedQueue("queue", 2 * CLIENTS, this, chance.fork()));
    this.#workers = simulatedWorkers(around);
  }

  readonly #workers;

  // --- What clients ask -----------------------------------------------------------------------------------------------

  get #primary(): Machine {
    return this.#machines.find((machine) => this.#parents.get(machine) === null) ?? this.#machines[0];
  }

  primary(): string {
    return this.#primary.name;
  }

  replica(): string | null {
    if (this.mayShowParts()) return null;
    const up = this.#machines.filter((machine) => machine.isUp && this.#parents.get(machine) !== null);
    return up.length === 0 ? null : this.#chance.of(up).name;
  }

  /** A replica that has done a part of a request hands that on, until it and those below it have synchronised anew. */
  mayShowParts(): boolean {
    return this.#machines.some(({ isPartial, partialMs }) =>
      isPartial || this.#scheduler.nowMs - partialMs < this.#pace.longest(SYNCHRONISED_MS)
    );
  }

  epoch(): number {
    return this.#epoch;
  }

  lackedMemory(sinceMs: number): boolean {
    return this.#machines.some(({ lackedMemoryMs }) => lackedMemoryMs >= sinceMs);
  }

  isStopping(): boolean {
    return this.#isStopping;
  }

  restMs(): number {
    return this.#pace.restMs();
  }

  fail(who: string, what: string): void {
    this.note(who, `FAILED: ${what}`);
    this.#failure ??= `${who}: ${what}`;
    this.#isOver = true;
  }

  show(who: string, text: () => string): void {
    this.#trace.show(this.#scheduler.nowMs, who, text);
  }

  note(who: string, text: string): void {
    this.#trace.note(this.#scheduler.nowMs, who, text);
  }

  // --- The run --------------------------------------------------------------------------------------------------------

  async run(): Promise<Outcome> {
    const scheduler = this.#scheduler;
    const uninstall = this.#install();
    try {
      for (const [index, machine] of this.#machines.entries()) {
        this.#parents.set(machine, index === 0 ? null : this.#machines[this.#chance.below(index)]);
        this.#options.set(machine, [...this.#drawOptions(), ...this.#pace.options()]);
        machine.start();
      }
      for (const client of this.#clients) {
        scheduler.after(0, () => void this.#watch(client.name, client.run()), this.#clientScope);
      }
      scheduler.after(0, () => void this.#watch("world", this.#history()), scheduler.world);
      await scheduler.run(() => this.#isOver);
      if (this.#failure === null && !this.#isOver) this.fail("world", "nothing happens any more");
      for (const machine of this.#machines) machine.end();
    } finally {
      uninstall();
    }
    return {
      seed: this.seed,
      failure: this.#failure,
      traceHash: this.#trace.hash,
      events: this.#trace.events,
      requests: this.#clients.reduce((sum, client) => sum + client.requests, 0),
      kills: this.#kills,
      simulatedMs: Math.round(scheduler.nowMs),
      lastEvents: this.#trace.lastEvents,
    };
  }

  async #watch(who: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.fail(who, `the simulation itself failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  /** Takes the system's place until the function returned is called. */
  #install(): () => void {
    const scheduler = this.#scheduler;
    seedHash(this.seed, ~this.seed);
    scheduler.onThrown = (scope, error) => this.#unheard(scope.name, error);
    scheduler.afterEvent = (scope) => this.#machines.find((machine) => machine.scope === scope)?.afterEvent();
    const onRejection = (reason: unknown) => this.#unheard("promise", reason);
    const onException = (error: unknown) => this.#unheard("microtask", error);
    process.on("unhandledRejection", onRejection);
    process.on("uncaughtException", onException);
    const uninstall = scheduler.install();
    const before = {
      files: useFiles(this.#files()),
      workers: useWorkers(this.#workers),
      ending: useEnding((code) => this.#ended(code)),
      memory: useMemory(takeUsed),
    };
    return () => {
      useFiles(before.files);
      useWorkers(before.workers);
      useEnding(before.ending);
      useMemory(before.memory);
      uninstall();
      process.off("unhandledRejection", onRejection);
      process.off("uncaughtException", onException);
    };
  }

  #unheard(who: string, error: unknown): void {
    if (error instanceof Killed) return;
    this.fail(who, `nobody caught ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** The disk of whoever asks. */
  #files(): Files {
    const disk = () => {
      const { current } = this.#scheduler;
      const machine = this.#machines.find(({ scope }) => scope === current);
      if (machine === undefined || current.isDead) throw new Killed();
      return machine.disk.files;
    };
    return {
      open: (path, purpose) => disk().open(path, purpose),
      close: (file) => disk().close(file),
      read: (file, bytes, start, length) => disk().read(file, bytes, start, length),
      readLater: (file, bytes, start, length) => disk().readLater(file, bytes, start, length),
      write: (file, bytes, start, length) => disk().write(file, bytes, start, length),
      truncate: (file, bytes) => disk().truncate(file, bytes),
      sync: (file, part) => disk().sync(file, part),
      syncLater: (file, part) => disk().syncLater(file, part),
      rename: (from, to) => disk().rename(from, to),
      link: (path, other) => disk().link(path, other),
      remove: (path) => disk().remove(path),
      removeLater: (path) => disk().removeLater(path),
      makeDirectory: (path) => disk().makeDirectory(path),
      list: (directory) => disk().list(directory),
      stat: (path) => disk().stat(path),
    };
  }

  /** A server ends by itself: it was told to, or has panicked. */
  #ended(code: number): never {
    const machine = this.#machines.find(({ scope }) => scope === this.#scheduler.current);
    if (machine === undefined) throw new Error("something ended that is no server");
    if (machine.scope.isDead) throw new Killed(); // it was killed while it wrote
    if (code !== 0 && !machine.mayGiveUp) this.fail(machine.name, `ended with code ${code}`);
    this.#kill(machine, false);
    throw new Killed();
  }

  /** Faults, then quiet. */
  async #history(): Promise<void> {
    while (!this.#pace.isOver) {
      await sleep(this.#chance.between(20, 1200) + this.#pace.restMs());
      this.#befall();
    }
    await this.#quiet();
    this.#isOver = true;
  }

  // --- Options --------------------------------------------------------------------------------------------------------

  #drawOptions(): string[] {
    const { of } = this.#bound;
    return [
      ...["--save", of(["", "1 5", "2 1", "5 100"])],
      ...["--repl-diskless-sync", of(["yes", "no"]), "--repl-diskless-sync-delay", of(["0", "1"])],
      ...["--repl-diskless-load", of(["disabled", "on-empty-db", "swapdb"])],
      ...["--repl-backlog-size", of(["16kb", "64kb", "1mb"]), "--repl-timeout", "10"],
      ...["--hash-max-listpack-entries", of(["8", "64", "512"])],
      ...["--rdb-key-save-delay", of(["0", "0", "500", "5000"]), "--key-load-delay", of(["0", "0", "500"])],
      ...["--rdbcompression", of(["yes", "no"]), "--rdb-del-sync-files", of(["yes", "no"])],
      ...["--replica-ignore-disk-write-errors", "yes", "--shutdown-timeout", of(["0", "2"])],
      ...["--hash-max-listpack-value", of(["16", "64"]), "--replica-serve-stale-data", of(["yes", "no"])],
      ...["--min-replicas-to-write", of(["0", "0", "0", "0", "0", "1"]), "--repl-ping-replica-period", of(["1", "10"])],
      ...["--client-output-buffer-limit", of(["replica 256mb 64mb 60", "replica 256mb 64mb 60", "replica 64kb 0 0"])],
      ...["--lazyfree-lazy-server-del", of(["yes", "no"]), "--lazyfree-lazy-user-del", of(["yes", "no"])],
      ...["--lazyfree-lazy-expire", of(["yes", "no"]), "--replica-lazy-flush", of(["yes", "no"])],
      ...["--hz", of(["10", "50"]), "--list-max-listpack-size", of(["8", "-1", "-2"])],
      ...["--list-compress-depth", of(["0", "1"]), "--stream-node-max-entries", of(["4", "20", "100"])],
      ...["--set-max-intset-entries", of(["8", "512"]), "--set-max-listpack-entries", of(["8", "128"])],
      ...["--set-max-listpack-value", of(["4", "64"]), "--zset-max-listpack-entries", of(["8", "64", "128"])],
      ...["--zset-max-listpack-value", of(["4", "64"]), "--stream-node-max-bytes", of(["200", "4096"])],
      ...["--appendonly", of(["no", "yes"]), "--appendfsync", of(["always", "always", "everysec", "no"])],
      // A base of commands loses what is pending of deleted entries of streams, as Redis's does: RDB loses nothing.
      ...["--aof-use-rdb-preamble", "yes", "--aof-timestamp-enabled", of(["yes", "no"])],
      ...[
        "--auto-aof-rewrite-percentage",
        of(["10", "100"]),
        "--auto-aof-rewrite-min-size",
        of(["4kb", "64kb", "1mb"]),
      ],
      ...[
        "--no-appendfsync-on-rewrite",
        of(["no", "no", "yes"]),
        "--aof-disable-auto-gc",
        of(["no", "no", "no", "yes"]),
      ],
      ...["--replica-empty-primary-guard", of(["yes", "yes", "no"])],
      ...["--replica-empty-primary-percentage", of(["0", "10", "100"])],
    ];
  }

  get #bound() {
    return { of: <T>(choices: readonly T[]) => this.#chance.of(choices) };
  }

  #optionsOf(machine: Machine): readonly string[] {
    const parent = this.#parents.get(machine);
    const role = parent === null || parent === undefined ? [] : ["--replicaof", `${parent.name} ${PORT}`];
    return [...SHARED_OPTIONS, ...this.#options.get(machine) ?? [], ...role];
  }

  // --- Faults ---------------------------------------------------------------------------------------------------------

  #befall(): void {
    const chance = this.#chance;
    const machine = chance.of(this.#machines);
    for (const one of this.#machines) if (chance.oneIn(8)) this.#accept(one);
    const draw = chance.below(100);
    if (draw < 12) this.#killSoon(machine);
    else if (draw < 20) this.#trap(machine);
    else if (draw < 32) machine.command([chance.of(["SAVE", "BGSAVE", "BGSAVE", "BGREWRITEAOF", "BGREWRITEAOF"])]);
    else if (draw < 45) this.#cutSome();
    else if (draw < 55) this.#part(machine, chance.of(this.#machines));
    else if (draw < 63) this.#failDisk(machine);
    else if (draw < 71) this.#failAllocation(machine);
    else if (draw < 77) this.#promote();
    else if (draw < 84) this.#rechain(machine);
    else if (draw < 89) this.#shutDown(machine);
    else if (draw < 92) this.#pauseClients(machine);
    else if (draw < 96) this.#failOver();
    else this.#reconfigure(machine);
  }

  #kill(machine: Machine, powerFailed: boolean): void {
    if (!machine.isRunning) return;
    this.#kills++;
    if (this.#parents.get(machine) === null && !this.#losesNothing(machine)) this.#epoch++;
    machine.kill(powerFailed);
    const downMs = this.#pace.stretched(this.#chance.between(1, 4000));
    this.#scheduler.after(downMs, () => machine.start(), this.#scheduler.world);
    if (this.#parents.get(machine) === null && this.#chance.oneIn(2)) {
      this.#scheduler.after(this.#chance.between(1, 500), () => {
        if (!this.#isQuiet) this.#promote();
      }, this.#scheduler.world);
    }
  }

  /**
   * Whether all that a server has acknowledged is there after its end, whatever that is: it has kept each reply until what
   * it replies to was on disk, and that not only since a moment ago.
   */
  #losesNothing(machine: Machine): boolean {
    const isLong = this.#scheduler.nowMs - (this.#primarySinceMs.get(machine) ?? 0) > SYNCED_MS;
    return isLong && machine.keepsAll;
  }

  #killSoon(machine: Machine): void {
    this.#kill(machine, this.#chance.oneIn(2));
  }

  /** Kills a server at one of the next calls that it makes of its disk. */
  #trap(machine: Machine): void {
    const powerFailed = this.#chance.oneIn(2);
    machine.disk.trap = { calls: 1 + this.#chance.below(25), spring: () => this.#kill(machine, powerFailed) };
    if (machine.isUp) machine.command([this.#chance.of(["SAVE", "BGSAVE"])]);
  }

  #cutSome(): void {
    for (const socket of [...this.network.sockets]) {
      if (!socket.isClosed && this.#chance.oneIn(4)) this.network.cut(socket, this.#chance.of([1, 50, 2000]));
    }
    this.note("world", "CUT");
  }

  #part(a: Machine, b: Machine): void {
    if (a === b) return;
    this.note("world", `PART ${a.name} ${b.name}`);
    this.network.part(a.name, b.name);
    this.#later(this.#pace.stretched(this.#chance.of([200, 3000, 15_000])), () => {
      this.note("world", `HEAL ${a.name} ${b.name}`);
      this.network.heal(a.name, b.name);
    });
  }

  #later(mostMs: number, run: () => void): void {
    this.#scheduler.after(this.#chance.between(0, mostMs), run, this.#scheduler.world);
  }

  #failDisk(machine: Machine): void {
    const failing = { code: this.#chance.of(["ENOSPC", "EIO"]), share: this.#chance.of([0.05, 0.3, 1]) };
    this.note(machine.name, `DISK FAILS ${failing.code} ${failing.share}`);
    machine.disk.failing = failing;
    this.#later(this.#pace.stretched(3000), () => {
      if (machine.disk.failing === failing) machine.disk.failing = null;
    });
  }

  #failAllocation(machine: Machine): void {
    machine.failAllocation(1 + this.#chance.below(200));
  }

  #pauseClients(machine: Machine): void {
    machine.command(["CLIENT", "PAUSE", String(this.#chance.below(500)), this.#chance.of(["WRITE", "ALL"])]);
  }

  #reconfigure(machine: Machine): void {
    const options = this.#drawOptions();
    const at = 2 * this.#chance.below(options.length / 2);
    const name = options[at].slice(2);
    machine.reconfigured(name);
    machine.command(["CONFIG", "SET", name, options[at + 1]]);
  }

  #shutDown(machine: Machine): void {
    if (!machine.isUp) return;
    machine.command(["SHUTDOWN", this.#chance.of(["SAVE", "NOSAVE"])]);
  }

  /** Makes a replica the primary; the one before follows it as soon as it hears of that. */
  #promote(): void {
    const old = this.#primary;
    const ready = this.#machines.filter((machine) => machine.isUp && !machine.mayHaveParts && machine !== old);
    if (ready.length === 0) return;
    const next = this.#chance.of(ready);
    this.note("world", `PROMOTE ${next.name}`);
    this.#promoting = next.server;
    next.command(["REPLICAOF", "NO", "ONE"], (reply) => {
      this.#promoting = null;
      if (reply !== "+OK" || old !== this.#primary) return; // as it loads its primary's data
      this.#epoch++;
      this.#becomesPrimary(next);
      this.#follow(old, next);
      for (const client of this.#clients) client.reconnect();
    });
  }

  /**
   * Has the primary hand its role over to a replica. Nothing may be lost by that, whatever else befalls the two: it begins
   * no epoch.
   */
  #failOver(): void {
    const old = this.#primary;
    const ready = this.#machines.filter((machine) =>
      machine.isUp && !machine.mayHaveParts && this.#parents.get(machine) === old
    );
    if (ready.length === 0) return;
    const next = this.#chance.of(ready);
    const timeout = String(1 + this.#chance.below(3000));
    old.command(["FAILOVER", "TO", next.name, String(PORT), "TIMEOUT", timeout], (reply) => {
      if (reply === "+OK") void this.#watch("world", this.#awaitFailover(old, next));
    });
    if (this.#chance.oneIn(4)) this.#later(1000, () => old.command(["FAILOVER", "ABORT"]));
  }

  /** Finds out how a failover ends. Clients go to the next primary only once the old one follows it. */
  async #awaitFailover(old: Machine, next: Machine): Promise<void> {
    const { server } = old;
    while (old.server === server && server?.replication.failover.isUnderWay) await sleep(20);
    if (this.#primary !== old || this.#parents.get(next) !== old || next.server === this.#promoting) return;
    const isTaken = next.server?.isReplica === false;
    if (old.server === server && server?.isReplica) {
      // Where the next one is gone already, the old one has all that it had.
      if (!isTaken) return old.command(["REPLICAOF", "NO", "ONE"]);
      this.note("world", `HANDED OVER to ${next.name}`);
      this.#becomesPrimary(next);
      this.#parents.set(old, next);
      for (const client of this.#clients) client.reconnect();
    } else if (isTaken) {
      this.#follow(next, old); // it has taken the role, and could not tell
    }
  }

  #becomesPrimary(machine: Machine): void {
    this.#parents.set(machine, null);
    this.#primarySinceMs.set(machine, this.#scheduler.nowMs);
  }

  #follow(machine: Machine, parent: Machine): void {
    this.#parents.set(machine, parent);
    machine.command(["REPLICAOF", parent.name, String(PORT)]);
  }

  /** Has a server take the data of a primary that has lost its own, if it holds that up. */
  #accept(machine: Machine): void {
    const held = machine.server?.replication.link.guard.held;
    if (held === undefined || held === null) return;
    machine.guardWatch.accepted();
    machine.command(["REPLICAOF", "ACCEPT", held.id]);
  }

  #rechain(machine: Machine): void {
    if (this.#parents.get(machine) === null || machine.server === this.#promoting) return;
    const parent = this.#chance.of(this.#machines);
    for (let above: Machine | null = parent; above !== null; above = this.#parents.get(above) ?? null) {
      if (above === machine) return;
    }
    this.#follow(machine, parent);
  }

  // --- The quiet time -------------------------------------------------------------------------------------------------

  async #quiet(): Promise<void> {
    this.note("world", "QUIET");
    this.#isQuiet = true;
    this.#around.threadsBreak = false;
    for (const machine of this.#machines) {
      machine.disk.failing = machine.disk.trap = null;
      machine.failAllocation(Infinity);
      for (const other of this.#machines) this.network.heal(machine.name, other.name);
      machine.start();
    }
    await sleep(COMMAND_MS);
    await this.#until(
      "all servers are up",
      () => this.#machines.every((machine) => stays(machine)) || this.#startMissing(),
    );
    await this.#until("all follow whom they should", () => this.#machines.every((machine) => this.#follows(machine)));
    // A save that has failed refuses writes until the next one succeeds.
    await this.#until("all can save again", () => this.#machines.every((machine) => this.#saves(machine)));
    await sleep(this.#chance.between(100, 1000));
    this.#isStopping = true;
    await this.#until("the clients have come to an end", () => this.#clients.every(({ isDone }) => isDone));
    await this.#agree();
    await this.#leaveNothing();
  }

  #startMissing(): boolean {
    for (const machine of this.#machines) machine.start();
    return false;
  }

  /** Whether a server follows whom it should; has it do so if not. */
  #follows(machine: Machine): boolean {
    const parent = this.#parents.get(machine);
    const wanted = parent ? [parent.name, String(PORT)] : ["no", "one"];
    const { server } = machine;
    if (server?.replication.failover.isUnderWay) return false;
    if (server !== null && (parent ? server.config.list("replicaof").join() === wanted.join() : !server.isReplica)) {
      return true;
    }
    machine.command(["REPLICAOF", ...wanted]);
    return false;
  }

  #saves(machine: Machine): boolean {
    const saving = machine.server?.saving;
    if (saving === undefined) return false;
    if (saving.lastSucceeded) return true;
    if (!saving.snapshotter.running) machine.command(["BGSAVE"]);
    return false;
  }

  /** Waits until something is so, or for too long; `details` tells more of that. */
  async #until(what: string, isSo: () => boolean, details: () => readonly string[] = () => []): Promise<void> {
    const sinceMs = this.#scheduler.nowMs;
    while (!isSo()) {
      if (this.#scheduler.nowMs - sinceMs > this.#pace.longest(REST_MS)) {
        return this.fail("world", [`it never came that ${what}`, ...details()].join("; "));
      }
      if (this.#isQuiet) { for (const machine of this.#machines) this.#accept(machine); }
      await sleep(50);
    }
  }

  /** All replicas have come as far as the primary, and all data is the same. */
  async #agree(): Promise<void> {
    const servers = this.#machines.flatMap(({ server }) => server ?? []);
    const isRest = () => {
      const [first] = servers;
      const expiring = servers.some(({ keyspace }) => keyspace.databases.some((one) => one.expiring > 0));
      return !expiring &&
        servers.every(({ replication, saving, isReplica }) =>
          replication.stream.offset === first.replication.stream.offset && !saving.isBusy &&
          (!isReplica || replication.replica.state === "connected")
        );
    };
    await this.#until("all replicas have the whole stream", isRest);
    const primary = this.#primary.server;
    if (primary === null || this.#failure !== null) return;
    const wanted = contentsOf(primary.keyspace);
    for (const { name, server } of this.#machines) {
      const difference = server === null ? "" : firstDifference(wanted, contentsOf(server.keyspace), unixMs());
      if (difference !== "") this.fail(name, `does not have the data of the primary: ${difference}`);
    }
    for (const client of this.#clients) {
      if (client instanceof SimulatedClient) { for (const { name } of this.#machines) await client.confirm(name); }
    }
  }

  /** With all keys gone, the memory is as it was at the start, no file is open, and none left over. */
  async #leaveNothing(): Promise<void> {
    this.#primary.command(["FLUSHALL"]);
    const isEmpty = ({ server, emptyBytes }: Machine) =>
      server !== null && !server.saving.isBusy && !server.saving.snapshotter.settling &&
      server.store.heap.arena.usedBytes === emptyBytes && server.store.heap.snapshots.memory.bytes === 0;
    const used = () =>
      this.#machines.map(({ name, server, emptyBytes }) =>
        `${name} ${server?.store.heap.arena.usedBytes} bytes, at the start ${emptyBytes}`
      );
    await this.#until("the memory is as it was", () => this.#machines.every(isEmpty), used);
    const left = () =>
      this.#machines.flatMap(({ name, disk }) =>
        disk.leftOver().map((file) => `${file.replace(/\d+-\d+/g, "N")} of ${name}`)
      );
    await this.#until("temporary files are gone", () => left().length === 0, left);
    const open = () =>
      this.#machines.flatMap(({ disk, scope, server }) => {
        const paths = disk.openFiles(scope);
        const log = server?.appendOnly.isOn ? paths.findIndex((path) => logsOf(server).includes(path)) : -1;
        return log < 0 ? paths : paths.toSpliced(log, 1);
      });
    await this.#until("no file is open", () => open().length === 0, open);
  }
}

/**
 * Paths of the incremental files of which a server may write to one: not the last where a rewrite has failed before its
 * snapshot began.
 */
function logsOf({ appendOnly: { directory } }: Server): string[] {
  return directory.manifest.increments.map((file) => directory.pathOf(file));
}

/** Whether a server is up, and not about to end as it was told to: that may wait for its replicas. */
function stays({ isUp, server }: Machine): boolean {
  return isUp && server?.shutdown.pending === false;
}
