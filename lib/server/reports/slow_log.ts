/**
 * The slow log: the latest commands that took longer than `slowlog-log-slower-than`. Filled by the dispatcher. Read by
 * SLOWLOG.
 */

import type { Command } from "../../commands/command.ts";
import type { SlowLogControl, SlowLogEntry } from "../../commands/client_state.ts";
import type { Request } from "../../resp/request.ts";
import { unixMs } from "../../runtime/clock.ts";
import { REDACTED, secretArguments } from "./redaction.ts";

/** Most arguments of a command that are kept, and most bytes of each. */
const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT_BYTES = 128;

/** Who has called a command: a client's session. */
export interface SlowCaller {
  readonly name: string;
  readonly remoteAddress: string;
}

/** The latest slow commands. */
export class SlowLog implements SlowLogControl {
  /** Oldest first. */
  #entries: SlowLogEntry[] = [];
  #nextId = 0;
  #maxLength = 128;

  get length(): number {
    return this.#entries.length;
  }

  /** Most entries kept (`slowlog-max-len`). */
  set maxLength(length: number) {
    this.#maxLength = length;
    this.#trim();
  }

  newest(count: number): SlowLogEntry[] {
    return count === 0 ? [] : this.#entries.slice(-count).reverse();
  }

  reset(): void {
    this.#entries = [];
  }

  add(client: SlowCaller, command: Command, request: Request, microseconds: number): void {
    this.#entries.push({
      id: this.#nextId++,
      time: Math.floor(unixMs() / 1000),
      microseconds: Math.floor(microseconds),
      args: shownArguments(command, request),
      address: client.remoteAddress,
      clientName: client.name,
    });
    this.#trim();
  }

  #trim(): void {
    if (this.#entries.length > this.#maxLength) this.#entries.splice(0, this.#entries.length - this.#maxLength);
  }
}

function shownArguments(command: Command, request: Request): string[] {
  const secrets = secretArguments(command, request);
  const args: string[] = [];
  const shown = request.argc > MAX_ARGUMENTS ? MAX_ARGUMENTS - 1 : request.argc;
  for (let i = 0; i < shown; i++) args.push(secrets.has(i) ? REDACTED : shortened(request, i));
  if (shown < request.argc) args.push(`... (${request.argc - shown} more arguments)`);
  return args;
}

function shortened(request: Request, index: number): string {
  const text = request.excerpt(index, MAX_ARGUMENT_BYTES);
  const more = request.lengths[index] - MAX_ARGUMENT_BYTES;
  return more > 0 ? `${text}... (${more} more bytes)` : text;
}
