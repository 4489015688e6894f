/**
 * The arena: every key and value of the server, outside the JavaScript heap.
 *
 * Memory is a list of 64 MiB segments that the operating system commits page by page as they are written. A *ref* is an
 * int32 that counts 8-byte granules from the start of the first segment: its upper 9 bits name the segment, the rest
 * the place in it, so 32 GiB can be addressed. Ref 0 is never handed out and means "nothing". Refs past 16 GiB are
 * negative numbers; only equality is ever asked of a ref.
 *
 * The allocator keeps its free lists per span, as mimalloc does per page (Leijen, Zorn and de Moura, 2019): a span is
 * a run of 16 KiB units holding blocks of one size class, so that freeing needs no size and an empty span goes back
 * to be used for any other class. Blocks above 32 KiB are spans of their own, and one above half a segment has a
 * segment of its own, which is then as long as it needs to be.
 *
 * A segment in which nothing is left can go back to the system (`releaseIdle`): its number then names nothing until
 * memory is needed again. So that a nearly empty one can be emptied, it may be told to leave (`leave`): no block is
 * handed out of it from then on, and whoever holds blocks in it moves them elsewhere (see compaction.ts).
 *
 * Owned by the heap; read and written by everything in `lib/store/`.
 */

import { makeSizeClasses, type SizeClasses } from "./size_classes.ts";
import { type MemorySource, reclaimMemory, takeMemory } from "../runtime/memory.ts";

/** Bytes in a granule, the unit in which refs count. */
const GRANULE_BYTES = 8;
/** Granules in a segment, less one: the mask that gives the place in the segment. */
export const SEGMENT_MASK = 0x7fffff;
/** How far a ref is shifted right to give its segment. */
export const SEGMENT_SHIFT = 23;
/** Most bytes of a block. */
export const MAX_BLOCK_BYTES: number = 2 ** 30;

const SEGMENT_BYTES = 2 ** 26;
const MAX_SEGMENTS = 512;
const UNIT_BYTES = 16384;
const UNIT_SHIFT = 11; // 2048 granules
export const UNITS_PER_SEGMENT: number = SEGMENT_BYTES / UNIT_BYTES;
/** How far a unit is shifted right to give its segment. */
const UNIT_SEGMENT_SHIFT = SEGMENT_SHIFT - UNIT_SHIFT;
/** A block of more units has a segment of its own. */
const MAX_SHARING_UNITS = UNITS_PER_SEGMENT / 2;
/** Blocks up to this size share spans; larger ones have a span to themselves. */
const MAX_SMALL_BYTES = 32768;
/** Runs of at least this many units share one free list. */
const RUN_BINS = 64;
/** The free list of runs that are not to be handed out, as their segments are leaving. */
const LEAVING_BIN = RUN_BINS + 1;
/** Class of a span that is one large block, and of the last unit of any run in use. */
const LARGE_CLASS = -1;
/** Class of the first and the last unit of a free run. */
const FREE_CLASS = -2;

// Fields of a unit's record in `spans`; those of the first unit describe the whole run.
const RECORD_SHIFT = 3;
const CLASS = 0;
const USED = 1; // live blocks
const FREE = 2; // ref of the first freed block, each linking to the next in its first word
const FRESH = 3; // blocks handed out so far from the untouched end
const NEXT = 4; // next and previous span with room (or free run), as unit + 1; 0 ends the list
const PREVIOUS = 5;
const UNITS = 6; // length of the run
const FIRST = 7; // unit at which the run begins: kept in every unit of a span, and in the last of a free run

/** Times in a row that a segment is noted as empty before it is idle. */
const IDLE_NOTES = 2;
const NO_BYTES = new Uint8Array(0);
/** Records of all units that there may be. */
const SPANS_BYTES = ((MAX_SEGMENTS * UNITS_PER_SEGMENT) << RECORD_SHIFT) * Int32Array.BYTES_PER_ELEMENT;
/** So much may have been dropped and not yet been reclaimed when another segment is taken. */
const MOST_DROPPED_BYTES = 4 * SEGMENT_BYTES;
/** Where so much is free in the segments, memory is not short, though the system gives no more. */
const ENOUGH_BYTES = 4 * SEGMENT_BYTES;
const NO_WORDS = new Int32Array(0);

