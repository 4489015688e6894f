/**
 * The primary's side of the replication: the replicas attached, their synchronisation and their acknowledgements.
 *
 * A replica that cannot continue from the backlog gets a snapshot: all those that wait share one, which goes through a
 * file on disk or straight to their sockets. What is written from the snapshot's point in time on waits in the
 * stream's backlog, once for all of them, and follows the snapshot.
 */

import { encodeLatin1 } from "../bytes/latin1.ts";
import { systemErrorText } from "../bytes/system_errors.ts";
import { SENT_AT_ONCE_BYTES } from "../net/outbox.ts";
import { SnapshotAbortedError, type SnapshotTarget } from "../persistence/snapshot.ts";
import { monotonicMs } from "../runtime/clock.ts";
import { files } from "../runtime/files.ts";
import { sleep } from "../runtime/timers.ts";
import type { Sender } from "../runtime/turns.ts";
import { type Handshake, Replica, type ReplicaConnection, WINDOW_BYTES } from "./attached_replica.ts";
import type { BacklogPosition } from "./backlog.ts";
import { randomId, type ReplicationStream } from "./stream.ts";

const FILE_CHUNK_BYTES = 256 * 1024;
/** How often a snapshot that was paused looks whether it may go on, in ms. */
const POLL_MS = 5;
/** After a snapshot that failed, the next one for replicas begins no sooner, in ms: they would ask for it at once. */
const RETRY_MS = 5000;

/** What the primary's side needs of the server. */
export interface PrimaryHost {
  readonly stream: ReplicationStream;
  nowMs(): number;
  log(level: "notice" | "warning", message: string): void;
  /** Has a sender told at the end of the turn. */
  atEndOfTurn(sender: Sender): void;
  settings(): PrimarySettings;
  /** The limits on what may wait for a replica. */
  outputLimit(): { readonly hardBytes: number; readonly softBytes: number; readonly softSeconds: number };
  /** Whether writers are slowed down rather than a replica that is synchronised given up. */
  slowsWriters(): boolean;
  /** Whether a snapshot is under way, for whomever. */
  snapshotRunning(): boolean;
  /** Takes a snapshot; `atStart` is called at its point in time. */
  takeSnapshot(target: SnapshotTarget, atStart: () => void): Promise<unknown>;
  abortSnapshot(): void;
  /** An RDB file without keys. */
  emptySnapshot(withFunctions: boolean): Uint8Array;
  /** Whether a snapshot on disk is worth having even when no replica wants it any more: there are save points. */
  keepsSnapshots(): boolean;
  /** Where a snapshot on disk goes. */
  rdbPath(): { readonly path: string; readonly temporary: string };
  /** No replica needs the file any more that a snapshot for replicas made, at `madeMs` of Unix time. */
  fileServed(path: string, madeMs: number): void;
  /** Makes the stream begin with a SELECT. */
  forgetSelected(): void;
  /** Replicas came or went, or their state changed. */
  replicasChanged(): void;
  countSync(kind: "full" | "partial" | "refused"): void;
}

export interface PrimarySettings {
  readonly diskless: boolean;
  readonly disklessDelaySeconds: number;
  readonly disklessMaxReplicas: number;
  readonly timeoutSeconds: number;
  readonly backlogBytes: number;
  readonly backlogTtlSeconds: number;
}

export class PrimarySide implements Sender {
  readonly replicas = new Set<Replica>();
  /** Since when there has been no replica, in ms. */
  #noReplicasSinceMs: number;
  /** What the turn under way has added to the stream: from where on, behind which offset. Null where that is nothing. */
  #turn: { readonly from: BacklogPosition; readonly offset: number } | null = null;
  /** Replicas that share the snapshot under way. */
  #syncing: Replica[] = [];
  /** Whether that goes straight to their sockets, not through a file. */
  #syncsToSockets = false;
  /** The file that the last snapshot for replicas made, until nobody needs it. */
  #file: { readonly path: string; readonly madeMs: number } | null = null;
  /** Before this no snapshot for replicas begins, in ms of Unix time. */
  #retryAtMs = 0;

