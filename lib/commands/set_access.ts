/** What the families of set commands share: how they come by a set, and go through its members. */

import type { Request } from "../resp/request.ts";
import { TYPE_SET } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { SetIterator } from "../store/types/set_iterator.ts";
import { perStore } from "./per_store.ts";
import type { Session } from "./session.ts";
import { readTyped, writeTyped } from "./typed_keys.ts";

/** The set under an argument for reading: its ref, MISSING or FAILED. */
export function readSet(session: Session, request: Request, index = 1): number {
  return readTyped(session, request, index, TYPE_SET);
}

/** The set under an argument for changing: its ref, MISSING or FAILED. */
export function writeSet(session: Session, request: Request, index = 1): number {
  return writeTyped(session, request, index, TYPE_SET);
}

/** The iterator that serves all commands, one after the other. */
export const iteratorOf = perStore((store) => new SetIterator(store.sets));

/** The same, begun at the set `ref`. */
export function iterate(store: Store, ref: number): SetIterator {
  const iterator = iteratorOf(store);
  iterator.begin(ref);
  return iterator;
}
