/**
 * Bytes waiting to be sent to one client: in one growing buffer that is lent from a pool while it is needed, and behind
 * them a range of bytes that other clients get too, which is only noted as long as nothing follows it. Owned by the
 * connection.
 */

const POOLED_BYTES = 16 * 1024;
const MAX_POOLED = 256;
const NO_BYTES = new Uint8Array(0);
const pool: Uint8Array[] = [];

/** What waits to be sent to one client. */
export class OutputQueue {
  bytes: Uint8Array = NO_BYTES;
  length = 0;
  /** A range of bytes shared with other clients that is to be sent after the buffer. */
  shared: Uint8Array | null = null;
  sharedStart = 0;
  sharedEnd = 0;

  get isEmpty(): boolean {
    return this.shared === null && this.length === 0;
  }

  /** All that waits, in bytes. */
  get totalBytes(): number {
    return this.length + (this.shared === null ? 0 : this.sharedEnd - this.sharedStart);
  }

  /** Notes a range that stays where it is until it is sent, behind all that is there. */
  noteShared(bytes: Uint8Array, start: number, end: number): void {
    this.keepShared();
    this.shared = bytes;
    this.sharedStart = start;
    this.sharedEnd = end;
  }

  /** Copies the shared range into the buffer. */
  keepShared(): void {
    if (this.shared === null) return;
    this.#copy(this.shared, this.sharedStart, this.sharedEnd);
    this.shared = null;
  }

  /** Adds a copy of `from[start, end)`. */
  append(from: Uint8Array, start: number, end: number): void {
    this.keepShared();
    this.#copy(from, start, end);
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) this.#grow(length);
    const bytes = this.bytes;
    if (end - start > 48) bytes.set(from.subarray(start, end), this.length);
    else for (let i = start, to = this.length; i < end; i++, to++) bytes[to] = from[i];
    this.length = length;
  }

  /** Gives the buffer back: what is in it has been sent. */
  clear(): void {
    if (this.bytes.length === POOLED_BYTES && pool.length < MAX_POOLED) pool.push(this.bytes);
    this.bytes = NO_BYTES;
    this.length = 0;
  }

  #grow(length: number): void {
    if (length <= POOLED_BYTES) {
      this.bytes = pool.pop() ?? new Uint8Array(POOLED_BYTES);
      return;
    }
    const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
