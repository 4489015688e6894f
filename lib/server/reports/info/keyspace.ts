/** INFO keyspace: how many keys each database has. */

import { random } from "../../../runtime/random.ts";
import type { Database } from "../../../store/database.ts";
import type { Keyspace } from "../../../store/keyspace.ts";
import type { Field } from "./field.ts";

/** What the section tells of. */
export interface KeyspaceSource {
  readonly keyspace: Pick<Keyspace, "databases">;
}

/** Expiring keys from which a database's average time to live is estimated. */
const TTL_SAMPLE = 128;

/** The fields of the section, in Redis\'s order. */
export function* keyspaceFields({ keyspace }: KeyspaceSource): Generator<Field> {
  for (const database of keyspace.databases) {
    if (database.size === 0) continue;
    const ttl = averageTimeToLive(database);
    yield [`db${database.index}`, `keys=${database.size},expires=${database.expiring},avg_ttl=${ttl}`];
  }
}

/** Mean time to live in ms of a sample of the expiring keys, taken from some place on. */
function averageTimeToLive(database: Database): number {
  const { heap: { entries }, nowMs } = database.store;
  if (database.expiring === 0) return 0;
  const refs: number[] = [];
  database.scanExpiring((random() * 2 ** 32) >>> 0, TTL_SAMPLE, refs);
  if (refs.length === 0) database.scanExpiring(0, TTL_SAMPLE, refs);
  let sum = 0;
  for (const ref of refs) sum += Math.max(0, entries.expiry(ref) - nowMs);
  return refs.length === 0 ? 0 : Math.round(sum / refs.length);
}
