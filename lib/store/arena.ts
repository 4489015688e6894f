/**
 * The arena: every key and value of the server, outside the JavaScript heap.
 *
 * Memory is a list of 1 GiB segments that the operating system commits page by page as they are written. A *ref* is an
 * int32 that counts 8-byte granules from the start of the first segment: its upper 5 bits name the segment, the rest
 * the place in it, so 32 GiB can be addressed. Ref 0 is never handed out and means "nothing". Refs past 16 GiB are
 * negative numbers; only equality is ever asked of a ref.
 *
 * The allocator keeps its free lists per span, as mimalloc does per page (Leijen, Zorn and de Moura, 2019): a span is
 * a run of 16 KiB units holding blocks of one size class, so that freeing needs no size and an empty span goes back
 * to be used for any other class. Blocks above 32 KiB are spans of their own.
 *
 * Owned by the server's composition; read and written by everything in `lib/store/`.
 */

/** Bytes in a granule, the unit in which refs count. */
export const GRANULE_BYTES = 8;
/** Granules in a segment, less one: the mask that gives the place in the segment. */
export const SEGMENT_MASK = 0x7ffffff;
/** How far a ref is shifted right to give its segment. */
export const SEGMENT_SHIFT = 27;

const SEGMENT_BYTES = 2 ** 30;
const MAX_SEGMENTS = 32;
const UNIT_BYTES = 16384;
const UNIT_SHIFT = 11; // 2048 granules
const UNITS_PER_SEGMENT = SEGMENT_BYTES / UNIT_BYTES;
/** Blocks up to this size share spans; larger ones have a span to themselves. */
const MAX_SMALL_BYTES = 32768;
/** Runs of at least this many units share one free list. */
const RUN_BINS = 64;
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

/** Thrown when all 32 GiB are in use, or the system gives no further segment. */
export class ArenaFullError extends Error {
  override name = "ArenaFullError";
}

/** What `Arena.inspect` shows. */
export interface ArenaRecords {
  /** Records of 8 words, one per unit. */
  readonly spans: Int32Array;
  /** First span with room of each class, and first free run of each length, as unit + 1. */
  readonly withRoom: Int32Array;
  readonly freeRuns: Int32Array;
  /** The unit in each segment from which on nothing was ever handed out. */
  readonly frontier: readonly number[];
  readonly classes: SizeClasses;
}

export interface SizeClasses {
  /** Class of a size in granules. */
  readonly ofGranules: Uint8Array;
  /** Granules of a block of each class. */
  readonly granules: Int32Array;
  /** Units of a span of each class. */
  readonly units: Int32Array;
  /** Blocks in a span of each class. */
  readonly capacity: Int32Array;
}

/** A table segment's size (see table.ts), which would waste 11% in the class above it. */
const TABLE_SEGMENT_BYTES = 8200;

function makeSizeClasses(): SizeClasses {
  const sizes = new Set<number>([TABLE_SEGMENT_BYTES]);
  for (let bytes = 8; bytes <= 512; bytes += 8) sizes.add(bytes);
  for (let base = 512; base < MAX_SMALL_BYTES; base *= 2) {
    for (let step = 1; step <= 8; step++) sizes.add(base + (base / 8) * step);
  }
  const sorted = [...sizes].sort((a, b) => a - b);
  const ofGranules = new Uint8Array(MAX_SMALL_BYTES / GRANULE_BYTES + 1);
  let index = 0;
  for (let granules = 0; granules < ofGranules.length; granules++) {
    while (sorted[index] < granules * GRANULE_BYTES) index++;
    ofGranules[granules] = index;
  }
  const units = sorted.map((bytes) => {
    let count = 1;
    while ((count * UNIT_BYTES) % bytes > (count * UNIT_BYTES) / 16 || count * UNIT_BYTES < bytes) count++;
    return count;
  });
  return {
    ofGranules,
    granules: Int32Array.from(sorted, (bytes) => bytes / GRANULE_BYTES),
    units: Int32Array.from(units),
    capacity: Int32Array.from(sorted, (bytes, i) => Math.floor((units[i] * UNIT_BYTES) / bytes)),
  };
}

const CLASSES = makeSizeClasses();

/** Segments of lazily committed memory and the allocator over them. */
export class Arena {
  /** Each segment as bytes; the byte of a ref is `(ref & SEGMENT_MASK) << 3`. */
  readonly bytes: Uint8Array[] = [];
  /** Each segment as 32-bit words; the word of a ref is `(ref & SEGMENT_MASK) << 1`. */
  readonly words: Int32Array[] = [];
  /** Bytes in live blocks, rounded up to their size classes. */
  usedBytes = 0;

  /** One record of 8 words per unit; untouched parts of it cost nothing. */
  readonly #spans = new Int32Array((MAX_SEGMENTS * UNITS_PER_SEGMENT) << RECORD_SHIFT);
  /** First span with room of each class, as unit + 1. */
  readonly #withRoom = new Int32Array(CLASSES.granules.length);
  /** First free run of each length, as unit + 1; the last bin holds all longer ones. */
  readonly #freeRuns = new Int32Array(RUN_BINS + 1);
  /** The unit in each segment from which on nothing was ever handed out. */
  readonly #frontier: number[] = [];

