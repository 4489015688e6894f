/**
 * The replication stream: its identity, its offset and the backlog of its last bytes (Redis documentation,
 * "Replication", "Replication ID and offset").
 *
 * A primary writes its own stream; a replica repeats its primary's, byte for byte, so that either can continue the
 * synchronisation of those below. The second id names the stream that this one continues, up to an offset.
 */

const ID_BYTES = 20;
/** The second id while there is none. */
export const NO_ID: string = "0".repeat(ID_BYTES * 2);

/** A new random id: 40 hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ReplicationStream {
  id: string = randomId();
  /** Id of the stream before the last change of roles, and the first offset at which it is no longer this one. */
  secondId: string = NO_ID;
  secondOffset = -1;
  /** Bytes that the stream has had so far. */
  offset = 0;

  #backlog: Uint8Array | null = null;
  /** Bytes of the backlog that are filled. */
  #filled = 0;
  /** Where in the backlog the next byte goes. */
  #head = 0;

  /** Whether there is a backlog. */
  get hasBacklog(): boolean {
    return this.#backlog !== null;
  }

  /** Bytes in the backlog, and the offset of the first of them, counted from 1 as Redis does. */
  get backlogLength(): number {
    return this.#filled;
  }

  get backlogFirstOffset(): number {
    return this.offset - this.#filled + 1;
  }

  /** Starts to keep a backlog of `bytes`, if there is none. */
  createBacklog(bytes: number): void {
    if (this.#backlog !== null) return;
    this.#backlog = new Uint8Array(bytes);
    this.#filled = this.#head = 0;
  }

  /** Changes the size of the backlog; what fits is kept. */
  resizeBacklog(bytes: number): void {
    if (this.#backlog === null) return;
    const kept = this.read(this.offset - Math.min(this.#filled, bytes) + 1);
    this.#backlog = new Uint8Array(bytes);
    this.#filled = this.#head = 0;
    if (kept !== null) this.#store(kept, 0, kept.length);
  }

  dropBacklog(): void {
    this.#backlog = null;
    this.#filled = this.#head = 0;
  }

  /** Adds bytes to the stream. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.offset += end - start;
    if (this.#backlog !== null) this.#store(bytes, start, end);
  }

  #store(bytes: Uint8Array, start: number, end: number): void {
    const backlog = this.#backlog;
    if (backlog === null) return;
    const size = backlog.length;
    if (end - start > size) start = end - size;
    const first = Math.min(end - start, size - this.#head);
    backlog.set(bytes.subarray(start, start + first), this.#head);
    backlog.set(bytes.subarray(start + first, end), 0);
    this.#head = (this.#head + end - start) % size;
    this.#filled = Math.min(size, this.#filled + end - start);
  }

  /** The bytes from an offset (counted from 1) to the end, or null where the backlog does not hold them. */
  read(fromOffset: number): Uint8Array | null {
    const backlog = this.#backlog;
    const length = this.offset - fromOffset + 1;
    if (backlog === null || length < 0 || length > this.#filled) return null;
    const bytes = new Uint8Array(length);
    const start = (this.#head - length + backlog.length) % backlog.length;
    const first = Math.min(length, backlog.length - start);
    bytes.set(backlog.subarray(start, start + first));
    bytes.set(backlog.subarray(0, length - first), first);
    return bytes;
  }

  /** The bytes with which a replica at `id` and `fromOffset` can continue, or null where it cannot. */
  continueFrom(id: string, fromOffset: number): Uint8Array | null {
    const known = id === this.id || (id === this.secondId && fromOffset <= this.secondOffset);
    return known ? this.read(fromOffset) : null;
  }

  /** Begins a stream of our own that continues the present one: a replica becomes a primary. */
  shiftId(): void {
    this.secondId = this.id;
    this.secondOffset = this.offset + 1;
    this.id = randomId();
  }

  /** Begins a stream that continues nothing. */
  changeId(): void {
    this.id = randomId();
    this.secondId = NO_ID;
    this.secondOffset = -1;
  }

  /** Takes over another stream, at an offset: after a full synchronisation. */
  adopt(id: string, offset: number): void {
    this.id = id;
    this.secondId = NO_ID;
    this.secondOffset = -1;
    this.offset = offset;
    this.#filled = this.#head = 0;
  }
}
