/**
 * Size classes: the sizes in which the arena hands out small blocks, so that what is freed can serve for what comes. Every 8
 * bytes up to 512, then eight sizes to a doubling: from there on, at most an eighth more is taken than was asked for. A span
 * of a class, a run of units that holds its blocks, leaves a sixteenth of itself unused at most.
 */

/** The classes, and after all of them the same again for spans in leaving segments. */
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

/** Sizes up to here are all multiples of a granule; beyond, there are so many to a doubling. */
const FINE_BYTES = 512;
const STEPS_PER_DOUBLING = 8;
/** A table segment's size (see table.ts), which would waste 11% in the class above it. */
const TABLE_SEGMENT_BYTES = 8200;

/** The classes of sizes up to `maxBytes`, a power of two, in bytes per granule and per unit. */
export function makeSizeClasses(granuleBytes: number, unitBytes: number, maxBytes: number): SizeClasses {
  const sizes = new Set<number>([TABLE_SEGMENT_BYTES]);
  for (let bytes = granuleBytes; bytes <= FINE_BYTES; bytes += granuleBytes) sizes.add(bytes);
  for (let base = FINE_BYTES; base < maxBytes; base *= 2) {
    for (let step = 1; step <= STEPS_PER_DOUBLING; step++) sizes.add(base + (base / STEPS_PER_DOUBLING) * step);
  }
  const sorted = [...sizes].sort((a, b) => a - b);
  const ofGranules = new Uint8Array(maxBytes / granuleBytes + 1);
  let index = 0;
  for (let granules = 0; granules < ofGranules.length; granules++) {
    while (sorted[index] < granules * granuleBytes) index++;
    ofGranules[granules] = index;
  }
  const units = sorted.map((bytes) => {
    let count = 1;
    while ((count * unitBytes) % bytes > (count * unitBytes) / 16 || count * unitBytes < bytes) count++;
    return count;
  });
  const twice = (values: readonly number[]) => Int32Array.from([...values, ...values]);
  return {
    ofGranules,
    granules: twice(sorted.map((bytes) => bytes / granuleBytes)),
    units: twice(units),
    capacity: twice(sorted.map((bytes, i) => Math.floor((units[i] * unitBytes) / bytes))),
  };
}
