/** How many keys have not expired. Only those with an expiry are looked at, in slices between which others have their turn. */

import { monotonicMs, unixMs } from "../runtime/clock.ts";
import { nextTurn } from "../runtime/turns.ts";
import type { Databases } from "./keyspace.ts";

const SLICE_MS = 2;
/** Keys looked at between two looks at the clock. */
const KEYS_PER_LOOK = 256;

/** Counts the keys of all databases that have not expired. What changes meanwhile is counted or not. */
export async function countLiveKeys({ databases, store: { heap: { entries } } }: Databases): Promise<number> {
  const refs: number[] = [];
  const nowMs = unixMs();
  let sliceEndMs = monotonicMs() + SLICE_MS;
  let expired = 0;
  for (const database of databases) {
    let cursor = 0;
    do {
      cursor = database.scanExpiring(cursor, KEYS_PER_LOOK, refs);
      for (const ref of refs) if (entries.expiry(ref) <= nowMs) expired++;
      if (monotonicMs() < sliceEndMs) continue;
      await nextTurn();
      sliceEndMs = monotonicMs() + SLICE_MS;
    } while (cursor !== 0);
  }
  return databases.reduce((sum, { size }) => sum + size, 0) - expired;
}
