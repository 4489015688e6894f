/**
 * Timers: having something done after a while, once or again and again, and waiting. Nothing else in `lib/` sets one,
 * but for what the network adapters do to end a turn (see turns.ts). Whoever starts a timer holds on to it to cancel it.
 *
 * A simulation puts timers of its own in the place of the system's, which go by its clock.
 */

/** A timer that has been started. */
export interface Timer {
  /** Has it not call back any more. Does nothing when it has done its last call, or was cancelled before. */
  cancel(): void;
}

/** Where timers come from. */
export interface Timers {
  /** Starts one that calls back once, after `delayMs` ms at the earliest. */
  readonly start: (callback: () => void, delayMs: number) => Timer;
  /** Starts one that calls back every `periodMs` ms until it is cancelled. */
  readonly startRepeating: (callback: () => void, periodMs: number) => Timer;
  /** Comes back after `durationMs` ms; nothing else is done meanwhile. */
  readonly block: (durationMs: number) => void;
}

/** Longest delay that the runtimes' timers take, in ms: beyond it they call back at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const SYSTEM: Timers = {
  start: (callback, delayMs) => {
    const wait = (leftMs: number): ReturnType<typeof setTimeout> =>
      leftMs <= MAX_DELAY_MS
        ? setTimeout(callback, leftMs)
        : setTimeout(() => id = wait(leftMs - MAX_DELAY_MS), MAX_DELAY_MS);
    let id = wait(delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  startRepeating: (callback, periodMs) => {
    const id = setInterval(callback, periodMs);
    return { cancel: () => clearInterval(id) };
  },
  block: (durationMs) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs),
};

let timers = SYSTEM;

/** Replaces the timers of the whole process; returns those that it had, to be put back. */
export function useTimers(replacement: Timers): Timers {
  const before = timers;
  timers = replacement;
  return before;
}

/** Calls back once, after `delayMs` ms at the earliest. The process lives on until then, or until it is cancelled. */
export function startTimer(callback: () => void, delayMs: number): Timer {
  return timers.start(callback, delayMs);
}

/** Calls back every `periodMs` ms. The process lives on until it is cancelled. */
export function startRepeatingTimer(callback: () => void, periodMs: number): Timer {
  return timers.startRepeating(callback, periodMs);
}

/** Resolves after `durationMs` ms at the earliest. */
export function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => void startTimer(resolve, durationMs));
}

/** Comes back after `durationMs` ms, during which the whole server stands still; does nothing for 0. */
export function sleepSync(durationMs: number): void {
  if (durationMs > 0) timers.block(durationMs);
}
