/** INFO keyspace: how many keys each database has. */

import { random } from "../../../runtime/random.ts";
import type { Database } from "../../../store/database.ts";
import type { Store } from "../../../store/store.ts";
import type { Field } from "./field.ts";

/** What the section tells of. */
export interface KeyspaceSource {
  readonly store: Pick<Store, "databases" | "tables">;
}

/** Expiring keys from which a database's average time to live is estimated. */
const TTL_SAMPLE = 128;

/** The fields of the section, in Redis\'s order. */
export function* keyspaceFields({ store }: KeyspaceSource): Generator<Field> {
  for (const database of store.databases) {
    const expires = store.tables.count(database.expires);
    if (database.size === 0 && expires === 0) continue;
    const ttl = averageTimeToLive(database);
    yield [`db${database.index}`, `keys=${database.size},expires=${expires},avg_ttl=${ttl}`];
  }
}

/** Mean time to live in ms of a sample of the expiring keys, taken from some place on. */
function averageTimeToLive(database: Database): number {
  const { tables, entries, nowMs } = database.store;
  if (tables.count(database.expires) === 0) return 0;
  const refs: number[] = [];
  tables.scan(database.expires, (random() * 2 ** 32) >>> 0, TTL_SAMPLE, refs);
  if (refs.length === 0) tables.scan(database.expires, 0, TTL_SAMPLE, refs);
  let sum = 0;
  for (const ref of refs) sum += Math.max(0, entries.expiry(ref) - nowMs);
  return refs.length === 0 ? 0 : Math.round(sum / refs.length);
}