/** Thrown when all 32 GiB are in use, or the system gives no further segment. Nothing has changed by then. */
export class ArenaFullError extends Error {
  override name = "ArenaFullError";
}

/** Thrown when a block is asked for that is larger than any block may be. Nothing has changed by then. */
export class BlockTooLargeError extends Error {
  override name = "BlockTooLargeError";
}

/** What `Arena.inspect` shows. */
export interface ArenaRecords {
  /** Records of 8 words, one per unit. */
  readonly spans: Int32Array<ArrayBuffer>;
  /** First span with room of each class, and first free run of each length, as unit + 1. */
  readonly withRoom: Int32Array;
  readonly freeRuns: Int32Array;
  /** The unit in each segment from which on nothing is handed out. */
  readonly frontier: readonly number[];
  readonly classes: SizeClasses;
  /** Whether each segment is leaving, and whether it is for one block alone. */
  readonly leaving: Uint8Array;
  readonly alone: Uint8Array;
}

/** How much of a segment is used, in bytes. */
export interface SegmentUse {
  /** What the system holds memory for. */
  readonly touchedBytes: number;
  /** What lies in live blocks. */
  readonly liveBytes: number;
}

const CLASSES = makeSizeClasses(GRANULE_BYTES, UNIT_BYTES, MAX_SMALL_BYTES);

/** Classes of spans in leaving segments: each is that of the same size plus this number, and never asked for. */
const LEAVING = CLASSES.granules.length / 2;

/** Segments of lazily committed memory and the allocator over them. */
export class Arena {
  /** Each segment as bytes; the byte of a ref is `(ref & SEGMENT_MASK) << 3`. One that is not there has none. */
  readonly bytes: Uint8Array<ArrayBuffer>[] = [];
  /** Each segment as 32-bit words; the word of a ref is `(ref & SEGMENT_MASK) << 1`. */
  readonly words: Int32Array<ArrayBuffer>[] = [];
  /** Bytes in live blocks, rounded up to their size classes. */
  usedBytes = 0;
  /** Whether each segment is leaving: what lies in it is to be moved elsewhere. */
  readonly leaving = new Uint8Array(MAX_SEGMENTS);

  /** One record of 8 words per unit; untouched parts of it cost nothing. */
  readonly #spans: Int32Array<ArrayBuffer>;
  /** First span with room of each class, as unit + 1. */
  readonly #withRoom = new Int32Array(CLASSES.granules.length);
  /** First free run of each length, as unit + 1; the last two bins hold all longer ones, and those that are leaving. */
  readonly #freeRuns = new Int32Array(LEAVING_BIN + 1);
  /** The unit in each segment from which on nothing is handed out. */
  readonly #frontier: number[] = [];
  /** The highest frontier that each segment has had: below it, the system holds memory. */
  readonly #reached: number[] = [];
  /** Whether each segment is for one block alone. Its first unit's record tells of the block. */
  readonly #alone = new Uint8Array(MAX_SEGMENTS);
  /** How often `noteIdle` found each segment empty since it was used last. */
  readonly #idle = new Uint8Array(MAX_SEGMENTS);
  /** A segment's memory that is kept for when the system gives no more; none before the arena has grown. */
  #reserve: ArrayBuffer | null = null;
  #isShort = false;
  /** What was dropped, in bytes, since the system was last given back what nobody holds. */
  #droppedBytes = 0;
  /** Told when the reserve begins to be used. */
  onShort: () => void = () => {};

  /** `allocate` takes memory from the system. */
  constructor(readonly allocate: MemorySource = takeMemory) {
    this.#spans = new Int32Array(takeMemory(SPANS_BYTES));
    this.#addSegment(0, SEGMENT_BYTES);
  }

  /**
   * Whether the system gives no more memory, or the last segment's number is taken, and what is left is the reserve: what
   * is under way can end with it, but nothing that may grow data is to begin.
   */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Segments that are there. */
  get segments(): number {
    return this.bytes.reduce((count, segment) => segment.length > 0 ? count + 1 : count, 0);
  }

