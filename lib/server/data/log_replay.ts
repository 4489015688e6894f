/**
 * Runs what stands in an append-only file, as if whoever has written it were there: by a session that is held over no
 * connection, batch by batch, with the keys of each fetched ahead, as for any client.
 */

import type { Command } from "../../commands/command.ts";
import type { CommandTable } from "../../commands/table.ts";
import { RequestParser } from "../../resp/parser.ts";
import type { ReplyWriter } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import type { Store } from "../../store/store.ts";
import { LOADER } from "../clients/flags.ts";
import { NoConnection } from "../clients/no_connection.ts";
import { ClientSession, type SessionHost } from "../clients/session.ts";
import { Batch } from "../execution/batch.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";

/** Longest part of an error reply that is kept. */
const SHOWN_BYTES = 200;

/** What a replay needs of the server. */
export interface ReplayHost extends SessionHost {
  readonly commands: CommandTable;
  readonly dispatcher: SessionHost["dispatcher"] & Pick<Dispatcher, "replay">;
  readonly propagation: SessionHost["propagation"] & { muted: boolean };
  readonly reply: ReplyWriter;
  readonly store: Store;
}

/** A command that no server would have written, or that this one does not know. */
export class ReplayError extends Error {
  override name = "ReplayError";
  /** `at`: where in the bytes that were to be run the command begins. */
  constructor(message: string, readonly at: number) {
    super(message);
  }
}

/** The session of one append-only file, from the first of its files to the last. */
export class LogReplay {
  /** Commands that have been run. */
  commands = 0;
  /** Commands that have replied with an error, and what the first of them replied. */
  refused = 0;
  firstRefusal = "";
  readonly #session: ClientSession;
  /** Not the clients': the replay may be what one of theirs asks for. */
  readonly #batch: Batch;
  readonly #parser = new RequestParser();

  constructor(readonly server: ReplayHost) {
    this.#batch = new Batch(server.commands, server.store.heap.foresight);
    this.#session = new ClientSession(server, new NoConnection(), 0);
    this.#session.flags |= LOADER;
    this.#parser.maxBulkBytes = Number.MAX_SAFE_INTEGER; // what was written once was allowed then
  }

  /** Runs the commands in `bytes[start, end)`, which are whole. Throws ReplayError, or where memory runs out. */
  run(bytes: Uint8Array, start: number, end: number): void {
    const { dispatcher, propagation, reply, store } = this.server;
    const session = this.#session;
    const batch = this.#batch;
    const mark = reply.open(); // behind what a client is replied to for whom this is done
    store.ignoreExpiry = true; // whoever has written the file has said what has expired
    propagation.muted = true;
    try {
      for (let at = start; at < end;) {
        batch.fill(this.#parser, bytes, at, end, Infinity);
        if (batch.count === 0) throw new Error("what is replayed is not whole");
        batch.foresee(bytes, session.database);
        for (let i = 0; i < batch.count; i++) {
          const request = batch.requests[i];
          const command = batch.commands[i];
          const errors = reply.errorCount;
          const refusal = dispatcher.replay(session, request, command);
          if (refusal !== null) throw new ReplayError(explained(refusal, request, command), request.rawStart);
          if (reply.errorCount !== errors) this.#noteRefusal(request);
          reply.rewind(mark);
          this.commands++;
        }
        batch.foresight.clear();
        at = batch.ends[batch.count - 1];
      }
    } finally {
      batch.foresight.clear();
      store.ignoreExpiry = false;
      propagation.muted = false;
      reply.rewind(mark);
    }
  }

  /** A file has ended: a transaction that was not executed is none, and the next file selects its database anew. */
  endFile(): void {
    this.#session.endTransaction();
    this.#session.database = this.server.keyspace.databases[0];
  }

  /** Notes that a command, or one of a transaction, has replied with an error, which nobody else will see. */
  #noteRefusal(request: Request): void {
    if (this.refused++ > 0) return;
    this.firstRefusal = `'${request.excerpt(0, SHOWN_BYTES)}': ${this.server.reply.lastError.slice(0, SHOWN_BYTES)}`;
  }
}

/** Why a command cannot be run, in Redis's words where it has any. */
function explained(refusal: string, request: Request, command: Command | null): string {
  if (command === null) return `Unknown command '${request.excerpt(0, SHOWN_BYTES)}'`;
  return `'${request.excerpt(0, SHOWN_BYTES)}': ${refusal}`;
}
