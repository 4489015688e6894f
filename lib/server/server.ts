/**
 * The server: the composition of store, commands, clients and the wings around them, and what they share: who is
 * connected, who is being served, how much has changed. It holds no logic of its own beyond that: each idea is a file
 * beside it.
 */

import type { WholeHost } from "../commands/caller.ts";
import { REDIS_VERSION } from "../commands/connection.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import { Dumper, Restorer } from "../persistence/dump.ts";
import { PubSub } from "../pubsub/pubsub.ts";
import { ReplyWriter } from "../resp/reply.ts";
import { unixMs } from "../runtime/clock.ts";
import { Keyspace } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";
import { Admission } from "./clients/admission.ts";
import { describeClient } from "./clients/client_line.ts";
import { ClientMemory } from "./clients/client_memory.ts";
import { Monitors } from "./clients/monitors.ts";
import { OutputLimits } from "./clients/output_limits.ts";
import { Parsers } from "./clients/parsers.ts";
import { Pausing } from "./clients/pausing.ts";
import { Serving } from "./clients/serving.ts";
import type { ClientSession } from "./clients/session.ts";
import { Tracking } from "./clients/tracking.ts";
import { AppendOnly } from "./data/append_only.ts";
import { Cron } from "./data/cron.ts";
import { Debugging } from "./data/debugging.ts";
import { GivingBack } from "./data/giving_back.ts";
import { LinkErrors } from "./data/link_errors.ts";
import { LogLoader } from "./data/log_loader.ts";
import { Memory } from "./data/memory.ts";
import { MemoryLimit } from "./data/memory_limit.ts";
import { Migration } from "./data/migration.ts";
import { Phase } from "./data/phase.ts";
import { Replication } from "./data/replication.ts";
import { Saving } from "./data/saving.ts";
import { WriteGate } from "./data/write_gate.ts";
import { Batch } from "./execution/batch.ts";
import { Changes } from "./execution/changes.ts";
import { Dispatcher } from "./execution/dispatcher.ts";
import { KeyWaiters } from "./execution/key_waiters.ts";
import { Propagation } from "./execution/propagation.ts";
import { Scripting } from "./execution/scripting.ts";
import { Watching } from "./execution/watching.ts";
import type { Listeners } from "./program/listeners.ts";
import type { Log } from "./program/log.ts";
import { Settings } from "./program/settings.ts";
import { Shutdown } from "./program/shutdown.ts";
import { infoText } from "./reports/info.ts";
import { LatencyMonitor } from "./reports/latency.ts";
import { Rates } from "./reports/rates.ts";
import { SlowLog } from "./reports/slow_log.ts";
import { Statistics } from "./reports/statistics.ts";

/** The whole server. Wings see of it what they have declared. */
export class Server implements WholeHost {
  readonly startedMs: number = unixMs();
  readonly settings = new Settings();
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly reply = new ReplyWriter();
  readonly pubsub = new PubSub();

  // execution/
  readonly batch: Batch;
  readonly dispatcher: Dispatcher = new Dispatcher(this);
  readonly propagation = new Propagation();
  readonly watching = new Watching();
  readonly changes: Changes = new Changes(this);
  readonly waiters: KeyWaiters = new KeyWaiters(this);
  readonly scripting: Scripting;
  // reports/
  readonly statistics = new Statistics();
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyMonitor();
  readonly rates: Rates;
  // clients/
  readonly parsers: Parsers = new Parsers(this.settings);
  readonly serving: Serving = new Serving(this);
  readonly outputLimits: OutputLimits = new OutputLimits(this);
  readonly admission: Admission = new Admission(this);
  readonly tracking: Tracking = new Tracking(this);
  readonly monitors: Monitors = new Monitors(this);
  readonly pausing: Pausing = new Pausing(this);
  readonly clientMemory: ClientMemory = new ClientMemory(this);
  // data/
  readonly phase: Phase;
  readonly cron: Cron;
  readonly saving: Saving;
  readonly dumper: Dumper;
  readonly restorer: Restorer;
  readonly replication: Replication;
  readonly appendOnly: AppendOnly;
  readonly logLoader: LogLoader = new LogLoader(this);
  readonly linkErrors: LinkErrors;
  readonly writeGate: WriteGate;
  readonly memory: Memory;
  readonly memoryLimit: MemoryLimit;
  readonly givingBack: GivingBack;
  readonly debugging: Debugging = new Debugging(this);
  readonly migration: Migration;
  // program/
  readonly shutdown: Shutdown = new Shutdown(this);
  listeners: Listeners | null = null;
  /** Path of the pid file, a binary string, or null. */
  pidFile: string | null = null;

