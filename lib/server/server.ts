/**
 * The server: the composition of store, commands, clients and the wings around them, and what they share: who is
 * connected, who is being served, how much has changed. It holds no logic of its own beyond that: each idea is a file
 * beside it.
 */

import { encodeLatin1 } from "../bytes/latin1.ts";
import type { WholeHost } from "../commands/caller.ts";
import { EVENT_EXPIRED, EVENT_KEY_MISS, EVENT_KEYEVENT, EVENT_KEYSPACE, EVENT_NEW } from "../commands/events.ts";
import { removalWord } from "../commands/removal.ts";
import type { Session } from "../commands/session.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Config } from "../config/config.ts";
import { Dumper, Restorer } from "../persistence/dump.ts";
import { PubSub } from "../pubsub/pubsub.ts";
import { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import { unixMs } from "../runtime/clock.ts";
import type { Database } from "../store/database.ts";
import { type KeyListener, Store } from "../store/store.ts";
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
import { Cron } from "./data/cron.ts";
import { Debugging } from "./data/debugging.ts";
import { GivingBack } from "./data/giving_back.ts";
import { Memory } from "./data/memory.ts";
import { MemoryLimit } from "./data/memory_limit.ts";
import { Phase } from "./data/phase.ts";
import { Replication } from "./data/replication.ts";
import { Saving } from "./data/saving.ts";
import { WriteGate } from "./data/write_gate.ts";
import { Batch } from "./execution/batch.ts";
import { Dispatcher } from "./execution/dispatcher.ts";
import { Propagation } from "./execution/propagation.ts";
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
  readonly store: Store;
  readonly reply = new ReplyWriter();
  readonly pubsub = new PubSub();

  // execution/
  readonly batch: Batch;
  readonly dispatcher: Dispatcher = new Dispatcher(this);
  readonly propagation = new Propagation();
  readonly watching = new Watching();
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
  readonly writeGate: WriteGate;
  readonly memory: Memory;
  readonly memoryLimit: MemoryLimit;
  readonly givingBack: GivingBack;
  readonly debugging: Debugging = new Debugging(this);
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
  /** Changes since the last save. */
  dirty = 0;

  constructor(readonly log: Log, readonly config: Config, readonly commands: CommandTable) {
    this.store = new Store(config.number("databases"));
    this.phase = new Phase(this.store, this.dispatcher);
    this.batch = new Batch(commands, this.store.foresight);
    this.cron = new Cron(this);
    this.saving = new Saving(this);
    this.dumper = new Dumper(this.store);
    this.restorer = new Restorer(this.store);
    this.replication = new Replication(this);
    this.writeGate = new WriteGate(this);
    this.memory = new Memory(this);
    this.memoryLimit = new MemoryLimit(this);
    this.givingBack = new GivingBack(this);
    this.rates = new Rates(this);
    this.dispatcher.onSlow = (client, command, request, microseconds) =>
      this.slowLog.add(client, command, request, microseconds);
    this.dispatcher.onLatency = (event, milliseconds) => this.latency.report(event, milliseconds);
    this.store.onExpired = (database, bytes, start, length) => this.#expired(database, bytes, start, length);
    this.updateClock();
  }

  get maxBulkBytes(): number {
    return this.settings.maxBulkBytes;
  }

  /** To be called when everything is loaded and clients may be served. */
  ready(): void {
    this.dirty = 0;
    this.memory.ready();
    this.replication.begin(this.saving.lastLoad);
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

  resetStatistics(): void {
    this.statistics.reset(this.commands);
    this.store.resetStatistics();
    this.memoryLimit.resetStatistics();
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
    if (client.blocking !== null) this.blockedClients--;
  }

  /** A client on one line, as CLIENT LIST shows it. */
  describe(client: ClientSession): string {
    return describeClient(client, this.store.nowMs);
  }

  /** Reads the clock that commands go by; returns it, in ms. */
  updateClock(): number {
    const nowMs = unixMs();
    this.store.setNow(nowMs);
    return nowMs;
  }

  // --- Commands -------------------------------------------------------------------------------------------------------

  asUnit(body: () => void): void {
    this.propagation.begin();
    try {
      body();
    } finally {
      this.propagation.end();
    }
  }

  // --- Changes of keys ------------------------------------------------------------------------------------------------

  keyChanged(session: Session, request: Request, keyIndex: number, eventClass: number, event: string): void {
    this.dirty++;
    const start = request.starts[keyIndex];
    const length = request.lengths[keyIndex];
    if (this.watching.count + this.tracking.active > 0) {
      this.touched(session, session.database, request.bytes, start, length);
    }
    if (this.settings.keyspaceEvents !== 0) {
      this.notify(eventClass, event, session.database, request.bytes, start, length);
    }
  }

  touched(session: Session | null, database: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.watching.count > 0) this.watching.touch(database, bytes, start, length);
    if (this.tracking.active > 0) this.tracking.changed(session, bytes, start, length);
  }

  notify(
    eventClass: number,
    event: string,
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const asked = this.settings.keyspaceEvents;
    if ((asked & eventClass) === 0) return;
    const name = encodeLatin1(event);
    if ((asked & EVENT_KEYSPACE) !== 0) {
      const prefix = encodeLatin1(`__keyspace@${database.index}__:`);
      const channel = new Uint8Array(prefix.length + length); // a key may be longer than any string
      channel.set(prefix);
      channel.set(bytes.subarray(start, start + length), prefix.length);
      this.pubsub.publish("channel", channel, 0, channel.length, name, 0, name.length);
    }
    if ((asked & EVENT_KEYEVENT) !== 0) {
      const channel = encodeLatin1(`__keyevent@${database.index}__:${event}`);
      this.pubsub.publish("channel", channel, 0, channel.length, bytes, start, length);
    }
  }

  /** A look-up for reading found no key. */
  readonly keyMissed: KeyListener = (database, bytes, start, length) =>
    this.notify(EVENT_KEY_MISS, "keymiss", database, bytes, start, length);

  /** A key is new: told of databases that clients see, and not of what is loaded. */
  readonly keyIsNew: KeyListener = (database, bytes, start, length) => {
    if (this.loading || this.store.databases[database.index] !== database) return;
    this.notify(EVENT_NEW, "new", database, bytes, start, length);
  };

  purgeMemory(): void {
    this.givingBack.purge();
  }

  flush(databases: readonly Database[]): number {
    let removed = 0;
    for (const database of databases) {
      this.watching.touchAll(database, null);
      removed += database.clear();
    }
    this.tracking.flushed();
    return removed;
  }

  swap(a: Database, b: Database): void {
    this.watching.touchAll(a, b);
    this.watching.touchAll(b, a);
    a.swap(b);
    this.tracking.flushed();
  }

  #expired(database: Database, bytes: Uint8Array, start: number, length: number): void {
    this.touched(null, database, bytes, start, length);
    this.notify(EVENT_EXPIRED, "expired", database, bytes, start, length);
    // What the expiry cycle removes goes on key by key; what a command comes across, with the command.
    this.propagation.writeRemoval(
      database.index,
      removalWord(this.config, "lazyfree-lazy-expire"),
      bytes,
      start,
      length,
      this.current !== null,
    );
  }
}
