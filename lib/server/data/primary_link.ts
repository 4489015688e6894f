/**
 * The link to this server's primary, as the server has it: the connection that it opens, the snapshot that it receives,
 * and the client that applies the stream. `replication/replica.ts` does the work.
 */

import type { Config } from "../../config/config.ts";
import type { Socket } from "../../net/socket.ts";
import { PrimaryGuard } from "../../replication/primary_guard.ts";
import { type Handover, type ReplicaSettings, ReplicaSide } from "../../replication/replica.ts";
import {
  FileReceiver,
  type ReceivingStore,
  type SnapshotReceiver,
  SwapReceiver,
} from "../../replication/snapshot_receiver.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { Request } from "../../resp/request.ts";
import { unixMs } from "../../runtime/clock.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import { countLiveKeys } from "../../store/live_keys.ts";
import type { Admission } from "../clients/admission.ts";
import { PRIMARY } from "../clients/flags.ts";
import type { Serving } from "../clients/serving.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Changes } from "../execution/changes.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Listeners } from "../program/listeners.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { AppendOnly } from "./append_only.ts";
import type { Phase } from "./phase.ts";
import { ReadingPace } from "./reading_pace.ts";
import type { Replicas } from "./replicas.ts";
import type { Saving } from "./saving.ts";
import { removeSyncFile, syncFile } from "./sync_files.ts";

/** What the link needs of the server. */
export interface PrimaryLinkHost {
  readonly admission: Pick<Admission, "addClient">;
  readonly appendOnly: Pick<AppendOnly, "durableOffset" | "resume" | "suspend">;
  readonly changes: Pick<Changes, "flush" | "replaced">;
  readonly config: Config;
  readonly keyspace: Keyspace;
  readonly listeners: Pick<Listeners, "network"> | null;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly phase: Pick<Phase, "setAsyncLoading" | "setLoading">;
  readonly propagation: Pick<Propagation, "relay">;
  readonly scripting: { ended(): Promise<void> };
  readonly saving: Pick<Saving, "path" | "readOptions" | "snapshotter">;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly statistics: Pick<Statistics, "replicationInputBytes">;
}

/** The link to whom this server follows, if it does. */
export class PrimaryLink {
  readonly side: ReplicaSide;
  /** Keeps the data from a primary that has lost its own. */
  readonly guard: PrimaryGuard;
  /** The client that applies the stream, while there is one. */
  #client: ClientSession | null = null;
  /** What it has received of a transaction that is not complete. */
  #transaction: Uint8Array[] = [];
  /** The input of which `[#appliedStart, #appliedEnd)` has been applied, and not gone on to those below; null: all has. */
  #applied: Uint8Array | null = null;
  #appliedStart = 0;
  #appliedEnd = 0;
  readonly #pace = new ReadingPace();
  /** Database that the stream had selected when the client was lost, or at the point in time of the snapshot since. */
  #selectedDatabase = 0;
  /** Bytes that had come when that was looked at last. */
  #inputBytes = 0;
  /** Whether the primary has asked how far the log is, and was told less than all: it is told again. */
  #owesSynced = false;

