/**
 * What INFO counts, and CONFIG RESETSTAT sets back. Filled by the client, the dispatcher and the wings. Owned by the
 * server; read by INFO.
 */

import type { Command } from "../../commands/command.ts";
import type { CommandTable } from "../../commands/table.ts";

/** The counters of INFO. */
export class Statistics {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  networkInputBytes = 0;
  networkOutputBytes = 0;
  replicationInputBytes = 0;
  replicationOutputBytes = 0;
  expiredTimeCapReached = 0;
  expireCycleMs = 0;
  evictedKeys = 0;
  evictedClients = 0;
  syncFull = 0;
  syncPartialOk = 0;
  syncPartialError = 0;
  /** Writes that have waited while a replica was synchronised, and for how long in all, in ms. */
  syncSlowedWrites = 0;
  syncSlowedMs = 0;
  queryBufferDisconnections = 0;
  outputBufferDisconnections = 0;
  unexpectedErrorReplies = 0;
  totalErrorReplies = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  aclDeniedAuth = 0;
  /** Longest that one command, or one slice of periodic work, has taken. */
  longestMs = 0;
  /** Most commands that ran in one batch. */
  mostCommandsPerBatch = 0;
  peakMemoryBytes = 0;
  peakMemoryTime = 0;
  /** Error replies by code, such as `ERR` or `WRONGTYPE`. */
  readonly errors = new Map<string, number>();

  /** Notes an error reply, given its text. */
  countError(text: string): void {
    this.totalErrorReplies++;
    const space = text.indexOf(" ");
    const code = space < 0 ? text : text.slice(0, space);
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  /** Sets everything back but the memory peak, and the commands' counters too. */
  reset(commands: CommandTable): void {
    const peak = this.peakMemoryBytes;
    Object.assign(this, new Statistics(), { errors: this.errors });
    this.errors.clear();
    this.peakMemoryBytes = peak;
    for (const command of commands.byName.values()) resetCommand(command);
  }
}

function resetCommand(command: Command): void {
  Object.assign(command.stats, { calls: 0, microseconds: 0, rejected: 0, failed: 0 });
  command.stats.histogram = null;
  for (const subcommand of command.subcommands?.values() ?? []) resetCommand(subcommand);
}