  /** Connected clients by id. */
  readonly clients = new Map<number, ClientSession>();
  /** Clients that wait for a pause to end. */
  readonly postponed = new Set<ClientSession>();
  blockedClients = 0;
  /** The client whose requests are being run. */
  current: ClientSession | null = null;

  constructor(readonly log: Log, readonly config: Config, readonly commands: CommandTable) {
    this.keyspace = new Keyspace(config.number("databases"));
    this.store = this.keyspace.store;
    this.phase = new Phase(this.keyspace, this.dispatcher);
    this.batch = new Batch(commands, this.store.heap.foresight);
    this.scripting = new Scripting(this, REDIS_VERSION);
    this.cron = new Cron(this);
    this.saving = new Saving(this);
    this.dumper = new Dumper(this.store);
    this.restorer = new Restorer(this.keyspace, ({ offset, reason }) => {
      log.warning(`Internal error in RDB reading offset ${offset} -> ${reason}`);
    });
    this.replication = new Replication(this);
    this.appendOnly = new AppendOnly(this);
    this.linkErrors = new LinkErrors(this);
    this.writeGate = new WriteGate(this);
    this.memory = new Memory(this);
    this.memoryLimit = new MemoryLimit(this);
    this.givingBack = new GivingBack(this);
    this.migration = new Migration(this);
    this.rates = new Rates(this);
    this.dispatcher.onSlow = (client, command, request, microseconds) =>
      this.slowLog.add(client, command, request, microseconds);
    this.dispatcher.onLatency = (event, milliseconds) => this.latency.report(event, milliseconds);
    this.keyspace.events.onExpired = this.changes.expired;
    this.updateClock();
  }

  get maxBulkBytes(): number {
    return this.settings.maxBulkBytes;
  }

  /** To be called when everything is loaded and clients may be served. */
  ready(): void {
    this.changes.saved(this.changes.made);
    this.replication.begin(this.saving.lastLoad); // which may drop the backlog that was there for the load
    this.memory.ready();
    this.saving.lastSaveMs = unixMs();
  }

  get passwordRequired(): boolean {
    return this.settings.requirePassword !== "";
  }

  /** The offset of the replication stream. */
  get streamOffset(): number {
    return this.replication.stream.offset;
  }

  get hasFollowers(): boolean {
    return this.propagation.active;
  }

  get loading(): boolean {
    return this.phase.isLoading;
  }

  get asyncLoading(): boolean {
    return this.phase.isAsyncLoading;
  }

  resetStatistics(): void {
    this.statistics.reset(this.commands);
    this.store.resetStatistics();
    this.memoryLimit.resetStatistics();
    this.restorer.checked = 0;
  }

  info(sections: readonly string[]): string {
    return infoText(this, sections);
  }

  get isReplica(): boolean {
    return this.phase.isReplica;
  }

  /** A connection has ended. */
  clientGone(client: ClientSession): void {
    this.clients.delete(client.id);
    if (this.postponed.delete(client)) this.blockedClients--;
    this.clientMemory.forget(client);
    this.memory.clientGone();
    this.replication.clientGone(client);
  }

  /** A client on one line, as CLIENT LIST shows it. */
  describe(client: ClientSession): string {
    return describeClient(client, this.store.nowMs);
  }

  /** Reads the clock that commands go by; returns it, in ms. */
  updateClock(): number {
    const nowMs = unixMs();
    if (!this.scripting.isRunning) this.store.setNow(nowMs); // for scripts time stands still
    return nowMs;
  }

  beginUnit(): void {
    this.propagation.begin();
  }

  endUnit(): void {
    this.propagation.end();
  }

  purgeMemory(): void {
    this.givingBack.purge();
  }
}
