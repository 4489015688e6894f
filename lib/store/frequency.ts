/**
 * The access frequency of entries under an LFU policy: Morris counters (Morris, 1978) with decay, in the 24 bits of the
 * access clock, as Redis's LFU has them: minutes since 1970 modulo 2^16, then a logarithmic counter of 8 bits.
 */

/** Counter of a new entry, so that it is not evicted at once. */
const INITIAL_COUNTER = 5;
const MINUTES_MASK = 0xffff;
const COUNTER_MASK = 0xff;

export class Frequency {
  /** Larger: more accesses are needed to saturate the counter (`lfu-log-factor`). */
  logFactor = 10;
  /** Minutes after which a counter that is not accessed goes down by one (`lfu-decay-time`); 0: never. */
  decayMinutes = 1;

  constructor(readonly nowMs: () => number, readonly random: () => number) {}

  #minutes(): number {
    return Math.floor(this.nowMs() / 60_000) & MINUTES_MASK;
  }

  /** The clock of a new entry. */
  initial(): number {
    return (this.#minutes() << 8) | INITIAL_COUNTER;
  }

  /** The counter in a clock, less what it has lost by now. */
  decayed(clock: number): number {
    const counter = clock & COUNTER_MASK;
    if (this.decayMinutes === 0) return counter;
    const elapsed = (this.#minutes() - (clock >>> 8)) & MINUTES_MASK;
    return Math.max(0, counter - Math.floor(elapsed / this.decayMinutes));
  }

  /** The clock after an access. */
  touched(clock: number): number {
    let counter = this.decayed(clock);
    if (counter < COUNTER_MASK) {
      const base = Math.max(0, counter - INITIAL_COUNTER);
      if (this.random() < 1 / (base * this.logFactor + 1)) counter++;
    }
    return (this.#minutes() << 8) | counter;
  }

  /** A clock with a given counter, as RESTORE FREQ and RDB files bring it. */
  withCounter(counter: number): number {
    return (this.#minutes() << 8) | (counter & COUNTER_MASK);
  }
}
