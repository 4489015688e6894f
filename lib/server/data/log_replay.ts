/**
 * Runs what stands in an append-only file, as if whoever has written it were there: by a session that is held over no
 * connection, batch by batch, with the keys of each fetched ahead, as for any client.
 */

import { decodeLatin1 } from "../../bytes/latin1.ts";
import { RequestParser } from "../../resp/parser.ts";
import type { ReplyWriter } from "../../resp/reply.ts";
import type { Request } from "../../resp/request.ts";
import type { Store } from "../../store/store.ts";
import { LOADER } from "../clients/flags.ts";
import { NoConnection } from "../clients/no_connection.ts";
import { ClientSession, type SessionHost } from "../clients/session.ts";
import type { Batch } from "../execution/batch.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";

/** Longest part of an error reply that is kept. */
const SHOWN_BYTES = 200;
const MINUS = 0x2d;

/** What a replay needs of the server. */
export interface ReplayHost extends SessionHost {
  readonly batch: Batch;
  readonly dispatcher: SessionHost["dispatcher"] & Pick<Dispatcher, "replay">;
  readonly reply: ReplyWriter;
  readonly store: Store;
}

/** A command that no server would have written, or that this one does not know. */
export class ReplayError extends Error {
  override name = "ReplayError";
}

/** The session of one append-only file, from the first of its files to the last. */
export class LogReplay {
  /** Commands that have replied with an error, and what the first of them replied. */
  refused = 0;
  firstRefusal = "";
  readonly #session: ClientSession;
  readonly #parser = new RequestParser();

  constructor(readonly server: ReplayHost) {
    this.#session = new ClientSession(server, new NoConnection(), 0);
    this.#session.flags |= LOADER;
    this.#parser.maxBulkBytes = Number.MAX_SAFE_INTEGER; // what was written once was allowed then
  }

  /** Runs the commands in `bytes[start, end)`, which are whole. Throws ReplayError, or where memory runs out. */
  run(bytes: Uint8Array, start: number, end: number): void {
    const { batch, dispatcher, reply, store } = this.server;
    const session = this.#session;
    store.ignoreExpiry = true; // whoever has written the file has said what has expired
    try {
      for (let at = start; at < end;) {
        batch.fill(this.#parser, bytes, at, end, Infinity);
        if (batch.count === 0) throw new Error("what is replayed is not whole");
        batch.foresee(bytes, session.database);
        for (let i = 0; i < batch.count; i++) {
          const request = batch.requests[i];
          const refusal = dispatcher.replay(session, request, batch.commands[i]);
          if (refusal !== null) throw new ReplayError(refusal);
          if (reply.length > 0) this.#look(request);
        }
        batch.foresight.clear();
        at = batch.ends[batch.count - 1];
      }
    } finally {
      batch.foresight.clear();
      store.ignoreExpiry = false;
      reply.clear();
    }
  }

  /** A file has ended: a transaction that was not executed is none. */
  endFile(): void {
    this.#session.endTransaction();
  }

  /** Looks at what a command has replied, which nobody else will. */
  #look(request: Request): void {
    const { reply } = this.server;
    if (reply.buffer[0] === MINUS) {
      if (this.refused++ === 0) {
        const text = decodeLatin1(reply.buffer, 1, Math.min(reply.length - 2, SHOWN_BYTES));
        this.firstRefusal = `'${request.excerpt(0, SHOWN_BYTES)}': ${text}`;
      }
    }
    reply.clear();
  }
}