  constructor(readonly host: PrimaryHost) {
    this.#noReplicasSinceMs = host.nowMs();
  }

  /** Adds bytes to the stream: they are in the backlog now, and go to the replicas at the end of the turn. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    const { stream } = this.host;
    if (this.#turn === null && this.replicas.size > 0) {
      const from = stream.end;
      stream.hold(from);
      this.#turn = { from, offset: stream.offset };
      this.host.atEndOfTurn(this);
    }
    stream.append(bytes, start, end);
    if (this.#turn !== null && stream.offset - this.#turn.offset >= SENT_AT_ONCE_BYTES) this.send();
    if (stream.offset > this.pausesAtOffset) this.onPauseReached();
  }

  /** Sends what the turn has added to the stream so far to the replicas that are in step with it; for the others it waits. */
  send(): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    for (const replica of this.replicas) {
      if (replica.isInStep) {
        replica.waitFrom(turn.from, turn.offset);
        if (!replica.sendWaiting()) void this.#catchUp(replica);
      } else {
        this.#checkLimit(replica);
      }
    }
    this.host.stream.release(turn.from);
  }

  /** Of the replicas that are synchronised by a snapshot, that for which most waits; null where there is none. */
  get syncing(): Replica | null {
    let most: Replica | null = null;
    for (const replica of this.replicas) {
      if (replica.syncingSinceMs === 0 || replica.gone) continue;
      if (most === null || replica.behindBytes > most.behindBytes) most = replica;
    }
    return most;
  }

  /**
   * Sends what waits for a replica, as fast as it takes that, until it has all, and is in step. What it takes more slowly than
   * it is written waits in the backlog, once for all of them.
   */
  async #catchUp(replica: Replica): Promise<void> {
    while (!replica.gone) {
      this.send(); // it is in step at the end of what has been sent to the others
      if (replica.sendWaiting()) break;
      await sleep(POLL_MS);
    }
    replica.overSoftLimitSinceMs = 0;
    // It may still be loading, and take what it was sent only when it is done; it may say so, too.
    while (!replica.gone && replica.syncingSinceMs > 0 && replica.connection.outputBytes > 0) await sleep(POLL_MS);
    replica.syncingSinceMs = 0;
  }

  /** Enforces the output limit on what waits for a replica. */
  #checkLimit(replica: Replica): void {
    const { hardBytes, softBytes, softSeconds } = this.host.outputLimit();
    const bytes = replica.behindBytes;
    let isOver = hardBytes > 0 && bytes > hardBytes;
    // While writers are slowed down, the lower limit drops nobody: how long that takes is not the replica's to say.
    const isPatient = replica.syncingSinceMs > 0 && hardBytes > 0 && this.host.slowsWriters();
    if (softBytes > 0 && bytes > softBytes && !isPatient) {
      const nowMs = this.host.nowMs();
      if (replica.overSoftLimitSinceMs === 0) replica.overSoftLimitSinceMs = nowMs;
      isOver ||= nowMs - replica.overSoftLimitSinceMs > softSeconds * 1000;
    } else {
      replica.overSoftLimitSinceMs = 0;
    }
    if (!isOver || replica.gone) return;
    replica.gone = true;
    replica.connection.dropAsFull();
  }

  /** `PSYNC id offset`, or SYNC (no id): attaches a replica, and replies to it. */
  synchronise(connection: ReplicaConnection, handshake: Handshake, id: string | null, fromOffset: number): Replica {
    const { host } = this;
    const { stream } = host;
    stream.createBacklog(host.settings().backlogBytes);
    const replica = new Replica(connection, handshake, stream, host.nowMs());
    replica.isOld = id === null;
    replica.rdbOnly = handshake.rdbOnly;
    this.replicas.add(replica);
    host.replicasChanged();
    if (id !== null && id !== "?") {
      const rest = stream.continueFrom(id, fromOffset);
      if (rest !== null) {
        this.#continue(replica, rest, fromOffset - 1);
        return replica;
      }
      host.countSync("refused");
      host.log("notice", this.#refusalOf(this.describe(replica), id, fromOffset));
    }
    host.countSync("full");
    host.log("notice", `Full resync requested by replica ${this.describe(replica)}`);
    if (handshake.withoutKeys) {
      this.#sendEmpty(replica);
      return replica;
    }
    if (host.snapshotRunning()) {
      this.#join(replica);
    } else {
      const { diskless, disklessDelaySeconds } = host.settings();
      if (diskless && handshake.readsMarks && disklessDelaySeconds > 0) {
        host.log("notice", "Delay next BGSAVE for diskless SYNC");
      }
      this.tick();
    }
    return replica;
  }

  /** Why a replica cannot continue, in the words of Redis, to which what there is in the backlog is added. */
  #refusalOf(name: string, id: string, fromOffset: number): string {
    const { stream } = this.host;
    if (id === stream.id || (id === stream.secondId && fromOffset <= stream.secondOffset)) {
      return `Unable to partial resync with replica ${name} for lack of backlog (Replica request was: ${fromOffset}, it ` +
        `has ${stream.backlogFirstOffset} to ${stream.offset}).`;
    }
    const reason = id === stream.secondId
      ? `Requested offset for second ID was ${fromOffset}, but I can reply up to ${stream.secondOffset}`
      : `Replication ID mismatch (Replica asked for '${id}', my replication IDs are '${stream.id}' and ` +
        `'${stream.secondId}')`;
    return `Partial resynchronization not accepted: ${reason}`;
  }

  /** Sends a replica that wants no keys a snapshot without any. */
  #sendEmpty(replica: Replica): void {
    const { host } = this;
    const rdb = host.emptySnapshot(!replica.handshake.withoutFunctions);
    this.send(); // what the turn has written before is in the snapshot
    replica.initialOffset = host.stream.offset;
    host.forgetSelected();
    this.#tellOffset(replica, null);
    const header = encodeLatin1(`$${rdb.length}\r\n`);
    replica.connection.deliver(header, 0, header.length);
    replica.connection.deliver(rdb, 0, rdb.length);
    this.#finish(replica, false);
  }

  /** A snapshot is under way: lets another replica have its file, or wait for the next. */
  #join(replica: Replica): void {
    const { host } = this;
    if (this.#syncing.length > 0 && this.#syncsToSockets) {
      return host.log("notice", "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC");
    }
    const other = this.#syncing.find((one) => one.canShareWith(replica));
    if (other === undefined) {
      const reason = "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC";
      return host.log("notice", reason);
    }
    replica.standBeside(other);
    this.#syncing.push(replica);
    this.#tellOffset(replica, null);
    host.log("notice", "Waiting for end of BGSAVE for SYNC");
    host.replicasChanged();
  }

  /** Sends a replica what the backlog has behind `offset`, where `rest` stands. */
  #continue(replica: Replica, rest: BacklogPosition, offset: number): void {
    const { host } = this;
    host.countSync("partial");
    const answer = encodeLatin1(replica.handshake.followsIds ? `+CONTINUE ${host.stream.id}\r\n` : "+CONTINUE\r\n");
    replica.connection.deliver(answer, 0, answer.length);
    replica.state = "online";
    replica.acknowledgedMs = host.nowMs();
    replica.waitFrom(rest, offset);
    const name = this.describe(replica);
    const accepted = `Partial resynchronization request from ${name} accepted.`;
    host.log("notice", `${accepted} Sending ${replica.waitingBytes} bytes of backlog.`);
    void this.#catchUp(replica);
    host.replicasChanged();
  }

  /** A replica's connection is gone. */
  forget(replica: Replica): void {
    replica.gone = true;
    replica.waitNoMore();
    if (!this.replicas.delete(replica)) return;
    this.host.log("notice", `Connection with replica ${this.describe(replica)} lost.`);
    if (this.replicas.size === 0) this.#noReplicasSinceMs = this.host.nowMs();
    this.host.replicasChanged();
    if (this.#syncing.length === 0 || !this.#syncing.every((one) => one.gone)) return;
    if (this.#syncsToSockets) {
      // No process is forked here; the words are those that log alerts look for.
      this.host.log("notice", "Diskless rdb transfer, last replica dropped, killing fork child.");
    } else if (this.host.keepsSnapshots()) return;
    this.#syncing = [];
    this.host.abortSnapshot();
  }

  /**
   * The server has become a primary: however long nobody has followed it as a replica, those who followed its own primary
   * are to find the backlog when they come.
   */
  expectReplicas(): void {
    this.#noReplicasSinceMs = this.host.nowMs();
  }

  /** Closes all connections to replicas: the stream's identity has changed. */
  dropAll(): void {
    for (const replica of [...this.replicas]) replica.connection.drop();
  }

  /** `REPLCONF ACK offset FACK syncedOffset`; the latter 0 where the replica has no append-only file. */
  acknowledge(replica: Replica, offset: number, syncedOffset: number): void {
    replica.acknowledgedOffset = Math.max(replica.acknowledgedOffset, offset);
    replica.syncedOffset = Math.max(replica.syncedOffset, syncedOffset);
    replica.acknowledgedMs = this.host.nowMs();
    if (replica.isInStep) replica.syncingSinceMs = 0;
    if (!replica.awaitsAcknowledgement || replica.state !== "online") return;
    replica.awaitsAcknowledgement = false;
    void this.#catchUp(replica);
    this.host.replicasChanged();
  }

  /** A newline has come: the replica is busy loading the snapshot. */
  heardFrom(replica: Replica): void {
    replica.acknowledgedMs = this.host.nowMs();
  }

  /** Replicas in the stream that have acknowledged an offset. */
  acknowledgedBy(offset: number): number {
    let count = 0;
    for (const replica of this.replicas) {
      if (replica.state === "online" && replica.acknowledgedOffset >= offset) count++;
    }
    return count;
  }

  /** Replicas in the stream that have an offset on disk. */
  syncedBy(offset: number): number {
    let count = 0;
    for (const replica of this.replicas) if (replica.state === "online" && replica.syncedOffset >= offset) count++;
    return count;
  }

  /** Whether a replica in the stream has not acknowledged an offset. */
  hasBehind(offset: number): boolean {
    for (const replica of this.replicas) {
      if (replica.state === "online" && replica.acknowledgedOffset < offset) return true;
    }
    return false;
  }

  /** Tells the log which replicas have not acknowledged an offset, before the server goes without them. */
  logLagging(offset: number): void {
    const { host, replicas } = this;
    if (replicas.size === 0) return;
    let inSync = 0;
    for (const replica of replicas) {
      const behind = offset - replica.acknowledgedOffset;
      if (replica.state === "online" && behind <= 0) {
        inSync++;
        continue;
      }
      const lag = replica.state === "online" ? this.lagSeconds(replica) : 0;
      host.log(
        "warning",
        `Lagging replica ${this.describe(replica)} reported offset ${behind} behind master, lag=${lag}, ` +
          `state=${replica.shownState}.`,
      );
    }
    const level = inSync < replicas.size ? "warning" : "notice";
    host.log(level, `${inSync} of ${replicas.size} replicas are in sync when shutting down.`);
  }

  /** Replicas whose last acknowledgement is no older than `seconds`. */
  goodReplicas(seconds: number): number {
    let count = 0;
    for (const replica of this.replicas) {
      if (replica.state === "online" && this.lagSeconds(replica) <= seconds) count++;
    }
    return count;
  }

  lagSeconds(replica: Replica): number {
    return Math.floor((this.host.nowMs() - replica.acknowledgedMs) / 1000);
  }

  /** Address and port of a replica, as it announced them. */
  describe(replica: Replica): string {
    return `${this.addressOf(replica)}:${replica.handshake.listeningPort}`;
  }

  addressOf(replica: Replica): string {
    if (replica.handshake.address !== "") return replica.handshake.address;
    return replica.connection.remoteAddress.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  }

  /** Begins snapshots that are due. Called whenever a replica asks, and regularly. */
  tick(): void {
    const { host } = this;
    const waiting = [...this.replicas].filter((replica) => replica.state === "wait_start");
    if (waiting.length === 0 || host.snapshotRunning() || host.nowMs() < this.#retryAtMs) return;
    const { diskless, disklessDelaySeconds, disklessMaxReplicas } = host.settings();
    const toSockets = diskless && waiting.every((replica) => replica.handshake.readsMarks);
    if (toSockets) {
      const longestMs = host.nowMs() - Math.min(...waiting.map((replica) => replica.waitsSinceMs));
      const enough = disklessMaxReplicas > 0 && waiting.length >= disklessMaxReplicas;
      if (longestMs < disklessDelaySeconds * 1000 && !enough) return;
    }
    this.#synchroniseAll(waiting, toSockets);
  }

  /** Regular work: time-outs, keep-alives, the end of an unused backlog. Once a second. */
  everySecond(): void {
    const { host } = this;
    const { timeoutSeconds, backlogTtlSeconds } = host.settings();
    for (const replica of [...this.replicas]) {
      const waits = replica.state === "wait_start" || replica.awaitsFile;
      if (waits && !replica.isOld) replica.connection.deliver(NEWLINE, 0, 1);
      if (!replica.isInStep) this.#checkLimit(replica);
      if (replica.state === "online" && !replica.isOld && this.lagSeconds(replica) > timeoutSeconds) {
        host.log("warning", `Disconnecting timedout replica (streaming sync): ${this.describe(replica)}`);
        replica.connection.drop();
      }
    }
    const unusedMs = host.nowMs() - this.#noReplicasSinceMs;
    if (this.replicas.size === 0 && backlogTtlSeconds > 0 && unusedMs > backlogTtlSeconds * 1000) {
      this.onBacklogUnused();
    }
    this.#letGoOfFile();
    this.tick();
  }

  /** Tells when all who waited for a file have it. */
  #letGoOfFile(): void {
    const file = this.#file;
    if (file === null) return;
    for (const replica of this.replicas) if (replica.state !== "online") return;
    this.#file = null;
    this.host.fileServed(file.path, file.madeMs);
  }

  /** The stream has come to `pausesAtOffset`: whoever has set that wants to know. */
  pausesAtOffset = Infinity;
  onPauseReached: () => void = () => {};

  /** The backlog has not been needed for `repl-backlog-ttl`; set by the composition. */
  onBacklogUnused: () => void = () => {};

  #drop(replica: Replica, reason: string): void {
    this.host.log("warning", `Disconnecting replica ${this.describe(replica)}: ${reason}`);
    replica.connection.drop();
  }

  async #synchroniseAll(replicas: Replica[], toSockets: boolean): Promise<void> {
    const { host } = this;
    const names = replicas.map((replica) => this.describe(replica)).join(", ");
    host.log("notice", `Starting BGSAVE for SYNC with target: ${toSockets ? "replicas sockets" : "disk"} (${names})`);
    this.#syncing = replicas;
    this.#syncsToSockets = toSockets;
    const mark = randomId();
    const files = host.rdbPath();
    const target: SnapshotTarget = toSockets
      ? { kind: "stream", onBytes: (bytes) => this.#sendToAll(replicas, bytes) }
      : { kind: "file", ...files };
    try {
      await host.takeSnapshot(target, () => this.#announce(replicas, toSockets ? mark : null));
    } catch (error) {
      if (this.#syncing === replicas) this.#syncing = [];
      if (replicas.every((replica) => replica.gone)) return;
      host.log("warning", `SYNC failed: ${systemErrorText(error)}`);
      if (!(error instanceof SnapshotAbortedError)) this.#retryAtMs = host.nowMs() + RETRY_MS;
      for (const replica of replicas) if (!replica.gone) replica.connection.drop();
      return;
    }
    this.#syncing = [];
    if (!toSockets) this.#file = { path: files.path, madeMs: host.nowMs() };
    if (toSockets) {
      const left = replicas.filter((replica) => !replica.gone).length;
      host.log("warning", `Diskless rdb transfer, done reading from pipe, ${left} replicas still up.`);
      const end = encodeLatin1(mark);
      await this.#sendToAll(replicas, end);
      for (const replica of replicas) this.#finish(replica, true);
      return this.tick();
    }
    await Promise.all(replicas.map((replica) => this.#sendFile(replica, files.path)));
    this.tick();
  }

  /** At the snapshot's point in time: tells the replicas where the stream goes on after it. */
  #announce(replicas: readonly Replica[], mark: string | null): void {
    const { host } = this;
    host.forgetSelected();
    for (const replica of replicas) {
      replica.initialOffset = host.stream.offset;
      if (!replica.rdbOnly) {
        replica.waitFrom(host.stream.end, host.stream.offset);
        replica.syncingSinceMs = host.nowMs();
      }
      this.#tellOffset(replica, mark);
    }
    host.replicasChanged();
  }

  /** Tells a replica at which offset its snapshot stands, and, if that is not a file, the mark at its end. */
  #tellOffset(replica: Replica, mark: string | null): void {
    replica.state = "wait_end";
    replica.awaitsFile = mark === null;
    let text = replica.isOld ? "" : `+FULLRESYNC ${this.host.stream.id} ${replica.initialOffset}\r\n`;
    if (mark !== null) text += `$EOF:${mark}\r\n`;
    const bytes = encodeLatin1(text);
    replica.connection.deliver(bytes, 0, bytes.length);
  }

  /** Sends a piece of the snapshot to those that are still there; resolves when all can take more. */
  async #sendToAll(replicas: readonly Replica[], bytes: Uint8Array): Promise<void> {
    for (const replica of replicas) if (!replica.gone) replica.connection.deliver(bytes, 0, bytes.length);
    await Promise.all(replicas.map((replica) => this.#hasRoom(replica)));
  }

  async #hasRoom(replica: Replica): Promise<void> {
    let sinceMs = monotonicMs();
    let before = replica.connection.outputBytes;
    while (!replica.gone && replica.connection.outputBytes > WINDOW_BYTES) {
      await sleep(POLL_MS);
      const now = replica.connection.outputBytes;
      if (now < before) sinceMs = monotonicMs();
      before = now;
      if (monotonicMs() - sinceMs > this.host.settings().timeoutSeconds * 1000) {
        this.host.log("warning", `Disconnecting timedout replica (full sync): ${this.describe(replica)}`);
        replica.connection.drop();
      }
    }
  }

  /** Sends a replica the snapshot's file; one that cannot be read, to its end or at all, costs the replica its link. */
  async #sendFile(replica: Replica, path: string): Promise<void> {
    try {
      const file = files().open(path, "read");
      try {
        await this.#sendFrom(file, files().stat(path).bytes, replica);
      } finally {
        files().close(file);
      }
    } catch (error) {
      return this.#drop(replica, `the snapshot cannot be read: ${systemErrorText(error)}`);
    }
    this.#finish(replica, false);
  }

  async #sendFrom(file: number, bytes: number, replica: Replica): Promise<void> {
    replica.awaitsFile = false;
    replica.state = "send_bulk";
    this.host.replicasChanged();
    const header = encodeLatin1(`$${bytes}\r\n`);
    replica.connection.deliver(header, 0, header.length);
    const chunk = new Uint8Array(FILE_CHUNK_BYTES);
    for (;;) {
      const length = files().read(file, chunk, 0, chunk.length);
      if (length === 0 || replica.gone) break;
      replica.connection.deliver(chunk, 0, length);
      await this.#hasRoom(replica);
    }
  }

  /** The snapshot has gone out: from here on the replica follows the stream. */
  #finish(replica: Replica, awaitsAcknowledgement: boolean): void {
    if (replica.gone) return;
    if (replica.rdbOnly) return replica.connection.end();
    replica.awaitsFile = false;
    replica.state = "online";
    replica.acknowledgedMs = this.host.nowMs();
    // After a mark in place of a length, a replica cannot tell the snapshot's end from what follows at once.
    replica.awaitsAcknowledgement = awaitsAcknowledgement;
    if (!awaitsAcknowledgement) void this.#catchUp(replica);
    this.host.log("notice", `Synchronization with replica ${this.describe(replica)} succeeded`);
    this.host.replicasChanged();
  }
}

const NEWLINE = Uint8Array.of(10);
