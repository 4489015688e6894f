/**
 * The latency monitor: for each kind of event, the latest spikes of at least `latency-monitor-threshold` milliseconds.
 * The dispatcher reports commands, the cron its expiry; LATENCY reads.
 */

import type { LatencyControl, LatencyHistory, LatencySample } from "../../commands/client_state.ts";
import { unixMs } from "../../runtime/clock.ts";

/** Spikes kept of one event. */
const MAX_SAMPLES = 160;

class History implements LatencyHistory {
  readonly samples: LatencySample[] = [];
  longest = 0;

  /** Adds a spike; of those within one second, the longest counts. */
  add(time: number, milliseconds: number): void {
    const { samples } = this;
    this.longest = Math.max(this.longest, milliseconds);
    const last = samples[samples.length - 1];
    if (last?.time === time) {
      if (milliseconds > last.milliseconds) samples[samples.length - 1] = { time, milliseconds };
      return;
    }
    samples.push({ time, milliseconds });
    if (samples.length > MAX_SAMPLES) samples.shift();
  }
}

/** The latest spikes by kind of event. */
export class LatencyMonitor implements LatencyControl {
  /** In ms (`latency-monitor-threshold`); 0: nothing is noted. */
  thresholdMs = 0;
  readonly events = new Map<string, History>();

  /** Notes an event if it took long enough. */
  report(event: string, elapsedMs: number): void {
    const milliseconds = Math.floor(elapsedMs);
    if (this.thresholdMs === 0 || milliseconds < this.thresholdMs) return;
    let history = this.events.get(event);
    if (history === undefined) this.events.set(event, history = new History());
    history.add(Math.floor(unixMs() / 1000), milliseconds);
  }

  reset(event: string): boolean {
    return this.events.delete(event);
  }
}
