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
  /** To be told of all that changes. */
  readonly changes: ChangeReport;
}

/** Where whoever changes a key tells it, once. It is what has a command's request propagated. */
export interface ChangeReport {
  /** Changes made so far, of elements and not of keys, as a save point counts them. */
  made: number;
  /**
   * The value under argument `keyIndex` has changed, by `count` changes (1): those are counted, WATCH and tracking are
   * told, and the keyspace event is published. None is counted where a command counts one change in two keys.
   */
  changed(
    session: Session,
    request: Request,
    keyIndex: number,
    eventClass: number,
    event: string,
    count?: number,
  ): void;
  /** The same of a key anywhere. `session` is who changed it, if a client did; an `eventClass` of 0 is no event. */
  changedIn(
    database: Database,
    session: Session | null,
    bytes: Uint8Array,
    start: number,
    length: number,
    eventClass: number,
    event: string,
    count: number,
  ): void;
  /** Publishes a further keyspace event of a change that was told, if its class is asked for. */
  publish(
    eventClass: number,
    event: string,
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void;
  /** Has those who wait for a key look at it again, although its value is the same for all others. */
  wake(database: Database, bytes: Uint8Array, start: number, length: number): void;
  /** Empties databases; returns the number of keys removed, which are not counted. */
  flush(databases: readonly Database[]): number;
  /** Exchanges the contents of two databases. */
  swap(a: Database, b: Database): void;
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
  /** Whether a script calls the command. */
  readonly isScript: boolean;
  /** Whose doing it is: the client's itself, or the one's whose script it is. */
  readonly actor: Session;
  /** The time that commands are told, in µs of Unix time: within a script it stands still. */
  readMicroseconds(): number;
  /** Has the command under way propagated as this request, even if it changed nothing. */
  propagate(request: Request): void;
  /**
   * Has the command under way propagated as another request, of `argc` arguments, which are to be added at once; null
   * where nobody follows.
   */
  propagateAs(argc: number): RequestBuilder | null;
  /** The same for one request more: what was to be propagated so far goes ahead of it, and both as one unit. */
  propagateAlso(argc: number): RequestBuilder | null;
  /** Keeps the write under way from being propagated. */
  preventPropagation(): void;
}
