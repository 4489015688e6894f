/**
 * The event loop of a simulation: everything that happens is an event of a queue, ordered by fake time and, where that is
 * the same, by chance. An event belongs to a scope, as a server is one for as long as it lives: what it starts while it
 * runs is its own, and once the scope is dead nothing of it runs again.
 *
 * It takes the place of the clock, the timers, the turns and the chance of lib/runtime. Between two events all promises
 * that can go on do so, and what is rejected for a fault is heard of, or has not been caught.
 */

import process from "node:process";
import { setImmediate } from "node:timers";
import { type Clock, useClock } from "../../lib/runtime/clock.ts";
import { useRandom } from "../../lib/runtime/random.ts";
import { type Timer, type Timers, useTimers } from "../../lib/runtime/timers.ts";
import { useTurns } from "../../lib/runtime/turns.ts";
import type { Chance } from "./chance.ts";

/** What owns events: a server from its start to its end, the clients, the world. */
export class Scope {
  isDead = false;
  /** When a thread of it broke down last, in ms. */
  threadBrokeMs = -Infinity;
  constructor(readonly name: string) {}
}

/** Thrown where a scope that is dead, or has just been killed, asks for anything: unwinds what was under way. */
export class Killed extends Error {
  override name = "Killed";
}

/** Unix time at which every simulation begins, in ms. */
export const EPOCH_MS = 1_800_000_000_000;
/** How much later each look at the clock is, at most, in ms; and, once in so many looks, a longer pause. */
const LOOK_MS = 0.01;
const LOOKS_PER_PAUSE = 2000;
const PAUSE_MS = 3;
/** A turn of the event loop takes up to so long, in ms. */
const TURN_MS = 0.1;
/** After so many events, at most, the real event loop has its turn. */
const EVENTS_PER_TURN = 64;

class Event implements Timer {
  constructor(
    readonly atMs: number,
    /** Decides between events at the same time. */
    readonly order: number,
    readonly scope: Scope,
    public run: (() => void) | null,
  ) {}

  cancel(): void {
    this.run = null;
  }
}

export class Scheduler {
  nowMs = 0;
  readonly world: Scope = new Scope("world");
  current: Scope = this.world;
  /** Told what an event threw. */
  onThrown: (scope: Scope, error: unknown) => void = () => {};
  /** Called after each event, when all promises have gone on. */
  afterEvent: (scope: Scope) => void = () => {};
  #hasFault = false;
  #eventsInTurn = 0;
  readonly #queue: Event[] = [];
  readonly #order: Chance;
  readonly #looks: Chance;
  readonly #random: Chance;

  constructor(chance: Chance) {
    this.#order = chance.fork();
    this.#looks = chance.fork();
    this.#random = chance.fork();
  }

  /** Has something run after `delayMs`, for the scope that is running or another. */
  after(delayMs: number, run: () => void, scope: Scope = this.current): Timer {
    const event = new Event(this.nowMs + Math.max(0, delayMs), this.#order.fraction(), scope, run);
    if (!scope.isDead) this.#push(event);
    return event;
  }

  /** Lets events happen until `isOver` or there are no more. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const event = this.#pop();
      if (event === undefined) return;
      const { run, scope } = event;
      if (run === null || scope.isDead) continue;
      this.nowMs = Math.max(this.nowMs, event.atMs);
      this.current = scope;
      this.#call(run, scope);
      if (this.#hasFault || ++this.#eventsInTurn === EVENTS_PER_TURN) {
        this.#hasFault = false;
        this.#eventsInTurn = 0;
        await turnHasEnded();
      } else {
        await promisesHaveGoneOn();
      }
      this.current = this.world;
      this.afterEvent(scope);
    }
  }

  /** To be called where something is made to fail: a promise that rejects unheard for it is known before the next event. */
  noteFault(): void {
    this.#hasFault = true;
  }

  #call(run: () => void, scope: Scope): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Killed)) this.onThrown(scope, error);
    }
  }

  /** Takes the system's place in lib/runtime until the function returned is called. */
  install(): () => void {
    const timers: Timers = {
      start: (callback, delayMs) => this.after(delayMs, callback),
      startRepeating: (callback, periodMs) => this.#repeat(callback, periodMs),
      block: (durationMs) => void (this.nowMs += durationMs),
    };
    const clock: Clock = {
      unixMs: () => Math.floor(EPOCH_MS + this.nowMs),
      monotonicMs: () => this.#look(),
      preciseUnixMs: () => EPOCH_MS + this.#look(),
    };
    const before = {
      clock: useClock(clock),
      timers: useTimers(timers),
      turns: useTurns((callback) => void this.after(this.#order.between(0, TURN_MS), callback)),
      random: useRandom({
        fraction: this.#random.fraction,
        fill: (bytes) => bytes.forEach((_, index) => bytes[index] = this.#random.below(256)),
      }),
    };
    return () => {
      useClock(before.clock);
      useTimers(before.timers);
      useTurns(before.turns);
      useRandom(before.random);
    };
  }

  /** Work takes time: each look at the clock finds it a little later. */
  #look(): number {
    this.nowMs += this.#looks.between(0, LOOK_MS);
    if (this.#looks.oneIn(LOOKS_PER_PAUSE)) this.nowMs += this.#looks.between(0, PAUSE_MS);
    return this.nowMs;
  }

  #repeat(callback: () => void, periodMs: number): Timer {
    let timer = { cancel: () => {} };
    const next = () => {
      timer = this.after(periodMs, next);
      callback();
    };
    timer = this.after(periodMs, next);
    return { cancel: () => timer.cancel() };
  }

  // The queue is a heap of two children each.

  #push(event: Event): void {
    const queue = this.#queue;
    let at = queue.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, queue[above])) break;
      queue[at] = queue[above];
      at = above;
    }
    queue[at] = event;
  }

  #pop(): Event | undefined {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return last;
    let at = 0;
    for (let below = 1; below < queue.length; below = 2 * at + 1) {
      if (below + 1 < queue.length && isBefore(queue[below + 1], queue[below])) below++;
      if (!isBefore(queue[below], last)) break;
      queue[at] = queue[below];
      at = below;
    }
    queue[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

process.nextTick(() => {}); // the first tick of all comes too early on Bun

/** Resolves when what promises had to do is done: ticks come after all of it. */
function promisesHaveGoneOn(): Promise<void> {
  return new Promise((resolve) => void process.nextTick(resolve));
}

/** The same in a later turn of the real event loop, which takes longer: by then the runtime has told of rejections. */
function turnHasEnded(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