  constructor() {
    this.#addSegment();
    this.#frontier[0] = 1; // ref 0 is "nothing"
  }

  /** Bytes of address space behind the arena's segments. */
  get reservedBytes(): number {
    return this.bytes.length * SEGMENT_BYTES;
  }

  /** Bytes that were handed out at some time, so that the system holds memory for them. */
  get committedBytes(): number {
    let units = 0;
    for (let i = 0; i < this.#frontier.length; i++) units += this.#frontier[i] - i * UNITS_PER_SEGMENT;
    return units * UNIT_BYTES;
  }

  /** Allocates a block of at least `bytes` bytes (1 to 1 GiB less 16 KiB); its content is undefined. */
  alloc(bytes: number): number {
    const granules = (bytes + 7) >>> 3;
    if (granules > MAX_SMALL_BYTES / GRANULE_BYTES) return this.#allocLarge(bytes);
    const sizeClass = CLASSES.ofGranules[granules];
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

  /** Gives a block back. The ref must come from `alloc` and not have been freed since. */
  free(ref: number): void {
    const spans = this.#spans;
    const unit = spans[((ref >>> UNIT_SHIFT) << RECORD_SHIFT) + FIRST];
    const record = unit << RECORD_SHIFT;
    const sizeClass = spans[record + CLASS];
    if (sizeClass === LARGE_CLASS) {
      this.usedBytes -= spans[record + UNITS] * UNIT_BYTES;
      this.#freeRun(unit, spans[record + UNITS]);
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
    };
  }

  #addSegment(): void {
    const index = this.bytes.length;
    if (index === MAX_SEGMENTS) throw new ArenaFullError("the arena's 32 GiB are in use");
    let memory: SharedArrayBuffer;
    try {
      memory = new SharedArrayBuffer(SEGMENT_BYTES);
    } catch (cause) {
      throw new ArenaFullError("the system gives no further 1 GiB segment", { cause });
    }
    this.bytes.push(new Uint8Array(memory));
    this.words.push(new Int32Array(memory));
    this.#frontier.push(index * UNITS_PER_SEGMENT);
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
    if (this.#spans[record + NEXT] === 0 && this.#spans[record + PREVIOUS] === 0) return;
    this.#unlink(this.#withRoom, sizeClass, unit);
    this.#freeRun(unit, CLASSES.units[sizeClass]);
  }

  #allocLarge(bytes: number): number {
    const units = Math.ceil(bytes / UNIT_BYTES);
    const unit = this.#allocRun(units);
    const record = unit << RECORD_SHIFT;
    this.#spans[record + CLASS] = LARGE_CLASS;
    this.#spans[record + FIRST] = unit;
    this.usedBytes += units * UNIT_BYTES;
    return (unit << UNIT_SHIFT) | 0;
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
      if ((segment + 1) * UNITS_PER_SEGMENT - this.#frontier[segment] >= units) return this.#advance(segment, units);
    }
    if (units > UNITS_PER_SEGMENT) throw new ArenaFullError(`a block of ${units * UNIT_BYTES} bytes fits no segment`);
    this.#addSegment();
    return this.#advance(this.bytes.length - 1, units);
  }

  #advance(segment: number, units: number): number {
    const unit = this.#frontier[segment];
    this.#frontier[segment] += units;
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
    const segment = Math.floor(unit / UNITS_PER_SEGMENT);
    const last = (unit - 1) << RECORD_SHIFT;
    if (unit > segment * UNITS_PER_SEGMENT && spans[last + CLASS] === FREE_CLASS) {
      const before = spans[last + FIRST];
      units += unit - before;
      unit = before;
      this.#unlink(this.#freeRuns, Math.min(spans[(unit << RECORD_SHIFT) + UNITS], RUN_BINS), unit);
    }
    const end = unit + units;
    if (end === this.#frontier[segment]) {
      this.#frontier[segment] = unit;
      if (unit === segment * UNITS_PER_SEGMENT) this.#dropEmptySegments();
      return;
    }
    if (spans[(end << RECORD_SHIFT) + CLASS] === FREE_CLASS) {
      const after = spans[(end << RECORD_SHIFT) + UNITS];
      this.#unlink(this.#freeRuns, Math.min(after, RUN_BINS), end);
      units += after;
    }
    this.#binRun(unit, units);
  }

  #binRun(unit: number, units: number): void {
    const spans = this.#spans;
    const last = (unit + units - 1) << RECORD_SHIFT;
    spans[last + CLASS] = FREE_CLASS;
    spans[last + FIRST] = unit;
    spans[(unit << RECORD_SHIFT) + CLASS] = FREE_CLASS;
    spans[(unit << RECORD_SHIFT) + UNITS] = units;
    this.#link(this.#freeRuns, Math.min(units, RUN_BINS), unit);
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

  /** Lets go of the last segments when nothing is left in them: the only memory that returns to the system. */
  #dropEmptySegments(): void {
    for (let last = this.bytes.length - 1; last > 0; last--) {
      if (this.#frontier[last] !== last * UNITS_PER_SEGMENT) return;
      this.bytes.pop();
      this.words.pop();
      this.#frontier.pop();
    }
  }
}
