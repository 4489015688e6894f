/**
 * FAILOVER: this primary hands its role over to one of its replicas, so that no write is lost. Owned by the replication,
 * which changes the role for it and tells it of acknowledgements; the link to the new primary asks it what to say there.
 *
 * Writes are held up until a replica has the whole stream (`waiting-for-sync`). Then this server follows that replica, and
 * its PSYNC asks the other to take the role over (`failover-in-progress`). When it has, the writes that were held up are
 * refused as on any replica; when it will not, this server is the primary again, and does them. A target that cannot be
 * reached is tried until it can be, or until FAILOVER ABORT: who has asked for it may know better who is to be primary.
 */

import type { FailoverControl, FailoverOrder, FailoverState } from "../../commands/host_facets.ts";
import type { Replica } from "../../replication/attached_replica.ts";
import type { PrimarySide } from "../../replication/primary.ts";
import type { Handover } from "../../replication/replica.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import type { Pausing } from "../clients/pausing.ts";
import type { Log } from "../program/log.ts";
import type { Cron } from "./cron.ts";

/** How often it is asked whether the time is up, or replicas must be asked once more how far they are, in ms. */
const LOOK_EVERY_MS = 100;

/** What a failover needs of the server. */
export interface FailoverHost {
  readonly cron: Pick<Cron, "every" | "tasks">;
  readonly log: Pick<Log, "notice">;
  readonly pausing: Pick<Pausing, "hold" | "letGo">;
}

/** The replicas, as a failover has to do with them. */
export interface FailoverReplicas {
  readonly side: Pick<PrimarySide, "addressOf" | "replicas">;
  /** Has all of them say how far they are. */
  askForAcknowledgements(): void;
  /** Told that one has said so. */
  onAcknowledged: () => void;
}

/** The role that is handed over. */
export interface HandedRole {
  isReplica(): boolean;
  /** Follows the replica that is to take the role. */
  follow(host: string, port: number): void;
  /** Is the primary again. */
  takeBack(): void;
}

/** Hands the role over, on demand. */
export class Failover implements FailoverControl, Handover {
  state: FailoverState = "no-failover";
  /** The replica that is to take the role, as it announced itself; null: whichever is the first to have all. */
  #target: FailoverOrder["target"] = null;
  /** When the wait for it ends, on the monotonic clock. */
  #deadlineMs = Infinity;
  /** Whether it is to take the role then, though it may not have all. */
  #isForced = false;
  /** The offsets before and after the last question to replicas how far they are. */
  #askedFrom = -1;
  #askedTo = -1;

  constructor(
    readonly server: FailoverHost,
    readonly stream: Pick<ReplicationStream, "offset">,
    readonly replicas: FailoverReplicas,
    readonly role: HandedRole,
  ) {
    const { cron } = server;
    cron.tasks.push(() => {
      if (cron.every(LOOK_EVERY_MS)) this.#look();
    });
    replicas.onAcknowledged = () => this.#look();
  }

  get isUnderWay(): boolean {
    return this.state !== "no-failover";
  }

  /** `FAILOVER`: begins, or returns the error to reply with. */
  begin(order: FailoverOrder): string | null {
    const refusal = this.#refusal(order);
    if (refusal !== null) return refusal;
    const { target, timeoutMs, isForced } = order;
    const { log, pausing } = this.server;
    log.notice(`FAILOVER requested to ${nameOf(target)}.`);
    this.#target = target;
    this.#deadlineMs = timeoutMs === null ? Infinity : monotonicMs() + timeoutMs;
    this.#isForced = isForced;
    this.#askedTo = -1;
    this.state = "waiting-for-sync";
    pausing.hold();
    // Not at once: the command may be one of a transaction, whose other commands are a part of the stream still.
    queueMicrotask(() => this.#look());
    return null;
  }

  /** In Redis's order. */
  #refusal({ target, timeoutMs, isForced }: FailoverOrder): string | null {
    if (this.isUnderWay) return "ERR FAILOVER already in progress.";
    if (this.role.isReplica()) return "ERR FAILOVER is not valid when server is a replica.";
    if (this.replicas.side.replicas.size === 0) return "ERR FAILOVER requires connected replicas.";
    if (isForced && (timeoutMs === null || target === null)) {
      return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    }
    if (target === null) return null;
    const candidates = this.#candidates(target);
    if (candidates.length === 0) return "ERR FAILOVER target HOST and PORT is not a replica.";
    if (!candidates.some((replica) => replica.state === "online")) return "ERR FAILOVER target replica is not online.";
    return null;
  }

