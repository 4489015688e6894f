/**
 * Giving way to the event loop in the middle of long work: by a timer, which takes a millisecond or so. `setImmediate`
 * would be quicker, but Deno 2.9 runs immediates that each set the next one for some 14 ms before it looks at its
 * sockets again, and messages to ourselves for more than 200 ms.
 */

/** Calls back after the sockets that are ready now have been served. */
export function onNextTurn(callback: () => void): void {
  setTimeout(callback, 0);
}

/** Resolves after the sockets that are ready now have been served. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => onNextTurn(resolve));
}
