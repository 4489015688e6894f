/** What the commands on a store share, one after the other: cursors and iterators, which are made once. */

import type { Store } from "../store/store.ts";

/** A getter of what `make` makes for a store, which is kept until another store is asked for. */
export function perStore<T>(make: (store: Store) => T): (store: Store) => T {
  let owner: Store | null = null;
  let kept: T | null = null;
  return (store) => {
    if (kept !== null && owner === store) return kept;
    owner = store;
    return kept = make(store);
  };
}
