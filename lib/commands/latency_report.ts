/** What LATENCY GRAPH draws and LATENCY DOCTOR writes, from the samples of the latency monitor. */

import type { LatencyHistory, LatencySample } from "./client_state.ts";

const ROWS = 4;
/** Tops of a column, from low to high within one row; what is below is filled up. */
const TOPS = "_o#";
const FILL = "|";
const RULER = "-".repeat(80);

/** Draws samples as columns, oldest first, with the time that has passed since written downwards below each. */
export function drawGraph(event: string, { samples, longest }: LatencyHistory, nowSeconds: number): string {
  const values = samples.map((sample) => sample.milliseconds);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const levels = ROWS * TOPS.length;
  const heights = values.map((value) =>
    high === low ? 0 : Math.min(levels - 1, Math.floor(((value - low) / (high - low)) * levels))
  );
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) {
    lines.push(heights.map((height) => cell(height - row * TOPS.length)).join("").trimEnd());
  }
  const ages = samples.map((sample) => age(nowSeconds - sample.time));
  lines.push("");
  for (let i = 0; i < Math.max(...ages.map((text) => text.length)); i++) {
    lines.push(ages.map((text) => text[i] ?? " ").join("").trimEnd());
  }
  const head = `${event} - high ${high} ms, low ${low} ms (all time high ${longest} ms)`;
  return [head, RULER, ...lines, ""].join("\n");
}

/** What a column shows in a row, given its height above the row's foot. */
function cell(height: number): string {
  if (height < 0) return " ";
  return height >= TOPS.length ? FILL : TOPS[height];
}

function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  return whole < 86400 ? `${Math.floor(whole / 3600)}h` : `${Math.floor(whole / 86400)}d`;
}

/** Figures of one event. */
interface Figures {
  readonly average: number;
  /** Mean distance from the average. */
  readonly deviation: number;
  /** Mean time between two spikes, in seconds. */
  readonly periodSeconds: number;
}

function figures(samples: readonly LatencySample[]): Figures {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const values = samples.map((sample) => sample.milliseconds);
  const average = mean(values);
  const span = samples[samples.length - 1].time - samples[0].time;
  return {
    average,
    deviation: mean(values.map((value) => Math.abs(value - average))),
    periodSeconds: samples.length > 1 ? span / (samples.length - 1) : 0,
  };
}

/** Explains what the monitor has seen. */
export function diagnose(
  events: ReadonlyMap<string, LatencyHistory>,
  thresholdMs: number,
  slowlogMicroseconds: number,
): string {
  if (thresholdMs === 0 && events.size === 0) {
    return "The latency monitor is off, so there is nothing to diagnose. Turn it on with " +
      '"CONFIG SET latency-monitor-threshold <milliseconds>" and ask again after a while.\n';
  }
  if (events.size === 0) {
    return `No event has taken ${thresholdMs} milliseconds or more so far: there is nothing to complain about. ` +
      'To look closer, lower "latency-monitor-threshold".\n';
  }
  const lines = [`Latency spikes were seen in ${events.size} kind${events.size === 1 ? "" : "s"} of events:`, ""];
  let number = 0;
  for (const [event, { samples, longest }] of events) {
    const { average, deviation, periodSeconds } = figures(samples);
    lines.push(
      `${++number}. ${event}: ${samples.length} latency spikes (average ${average.toFixed(0)}ms, ` +
        `mean deviation ${deviation.toFixed(0)}ms, period ${periodSeconds.toFixed(2)} sec). ` +
        `Worst all time event ${longest}ms.`,
    );
  }
  lines.push("", "What you may do about it:", "");
  for (const line of advice(events, thresholdMs, slowlogMicroseconds)) lines.push(`- ${line}`);
  return lines.join("\n") + "\n";
}

function advice(
  events: ReadonlyMap<string, LatencyHistory>,
  thresholdMs: number,
  slowlogMicroseconds: number,
): string[] {
  const given: string[] = [];
  if (events.has("command")) {
    if (slowlogMicroseconds < 0 || slowlogMicroseconds > thresholdMs * 1000) {
      given.push(
        `The slow log does not show the commands behind these spikes. Have it do so: ` +
          `"CONFIG SET slowlog-log-slower-than ${thresholdMs * 1000}".`,
      );
    }
    given.push('Look into the slow log ("SLOWLOG GET") for commands that go through many elements at once.');
    given.push("Read large collections in pieces, with SCAN and its kin, and free them with UNLINK.");
  }
  if (events.has("fast-command")) {
    given.push(
      "Commands that are always fast took long: the machine itself is slow at times. Look for swapping, other busy " +
        "processes, or a hypervisor that gives this machine too little time.",
    );
  }
  if (events.has("expire-cycle")) {
    given.push("Many keys expire at the same time: spread their expiry over a longer period.");
  }
  if (given.length === 0) given.push('Watch how the spikes develop, with "LATENCY HISTORY" and "LATENCY GRAPH".');
  return given;
}
