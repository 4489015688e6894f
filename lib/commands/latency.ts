/** LATENCY: the spikes that the latency monitor has seen, and how long commands take. */

import type { Request } from "../resp/request.ts";
import { unixMs } from "../runtime/clock.ts";
import type { LatencyHistory } from "./client_state.ts";
import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "./command.ts";
import type { CommandDeclaration } from "./declaration.ts";
import { help } from "./help.ts";
import { diagnose, drawGraph } from "./latency_report.ts";
import type { CommandsHost, DelaysHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<CommandsHost & DelaysHost>;

/** `LATENCY LATEST` */
function latest(session: Caller): void {
  const { reply } = session;
  const { events } = session.host.latency;
  reply.array(events.size);
  for (const [event, { samples, longest }] of events) {
    const last = samples[samples.length - 1];
    reply.array(4);
    reply.bulkString(event);
    reply.integer(last.time);
    reply.integer(last.milliseconds);
    reply.integer(longest);
  }
}

/** `LATENCY HISTORY event` */
function history(session: Caller, request: Request): void {
  const { reply } = session;
  const samples = session.host.latency.events.get(request.text(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { time, milliseconds } of samples) {
    reply.array(2);
    reply.integer(time);
    reply.integer(milliseconds);
  }
}

/** `LATENCY RESET [event …]` */
function reset(session: Caller, request: Request): void {
  const { latency } = session.host;
  const events: string[] = request.argc === 2 ? [...latency.events.keys()] : [];
  for (let i = 2; i < request.argc; i++) events.push(request.text(i));
  session.reply.integer(events.filter((event) => latency.reset(event)).length);
}

/** `LATENCY GRAPH event` */
function graph(session: Caller, request: Request): void {
  const { reply } = session;
  const event = request.text(2);
  const found: LatencyHistory | undefined = session.host.latency.events.get(event);
  if (found === undefined) return reply.error(`ERR No samples available for event '${event}'`);
  reply.verbatim("txt", drawGraph(event, found, unixMs() / 1000));
}

/** `LATENCY DOCTOR` */
function doctor(session: Caller): void {
  const { host } = session;
  const thresholdMs = host.config.number("latency-monitor-threshold");
  const slowlogMicroseconds = host.config.number("slowlog-log-slower-than");
  session.reply.verbatim("txt", diagnose(host.latency.events, thresholdMs, slowlogMicroseconds));
}

/** The commands that a name stands for: a container's stands for its subcommands too. */
function* named(session: Caller, name: string): Generator<CommandDeclaration> {
  const [container, subcommand] = name.split("|", 2);
  const found = session.host.commands.byName.get(container);
  if (found === undefined) return;
  if (subcommand === undefined) {
    yield found;
    yield* found.subcommands?.values() ?? [];
    return;
  }
  const sub = found.subcommands?.get(subcommand);
  if (sub !== undefined) yield sub;
}

/** `LATENCY HISTOGRAM [command …]`: by command, how many calls took at most so many microseconds. */
function histogram(session: Caller, request: Request): void {
  const { reply, host } = session;
  const names: string[] = request.argc === 2 ? [...host.commands.byName.keys()] : [];
  for (let i = 2; i < request.argc; i++) names.push(request.text(i).toLowerCase());
  const mark = reply.open();
  let shown = 0;
  for (const asked of names) {
    for (const { name, stats } of named(session, asked)) {
      if (stats.histogram === null || stats.histogram.total === 0) continue;
      const steps = stats.histogram.cumulative();
      reply.bulkString(name);
      reply.map(2);
      reply.bulkString("calls");
      reply.integer(stats.histogram.total);
      reply.bulkString("histogram_usec");
      reply.map(steps.length);
      for (const { microseconds, count } of steps) {
        reply.integer(microseconds);
        reply.integer(count);
      }
      shown++;
    }
  }
  reply.closeMap(mark, shown);
}

const LATENCY_HELP = help("LATENCY", [
  ["DOCTOR", "Explain the spikes that were seen, and what may be done about them."],
  ["GRAPH <event>", "Draw the spikes of <event>."],
  ["HISTOGRAM [<command> ...]", "Tell how many calls of each command took at most how long (default: all commands)."],
  ["HISTORY <event>", "List the spikes of <event>: time and milliseconds."],
  ["LATEST", "Show the latest and the longest spike of each event."],
  ["RESET [<event> ...]", "Forget the spikes of these events (default: of all)."],
]);

const FLAGS = ADMIN | NOSCRIPT | LOADING | STALE;

export const LATENCY_COMMANDS: readonly Command[] = [
  command("latency", -2, 0, LATENCY_HELP, {
    subcommands: [
      command("latency|doctor", 2, FLAGS, doctor),
      command("latency|graph", 3, FLAGS, graph),
      command("latency|help", 2, LOADING | STALE, LATENCY_HELP),
      command("latency|histogram", -2, FLAGS, histogram),
      command("latency|history", 3, FLAGS, history),
      command("latency|latest", 2, FLAGS, latest),
      command("latency|reset", -2, FLAGS, reset),
    ],
  }),
];
