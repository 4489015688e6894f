/**
 * The replication stream: its identity, its offset and the backlog of its last bytes (Redis documentation,
 * "Replication", "Replication ID and offset").
 *
 * A primary writes its own stream; a replica repeats its primary's, byte for byte, so that either can continue the
 * synchronisation of those below. The second id names the stream that this one continues, up to an offset.
 */

import { randomBytes } from "../runtime/random.ts";
import { Backlog, type BacklogPosition } from "./backlog.ts";

const ID_BYTES = 20;
/** The second id while there is none. */
export const NO_ID: string = "0".repeat(ID_BYTES * 2);

/** A new random id: 40 hexadecimal digits. */
export function randomId(): string {
  const bytes = randomBytes(ID_BYTES);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class ReplicationStream {
  id: string = randomId();
  /** Id of the stream before the last change of roles, and the first offset at which it is no longer this one. */
  secondId: string = NO_ID;
  secondOffset = -1;
  /** Bytes that the stream has had so far. */
  offset = 0;

  #backlog: Backlog | null = null;
  #backlogBytes = 0;

  /** Whether there is a backlog. */
  get hasBacklog(): boolean {
    return this.#backlog !== null;
  }

  /** Bytes in the backlog, and the offset of the first of them, counted from 1 as Redis does. */
  get backlogLength(): number {
    return this.#backlog?.length ?? 0;
  }

  get backlogFirstOffset(): number {
    return this.offset - this.backlogLength + 1;
  }

  /** Starts to keep a backlog of `bytes`, if there is none. */
  createBacklog(bytes: number): void {
    this.#backlog ??= new Backlog(bytes);
    this.#backlogBytes = bytes;
  }

  /** Changes the size of the backlog; what fits is kept. */
  resizeBacklog(bytes: number): void {
    if (this.#backlog !== null) this.#backlog.sizeBytes = bytes;
    this.#backlogBytes = bytes;
  }

  dropBacklog(): void {
    this.#backlog = null;
  }

  /** Adds bytes to the stream. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.offset += end - start;
    this.#backlog?.append(bytes, start, end);
  }

  /** The end of the stream: what is appended from now on can be read from there. There must be a backlog. */
  get end(): BacklogPosition {
    if (this.#backlog === null) throw new Error("a stream without a backlog has no place to read from");
    return this.#backlog.end;
  }

  /** Bytes that the backlog keeps beyond its size, for those who hold a place. */
  get backlogExcessBytes(): number {
    return this.#backlog?.excessBytes ?? 0;
  }

  /** Keeps everything from a place on. */
  hold(position: BacklogPosition): void {
    this.#backlog?.hold(position);
  }

  /** Lets go of a place that was held. */
  release(position: BacklogPosition): void {
    this.#backlog?.release(position);
  }

  /** The place of the byte with an offset, or null where the backlog does not hold it. */
  positionOf(offset: number): BacklogPosition | null {
    return this.#backlog?.before(this.offset - offset + 1) ?? null;
  }

  /** The place from which a replica at `id` and `fromOffset` can continue, or null where it cannot. */
  continueFrom(id: string, fromOffset: number): BacklogPosition | null {
    const known = id === this.id || (id === this.secondId && fromOffset <= this.secondOffset);
    return known ? this.positionOf(fromOffset) : null;
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
    if (this.#backlog !== null) this.#backlog = new Backlog(this.#backlogBytes);
  }

  /** What there is of the stream turns out to continue another one, which has come to `offset`. */
  continueAfter(id: string, offset: number): void {
    this.secondId = id;
    this.secondOffset = offset + 1;
    this.offset += offset;
  }
}
