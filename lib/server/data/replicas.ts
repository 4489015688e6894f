/**
 * The replicas of this server, as the server has them: clients that ask for synchronisation, snapshots taken for them, the
 * stream that they are fed, and what they have acknowledged. `replication/primary.ts` does the work.
 */

import { NOT_INTEGER } from "../../commands/errors.ts";
import type { WaitedFor } from "../../commands/client_facets.ts";
import type { Config } from "../../config/config.ts";
import { emptyRdb } from "../../persistence/save.ts";
import { newHandshake, type Replica, type ReplicaConnection } from "../../replication/attached_replica.ts";
import { type PrimarySettings, PrimarySide } from "../../replication/primary.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { Request } from "../../resp/request.ts";
import { unixMs } from "../../runtime/clock.ts";
import type { Store } from "../../store/store.ts";
import { REPLICA } from "../clients/flags.ts";
import type { OutputLimits } from "../clients/output_limits.ts";
import type { Serving } from "../clients/serving.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Listeners } from "../program/listeners.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { Phase } from "./phase.ts";
import type { Saving } from "./saving.ts";
import { removeSyncFile, syncFile } from "./sync_files.ts";
import { Waiting } from "./waiting.ts";
import type { WriteGate } from "./write_gate.ts";
import { WriteSlowdown, type WriteSlowdownHost } from "./write_slowdown.ts";

const PING = Request.of("PING");
const GETACK = Request.of("REPLCONF", "GETACK", "*");

/** What replicas need of the server. */
export interface ReplicasHost extends WriteSlowdownHost {
  /** The append-only file: offset of the stream up to which it is durable, -1 where it is not written. */
  readonly appendOnly: { readonly durableOffset: number };
  readonly config: Config;
  readonly listeners: Pick<Listeners, "network"> | null;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly outputLimits: Pick<OutputLimits, "exceeded" | "of">;
  readonly phase: Pick<Phase, "isReplica">;
  readonly propagation: Pick<Propagation, "forgetSelected" | "setReplicas" | "tellReplicas">;
  readonly saving: Pick<
    Saving,
    "describe" | "lastAskedMs" | "mayBegin" | "path" | "snapshotter" | "takeSnapshot" | "writeOptions"
  >;
  readonly serving: Pick<Serving, "closeSoon">;
  readonly statistics: Pick<
    Statistics,
    "syncFull" | "syncPartialError" | "syncPartialOk" | "syncSlowedMs" | "syncSlowedWrites"
  >;
  readonly store: Store;
  readonly writeGate: Pick<WriteGate, "refresh">;
}

/** Those who follow this server. */
export class Replicas {
  readonly side: PrimarySide;
  readonly slowdown: WriteSlowdown;
  readonly #waiting: Waiting;
  /** Seconds that the server has run. */
  #seconds = 0;

