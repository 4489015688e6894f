/**
 * This server's place in the replication: which role it has, how it comes to another, and the stream that lasts through
 * all of them. Those below it are in replicas.ts, the link to the one above in primary_link.ts, and how the role is handed
 * from the one to the other in failover.ts.
 */

import { FAILING_OVER } from "../../commands/errors.ts";
import type { Config } from "../../config/config.ts";
import type { LoadResult } from "../../persistence/load.ts";
import type { RdbInfo } from "../../persistence/rdb_writer.ts";
import type { PrimarySide } from "../../replication/primary.ts";
import type { ReplicaSide } from "../../replication/replica.ts";
import { ReplicationStream } from "../../replication/stream.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_STALE } from "../execution/gates.ts";
import type { KeyWaiters } from "../execution/key_waiters.ts";
import type { Propagation } from "../execution/propagation.ts";
import type { Log } from "../program/log.ts";
import type { Cron } from "./cron.ts";
import { Failover, type FailoverHost } from "./failover.ts";
import type { Phase } from "./phase.ts";
import { PrimaryLink, type PrimaryLinkHost } from "./primary_link.ts";
import { Replicas, type ReplicasHost } from "./replicas.ts";
import type { Saving } from "./saving.ts";
import type { WriteGate } from "./write_gate.ts";

/** What the role needs of the server. */
export interface RoleHost {
  readonly config: Config;
  readonly cron: Pick<Cron, "every" | "tasks">;
  readonly dispatcher: Pick<Dispatcher, "onStrayWrite" | "setGate">;
  readonly log: Pick<Log, "notice" | "role" | "warning">;
  readonly phase: Pick<Phase, "setRole">;
  readonly propagation: Pick<Propagation, "forgetSelected" | "relays" | "selectedDatabase" | "settle">;
  readonly saving: Pick<Saving, "describeReplication">;
  readonly waiters: Pick<KeyWaiters, "endAll">;
  readonly writeGate: Pick<WriteGate, "refresh">;
}

/** This server's role. */
export class Replication {
  readonly stream = new ReplicationStream();
  readonly replicas: Replicas;
  readonly link: PrimaryLink;
  readonly failover: Failover;
  /** Whether the place in the primary's stream is that of the file which was loaded: the link has not been up since. */
  #isAsLoaded = false;
  /** Its two sides, as commands and reports see them. */
  readonly primary: PrimarySide;
  readonly replica: ReplicaSide;

  constructor(readonly server: RoleHost & ReplicasHost & PrimaryLinkHost & FailoverHost) {
    const { config, cron, saving } = server;
    this.replicas = new Replicas(server, this.stream);
    this.failover = new Failover(server, this.stream, this.replicas, {
      isReplica: () => this.isReplica,
      follow: (host, port) => this.#becomeReplica(host, port),
      takeBack: () => this.#becomePrimary(),
    });
    this.link = new PrimaryLink(server, this.stream, this.replicas, this.failover, () => this.#roleChanged());
    this.primary = this.replicas.side;
    this.replica = this.link.side;
    saving.describeReplication = () => this.#describe();
    cron.tasks.push(() => {
      if (cron.every(1000)) this.#everySecond();
      else if (cron.every(100)) this.primary.tick();
    });
    server.dispatcher.onStrayWrite = () => this.#strayed();
    config.onChange("replica-serve-stale-data", () => this.#roleChanged());
    config.onChange("replica-read-only", () => this.#roleChanged());
  }

  get isReplica(): boolean {
    return this.replica.primary !== null;
  }

  /** More of the stream is durable here. */
  logSynced(): void {
    this.replicas.logSynced();
    this.link.logSynced();
  }

  /** A client is gone: if it was a part of the replication, that ends. */
  clientGone(client: ClientSession): void {
    if (client.replica !== null) this.primary.forget(client.replica);
    if (this.link.is(client)) this.link.clientGone(client);
  }

  #everySecond(): void {
    this.link.everySecond();
    this.replicas.everySecond();
  }

  // --- At the start ---------------------------------------------------------------------------------------------------

  /**
   * To be called before the data is loaded: the role that the configuration names decides whose keys expire. A primary
   * puts the end of those that have expired meanwhile into its stream, so that its replicas can continue.
   */
  beginLoading(): void {
    const isReplica = this.server.config.list("replicaof").length > 0;
    this.server.phase.setRole(isReplica, false);
    if (!isReplica) this.replicas.keepStream();
  }

  /** Takes the role that the configuration names. `loaded` tells of the data set that was there. */
  begin(loaded: LoadResult | null): void {
    const [host, port] = this.server.config.list("replicaof");
    const id = loaded?.aux.get("repl-id");
    const offset = Number(loaded?.aux.get("repl-offset") ?? NaN);
    if (id !== undefined && Number.isSafeInteger(offset)) this.#resume(id, offset, host !== undefined, loaded);
    else if (host === undefined) this.replicas.forgetStream(); // nobody can continue what has no beginning
    if (host !== undefined) {
      this.#follow(host, Number(port));
      this.link.guard.follows(this.stream.id); // as before, it is to be taken: nobody has ordered it since
    }
    this.#roleChanged();
  }

  /** Continues the stream of which the data set that was loaded is a part. */
  #resume(id: string, offset: number, asReplica: boolean, loaded: LoadResult | null): void {
    if (!asReplica) return this.stream.continueAfter(id, offset);
    this.stream.adopt(id, offset);
    this.#isAsLoaded = true;
    this.link.mayContinue(Number(loaded?.aux.get("repl-stream-db") ?? 0));
  }

  // --- Changes of the role --------------------------------------------------------------------------------------------

  /** `REPLICAOF host port`: whether that is new. */
  follow(host: string, port: number, by: string): boolean {
    const current = this.replica.primary;
    if (current !== null && current.host === host && current.port === port) return false;
    this.#becomeReplica(host, port);
    this.server.log.notice(`REPLICAOF ${host}:${port} enabled (user request from '${by}')`);
    return true;
  }

  /** `REPLICAOF ACCEPT id`: the stream that is held up may replace the data. The error to reply with, or null. */
  accept(id: string, by: string): string | null {
    const refusal = this.link.accept(id);
    if (refusal === null) this.server.log.notice(`REPLICAOF ACCEPT ${id} (user request from '${by}')`);
    return refusal;
  }

  /** Becomes a replica, or another's. */
  #becomeReplica(host: string, port: number): void {
    const { config, log, propagation } = this.server;
    propagation.settle(true); // what was written until now was a primary's
    config.assign("replicaof", [host, String(port)]);
    if (!this.isReplica) {
      // What this server has written itself may be a part of the new primary's past: worth a question.
      this.replicas.keepStream();
      this.link.mayContinue(propagation.selectedDatabase);
      log.notice("Before turning into a replica, using my own master parameters to synthesize a cached master");
    }
    this.#follow(host, port);
  }

