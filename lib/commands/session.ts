/**
 * What most commands know of their caller and of the server around it: enough to read and change the data set, to reply,
 * and to say what goes on to followers. Whoever needs more names it besides (`client_facets.ts`, `host_facets.ts`).
 *
 * `lib/server/` implements all of it; that it is declared here keeps the imports running downwards.
 */

import type { Config } from "../config/config.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { RequestBuilder } from "../resp/request_builder.ts";
import type { Database } from "../store/database.ts";
import type { Keyspace } from "../store/keyspace.ts";
import type { Store } from "../store/store.ts";

/** The server, as most commands see it. */
export interface Host {
  readonly keyspace: Keyspace;
  readonly store: Store;
  readonly config: Config;
  /** Longest argument, and so longest string, in bytes (`proto-max-bulk-len`). */
  readonly maxBulkBytes: number;
  /** Changes since the last save; raising it is what makes a command's request propagate. */
  dirty: number;
  /**
   * Tells that the value under argument `keyIndex` changed by one: raises `dirty`, touches watched and tracked keys,
   * and publishes the keyspace event.
   */
  keyChanged(session: Session, request: Request, keyIndex: number, eventClass: number, event: string): void;
  /** Tells WATCH and client tracking that a key changed; `session` is who changed it, if a client did. */
  touched(session: Session | null, database: Database, bytes: Uint8Array, start: number, length: number): void;
  /** Publishes a keyspace event, if its class is asked for. */
  notify(eventClass: number, event: string, database: Database, bytes: Uint8Array, start: number, length: number): void;
}

/** Whom a command runs for, as most commands see it; `H` is what they see of the server. */
export interface Session<H extends Host = Host> {
  readonly id: number;
  readonly host: H;
  /** Where the reply goes. */
  readonly reply: ReplyWriter;
  readonly protocol: 2 | 3;
  /** The database selected. */
  database: Database;
  /** Whether EXEC is running: nothing may block, and there is no point in time between two commands. */
  readonly insideExec: boolean;
  /** Has the command under way propagated as this request, even if it changed nothing. */
  propagate(request: Request): void;
  /**
   * Has the command under way propagated as another request, of `argc` arguments, which are to be added at once; null
   * where nobody follows.
   */
  propagateAs(argc: number): RequestBuilder | null;
  /** Keeps the write under way from being propagated. */
  preventPropagation(): void;
}