  /** `onChanged` is told that the link is up, or down. */
  constructor(
    readonly server: PrimaryLinkHost,
    readonly stream: ReplicationStream,
    readonly replicas: Replicas,
    handover: Handover,
    onChanged: () => void,
  ) {
    const { config, keyspace, log } = server;
    this.guard = new PrimaryGuard({
      nowMs: unixMs,
      settings: () => ({
        isOn: config.flag("replica-empty-primary-guard"),
        percentage: config.number("replica-empty-primary-percentage"),
      }),
      keys: () => keyspace.databases.reduce((sum, { size }) => sum + size, 0),
      liveKeys: () => countLiveKeys(keyspace),
    });
    this.side = new ReplicaSide({
      stream,
      handover,
      guard: this.guard,
      log: (level, message) => log[level](message),
      nowMs: unixMs,
      settings: () => settingsOf(config),
      connect: (host, port) => this.#connect(host, port),
      receiveSnapshot: (id) => this.#receiveSnapshot(id),
      snapshotLoaded: (selectedDatabase) => void (this.#selectedDatabase = selectedDatabase),
      streamBegins: (socket, rest) => this.#streamBegins(socket, rest),
      identityChanged: () => replicas.side.dropAll(),
      linkChanged: onChanged,
    });
    config.onChange("replica-empty-primary-guard", () => this.#reconsider());
    config.onChange("replica-empty-primary-percentage", () => this.#reconsider());
  }

  /** `REPLICAOF ACCEPT id`: the stream that is held up may replace the data. The error to reply with, or null. */
  accept(id: string): string | null {
    const refusal = this.guard.accept(id);
    if (refusal === null) this.side.retry();
    return refusal;
  }

  /** The guard goes by other settings. */
  #reconsider(): void {
    const wasHeldUp = this.guard.held !== null;
    this.guard.reconsider();
    if (wasHeldUp) this.side.retry();
  }

  /** Database that the stream has selected. */
  get selectedDatabase(): number {
    return this.#client?.database.index ?? this.#selectedDatabase;
  }

  /** Whether this is the client that applies the stream. */
  is(client: ClientSession): boolean {
    return client === this.#client;
  }

  /** The primary to come may continue the stream as it is, with this database selected. */
  mayContinue(selectedDatabase: number): void {
    this.side.canContinue = true;
    this.#selectedDatabase = Math.max(0, selectedDatabase);
  }

  /** Cuts the link, so that it can be continued elsewhere. */
  cut(): void {
    const client = this.#client;
    if (client === null) return;
    this.passOn();
    this.#client = null;
    client.flags &= ~PRIMARY;
    this.server.serving.closeSoon(client);
    this.mayContinue(client.database.index);
  }

  /** The client is gone that applied the stream. */
  clientGone(client: ClientSession): void {
    const { log } = this.server;
    const { brokeProtocol, threw } = client.connection;
    this.#client = null;
    this.#selectedDatabase = client.database.index;
    if (brokeProtocol) log.warning("Protocol error in the stream of the master: asking for all anew");
    if (threw) {
      log.warning("The stream of the master could not be applied: asking for all anew");
      // A request may be half done: what is saved until then is no part of the stream, and nobody is to be given it.
      this.stream.changeId();
      this.replicas.side.dropAll();
    }
    this.side.streamEnded(!brokeProtocol && !threw);
  }

  everySecond(): void {
    // A large request takes its time to arrive: that the link is alive shows in its bytes.
    const inputBytes = this.#client?.connection.networkInputBytes ?? 0;
    if (inputBytes !== this.#inputBytes) this.side.lastInputMs = unixMs();
    this.#inputBytes = inputBytes;
    this.side.everySecond();
    this.acknowledge();
  }

  // --- Connecting and receiving ---------------------------------------------------------------------------------------

  async #connect(host: string, port: number): Promise<Socket> {
    const { listeners, config } = this.server;
    if (listeners === null) throw new Error("the network is not open");
    const socket = await listeners.network.connectTcp(host, port, config.text("bind-source-addr"));
    socket.setKeepAlive(config.number("tcp-keepalive"));
    return socket;
  }

  #receiveSnapshot(id: string): SnapshotReceiver {
    const { server, replicas } = this;
    const { changes, config, keyspace, phase, saving } = server;
    const into: ReceivingStore = {
      keyspace,
      readOptions: { ...saving.readOptions, dropExpired: false },
      mayReplace: async (count) => {
        await this.guard.decide(id, count);
        await server.scripting.ended(); // it is in the middle of the data that is to go
      },
      flush: () => {
        server.appendOnly.suspend();
        saving.snapshotter.abort();
        replicas.side.dropAll();
        changes.flush(keyspace.databases);
      },
      replaced: () => {
        changes.replaced();
        server.appendOnly.resume();
      },
      fileRead: (path) => {
        const reason = "Removing the RDB file obtained from the master. This replica has persistence disabled";
        removeSyncFile(server, path, reason);
      },
      setLoading: (isLoading) => phase.setLoading(isLoading),
      setAsyncLoading: (isLoading) => phase.setAsyncLoading(isLoading),
    };
    const mode = config.choice("repl-diskless-load");
    const isEmpty = keyspace.databases.every((database) => database.size === 0);
    if (mode === "swapdb" || (mode === "on-empty-db" && isEmpty)) {
      // The old data is worth serving where it is an earlier state of the primary's, or may be kept.
      return new SwapReceiver(into, mode === "swapdb" && (id === this.stream.id || this.guard.suspects(id)));
    }
    return new FileReceiver(into, syncFile(config, "sync"), saving.path, isEmpty);
  }

  // --- In the stream --------------------------------------------------------------------------------------------------

  /** Makes a client of the link, which applies what comes. */
  #streamBegins(socket: Socket, rest: Uint8Array): void {
    const { admission, keyspace } = this.server;
    this.#transaction = [];
    const client = admission.addClient(socket);
    client.flags |= PRIMARY;
    client.database = keyspace.databases[this.#selectedDatabase];
    this.#client = client;
    this.replicas.keepStream();
    this.acknowledge();
    if (rest.length > 0) client.connection.onData(rest, 0, rest.length);
  }

  /**
   * The client has run the request in `bytes[start, end)`: it belongs to the stream from now on. What was applied before,
   * and stands before it, goes on to those below together with it (`passOn`), which costs as much as one request does.
   */
  applied(bytes: Uint8Array, start: number, end: number, inTransaction: boolean): void {
    if (inTransaction) {
      // A link that is lost within a transaction must continue before it: its offset moves as a whole.
      this.passOn();
      this.server.statistics.replicationInputBytes += end - start;
      this.#transaction.push(bytes.slice(start, end));
      return;
    }
    if (this.#transaction.length > 0) {
      for (const part of this.#transaction.splice(0)) this.server.propagation.relay(part, 0, part.length);
    }
    if (this.#applied !== bytes || this.#appliedEnd !== start) {
      this.passOn();
      this.#applied = bytes;
      this.#appliedStart = start;
    }
    this.#appliedEnd = end;
    this.#pace.ran();
  }

  /** What was read has been run, so many bytes of it. How long reading is to rest, in ms. */
  inputEnds(bytes: number): number {
    this.passOn();
    return this.#pace.restAfter(bytes);
  }

  /** Passes on what has been applied: before the input goes that it stands in, or the offset of the stream is asked for. */
  passOn(): void {
    const bytes = this.#applied;
    if (bytes === null) return;
    this.#applied = null;
    this.side.lastInputMs = unixMs();
    this.server.statistics.replicationInputBytes += this.#appliedEnd - this.#appliedStart;
    this.server.propagation.relay(bytes, this.#appliedStart, this.#appliedEnd);
  }

  /** Offset up to which the stream has come, applied or not. */
  get readOffset(): number {
    const held = this.#transaction.reduce((sum, part) => sum + part.length, 0);
    return this.stream.offset + held + (this.#client?.connection.inputBytes ?? 0);
  }

  /** `REPLCONF GETACK`: the primary asks how far this server is, as somebody waits for that. */
  asked(): void {
    this.#pace.asked();
    this.acknowledge();
  }

  /** Tells the primary how far the stream has been applied, and is durable: when it asks, and once a second. */
  acknowledge(): void {
    if (this.#client === null) return;
    this.passOn();
    const synced = this.server.appendOnly.durableOffset;
    const words = ["REPLCONF", "ACK", String(this.stream.offset)];
    if (synced >= 0) words.push("FACK", String(synced));
    this.#owesSynced = synced >= 0 && synced < this.stream.offset;
    const { bytes } = Request.of(...words);
    this.#client.connection.socket.write(bytes, 0, bytes.length);
  }

  /** More of the stream is durable: whoever waits for it on the primary need not wait for the next second. */
  logSynced(): void {
    if (this.#owesSynced) this.acknowledge();
  }
}

function settingsOf(config: Config): ReplicaSettings {
  const announcedPort = config.number("replica-announce-port");
  return {
    user: config.text("masteruser"),
    password: config.text("masterauth"),
    port: announcedPort > 0 ? announcedPort : config.number("port"),
    announcedAddress: config.text("replica-announce-ip"),
    timeoutSeconds: config.number("repl-timeout"),
  };
}
