/**
 * The clock: what time it is, and how long something took. Nothing else in `lib/` asks the system for that.
 *
 * Everybody calls it, down to each command; so it is one indirect call and nothing more. A simulation puts a clock of its
 * own in the place of the system's.
 */

/** Where the time comes from. */
export interface Clock {
  /** Unix time in whole ms; may jump, as the system's time is set. */
  readonly unixMs: () => number;
  /** Time since some moment in the past, in ms with a fraction; never goes back. */
  readonly monotonicMs: () => number;
  /** Unix time in ms with a fraction. */
  readonly preciseUnixMs: () => number;
}

const SYSTEM: Clock = {
  unixMs: Date.now,
  monotonicMs: () => performance.now(),
  preciseUnixMs: () => performance.timeOrigin + performance.now(),
};

let clock = SYSTEM;

/** Replaces the clock of the whole process; returns the one that it had, to be put back. */
export function useClock(replacement: Clock): Clock {
  const before = clock;
  clock = replacement;
  return before;
}

/** Unix time in whole ms: for what clients, files or other servers are told. May jump, as the system's time is set. */
export function unixMs(): number {
  return clock.unixMs();
}

/** Time since some moment in the past, in ms with a fraction: for durations and deadlines. Never goes back. */
export function monotonicMs(): number {
  return clock.monotonicMs();
}

/** Unix time in ms with a fraction, for whoever shows microseconds. */
export function preciseUnixMs(): number {
  return clock.preciseUnixMs();
}
