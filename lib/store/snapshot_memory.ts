/**
 * What a snapshot under way takes besides the data: the counterpart of the pages that are copied on write where a process
 * forks. Whoever keeps something for it counts that here, and counts it out again; the hooks own the counters.
 *
 * What is kept in the arena is used memory, but nobody's data any more: it does not count against `maxmemory`, as otherwise
 * keys would be evicted because other keys were changed.
 */

export class SnapshotMemory {
  /** Of the arena: entries, elements, bodies and tables that only the snapshot needs, in bytes. */
  arenaBytes = 0;
  /** Outside of it: chunks of what was written, from the first byte to the worker's or the target's hands, in bytes. */
  chunkBytes = 0;
  /** The most that both were together since the snapshot began. */
  peakBytes = 0;

  /** All of it now. */
  get bytes(): number {
    return this.arenaBytes + this.chunkBytes;
  }

  /** A snapshot begins. */
  begin(): void {
    this.peakBytes = this.bytes;
  }

  /** So many bytes of the arena are kept for the snapshot from now on; fewer than none: are kept no longer. */
  keep(bytes: number): void {
    this.arenaBytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
  }

  /** The same of chunks. */
  keepChunks(bytes: number): void {
    this.chunkBytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
  }
}
