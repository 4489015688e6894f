/** Bytes waiting to be sent to one client, in one growing buffer that is lent from a pool while it is needed. */

const POOLED_BYTES = 16 * 1024;
const MAX_POOLED = 256;
const NO_BYTES = new Uint8Array(0);
const pool: Uint8Array[] = [];

export class OutputQueue {
  bytes: Uint8Array = NO_BYTES;
  length = 0;

  append(from: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) this.#grow(length);
    const bytes = this.bytes;
    if (end - start > 48) bytes.set(from.subarray(start, end), this.length);
    else for (let i = start, to = this.length; i < end; i++, to++) bytes[to] = from[i];
    this.length = length;
  }

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