  constructor(readonly server: ReplicasHost, readonly stream: ReplicationStream) {
    const { config, log, outputLimits, propagation, saving, store } = server;
    this.side = new PrimarySide({
      stream,
      log: (level, message) => log[level](message),
      nowMs: unixMs,
      atEndOfTurn: (sender) => {
        if (server.listeners === null) queueMicrotask(() => sender.send()); // nor is there anybody who waits for it
        else server.listeners.network.atEndOfTurn(sender);
      },
      settings: () => settingsOf(config),
      outputLimit: () => outputLimits.of("replica"),
      slowsWriters: () => config.number("repl-sync-max-write-delay") > 0,
      snapshotRunning: () => !saving.mayBegin,
      takeSnapshot: (target, atStart) => saving.takeSnapshot(target, atStart),
      abortSnapshot: () => saving.snapshotter.abort(),
      emptySnapshot: (withFunctions) => {
        const info = saving.describe();
        return emptyRdb(store, withFunctions ? info : { ...info, functions: [] }, saving.writeOptions);
      },
      keepsSnapshots: () => config.savePoints.length > 0,
      rdbPath: () => ({ path: saving.path, temporary: syncFile(config, "repl") }),
      fileServed: (path, madeMs) => {
        const reason = "Removing the RDB file used to feed replicas in a persistence-less instance";
        if (saving.lastAskedMs < madeMs) removeSyncFile(server, path, reason);
      },
      forgetSelected: () => propagation.forgetSelected(),
      replicasChanged: () => this.#changed(),
      countSync: (kind) => this.#countSync(kind),
    });
    this.side.onBacklogUnused = () => this.#dropBacklog();
    this.slowdown = new WriteSlowdown(server, this.side, stream);
    this.#waiting = new Waiting(this.side, {
      durableOffset: () => server.appendOnly.durableOffset,
      askForAcknowledgements: () => this.askForAcknowledgements(),
    });
    config.onChange("repl-backlog-size", () => stream.resizeBacklog(config.number("repl-backlog-size")));
  }

  /** Whether there are fewer good ones than `min-replicas-to-write` asks for. */
  get areTooFew(): boolean {
    const { config, phase } = this.server;
    const wanted = config.number("min-replicas-to-write");
    const lag = config.number("min-replicas-max-lag");
    return wanted > 0 && lag > 0 && !phase.isReplica && this.side.goodReplicas(lag) < wanted;
  }

  everySecond(): void {
    const { config, phase, propagation, writeGate } = this.server;
    this.side.everySecond();
    writeGate.refresh();
    const isDue = ++this.#seconds % config.number("repl-ping-replica-period") === 0;
    if (isDue && !phase.isReplica && this.side.replicas.size > 0) propagation.tellReplicas(PING);
  }

  // --- The stream -----------------------------------------------------------------------------------------------------

  /** Makes sure that the stream is kept, and fed. */
  keepStream(): void {
    this.stream.createBacklog(this.server.config.number("repl-backlog-size"));
    this.server.propagation.setReplicas(this.side);
  }

  /** Keeps the stream no longer. */
  forgetStream(): void {
    this.stream.dropBacklog();
    this.server.propagation.setReplicas(null);
  }

  #dropBacklog(): void {
    const { config, log, phase } = this.server;
    if (!this.stream.hasBacklog || phase.isReplica) return;
    const seconds = config.number("repl-backlog-ttl");
    log.notice(`Replication backlog freed after ${seconds} seconds without connected replicas.`);
    this.forgetStream();
    this.stream.changeId();
  }

  #changed(): void {
    if (this.stream.hasBacklog) this.keepStream();
    this.server.writeGate.refresh();
    this.slowdown.refresh();
  }

  #countSync(kind: "full" | "partial" | "refused"): void {
    const { statistics } = this.server;
    if (kind === "full") statistics.syncFull++;
    else if (kind === "partial") statistics.syncPartialOk++;
    else statistics.syncPartialError++;
  }

  // --- What they ask and say ------------------------------------------------------------------------------------------

  /** `PSYNC id offset`, or SYNC (no id), from a client. The error to reply with, or null. */
  synchronise(client: ClientSession, id: string | null, offset: number | null): string | null {
    const { log, outputLimits, serving } = this.server;
    if (client.replica !== null) return null;
    if (offset === null) {
      log.warning(`Replica ${client.remoteAddress} asks for synchronization but with a wrong offset`);
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
      stream: (bytes, start, end) => client.connection.stream(bytes, start, end),
      drop: () => serving.closeSoon(client),
      dropAsFull: () => outputLimits.exceeded(client),
      end: () => {
        client.connection.flushOutput();
        client.close();
      },
    };
    client.handshake ??= newHandshake();
    client.replica = this.side.synchronise(connection, client.handshake, id, offset);
    return null;
  }

  acknowledge(replica: Replica, offset: number, syncedOffset: number): void {
    this.side.acknowledge(replica, offset, syncedOffset);
    this.#waiting.progressed();
    this.onAcknowledged();
  }

  /** More of the stream is durable here. */
  logSynced(): void {
    this.#waiting.progressed();
  }

  /** The log is written no more. */
  logEnded(): void {
    this.#waiting.logEnded();
  }

  /** A replica has said how far it is; set by the failover. */
  onAcknowledged: () => void = () => {};

  /** Has replicas say at once how far they are: each acknowledges what stands before the question. */
  askForAcknowledgements(): void {
    this.server.propagation.tellReplicas(GETACK);
  }

  /** WAIT and WAITAOF: blocks the client until what it wrote is where it is wanted, or the time is up. */
  wait(
    client: ClientSession,
    wanted: WaitedFor,
    timeoutMs: number,
    write: (local: number, replicas: number) => void,
  ): void {
    const offset = Math.min(client.writeOffset, this.stream.offset);
    this.#waiting.wait(client, offset, wanted, timeoutMs, write);
  }

  /** The server becomes a replica: ends the wait of those who wait for acknowledgements. */
  endWaiting(): void {
    this.#waiting.endAll();
  }
}

function settingsOf(config: Config): PrimarySettings {
  return {
    diskless: config.flag("repl-diskless-sync"),
    disklessDelaySeconds: config.number("repl-diskless-sync-delay"),
    disklessMaxReplicas: config.number("repl-diskless-sync-max-replicas"),
    timeoutSeconds: config.number("repl-timeout"),
    backlogBytes: config.number("repl-backlog-size"),
    backlogTtlSeconds: config.number("repl-backlog-ttl"),
  };
}