  /** The data is no moment of the stream any more, nor of the primary's: all is to come anew. */
  #strayed(): void {
    this.stream.changeId();
    this.server.log.warning(
      "A transaction has written behind its REPLICAOF. That is in no primary's stream: asking for all anew",
    );
  }

  /**
   * Follows a primary. The stream so far, and the replicas that follow it, are kept until it is known that the new primary
   * cannot continue it: they may be none the worse for the change.
   */
  #follow(host: string, port: number): void {
    this.link.cut();
    this.replicas.endWaiting();
    this.server.waiters.endAll();
    this.replica.follow({ host, port });
  }

  /**
   * `PSYNC id offset FAILOVER`: the primary, which has come to `offset`, hands its role over to this replica. `by` is who
   * asks. The error to reply with, or null; the primary's own synchronisation follows.
   */
  takeOver(id: string, offset: number | null, by: string): string | null {
    const { log } = this.server;
    log.warning(`Failover request received for replid ${id}.`);
    if (!this.isReplica) return "ERR PSYNC FAILOVER can't be sent to a master.";
    if (this.failover.isUnderWay) return FAILING_OVER; // the role is about to be this server's no longer
    if (id.toLowerCase() !== this.stream.id) return "ERR PSYNC FAILOVER replid must match my replid.";
    // The one that was chosen had all; started again since, it has what its disk has. The primary goes on then.
    if (this.#isAsLoaded && Number(offset) > this.stream.offset + 1) {
      return "ERR PSYNC FAILOVER offset is beyond what I have loaded.";
    }
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
    const { appendOnly, config, log, propagation } = this.server;
    const { stream } = this;
    config.assign("replicaof", ["no", "one"]);
    this.link.cut();
    this.replica.follow(null);
    stream.shiftId();
    log.notice(
      `Setting secondary replication ID to ${stream.secondId}, valid up to offset: ${stream.secondOffset}. ` +
        `New replication ID is ${stream.id}`,
    );
    this.primary.dropAll();
    this.primary.expectReplicas();
    this.replica.canContinue = false;
    propagation.forgetSelected();
    this.replicas.keepStream();
    this.#roleChanged();
    appendOnly.resume(); // a snapshot that was given up in the middle may have left it off
  }

  /** The role is another, or the link is up or down: sets the gates by which commands are refused, and the log's role. */
  #roleChanged(): void {
    const { isReplica } = this;
    const { config, dispatcher, log, phase, propagation, writeGate } = this.server;
    if (!isReplica || this.replica.state === "connected") this.#isAsLoaded = false;
    propagation.relays = isReplica;
    phase.setRole(isReplica, !config.flag("replica-read-only"));
    const isStale = isReplica && this.replica.state !== "connected" && !config.flag("replica-serve-stale-data");
    dispatcher.setGate(GATE_STALE, isStale);
    log.role = isReplica ? "S" : "M";
    writeGate.refresh();
  }

  /** Where the stream stands, for the RDB file. */
  #describe(): RdbInfo["replication"] {
    const { isReplica, stream } = this;
    if (!stream.hasBacklog && !isReplica) return undefined;
    const { selectedDatabase } = isReplica ? this.link : this.server.propagation;
    return { database: selectedDatabase, id: stream.id, offset: stream.offset };
  }
}
