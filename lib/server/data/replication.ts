/**
 * Replication as the server has it: joins the stream, the primary's side and the replica's side with the clients, the
 * data set and the configuration, and decides which role this server has.
 */

import { fromBinary, toBinary } from "../../bytes/paths.ts";
import type { Command } from "../../commands/command.ts";
import { NOT_INTEGER } from "../../commands/errors.ts";
import type { ReplicaCount } from "../../commands/client_facets.ts";
import type { Config } from "../../config/config.ts";
import type { Socket } from "../../net/socket.ts";
import { NetworkError } from "../../net/socket.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import type { LoadResult } from "../../persistence/load.ts";
import { reasonOf, removeAside } from "../../persistence/rdb_file.ts";
import { emptyRdb } from "../../persistence/save.ts";
import { temporaryFile } from "../../persistence/temporary_files.ts";
import { newHandshake, PrimarySide, type Replica, type ReplicaConnection } from "../../replication/primary.ts";
import { ReplicaSide } from "../../replication/replica.ts";
import {
  FileReceiver,
  type ReceivingStore,
  type SnapshotReceiver,
  SwapReceiver,
} from "../../replication/snapshot_receiver.ts";
import { ReplicationStream } from "../../replication/stream.ts";
import { Request } from "../../resp/request.ts";
import { unixMs } from "../../runtime/clock.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { Admission } from "../clients/admission.ts";
import { PRIMARY, REPLICA } from "../clients/flags.ts";
import type { OutputLimits } from "../clients/output_limits.ts";
import type { Serving } from "../clients/serving.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_STALE } from "../execution/gates.ts";
import type { Changes } from "../execution/changes.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Listeners } from "../program/listeners.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { Cron } from "./cron.ts";
import type { Phase } from "./phase.ts";
import type { Saving } from "./saving.ts";
import { Waiting } from "./waiting.ts";
import type { WriteGate } from "./write_gate.ts";

/** Most of an error's text that the log shows. */
const MAX_SHOWN_ERROR_BYTES = 4096;
/** How often it is told that writes are applied which cannot be saved, in ms. */
const UNSAVED_EVERY_MS = 10_000;
const PING = Request.of("PING");
const GETACK = Request.of("REPLCONF", "GETACK", "*");

/** What replication needs of the server. */
export interface ReplicationHost {
  readonly admission: Pick<Admission, "addClient">;
  readonly changes: Pick<Changes, "flush" | "replaced">;
  readonly config: Config;
  readonly cron: Pick<Cron, "every" | "tasks">;
  readonly dispatcher: Pick<Dispatcher, "onLinkError" | "onReplicaReply" | "onUnsavedWrite" | "setGate">;
  readonly listeners: Pick<Listeners, "network"> | null;
  readonly log: Pick<Log, "notice" | "role" | "warning">;
  readonly outputLimits: Pick<OutputLimits, "of">;
  readonly phase: Pick<Phase, "setAsyncLoading" | "setLoading" | "setRole">;
  readonly propagation: Propagation;
  readonly saving: Saving;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly shutdown: { panic(reason: string): never };
  readonly statistics: Statistics;
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly writeGate: Pick<WriteGate, "refresh">;
}

/** This server's place in the replication. */
export class Replication {
  readonly stream = new ReplicationStream();
  readonly primary: PrimarySide;
  readonly replica: ReplicaSide;
  /** The link to the primary, while it is in the stream. */
  link: ClientSession | null = null;
  readonly #waiting: Waiting;
  /** What the link has received of a transaction that is not complete. */
  #transaction: Uint8Array[] = [];
  /** Database that the primary's stream had selected when the link was lost. */
  #selectedDatabase = 0;
  /** When it was last told that writes are applied which cannot be saved, in ms. */
  #unsavedToldMs = 0;
  /** Seconds that the server has run. */
  #seconds = 0;
  #linkInputBytes = 0;

