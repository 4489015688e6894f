/**
 * Turns of the event loop: giving way to others in the middle of long work, and sending at a turn's end. How a turn ends
 * is for the network adapters to say, which know their runtime, and for a simulation in their place.
 *
 * What is written during a turn is sent at its end, when all that came in has been dealt with. The first reply wakes its
 * reader, who then finds the others coming while it is awake. Replies sent one by one would each pay for waking it,
 * which costs more than the sending.
 */

import { startTimer } from "./timers.ts";

/** Has a function called after the sockets that are ready now have been looked at. */
export type TurnScheduler = (callback: () => void) => void;

/** A timer takes a millisecond, but is a turn wherever this runs. */
let schedule: TurnScheduler = (callback) => void startTimer(callback, 0);

/** Replaces what ends turns in the whole process; returns what did so far, to be put back. */
export function useTurns(scheduler: TurnScheduler): TurnScheduler {
  const before = schedule;
  schedule = scheduler;
  return before;
}

/** Calls back after the sockets that are ready now have been served. */
export function onNextTurn(callback: () => void): void {
  schedule(callback);
}

/** Resolves after the sockets that are ready now have been served. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => onNextTurn(resolve));
}

/** A socket, or whoever writes to some, that can be told to send. */
export interface Sender {
  send(): void;
}

/** Who is to send at the end of the turn. */
export class EndOfTurn {
  readonly #due: (Sender | null)[] = [];
  #count = 0;
  /** How many of them were told. */
  #told = 0;

  /** `schedule` has a function called at the end of the turn. */
  constructor(readonly schedule: (run: () => void) => void) {}

  /** Has somebody's `send` called at the end of the turn. */
  add(socket: Sender): void {
    if (this.#count === 0) this.schedule(this.#run);
    this.#due[this.#count++] = socket;
  }

  #run = (): void => {
    try {
      while (this.#told < this.#count) { // what they do may add more
        const socket = this.#due[this.#told];
        this.#due[this.#told++] = null;
        socket?.send();
      }
    } finally {
      if (this.#told < this.#count) this.schedule(this.#run); // one has thrown
      else this.#told = this.#count = 0;
    }
  };
}