  /** `FAILOVER ABORT`: whether there was something to abort. */
  abort(): boolean {
    if (!this.isUnderWay) return false;
    this.#giveUp("Failover manually aborted");
    return true;
  }

  // --- While replicas catch up ----------------------------------------------------------------------------------------

  /** Hands over if a replica has all, or the time is up. */
  #look(): void {
    if (this.state !== "waiting-for-sync") return;
    if (monotonicMs() >= this.#deadlineMs) return this.#timeIsUp();
    const replica = this.#candidates(this.#target).find((one) => this.#hasAll(one));
    if (replica === undefined) return this.#ask();
    const { side } = this.replicas;
    this.#target ??= { host: side.addressOf(replica), port: replica.handshake.listeningPort };
    this.server.log.notice(`Failover target ${nameOf(this.#target)} is synced, failing over.`);
    this.#handOver(this.#target);
  }

  #timeIsUp(): void {
    if (!this.#isForced || this.#target === null) return this.#giveUp("Replica never caught up before timeout");
    this.server.log.notice(`FAILOVER to ${nameOf(this.#target)} time out exceeded, failing over.`);
    this.#handOver(this.#target);
  }

  /** Replicas that may take the role: those that are at an address, or all that have told at which they can be reached. */
  #candidates(target: FailoverOrder["target"]): Replica[] {
    const { side } = this.replicas;
    const all = [...side.replicas];
    if (target === null) return all.filter((replica) => replica.handshake.listeningPort > 0);
    const host = target.host.toLowerCase();
    return all.filter((replica) =>
      replica.handshake.listeningPort === target.port && side.addressOf(replica).toLowerCase() === host
    );
  }

  /** Whether a replica has the whole stream. A question at its end it has read when it acknowledges what is before that. */
  #hasAll({ acknowledgedOffset, gone, state }: Replica): boolean {
    if (gone || state !== "online") return false;
    const { offset } = this.stream;
    const from = offset === this.#askedTo ? this.#askedFrom : offset;
    return acknowledgedOffset >= from && acknowledgedOffset <= offset; // more than there is, is nonsense
  }

  /**
   * Has replicas say how far they are, which they do by themselves only once a second: so long no write need wait. Once is
   * enough, unless something went into the stream after that, as PINGs do which keep the links alive.
   */
  #ask(): void {
    if (this.stream.offset === this.#askedTo) return;
    this.#askedFrom = this.stream.offset;
    this.replicas.askForAcknowledgements();
    this.#askedTo = this.stream.offset;
  }

  // --- While the target is asked to take the role ---------------------------------------------------------------------

  #handOver({ host, port }: NonNullable<FailoverOrder["target"]>): void {
    this.state = "failover-in-progress";
    this.role.follow(host, port);
  }

  get isDue(): boolean {
    return this.state === "failover-in-progress";
  }

  accepted(): void {
    if (this.isDue) this.#end();
  }

  refused(): void {
    if (this.isDue) this.#giveUp("Failover target rejected psync request");
  }

  /** It has come to nothing: this server is the primary, still or again. */
  #giveUp(reason: string): void {
    this.server.log.notice(`FAILOVER to ${nameOf(this.#target)} aborted: ${reason}`);
    if (this.isDue) this.role.takeBack();
    this.#end();
  }

  /** The role is as it is to be, and writes go on. */
  #end(): void {
    this.state = "no-failover";
    this.#target = null;
    this.server.pausing.letGo();
  }
}

/** A target as the log has it. */
function nameOf(target: FailoverOrder["target"]): string {
  return target === null ? "any replica" : `${target.host}:${target.port}`;
}