  constructor(readonly server: ReplicationHost) {
    const { stream } = this;
    const log = (level: "notice" | "warning", message: string) => server.log[level](message);
    const nowMs = unixMs;
    this.primary = new PrimarySide({
      stream,
      log,
      nowMs,
      settings: () => this.#primarySettings(),
      outputLimit: () => server.outputLimits.of("replica"),
      snapshotRunning: () => server.saving.snapshotter.running,
      takeSnapshot: (target, atStart) => server.saving.takeSnapshot(target, atStart),
      abortSnapshot: () => server.saving.snapshotter.abort(),
      emptySnapshot: () => emptyRdb(server.store, server.saving.describe(), server.saving.writeOptions),
      keepsSnapshots: () => server.config.savePoints.length > 0,
      rdbPath: () => ({ path: server.saving.path, temporary: this.#temporary("repl") }),
      fileServed: (path, madeMs) => {
        const reason = "Removing the RDB file used to feed replicas in a persistence-less instance";
        if (server.saving.lastAskedMs < madeMs) this.#removeFile(path, reason);
      },
      forgetSelected: () => server.propagation.forgetSelected(),
      replicasChanged: () => this.#replicasChanged(),
      countSync: (kind) => this.#countSync(kind),
    });
    this.#waiting = new Waiting(this.primary, () => this.askForAcknowledgements());
    this.replica = new ReplicaSide({
      stream,
      log,
      nowMs,
      settings: () => this.#replicaSettings(),
      connect: (host, port) => this.#connect(host, port),
      receiveSnapshot: (id) => this.#receiveSnapshot(id),
      streamBegins: (socket, rest) => this.#streamBegins(socket, rest),
      identityChanged: () => this.primary.dropAll(),
      linkChanged: () => this.#linkChanged(),
    });
    this.primary.onBacklogUnused = () => this.#dropBacklog();
    server.saving.describeReplication = () => this.#describe();
    server.dispatcher.onLinkError = (client, command, error) => this.#reportLinkError(client, command, error);
    server.dispatcher.onReplicaReply = (client, command) => {
      server.log.warning(
        `Replica generated a reply to command '${
          command?.name ?? "<unknown>"
        }', disconnecting it: ${client.description}`,
      );
      server.serving.closeSoon(client);
    };
    server.dispatcher.onUnsavedWrite = () => this.#reportUnsavedWrite();
    server.cron.tasks.push(() => {
      if (server.cron.every(1000)) this.#everySecond();
      else if (server.cron.every(100)) this.primary.tick();
    });
    server.config.onChange("repl-backlog-size", () => stream.resizeBacklog(server.config.number("repl-backlog-size")));
    server.config.onChange("replica-serve-stale-data", () => this.#linkChanged());
    server.config.onChange("replica-read-only", () => this.#linkChanged());
  }

  get isReplica(): boolean {
    return this.replica.primary !== null;
  }

  // --- The role -------------------------------------------------------------------------------------------------------

  /**
   * To be called before the data is loaded: the role that the configuration names decides whose keys expire. A primary
   * puts the end of those that have expired meanwhile into its stream, so that its replicas can continue.
   */
  beginLoading(): void {
    const isReplica = this.server.config.list("replicaof").length > 0;
    this.server.phase.setRole(isReplica, false);
    if (!isReplica) this.#ensureBacklog();
  }

  /** Takes the role that the configuration names, at start. `loaded` tells of the data set that was there. */
  begin(loaded: LoadResult | null): void {
    const [host, port] = this.server.config.list("replicaof");
    const id = loaded?.aux.get("repl-id");
    const offset = Number(loaded?.aux.get("repl-offset") ?? NaN);
    if (id !== undefined && Number.isSafeInteger(offset)) this.#resume(id, offset, host !== undefined, loaded);
    else if (host === undefined) this.#forgetStream(); // nobody can continue what has no beginning
    if (host !== undefined) this.#follow(host, Number(port));
    this.#linkChanged();
  }

  /** Continues the stream of which the data set that was loaded is a part. */
  #resume(id: string, offset: number, asReplica: boolean, loaded: LoadResult | null): void {
    if (!asReplica) return this.stream.continueAfter(id, offset);
    this.stream.adopt(id, offset);
    this.replica.canContinue = true;
    this.#selectedDatabase = Math.max(0, Number(loaded?.aux.get("repl-stream-db") ?? 0));
  }

  /** `REPLICAOF host port`: whether that is new. */
  follow(host: string, port: number, by: string): boolean {
    const current = this.replica.primary;
    if (current !== null && current.host === host && current.port === port) return false;
    this.server.propagation.settle(true); // what was written until now was a primary's
    this.server.config.assign("replicaof", [host, String(port)]);
    if (current === null) {
      // What this server has written itself may be a part of the new primary's past: worth a question.
      this.#ensureBacklog();
      this.replica.canContinue = true;
      this.#selectedDatabase = Math.max(0, this.server.propagation.selectedDatabase);
      this.server.log.notice(
        "Before turning into a replica, using my own master parameters to synthesize a cached master",
      );
    }
    this.#follow(host, port);
    this.server.log.notice(`REPLICAOF ${host}:${port} enabled (user request from '${by}')`);
    return true;
  }

  /**
   * Follows a primary. The stream so far, and the replicas that follow it, are kept until it is known that the new primary
   * cannot continue it: they may be none the worse for the change.
   */
  #follow(host: string, port: number): void {
    this.#endLink();
    this.#waiting.endAll();
    this.replica.follow({ host, port });
  }

  /**
   * `PSYNC id offset FAILOVER`: the primary hands its role over to this replica. `by` is who asks. The error to reply
   * with, or null; the primary's own synchronisation follows.
   */
  takeOver(id: string, by: string): string | null {
    const { log } = this.server;
    log.warning(`Failover request received for replid ${id}.`);
    if (!this.isReplica) return "ERR PSYNC FAILOVER can't be sent to a master.";
    if (id.toLowerCase() !== this.stream.id) return "ERR PSYNC FAILOVER replid must match my replid.";
    this.#becomePrimary();
    log.notice(`MASTER MODE enabled (failover request from '${by}')`);
    return null;
  }

  /** `REPLICAOF NO ONE`: whether it was a replica. */
  promote(by: string): boolean {
    if (!this.isReplica) return false;
    this.#becomePrimary();
    this.server.log.notice(`MASTER MODE enabled (user request from '${by}')`);
    return true;
  }

  #becomePrimary(): void {
    this.server.config.assign("replicaof", ["no", "one"]);
    this.#endLink();
    this.replica.follow(null);
    this.stream.shiftId();
    this.server.log.notice(
      `Setting secondary replication ID to ${this.stream.secondId}, valid up to offset: ${this.stream.secondOffset}. ` +
        `New replication ID is ${this.stream.id}`,
    );
    this.primary.dropAll();
    this.replica.canContinue = false;
    this.server.propagation.forgetSelected();
    this.#ensureBacklog();
    this.#linkChanged();
  }

  /** Cuts the link to the primary, so that it can be continued elsewhere. */
  #endLink(): void {
    const { link } = this;
    if (link === null) return;
    this.link = null;
    this.#selectedDatabase = link.database.index;
    link.flags &= ~PRIMARY;
    this.server.serving.closeSoon(link);
    this.replica.canContinue = true;
  }

