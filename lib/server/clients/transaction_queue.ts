/**
 * The commands that a client has called between MULTI and EXEC. Filled by the dispatcher, run by EXEC one by one; owned by
 * the client's session.
 */

import type { Transaction } from "../../commands/client_facets.ts";
import type { Command } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";

/** A command that waits for EXEC. */
export interface QueuedCommand {
  readonly command: Command;
  readonly request: Request;
  /** What it does: a script says so itself. */
  readonly flags: number;
}

/** Runs what was queued: the client's session. */
export interface QueueRunner {
  callQueued(command: Command, request: Request): void;
}

/** A transaction under way. */
export class TransactionQueue implements Transaction {
  readonly queue: QueuedCommand[] = [];
  /** Memory that the requests in the queue take, in bytes. */
  queuedBytes = 0;
  failed = false;

  constructor(readonly runner: QueueRunner) {}

  get length(): number {
    return this.queue.length;
  }

  /** Adds a command with a copy of its request. */
  add(command: Command, request: Request, flags: number): void {
    const copy = request.copy();
    this.queue.push({ command, request: copy, flags });
    this.queuedBytes += copy.bytes.length;
  }

  run(index: number): void {
    const { command, request } = this.queue[index];
    this.runner.callQueued(command, request);
  }
}
