/** The plain model of a store: Maps in place of the arena, with the same operations and none of the cleverness. */

import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { TYPE_STREAM, TYPE_STRING } from "../../lib/store/entry.ts";
import { streamed } from "../persistence/helpers.ts";
import type { Keyspace } from "../../lib/store/keyspace.ts";

/** A value, and when it expires, if it does. */
export interface PlainValue {
  readonly value: string | Map<string, string>;
  readonly expiry: number | null;
}

/** Databases of keys and values. */
export type PlainStore = Map<string, PlainValue>[];

/** A value as text that is the same for equal values. */
function textOf(value: string | ReadonlyMap<string, string>, expiry: string): string {
  if (typeof value === "string") return JSON.stringify([value, expiry]);
  return JSON.stringify([[...value].sort(([a], [b]) => a < b ? -1 : 1), expiry]);
}

/** All that a model holds, as text under `database/key`. */
export function contentsOfPlain(plain: PlainStore): Map<string, string> {
  return new Map(
    plain.flatMap((keys, index) =>
      [...keys].map(([key, { value, expiry }]) => [`${index}/${key}`, textOf(value, String(expiry))] as const)
    ),
  );
}

/** All that a keyspace holds, expired or not, in the same form. */
export function contentsOf(keyspace: Keyspace): Map<string, string> {
  const { entries } = keyspace.store.heap;
  const found = new Map<string, string>();
  const refs: number[] = [];
  for (const [index, database] of keyspace.databases.entries()) {
    let cursor = 0;
    do {
      cursor = database.scan(cursor, 100, refs);
      for (const ref of refs.slice()) {
        const start = entries.keyStart(ref);
        const key = decodeLatin1(entries.bytes(ref), start, start + entries.keyLength(ref));
        const expiry = entries.hasExpiry(ref) ? String(entries.exactExpiry(ref)) : "null";
        found.set(`${index}/${key}`, textOf(valueOf(keyspace, ref), expiry));
      }
    } while (cursor !== 0);
  }
  return found;
}

function valueOf(keyspace: Keyspace, ref: number): string | Map<string, string> {
  const { entries } = keyspace.store.heap;
  if (entries.type(ref) === TYPE_STRING) {
    const start = entries.valueStart(ref);
    return decodeLatin1(entries.bytes(ref), start, start + entries.valueWord(ref));
  }
  if (entries.type(ref) === TYPE_STREAM) return streamed(keyspace, ref).join("\n");
  const type = keyspace.store.heap.typeOf(ref);
  const elements = new Map<string, string>();
  let cursor = 0;
  do {
    cursor = type.walk(ref, cursor, 100, (first, second) => {
      const text = first.text();
      if (type.order === "pairs") elements.set(text, second.text());
      else if (type.order === "unordered") elements.set(text, "");
      else elements.set(String(elements.size), text);
    });
  } while (cursor !== 0);
  return elements;
}
