/**
 * The keyspace: the databases, on the store that they share, and whoever is told of their keys.
 *
 * Besides those that clients see it knows the databases that are loaded to take their place, and those in which values are
 * built one by one: a snapshot and compaction must know of every entry there is. What goes over all keys by itself stands
 * on the keyspace, and belongs to whoever runs it: ExpiryCycle, Eviction, Compaction, and the snapshot.
 *
 * The server's composition owns one.
 */

import { Database, KeyEvents } from "./database.ts";
import { LocalExpiries } from "./local_expiries.ts";
import { Store } from "./store.ts";

/** In place of a number, for a database that has none. */
const UNNUMBERED = -1;

/** Databases that share a store, by their numbers. */
export interface Databases {
  readonly store: Store;
  readonly databases: readonly Database[];
}

/** The libraries of functions that belong to a data set. */
export interface Libraries {
  /** The code of each. */
  readonly sources: readonly Uint8Array[];
  /** Takes others in their place. */
  replaceAll(sources: readonly Uint8Array[]): void;
}

/** Libraries that nobody runs, as in a tool that only reads files. */
class KeptLibraries implements Libraries {
  sources: readonly Uint8Array[] = [];

  replaceAll(sources: readonly Uint8Array[]): void {
    this.sources = sources;
  }
}

export class Keyspace implements Databases {
  readonly store = new Store();
  readonly databases: readonly Database[];
  /** Who is told of keys in `databases`. Nobody is told of those elsewhere. */
  readonly events = new KeyEvents();
  /** The keys that only this server will expire. */
  readonly localExpiries: LocalExpiries;
  /** Who has the libraries of functions: they belong to the data set, though nothing here knows what they are. */
  libraries: Libraries = new KeptLibraries();
  readonly #detached = new Set<Database>();
  readonly #unnumbered: Database[] = [];
  readonly #silence = new KeyEvents();

  /** Makes so many databases. */
  constructor(databases: number) {
    this.databases = Array.from({ length: databases }, (_, index) => new Database(this.store, this.events, index));
    this.localExpiries = new LocalExpiries(this.store, this.databases, this.events);
  }

  /** The code of the libraries of functions, as RDB files have it. */
  get functions(): readonly Uint8Array[] {
    return this.libraries.sources;
  }

  /** Another data set has come, with these. */
  set functions(sources: readonly Uint8Array[]) {
    this.libraries.replaceAll(sources);
  }

  /**
   * Databases that are not in `databases` (yet): what a replica loads beside the old data. Snapshots leave them out, but
   * must know of them to keep the marks of their entries in step.
   */
  get detached(): ReadonlySet<Database> {
    return this.#detached;
  }

  /** Databases with no number, in which values are built before they go to one of `databases`: RESTORE's. */
  get unnumbered(): readonly Database[] {
    return this.#unnumbered;
  }

  /** As many detached databases as there are others, without keys. Where there is no memory for all, none is left behind. */
  createDetached(): Database[] {
    const made: Database[] = [];
    try {
      for (const { index } of this.databases) made.push(new Database(this.store, this.#silence, index));
    } catch (error) {
      for (const database of made) database.discard();
      throw error;
    }
    for (const database of made) this.#detached.add(database);
    return made;
  }

  /** Exchanges the contents of all databases with those of detached ones. */
  exchange(detached: readonly Database[]): void {
    for (const [index, database] of this.databases.entries()) database.swap(detached[index]);
  }

  /** Gives up detached databases, with all that is in them. */
  discardDetached(detached: readonly Database[]): void {
    for (const database of detached) {
      this.#detached.delete(database);
      database.discard();
    }
  }

  /** A database for values that are being built (see `unnumbered`). It is there for good. */
  createUnnumbered(): Database {
    const database = new Database(this.store, this.#silence, UNNUMBERED);
    this.#unnumbered.push(database);
    return database;
  }
}