  /** Bytes of address space behind the arena's segments. */
  get reservedBytes(): number {
    return this.bytes.reduce((sum, segment) => sum + segment.length, 0);
  }

  /** Bytes that were handed out at some time, so that the system holds memory for them. */
  get committedBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.bytes.length; i++) bytes += this.#touchedBytes(i);
    return bytes;
  }

  /**
   * Allocates a block of at least `bytes` bytes; its content is undefined. Every size that is asked for passes here:
   * BlockTooLargeError beyond MAX_BLOCK_BYTES, ArenaFullError where there is no memory for it.
   */
  alloc(bytes: number): number {
    if (bytes > MAX_SMALL_BYTES) return this.#allocLarge(bytes); // before anything that would wrap a large number
    const sizeClass = CLASSES.ofGranules[(bytes + 7) >>> 3];
    const spans = this.#spans;
    let unit = this.#withRoom[sizeClass] - 1;
    if (unit < 0) unit = this.#addSpan(sizeClass);
    const record = unit << RECORD_SHIFT;
    let ref = spans[record + FREE];
    if (ref !== 0) {
      spans[record + FREE] = this.words[ref >>> SEGMENT_SHIFT][(ref & SEGMENT_MASK) << 1];
    } else {
      ref = ((unit << UNIT_SHIFT) + spans[record + FRESH]++ * CLASSES.granules[sizeClass]) | 0;
    }
    if (++spans[record + USED] === CLASSES.capacity[sizeClass]) {
      this.#unlink(this.#withRoom, sizeClass, unit);
    }
    this.usedBytes += CLASSES.granules[sizeClass] * GRANULE_BYTES;
    return ref;
  }

  /** `alloc` for what is of use only together with the block `other`: that is freed where there is no memory. */
  allocBeside(bytes: number, other: number): number {
    try {
      return this.alloc(bytes);
    } catch (error) {
      this.free(other);
      throw error;
    }
  }

  /** Gives a block back. The ref must come from `alloc` and not have been freed since. */
  free(ref: number): void {
    const spans = this.#spans;
    const unit = spans[((ref >>> UNIT_SHIFT) << RECORD_SHIFT) + FIRST];
    const record = unit << RECORD_SHIFT;
    const sizeClass = spans[record + CLASS];
    if (sizeClass === LARGE_CLASS) {
      const units = spans[record + UNITS];
      this.usedBytes -= units * UNIT_BYTES;
      if (units > MAX_SHARING_UNITS) this.#freeSegment(unit);
      else this.#freeRun(unit, units);
      return;
    }
    this.usedBytes -= CLASSES.granules[sizeClass] * GRANULE_BYTES;
    this.words[ref >>> SEGMENT_SHIFT][(ref & SEGMENT_MASK) << 1] = spans[record + FREE];
    spans[record + FREE] = ref;
    const used = --spans[record + USED];
    if (used === CLASSES.capacity[sizeClass] - 1) this.#link(this.#withRoom, sizeClass, unit);
    if (used === 0) this.#dropSpan(unit, sizeClass);
  }

  /** Bytes that the block behind `ref` really has, at least those asked for. */
  usableBytes(ref: number): number {
    const spans = this.#spans;
    const record = spans[((ref >>> UNIT_SHIFT) << RECORD_SHIFT) + FIRST] << RECORD_SHIFT;
    const sizeClass = spans[record + CLASS];
    return sizeClass === LARGE_CLASS ? spans[record + UNITS] * UNIT_BYTES : CLASSES.granules[sizeClass] * GRANULE_BYTES;
  }

  /** Copies `length` bytes between blocks, each place given as a ref and bytes past it; the ranges must not overlap. */
  copy(from: number, fromByte: number, to: number, toByte: number, length: number): void {
    const start = ((from & SEGMENT_MASK) << 3) + fromByte;
    const target = ((to & SEGMENT_MASK) << 3) + toByte;
    const source = this.bytes[from >>> SEGMENT_SHIFT];
    const destination = this.bytes[to >>> SEGMENT_SHIFT];
    if (length > 64) {
      destination.set(source.subarray(start, start + length), target);
    } else {
      for (let i = 0; i < length; i++) destination[target + i] = source[start + i];
    }
  }

  /** The allocator's own records, live: for the tests that walk them and check what docs/architecture.md says. */
  inspect(): ArenaRecords {
    return {
      spans: this.#spans,
      withRoom: this.#withRoom,
      freeRuns: this.#freeRuns,
      frontier: this.#frontier,
      classes: CLASSES,
      leaving: this.leaving,
      alone: this.#alone,
    };
  }

  // --- Giving memory back --------------------------------------------------------------------------------------------

  /** To be called once a second: a segment that is found empty twice, and was not used in between, may be released. */
  noteIdle(): void {
    for (let segment = 0; segment < this.bytes.length; segment++) {
      if (this.#isEmpty(segment)) this.#idle[segment] = Math.min(this.#idle[segment] + 1, IDLE_NOTES);
    }
  }

  /**
   * Lets go of a segment, of those that were noted as idle or, with `any`, of all that are empty; whether there was one.
   * `reclaim` then gives its memory back to the system.
   */
  releaseIdle(any: boolean): boolean {
    for (let segment = 0; segment < this.bytes.length; segment++) {
      if (!this.#isEmpty(segment) || this.#touchedBytes(segment) === 0) continue;
      if (!any && this.leaving[segment] === 0 && this.#idle[segment] < IDLE_NOTES) continue;
      this.#dropSegment(segment);
      return true;
    }
    return false;
  }

  /** Gives the system back what was let go of, if there is any. Takes some 10 ms: the runtime collects garbage. */
  reclaim(): void {
    if (this.#droppedBytes === 0) return;
    this.#droppedBytes = 0;
    reclaimMemory();
  }

  /** How much of a segment is used, or null where it is not there or has one block alone. O(units in it). */
  segmentUse(segment: number): SegmentUse | null {
    if (this.bytes[segment].length === 0 || this.#alone[segment] !== 0) return null;
    let liveBytes = 0;
    this.#forEachRun(segment, (unit, sizeClass, units) => {
      if (sizeClass === LARGE_CLASS) liveBytes += units * UNIT_BYTES;
      else if (sizeClass >= 0) {
        liveBytes += this.#spans[(unit << RECORD_SHIFT) + USED] * CLASSES.granules[sizeClass] * GRANULE_BYTES;
      }
    });
    return { touchedBytes: this.#touchedBytes(segment), liveBytes };
  }

  /**
   * Tells a segment to leave: no further block is handed out of it, and it can be released once it is empty. Does nothing
   * where the segment has gone since it was looked at, or is another's now.
   */
  leave(segment: number): void {
    if (this.bytes[segment].length === 0 || this.#alone[segment] !== 0) return;
    this.leaving[segment] = 1;
    const empty: number[] = [];
    this.#forEachRun(segment, (unit, sizeClass, units) => {
      if (sizeClass === FREE_CLASS) {
        this.#unlink(this.#freeRuns, Math.min(units, RUN_BINS), unit);
        this.#link(this.#freeRuns, LEAVING_BIN, unit);
      } else if (sizeClass >= 0) {
        this.#reclass(unit, sizeClass, sizeClass + LEAVING);
        if (this.#spans[(unit << RECORD_SHIFT) + USED] === 0) empty.push(unit);
      }
    });
    for (const unit of empty) this.#dropSpan(unit, this.#spans[(unit << RECORD_SHIFT) + CLASS]);
  }

  /** Takes that back. */
  stay(segment: number): void {
    this.leaving[segment] = 0;
    this.#forEachRun(segment, (unit, sizeClass, units) => {
      if (sizeClass === FREE_CLASS) {
        this.#unlink(this.#freeRuns, LEAVING_BIN, unit);
        this.#link(this.#freeRuns, Math.min(units, RUN_BINS), unit);
      } else if (sizeClass >= 0) {
        this.#reclass(unit, sizeClass, sizeClass - LEAVING);
      }
    });
  }

  /** Whether a block lies in a segment that is leaving. */
  isLeaving(ref: number): boolean {
    return this.leaving[ref >>> SEGMENT_SHIFT] !== 0;
  }

  /** Gives a span another class of the same size. */
  #reclass(unit: number, from: number, to: number): void {
    const record = unit << RECORD_SHIFT;
    const hasRoom = this.#spans[record + USED] < CLASSES.capacity[from];
    if (hasRoom) this.#unlink(this.#withRoom, from, unit);
    this.#spans[record + CLASS] = to;
    if (hasRoom) this.#link(this.#withRoom, to, unit);
  }

  #forEachRun(segment: number, visit: (unit: number, sizeClass: number, units: number) => void): void {
    const spans = this.#spans;
    for (let unit = this.#firstUnit(segment); unit < this.#frontier[segment];) {
      const units = spans[(unit << RECORD_SHIFT) + UNITS];
      visit(unit, spans[(unit << RECORD_SHIFT) + CLASS], units);
      unit += units;
    }
  }

  /** The first unit of a segment that may be handed out: ref 0 is "nothing". */
  #firstUnit(segment: number): number {
    return segment === 0 ? 1 : segment * UNITS_PER_SEGMENT;
  }

  /** Whether nothing lies in a segment that is there. */
  #isEmpty(segment: number): boolean {
    if (this.bytes[segment].length === 0) return false;
    const unit = this.#firstUnit(segment);
    if (this.#alone[segment] !== 0) return this.#spans[(unit << RECORD_SHIFT) + CLASS] === FREE_CLASS;
    return this.#frontier[segment] === unit;
  }

  #touchedBytes(segment: number): number {
    if (this.#alone[segment] !== 0) return this.bytes[segment].length;
    return (this.#reached[segment] - this.#firstUnit(segment)) * UNIT_BYTES;
  }

  // --- Segments and runs of units ------------------------------------------------------------------------------------

  /** Takes a segment from the system, under the lowest number that is free, from `lowest` on; returns the number. */
  #addSegment(lowest: number, bytes: number): number {
    let segment = lowest;
    while (segment < this.bytes.length && this.bytes[segment].length > 0) segment++;
    if (segment === MAX_SEGMENTS) throw new ArenaFullError("the arena's 32 GiB are in use");
    if (this.#droppedBytes >= MOST_DROPPED_BYTES) this.reclaim();
    const memory = this.#takeMemory(bytes);
    if (segment === MAX_SEGMENTS - 1) this.#becomeShort();
    this.bytes[segment] = new Uint8Array(memory);
    this.words[segment] = new Int32Array(memory);
    this.#frontier[segment] = this.#reached[segment] = this.#firstUnit(segment);
    return segment;
  }

  /** Memory for a segment: from the system, or where that gives none, the reserve. */
  #takeMemory(bytes: number): ArrayBuffer {
    if (this.bytes.length > 0 && !this.#isShort) {
      this.#reserve ??= this.#ask(SEGMENT_BYTES);
      if (this.#reserve === null) this.#becomeShort();
    }
    const memory = this.#ask(bytes);
    if (memory !== null) return memory;
    const reserve = this.#reserve;
    if (reserve === null || bytes > SEGMENT_BYTES) {
      throw new ArenaFullError(`the system gives no further ${bytes} bytes`);
    }
    this.#reserve = null;
    this.#becomeShort();
    return reserve;
  }

  /** Asks the system for memory; null where it gives none, though all that is empty was given back. */
  #ask(bytes: number): ArrayBuffer | null {
    const memory = this.#tryAllocate(bytes);
    if (memory !== null) return memory;
    while (this.releaseIdle(true));
    if (this.#droppedBytes === 0) return null;
    this.reclaim();
    return this.#tryAllocate(bytes);
  }

  #tryAllocate(bytes: number): ArrayBuffer | null {
    try {
      return this.allocate(bytes);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      return null;
    }
  }

  #becomeShort(): void {
    if (this.#isShort) return;
    this.#isShort = true;
    this.onShort();
  }

  /** To be called once a second: while memory is short, tries to have the reserve again. */
  restock(): void {
    if (!this.#isShort) return;
    const hasNumbers = this.bytes.length < MAX_SEGMENTS || this.bytes.some((segment) => segment.length === 0);
    if (!hasNumbers) return;
    this.#reserve ??= this.#ask(SEGMENT_BYTES);
    this.#isShort = this.#reserve === null && this.reservedBytes - this.usedBytes < ENOUGH_BYTES;
  }

  /**
   * Lets go of a segment's memory. To detach its buffer would give that back at once, but have V8 throw away all that it has
   * compiled (docs/decisions.md, "Nothing is detached").
   */
  #dropSegment(segment: number): void {
    this.#droppedBytes += this.bytes[segment].length;
    this.bytes[segment] = NO_BYTES;
    this.words[segment] = NO_WORDS;
    this.leaving[segment] = this.#alone[segment] = this.#idle[segment] = 0;
    this.#reached[segment] = this.#firstUnit(segment);
    this.#frontier[segment] = (segment + 1) * UNITS_PER_SEGMENT; // nobody finds room in it
  }

  #addSpan(sizeClass: number): number {
    const units = CLASSES.units[sizeClass];
    const unit = this.#allocRun(units);
    const spans = this.#spans;
    for (let i = 0; i < units; i++) spans[((unit + i) << RECORD_SHIFT) + FIRST] = unit;
    const record = unit << RECORD_SHIFT;
    spans[record + CLASS] = sizeClass;
    spans[record + USED] = 0;
    spans[record + FREE] = 0;
    spans[record + FRESH] = 0;
    spans[record + NEXT] = 0;
    spans[record + PREVIOUS] = 0;
    this.#withRoom[sizeClass] = unit + 1;
    return unit;
  }

  /** Takes an empty span out of its class, unless it is the only one with room: alternating alloc and free stay cheap. */
  #dropSpan(unit: number, sizeClass: number): void {
    const record = unit << RECORD_SHIFT;
    if (this.#spans[record + NEXT] === 0 && this.#spans[record + PREVIOUS] === 0 && sizeClass < LEAVING) return;
    this.#unlink(this.#withRoom, sizeClass, unit);
    this.#freeRun(unit, CLASSES.units[sizeClass]);
  }

  #allocLarge(bytes: number): number {
    if (bytes > MAX_BLOCK_BYTES) throw new BlockTooLargeError(`no block may have ${bytes} bytes`);
    const units = Math.ceil(bytes / UNIT_BYTES);
    const unit = units > MAX_SHARING_UNITS ? this.#allocSegment(units) : this.#allocRun(units);
    const record = unit << RECORD_SHIFT;
    this.#spans[record + CLASS] = LARGE_CLASS;
    this.#spans[record + FIRST] = unit;
    this.usedBytes += units * UNIT_BYTES;
    return (unit << UNIT_SHIFT) | 0;
  }

  /** Finds a segment for one block alone: that of a block of this size that is gone, else one from the system. */
  #allocSegment(units: number): number {
    let found = 0;
    for (let segment = 1; segment < this.bytes.length && found === 0; segment++) {
      if (this.#alone[segment] === 0 || !this.#isEmpty(segment)) continue;
      if (this.bytes[segment].length === units * UNIT_BYTES) found = segment;
      else this.#dropSegment(segment); // so that no more memory waits to be used again than there is of one size
    }
    if (found === 0) {
      found = this.#addSegment(1, units * UNIT_BYTES); // ref 0 would be in the first
      this.#alone[found] = 1;
      this.#frontier[found] = (found + 1) * UNITS_PER_SEGMENT; // nobody else finds room in it
    }
    this.#idle[found] = 0;
    const unit = this.#firstUnit(found);
    this.#spans[(unit << RECORD_SHIFT) + UNITS] = units;
    return unit;
  }

  #freeSegment(unit: number): void {
    const segment = unit >>> UNIT_SEGMENT_SHIFT;
    this.#spans[(unit << RECORD_SHIFT) + CLASS] = FREE_CLASS;
    this.#idle[segment] = IDLE_NOTES;
  }

  /** Finds `units` neighbouring units: the tightest binned run, else untouched memory. */
  #allocRun(units: number): number {
    const spans = this.#spans;
    for (let bin = Math.min(units, RUN_BINS); bin <= RUN_BINS; bin++) {
      for (let at = this.#freeRuns[bin]; at !== 0; at = spans[((at - 1) << RECORD_SHIFT) + NEXT]) {
        const unit = at - 1;
        const length = spans[(unit << RECORD_SHIFT) + UNITS];
        if (length < units) continue;
        this.#unlink(this.#freeRuns, Math.min(length, RUN_BINS), unit);
        if (length > units) this.#binRun(unit + units, length - units);
        return this.#markUsed(unit, units);
      }
    }
    for (let segment = 0; segment < this.bytes.length; segment++) {
      if (this.leaving[segment] !== 0) continue;
      if ((segment + 1) * UNITS_PER_SEGMENT - this.#frontier[segment] >= units) return this.#advance(segment, units);
    }
    return this.#advance(this.#addSegment(0, SEGMENT_BYTES), units);
  }

  #advance(segment: number, units: number): number {
    const unit = this.#frontier[segment];
    const end = this.#frontier[segment] = unit + units;
    if (end > this.#reached[segment]) this.#reached[segment] = end;
    this.#idle[segment] = 0;
    return this.#markUsed(unit, units);
  }

  #markUsed(unit: number, units: number): number {
    this.#spans[(unit << RECORD_SHIFT) + UNITS] = units;
    this.#spans[((unit + units - 1) << RECORD_SHIFT) + CLASS] = LARGE_CLASS;
    return unit;
  }

  /** Joins a run with its free neighbours; one that reaches the frontier moves it back. */
  #freeRun(unit: number, units: number): void {
    const spans = this.#spans;
    const segment = unit >>> UNIT_SEGMENT_SHIFT;
    const last = (unit - 1) << RECORD_SHIFT;
    if (unit > segment * UNITS_PER_SEGMENT && spans[last + CLASS] === FREE_CLASS) {
      const before = spans[last + FIRST];
      units += unit - before;
      unit = before;
      this.#unlink(this.#freeRuns, this.#binOf(unit, spans[(unit << RECORD_SHIFT) + UNITS]), unit);
    }
    const end = unit + units;
    if (end === this.#frontier[segment]) {
      this.#frontier[segment] = unit;
      return;
    }
    if (spans[(end << RECORD_SHIFT) + CLASS] === FREE_CLASS) {
      const after = spans[(end << RECORD_SHIFT) + UNITS];
      this.#unlink(this.#freeRuns, this.#binOf(end, after), end);
      units += after;
    }
    this.#binRun(unit, units);
  }

  /** The free list of a run. */
  #binOf(unit: number, units: number): number {
    return this.leaving[unit >>> UNIT_SEGMENT_SHIFT] !== 0 ? LEAVING_BIN : Math.min(units, RUN_BINS);
  }

  #binRun(unit: number, units: number): void {
    const spans = this.#spans;
    const last = (unit + units - 1) << RECORD_SHIFT;
    spans[last + CLASS] = FREE_CLASS;
    spans[last + FIRST] = unit;
    spans[(unit << RECORD_SHIFT) + CLASS] = FREE_CLASS;
    spans[(unit << RECORD_SHIFT) + UNITS] = units;
    this.#link(this.#freeRuns, this.#binOf(unit, units), unit);
  }

  #link(heads: Int32Array, index: number, unit: number): void {
    const spans = this.#spans;
    const head = heads[index];
    spans[(unit << RECORD_SHIFT) + NEXT] = head;
    spans[(unit << RECORD_SHIFT) + PREVIOUS] = 0;
    if (head !== 0) spans[((head - 1) << RECORD_SHIFT) + PREVIOUS] = unit + 1;
    heads[index] = unit + 1;
  }

  #unlink(heads: Int32Array, index: number, unit: number): void {
    const spans = this.#spans;
    const next = spans[(unit << RECORD_SHIFT) + NEXT];
    const previous = spans[(unit << RECORD_SHIFT) + PREVIOUS];
    if (next !== 0) spans[((next - 1) << RECORD_SHIFT) + PREVIOUS] = previous;
    if (previous !== 0) spans[((previous - 1) << RECORD_SHIFT) + NEXT] = next;
    else heads[index] = next;
  }
}
