/**
 * The backlog: the last bytes of the replication stream, in chunks that follow each other.
 *
 * Whoever needs more of the past than the backlog keeps (a replica that waits for its snapshot) holds a position: from
 * there on everything stays, once for all who hold it, and others may continue from it as well. Chunks know their
 * successors but not their predecessors, so a position stays readable even where the stream begins anew. Owned by the
 * stream.
 */

const LEAST_CHUNK_BYTES = 16 * 1024;
const MOST_CHUNK_BYTES = 256 * 1024;
/** The backlog consists of about so many chunks, within those bounds. */
const CHUNKS = 16;

interface Chunk {
  readonly bytes: Uint8Array;
  length: number;
  next: Chunk | null;
  /** How many hold a position in it. */
  holders: number;
}

/** A place in the stream from which on all bytes can be read, for as long as it is kept. */
export interface BacklogPosition {
  readonly chunk: Chunk;
  /** Where in the chunk. */
  readonly at: number;
}

/** Takes `bytes[start, end)` of the stream, during the call. */
export type BacklogSink = (bytes: Uint8Array, start: number, end: number) => void;

export class Backlog {
  #sizeBytes: number;
  #first: Chunk;
  #last: Chunk;
  /** Bytes in the chunks from the first on. */
  #heldBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#first = this.#last = this.#newChunk();
  }

  /** Bytes that can be read back: no more than the size, though a little more is there, unless more is held. */
  get length(): number {
    return this.#first.holders > 0 ? this.#heldBytes : Math.min(this.#heldBytes, this.#sizeBytes);
  }

  /** Bytes that are kept beyond the size, for those who hold them. */
  get excessBytes(): number {
    return Math.max(0, this.length - this.#sizeBytes);
  }

  /** How many bytes are kept; what is there beyond it goes. */
  set sizeBytes(bytes: number) {
    this.#sizeBytes = bytes;
    this.#trim();
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#heldBytes += end - start;
    while (start < end) {
      let last = this.#last;
      if (last.length === last.bytes.length) last = this.#last = last.next = this.#newChunk();
      const length = Math.min(end - start, last.bytes.length - last.length);
      last.bytes.set(bytes.subarray(start, start + length), last.length);
      last.length += length;
      start += length;
    }
    if (this.#heldBytes > this.#sizeBytes) this.#trim();
  }

  /** The place behind the last byte: what is appended from now on can be read from it. */
  get end(): BacklogPosition {
    return { chunk: this.#last, at: this.#last.length };
  }

  /** Keeps everything from a position on, until that is released as often as it was held. */
  hold(position: BacklogPosition): void {
    position.chunk.holders++;
  }

  /** Lets go of a position, which may be in the chunks of a backlog before this one. */
  release(position: BacklogPosition): void {
    position.chunk.holders--;
    this.#trim();
  }

  /** The place `length` bytes before the end, or null where so many are not kept. */
  before(length: number): BacklogPosition | null {
    if (length < 0 || length > this.length) return null;
    let skip = this.#heldBytes - length;
    let chunk = this.#first;
    while (skip > chunk.length && chunk.next !== null) {
      skip -= chunk.length;
      chunk = chunk.next;
    }
    return { chunk, at: skip };
  }

  #newChunk(): Chunk {
    const capacity = Math.min(MOST_CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, Math.ceil(this.#sizeBytes / CHUNKS)));
    return { bytes: new Uint8Array(capacity), length: 0, next: null, holders: 0 };
  }

  /** Lets go of chunks that are neither needed for the size nor held. */
  #trim(): void {
    for (let first = this.#first; first.next !== null && first.holders === 0; first = this.#first) {
      if (this.#heldBytes - first.length < this.#sizeBytes) return;
      this.#heldBytes -= first.length;
      this.#first = first.next;
    }
  }
}

/** Hands on what stands from a position on, up to about `mostBytes`, in whole chunks; the position behind that. */
export function readFrom(position: BacklogPosition, mostBytes: number, sink: BacklogSink): BacklogPosition {
  let { chunk, at } = position;
  for (let read = 0; read < mostBytes;) {
    if (chunk.length > at) sink(chunk.bytes, at, chunk.length);
    read += chunk.length - at;
    at = chunk.length;
    if (chunk.next === null) break;
    chunk = chunk.next;
    at = 0;
  }
  return { chunk, at };
}
