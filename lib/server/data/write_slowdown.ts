/**
 * Slows writers down while a replica is synchronised by a snapshot. What is written meanwhile waits for the replica, and where
 * that passes its output buffer limit the replica is dropped, asks anew, and would be dropped again for as long as the writers
 * go on like that.
 *
 * The room that is left is shared out over as much time again as the synchronisation has taken so far: the stream may grow by
 * room / elapsed. However long it lasts, the limit is not reached that way, as the room shrinks no faster than 1 / elapsed;
 * and writers that need less than their share are not slowed at all. Within a slice they go on until the stream has grown by
 * their share, and then wait, in the order in which they came, but each write no longer than `repl-sync-max-write-delay`: who
 * has very many writers waits for them all rather than for ever.
 */

import type { Config } from "../../config/config.ts";
import type { PrimarySide } from "../../replication/primary.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import { startTimer } from "../../runtime/timers.ts";
import { POSTPONED } from "../clients/flags.ts";
import type { OutputLimits } from "../clients/output_limits.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_SLOWED } from "../execution/gates.ts";
import type { Log } from "../program/log.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { Phase } from "./phase.ts";

/** How often the share of the writers is reckoned anew, in ms. */
const SLICE_MS = 10;
/** Until so much of the limit waits, one part in, nobody is slowed down. */
const UNHINDERED_SHARE = 8;
/** No synchronisation counts as younger than that, in ms: it may write much at once. */
const LEAST_ELAPSED_MS = 1000;

/** What the slowdown needs of the server. */
export interface WriteSlowdownHost {
  readonly config: Config;
  readonly dispatcher: Pick<Dispatcher, "isSlowed" | "setGate">;
  readonly log: Pick<Log, "notice" | "warning">;
  readonly outputLimits: Pick<OutputLimits, "of">;
  readonly phase: Pick<Phase, "isReplica">;
  /** Clients whose requests wait, for whatever reason. */
  readonly postponed: Set<ClientSession>;
  readonly statistics: Pick<Statistics, "syncSlowedWrites" | "syncSlowedMs">;
  blockedClients: number;
}

export class WriteSlowdown {
  /** By how many bytes a second the stream may grow; 0 where no replica is synchronised. */
  bytesPerSecond = 0;
  /** Writers that wait, in the order in which they came, and since when, in ms. */
  readonly #waiting = new Map<ClientSession, number>();
  /** One that has waited for long enough: its next write is let through. */
  #overdue: ClientSession | null = null;
  #isTicking = false;
  #isHolding = false;
  /** Writes that have waited during the synchronisation under way, and for how long, in ms. */
  #writes = 0;
  #waitedMs = 0;
  #longestMs = 0;

  constructor(readonly server: WriteSlowdownHost, readonly side: PrimarySide, readonly stream: ReplicationStream) {
    server.dispatcher.isSlowed = (client) => this.#waits(client);
    side.onPauseReached = () => this.#hold(true);
  }

  /** Replicas have come, gone, or got further: takes up its work where there is some. */
  refresh(): void {
    if (this.#isTicking || this.#limited() === null) return;
    this.#isTicking = true;
    this.#tick();
  }

  /** The replica for which most waits of those that are synchronised, and how much may; null where nobody is to be slowed. */
  #limited() {
    const { config, outputLimits, phase } = this.server;
    const { hardBytes, softBytes } = outputLimits.of("replica");
    const limitBytes = hardBytes || softBytes;
    if (phase.isReplica || limitBytes === 0 || config.number("repl-sync-max-write-delay") === 0) return null;
    const replica = this.side.syncing;
    return replica === null ? null : { replica, limitBytes };
  }

  #tick = (): void => {
    const limited = this.#limited();
    if (limited === null) return this.#end();
    const { replica, limitBytes } = limited;
    const elapsedMs = Math.max(LEAST_ELAPSED_MS, this.side.host.nowMs() - replica.syncingSinceMs);
    this.bytesPerSecond = Math.floor((Math.max(0, limitBytes - replica.behindBytes) * 1000) / elapsedMs);
    const share = (this.bytesPerSecond * SLICE_MS) / 1000;
    const { side, stream } = this;
    // A share that was not used is lost; what was written beyond one, as requests come in batches, is taken off the next ones.
    const unhindered = limitBytes / UNHINDERED_SHARE - replica.behindBytes;
    side.pausesAtOffset = Math.max(
      Math.min(side.pausesAtOffset, stream.offset) + share,
      stream.offset + unhindered,
    );
    this.#hold(stream.offset > side.pausesAtOffset);
    this.#letGo();
    startTimer(this.#tick, SLICE_MS);
  };

  /** Nobody is synchronised any more. */
  #end(): void {
    this.#isTicking = false;
    this.bytesPerSecond = 0;
    this.side.pausesAtOffset = Infinity;
    this.#hold(false);
    this.#letGo();
    if (this.#writes > 0) {
      this.server.log.notice(
        `Writers are slowed down no more: ${this.#writes} writes have waited, ${
          (this.#waitedMs / this.#writes).toFixed(1)
        } ms on average, ${this.#longestMs.toFixed(1)} ms at most`,
      );
    }
    this.#writes = this.#waitedMs = this.#longestMs = 0;
  }

  #hold(isHolding: boolean): void {
    if (this.#isHolding === isHolding) return;
    this.#isHolding = isHolding;
    this.server.dispatcher.setGate(GATE_SLOWED, isHolding);
  }

  /** Whether a write that a client asks for has to wait; it is postponed then. */
  #waits(client: ClientSession): boolean {
    if (client === this.#overdue) {
      this.#overdue = null;
      return false;
    }
    if (!this.#waiting.has(client)) {
      if (this.#writes === 0) this.#tell();
      this.#writes++;
      this.server.statistics.syncSlowedWrites++;
      this.#waiting.set(client, monotonicMs());
    }
    return true;
  }

  #tell(): void {
    const limited = this.#limited();
    if (limited === null) return;
    const { replica, limitBytes } = limited;
    this.server.log.warning(
      `Slowing writers down: ${replica.behindBytes} bytes wait for replica ${
        this.side.describe(replica)
      }, which is being ` +
        `synchronised, of at most ${limitBytes}`,
    );
  }

  /** Has those go on who have waited, the first of them first, until writers have to wait again. */
  #letGo(): void {
    const { server } = this;
    const nowMs = monotonicMs();
    const longestMs = server.config.number("repl-sync-max-write-delay");
    for (const [client, sinceMs] of this.#waiting) {
      const waitedMs = nowMs - sinceMs;
      if (this.#isHolding) {
        if (waitedMs < longestMs) return;
        this.#overdue = client;
      }
      this.#waiting.delete(client);
      this.#waitedMs += waitedMs;
      this.#longestMs = Math.max(this.#longestMs, waitedMs);
      server.statistics.syncSlowedMs += waitedMs;
      if (!server.postponed.delete(client)) continue; // it is gone
      server.blockedClients--;
      client.connection.proceed(POSTPONED);
      this.#overdue = null;
    }
  }
}
