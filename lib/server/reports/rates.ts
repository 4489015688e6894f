/**
 * What INFO shows of the last moments: rates per second, averaged over the last samples, and the largest buffers that
 * clients had. Sampled by the cron.
 */

import { monotonicMs } from "../../runtime/clock.ts";
import type { ClientSession } from "../clients/session.ts";
import type { Cron } from "../data/cron.ts";
import type { Statistics } from "./statistics.ts";

const SAMPLES = 16;
const SAMPLE_MS = 100;
/** For how long the largest buffers are remembered, in s. */
const PEAK_SECONDS = 8;

/** The rate of a counter that only grows. */
class Rate {
  readonly #samples = new Float64Array(SAMPLES);
  #next = 0;
  #lastCount = 0;

  constructor(readonly counter: () => number) {}

  /** Takes a sample, `elapsedMs` after the one before. */
  sample(elapsedMs: number): void {
    const count = this.counter();
    // A counter that was reset begins anew.
    this.#samples[this.#next++ % SAMPLES] = elapsedMs > 0
      ? Math.max(0, (count - this.#lastCount) * 1000) / elapsedMs
      : 0;
    this.#lastCount = count;
  }

  /** Per second. */
  get perSecond(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    return sum / SAMPLES;
  }
}

/** What rates and peaks are sampled from. */
export interface RatesHost {
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly cron: Pick<Cron, "every" | "tasks" | "ticks">;
  readonly statistics: Statistics;
}

/** Rates and peaks of the last moments. */
export class Rates {
  readonly commands: Rate;
  readonly input: Rate;
  readonly output: Rate;
  readonly replicationInput: Rate;
  readonly replicationOutput: Rate;
  /** Arrivals of data and ticks. */
  readonly cycles: Rate;
  /** Largest input and output buffers, by second. */
  readonly #inputPeaks = new Float64Array(PEAK_SECONDS);
  readonly #outputPeaks = new Float64Array(PEAK_SECONDS);
  #second = 0;
  #sampledMs: number = monotonicMs();

  constructor(readonly server: RatesHost) {
    const { statistics } = server;
    this.commands = new Rate(() => statistics.commandsProcessed);
    this.input = new Rate(() => statistics.networkInputBytes);
    this.output = new Rate(() => statistics.networkOutputBytes);
    this.replicationInput = new Rate(() => statistics.replicationInputBytes);
    this.replicationOutput = new Rate(() => statistics.replicationOutputBytes);
    this.cycles = new Rate(() => statistics.readsProcessed + server.cron.ticks);
    server.cron.tasks.push(() => this.#tick());
  }

  /** Largest buffers that any client had in the last seconds, in bytes. */
  get recentInputBytes(): number {
    return Math.max(...this.#inputPeaks);
  }

  get recentOutputBytes(): number {
    return Math.max(...this.#outputPeaks);
  }

  #tick(): void {
    if (this.server.cron.every(1000)) this.#samplePeaks();
    const nowMs = monotonicMs();
    const elapsedMs = nowMs - this.#sampledMs;
    if (elapsedMs < SAMPLE_MS * 0.9) return;
    this.#sampledMs = nowMs;
    const { commands, input, output, replicationInput, replicationOutput, cycles } = this;
    for (const rate of [commands, input, output, replicationInput, replicationOutput, cycles]) rate.sample(elapsedMs);
  }

  #samplePeaks(): void {
    let input = 0;
    let output = 0;
    for (const client of this.server.clients.values()) {
      input = Math.max(input, client.connection.unparsedBytes);
      output = Math.max(output, client.connection.outputBytes);
    }
    this.#second = (this.#second + 1) % PEAK_SECONDS;
    this.#inputPeaks[this.#second] = input;
    this.#outputPeaks[this.#second] = output;
  }
}
