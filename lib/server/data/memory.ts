/**
 * How much memory the server uses, and for what: read by INFO, MEMORY and eviction.
 *
 * `used_memory` is what the server itself allocates: the arena, the clients' buffers, the replication backlog and what a
 * snapshot under way takes. The last does not count against `maxmemory`, as the pages that Redis copies for its child do
 * not. The runtime's own heap is a figure of its own: it holds no data, and a garbage collector moves it up and down by
 * megabytes, which must neither evict keys nor hide how much they take. The process as a whole is `used_memory_rss`.
 */

import type { MemoryUse } from "../../commands/host_facets.ts";
import { monotonicMs, unixMs } from "../../runtime/clock.ts";
import { thisProcess } from "../../runtime/process.ts";
import { isReplica } from "../clients/flags.ts";
import type { OutputLimits } from "../clients/output_limits.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Config } from "../../config/config.ts";
import type { ReplicationStream } from "../../replication/stream.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { Statistics } from "../reports/statistics.ts";
import type { Cron } from "./cron.ts";

/** The output of so many clients is counted anew whenever that is asked for. */
const FEW_CLIENTS = 100;
/** With more clients, that takes one part in so many of the time, at most. */
const SAMPLE_SHARE = 20;

/** What counting memory needs of the server. */
export interface MemoryHost {
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly config: Config;
  readonly cron: Pick<Cron, "tasks">;
  readonly outputLimits: Pick<OutputLimits, "measure">;
  readonly replication: { readonly stream: Pick<ReplicationStream, "backlogExcessBytes" | "hasBacklog"> };
  readonly statistics: Pick<Statistics, "peakMemoryBytes" | "peakMemoryTime">;
  readonly keyspace: Keyspace;
  readonly store: Store;
}

/** Counts the memory that the server uses. */
export class Memory {
  /** What was used when the server began to serve. */
  startupBytes = 0;
  /** Buffers of clients that count against `maxmemory`: their input, and the output that waited at the last tick. */
  #inputBytes = 0;
  #outputBytes = 0;
  /** Whether a client has gone since. */
  #isStale = false;
  /** When the output was counted last, and how long that took, in ms. */
  #sampledMs = 0;
  #sampleTookMs = 0;

  constructor(readonly server: MemoryHost) {
    server.cron.tasks.push(() => this.#sample());
  }

  /** To be called when the server begins to serve. */
  ready(): void {
    this.startupBytes = this.measure().usedBytes;
  }

  /** What counts against `maxmemory` now, in bytes. Cheap: output buffers are as of the last tick. */
  get countedBytes(): number {
    const { arena, snapshots } = this.server.store.heap;
    const dataBytes = arena.usedBytes - snapshots.memory.arenaBytes;
    return dataBytes + this.#inputBytes + this.#outputBytes + this.#backlogBytes;
  }

  /** The input buffer of a client has grown by so many bytes, which may be fewer than none. */
  buffersGrew(bytes: number): void {
    this.#inputBytes += bytes;
  }

  /** A client has gone, and with it its output. */
  clientGone(): void {
    this.#isStale = true;
  }

  /**
   * Counts the output anew, before memory is said to be short: what a client had not been sent at the last tick may be
   * on its way by now, or the client gone. With many clients not each time, as it takes a while.
   */
  recount(): void {
    if (this.#outputBytes === 0) return;
    const isQuick = this.#isStale || this.server.clients.size <= FEW_CLIENTS;
    if (isQuick || monotonicMs() - this.#sampledMs >= this.#sampleTookMs * SAMPLE_SHARE) this.#sample();
  }

  get #backlogBytes(): number {
    return this.server.replication.stream.hasBacklog ? this.server.config.number("repl-backlog-size") : 0;
  }

  /** Measures everything. */
  measure(): MemoryUse {
    const { keyspace, store } = this.server;
    const { clientBytes, replicaBytes } = this.#buffers();
    const arenaBytes = store.heap.arena.usedBytes;
    const { bytes: snapshotBytes, chunkBytes } = store.heap.snapshots.memory;
    let tableBytes = 0;
    let keys = 0;
    for (const database of keyspace.databases) {
      const { keys: all, expires } = database.statistics();
      tableBytes += all.bytes + expires.bytes;
      keys += all.entries;
    }
    const usedBytes = arenaBytes + chunkBytes + clientBytes + replicaBytes + this.#backlogBytes;
    this.#notePeak(usedBytes);
    // What was there at the start are the empty tables.
    const bufferBytes = clientBytes + replicaBytes + this.#backlogBytes + snapshotBytes;
    const overheadBytes = Math.max(this.startupBytes, tableBytes) + bufferBytes;
    return {
      usedBytes,
      peakBytes: this.server.statistics.peakMemoryBytes,
      arenaBytes,
      committedBytes: store.heap.arena.committedBytes,
      clientBytes,
      replicaBytes,
      snapshotBytes,
      backlogBytes: this.#backlogBytes,
      overheadBytes,
      datasetBytes: Math.max(0, usedBytes - overheadBytes),
      keys,
      ...thisProcess().memory(),
    };
  }

  /** Buffers of replicas do not count: what they must be sent when keys are evicted would evict more. */
  #buffers(): { readonly clientBytes: number; readonly replicaBytes: number } {
    let clientBytes = 0;
    let replicaBytes = 0;
    for (const client of this.server.clients.values()) {
      if (isReplica(client)) replicaBytes += client.connection.bufferBytes;
      else clientBytes += client.connection.bufferBytes;
    }
    return { clientBytes, replicaBytes: replicaBytes + this.server.replication.stream.backlogExcessBytes };
  }

  #sample(): void {
    const startMs = monotonicMs();
    const { clientBytes, replicaBytes } = this.server.outputLimits.measure();
    this.#outputBytes = clientBytes;
    this.#isStale = false;
    this.#sampledMs = monotonicMs();
    this.#sampleTookMs = this.#sampledMs - startMs;
    const uncountedBytes = replicaBytes + this.server.replication.stream.backlogExcessBytes;
    this.#notePeak(this.countedBytes + uncountedBytes + this.server.store.heap.snapshots.memory.bytes);
  }

  #notePeak(usedBytes: number): void {
    const { statistics } = this.server;
    if (usedBytes <= statistics.peakMemoryBytes) return;
    statistics.peakMemoryBytes = usedBytes;
    statistics.peakMemoryTime = unixMs();
  }
}
