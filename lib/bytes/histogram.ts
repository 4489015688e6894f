/**
 * A histogram of durations in logarithmic buckets with linear parts, as HdrHistogram has them (Tene, 2012): every
 * bucket is within 1/8 of its values, from 1 µs to some 18 minutes.
 */

const PARTS = 8;
const PART_BITS = 3;
const DOUBLINGS = 30;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(PARTS * (DOUBLINGS + 1));
  /** Values recorded. */
  total = 0;

  /** Records `count` durations of `microseconds` each. */
  record(microseconds: number, count: number): void {
    this.#counts[bucketOf(microseconds)] += count;
    this.total += count;
  }

  /** The duration in µs that `percent` of the values do not exceed; 0 without values. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.total));
    let seen = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i];
      if (seen >= wanted && this.total > 0) return upperEnd(i);
    }
    return 0;
  }

  /** Cumulative counts at each power of two µs that adds values. */
  cumulative(): { readonly microseconds: number; readonly count: number }[] {
    const steps: { microseconds: number; count: number }[] = [];
    let seen = 0;
    let reported = 0;
    for (let power = 0; power <= DOUBLINGS && seen < this.total; power++) {
      const limit = 2 ** power;
      seen = 0;
      for (let i = 0; i < this.#counts.length && upperEnd(i) <= limit; i++) seen += this.#counts[i];
      if (seen > reported) steps.push({ microseconds: limit, count: seen });
      reported = seen;
    }
    return steps;
  }
}

function bucketOf(microseconds: number): number {
  const value = Math.max(1, Math.min(2 ** DOUBLINGS - 1, Math.ceil(microseconds)));
  if (value < PARTS) return value;
  const doubling = 31 - Math.clz32(value) - PART_BITS;
  return (doubling + 1) * PARTS + ((value >> doubling) & (PARTS - 1));
}

/** Largest value in a bucket. */
function upperEnd(bucket: number): number {
  if (bucket < PARTS) return bucket;
  const doubling = Math.floor(bucket / PARTS) - 1;
  return (PARTS + (bucket & (PARTS - 1)) + 1) * 2 ** doubling - 1;
}
