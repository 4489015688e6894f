/** Giving way to the event loop in the middle of long work. */

import { setImmediate } from "node:timers";

/** Calls back after the sockets that are ready now have been served. */
export function onNextTurn(callback: () => void): void {
  setImmediate(callback);
}

/** Resolves after the sockets that are ready now have been served. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => onNextTurn(resolve));
}
