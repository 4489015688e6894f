/** INFO commandstats, latencystats and errorstats: calls of each command, their durations, and the errors replied. */

import type { Command } from "../../../commands/command.ts";
import type { CommandTable } from "../../../commands/table.ts";
import type { Config } from "../../../config/config.ts";
import type { Statistics } from "../statistics.ts";
import type { Field } from "./field.ts";

/** What the sections tell of. */
export interface CommandsSource {
  readonly commands: Pick<CommandTable, "byName">;
  readonly config: Config;
  readonly statistics: Pick<Statistics, "errors">;
}

/** All commands and subcommands. */
export function* eachCommand({ byName }: CommandsSource["commands"]): Generator<Command> {
  for (const command of byName.values()) {
    yield command;
    if (command.subcommands !== null) yield* command.subcommands.values();
  }
}

/** The fields of the section, in Redis\'s order. */
export function* commandFields({ commands }: CommandsSource): Generator<Field> {
  for (const { name, stats } of eachCommand(commands)) {
    if (stats.calls + stats.rejected + stats.failed === 0) continue;
    const perCall = stats.calls === 0 ? 0 : stats.microseconds / stats.calls;
    yield [
      `cmdstat_${name}`,
      `calls=${stats.calls},usec=${Math.round(stats.microseconds)},usec_per_call=${perCall.toFixed(2)},` +
      `rejected_calls=${stats.rejected},failed_calls=${stats.failed}`,
    ];
  }
}

/** The fields of the section, in Redis\'s order. */
export function* latencyFields({ commands, config }: CommandsSource): Generator<Field> {
  const percentiles = config.list("latency-tracking-info-percentiles");
  for (const { name, stats } of eachCommand(commands)) {
    const { histogram } = stats;
    if (histogram === null || percentiles.length === 0) continue;
    const parts = percentiles.map((text) => `p${Number(text)}=${histogram.percentile(Number(text)).toFixed(3)}`);
    yield [`latency_percentiles_usec_${name}`, parts.join(",")];
  }
}

/** The fields of the section, in Redis\'s order. */
export function* errorFields({ statistics }: CommandsSource): Generator<Field> {
  for (const [code, count] of statistics.errors) yield [`errorstat_${code}`, `count=${count}`];
}