  /** Sets the gates by which commands are refused, and the log's role. */
  #linkChanged(): void {
    const { server, isReplica } = this;
    const { config, dispatcher, phase, propagation } = server;
    propagation.relays = isReplica;
    phase.setRole(isReplica, !config.flag("replica-read-only"));
    const isStale = isReplica && this.replica.state !== "connected" && !config.flag("replica-serve-stale-data");
    dispatcher.setGate(GATE_STALE, isStale);
    server.log.role = isReplica ? "S" : "M";
    server.writeGate.refresh();
  }

  // --- As a primary ---------------------------------------------------------------------------------------------------

  #primarySettings() {
    const { config } = this.server;
    return {
      diskless: config.flag("repl-diskless-sync"),
      disklessDelaySeconds: config.number("repl-diskless-sync-delay"),
      disklessMaxReplicas: config.number("repl-diskless-sync-max-replicas"),
      timeoutSeconds: config.number("repl-timeout"),
      backlogBytes: config.number("repl-backlog-size"),
      backlogTtlSeconds: config.number("repl-backlog-ttl"),
    };
  }

  #temporary(kind: "repl" | "sync"): string {
    return temporaryFile(fromBinary(this.server.config.text("dir")), kind);
  }

  /** `rdb-del-sync-files`: where nothing is to be kept on disk, neither is what replication needed there. */
  #removeFile(path: string, reason: string): void {
    const { config, log } = this.server;
    if (!config.flag("rdb-del-sync-files") || config.savePoints.length > 0) return;
    log.notice(reason);
    removeAside(path, this.#temporary("repl")).catch((error) => {
      log.warning(`Can't remove ${toBinary(path)}: ${reasonOf(error)}`);
    });
  }

  #countSync(kind: "full" | "partial" | "refused"): void {
    const { statistics } = this.server;
    if (kind === "full") statistics.syncFull++;
    else if (kind === "partial") statistics.syncPartialOk++;
    else statistics.syncPartialError++;
  }

  /** Makes sure that the stream is kept, and fed. */
  #ensureBacklog(): void {
    this.stream.createBacklog(this.server.config.number("repl-backlog-size"));
    this.server.propagation.setReplicas(this.primary);
  }

  #dropBacklog(): void {
    if (!this.stream.hasBacklog || this.isReplica) return;
    const seconds = this.server.config.number("repl-backlog-ttl");
    this.server.log.notice(`Replication backlog freed after ${seconds} seconds without connected replicas.`);
    this.#forgetStream();
    this.stream.changeId();
  }

  #forgetStream(): void {
    this.stream.dropBacklog();
    this.server.propagation.setReplicas(null);
  }

  #replicasChanged(): void {
    if (this.stream.hasBacklog) this.#ensureBacklog();
    this.server.writeGate.refresh();
  }

  /** `PSYNC id offset`, or SYNC (no id), from a client. The error to reply with, or null. */
  synchronise(client: ClientSession, id: string | null, offset: number | null): string | null {
    if (client.replica !== null) return null;
    if (offset === null) {
      const name = client.remoteAddress;
      this.server.log.warning(`Replica ${name} asks for synchronization but with a wrong offset`);
      return NOT_INTEGER;
    }
    client.flags |= REPLICA;
    const connection: ReplicaConnection = {
      id: client.id,
      remoteAddress: client.remoteAddress,
      get outputBytes() {
        return client.connection.outputBytes;
      },
      deliver: (bytes, start, end) => client.connection.deliver(bytes, start, end),
      drop: () => this.server.serving.closeSoon(client),
      end: () => {
        client.connection.flushOutput();
        client.close();
      },
    };
    client.handshake ??= newHandshake();
    client.replica = this.primary.synchronise(connection, client.handshake, id, offset);
    return null;
  }

  acknowledge(replica: Replica, offset: number, syncedOffset: number): void {
    this.primary.acknowledge(replica, offset, syncedOffset);
    this.#waiting.acknowledged();
  }

  /** Whether there are fewer good replicas than `min-replicas-to-write` asks for. */
  get lacksReplicas(): boolean {
    const { config } = this.server;
    const wanted = config.number("min-replicas-to-write");
    const lag = config.number("min-replicas-max-lag");
    return wanted > 0 && lag > 0 && !this.isReplica && this.primary.goodReplicas(lag) < wanted;
  }

  /** WAIT and WAITAOF: blocks the client until so many replicas have what it wrote, or the time is up. */
  wait(
    client: ClientSession,
    replicas: number,
    timeoutMs: number,
    count: ReplicaCount,
    write: (count: number) => void,
  ): void {
    const offset = Math.min(client.writeOffset, this.stream.offset);
    this.#waiting.wait(client, offset, replicas, timeoutMs, count, write);
  }

  /** Has replicas say at once how far they are: each acknowledges what stands before the question. */
  askForAcknowledgements(): void {
    this.server.propagation.write(-1, GETACK);
  }

  // --- As a replica ---------------------------------------------------------------------------------------------------

  #replicaSettings() {
    const { config } = this.server;
    const announcedPort = config.number("replica-announce-port");
    return {
      user: config.text("masteruser"),
      password: config.text("masterauth"),
      port: announcedPort > 0 ? announcedPort : config.number("port"),
      announcedAddress: config.text("replica-announce-ip"),
      timeoutSeconds: config.number("repl-timeout"),
    };
  }

  async #connect(host: string, port: number): Promise<Socket> {
    const { listeners, config } = this.server;
    if (listeners === null) throw new Error("the network is not open");
    try {
      const socket = await listeners.network.connectTcp(host, port, config.text("bind-source-addr"));
      socket.setKeepAlive(config.number("tcp-keepalive"));
      return socket;
    } catch (error) {
      throw error instanceof NetworkError ? new Error(systemErrorText(error), { cause: error }) : error;
    }
  }

  #receiveSnapshot(id: string): SnapshotReceiver {
    const { keyspace, config, saving, phase } = this.server;
    const into: ReceivingStore = {
      keyspace,
      readOptions: { ...saving.readOptions, dropExpired: false },
      flush: () => {
        saving.snapshotter.abort();
        this.primary.dropAll();
        this.server.changes.flush(keyspace.databases);
      },
      replaced: () => this.server.changes.replaced(),
      fileRead: (path) => {
        const reason = "Removing the RDB file obtained from the master. This replica has persistence disabled";
        this.#removeFile(path, reason);
      },
      setLoading: (isLoading) => phase.setLoading(isLoading),
      setAsyncLoading: (isLoading) => phase.setAsyncLoading(isLoading),
    };
    const mode = config.choice("repl-diskless-load");
    const isEmpty = keyspace.databases.every((database) => database.size === 0);
    if (mode === "swapdb" || (mode === "on-empty-db" && isEmpty)) {
      // The old data is worth serving where it is an earlier state of the primary's, not where it is something else.
      return new SwapReceiver(into, mode === "swapdb" && id === this.stream.id);
    }
    return new FileReceiver(into, this.#temporary("sync"), saving.path);
  }

  /** The link is in the stream: makes a client of it, which applies what comes. */
  #streamBegins(socket: Socket, rest: Uint8Array): void {
    const { server } = this;
    this.#transaction = [];
    const client = server.admission.addClient(socket);
    client.flags |= PRIMARY;
    const { fullySynchronised, databaseAfterSync } = this.replica;
    client.database = server.keyspace.databases[fullySynchronised ? databaseAfterSync : this.#selectedDatabase];
    this.link = client;
    this.#ensureBacklog();
    this.#sendAcknowledgement();
    if (rest.length > 0) client.connection.onData(rest, 0, rest.length);
  }

  /** The link has run the request in `bytes[start, end)`: it goes on to those below. */
  applied(bytes: Uint8Array, start: number, end: number, inTransaction: boolean): void {
    this.replica.lastInputMs = unixMs();
    this.server.statistics.replicationInputBytes += end - start;
    if (inTransaction) {
      // A link that is lost within a transaction must continue before it: its offset moves as a whole.
      this.#transaction.push(bytes.slice(start, end));
      return;
    }
    const { propagation } = this.server;
    for (const part of this.#transaction.splice(0)) propagation.relay(part, 0, part.length);
    propagation.relay(bytes, start, end);
  }

  /** Offset up to which the primary's stream has come, applied or not. */
  get readOffset(): number {
    const held = this.#transaction.reduce((sum, part) => sum + part.length, 0);
    return this.stream.offset + held + (this.link?.connection.inputBytes ?? 0);
  }

  /** `REPLCONF GETACK`, and once a second. */
  acknowledgeToPrimary(): void {
    if (this.link !== null) this.#sendAcknowledgement();
  }

  #sendAcknowledgement(): void {
    const { bytes } = Request.of("REPLCONF", "ACK", String(this.stream.offset));
    this.link?.connection.socket.write(bytes, 0, bytes.length);
  }

  // --- Both -----------------------------------------------------------------------------------------------------------

  /** An error on a link of the replication: the two ends no longer have the same data, or one of them misbehaves. */
  #reportLinkError(client: ClientSession, command: Command | null, error: string): void {
    const { log, statistics, config, shutdown } = this.server;
    const [own, other] = client.isPrimary ? ["replica", "master"] : ["master", "replica"];
    const name = command === null ? "<unknown>" : command.name;
    const shown = error.slice(0, MAX_SHOWN_ERROR_BYTES);
    log.warning(
      `== CRITICAL == This ${own} is sending an error to its ${other}: '-${shown}' after processing the command '${name}'`,
    );
    statistics.unexpectedErrorReplies++;
    if (!client.isPrimary || !config.flag("replica-read-only")) return;
    if (config.choice("propagation-error-behavior") === "ignore") return;
    shutdown.panic(`This ${own} panicked sending an error to its ${other} after processing the command '${name}'`);
  }

  /** A write of the primary's is applied though this server cannot save; or it is not, as the operator wants. */
  #reportUnsavedWrite(): void {
    const { log, config, shutdown, store } = this.server;
    if (!config.flag("replica-ignore-disk-write-errors")) {
      return shutdown.panic("Replica was unable to write command to disk.");
    }
    if (store.nowMs - this.#unsavedToldMs < UNSAVED_EVERY_MS) return;
    this.#unsavedToldMs = store.nowMs;
    log.warning("Replica is applying a command even though it is unable to write to disk.");
  }

  /** A client is gone that was a part of the replication. */
  clientGone(client: ClientSession): void {
    if (client.replica !== null) this.primary.forget(client.replica);
    if (client !== this.link) return;
    this.link = null;
    this.#selectedDatabase = client.database.index;
    if (client.connection.brokeProtocol) {
      this.server.log.warning("Protocol error in the stream of the master: asking for all anew");
    }
    if (client.connection.threw) {
      this.server.log.warning("The stream of the master could not be applied: asking for all anew");
      // A request may be half done: what is saved until then is no part of the stream, and nobody is to be given it.
      this.stream.changeId();
      this.primary.dropAll();
    }
    this.replica.streamEnded(!client.connection.brokeProtocol && !client.connection.threw);
  }

  #everySecond(): void {
    // A large request takes its time to arrive: that the link is alive shows in its bytes.
    const inputBytes = this.link?.connection.networkInputBytes ?? 0;
    if (inputBytes !== this.#linkInputBytes) this.replica.lastInputMs = unixMs();
    this.#linkInputBytes = inputBytes;
    this.replica.everySecond();
    this.primary.everySecond();
    this.acknowledgeToPrimary();
    this.server.writeGate.refresh();
    const { config, propagation } = this.server;
    const isDue = ++this.#seconds % config.number("repl-ping-replica-period") === 0;
    if (isDue && !this.isReplica && this.primary.replicas.size > 0) propagation.write(-1, PING);
  }

  /** Where the stream stands, for the RDB file. */
  #describe() {
    if (!this.stream.hasBacklog && !this.isReplica) return undefined;
    const database = this.link !== null
      ? this.link.database.index
      : this.isReplica
      ? this.#selectedDatabase
      : this.server.propagation.selectedDatabase;
    return { database, id: this.stream.id, offset: this.stream.offset };
  }
}
