/** How the value of a key is read whole, and what the reply says that it is. */

import { isHash, type Key, type Kind } from "../keys.ts";
import { type Reply, shown } from "../resp.ts";
import { type Group, readId, type StreamEntry, type Value } from "./values.ts";

/** The request that reads a value whole, and changes nothing; strings are read many at a time, and fields are no value. */
const READS: Record<Kind, ((name: string) => readonly string[])> = {
  string: (name) => ["GET", name],
  number: (name) => ["GET", name],
  hash: (name) => ["HGETALL", name],
  list: (name) => ["LRANGE", name, "0", "-1"],
  set: (name) => ["SMEMBERS", name],
  "sorted set": (name) => ["ZRANGE", name, "0", "-1", "WITHSCORES"],
  places: (name) => ["ZRANGE", name, "0", "-1", "WITHSCORES"],
  stream: (name) => ["XINFO", "STREAM", name, "FULL", "COUNT", "0"],
  log: (name) => ["GETRANGE", name, "0", "3"], // that the bytes are those of the primary is seen when all rests
};

/** What is observed of a HyperLogLog: that there is one. */
const SOME_LOG: Value = {
  kind: "open",
  text: "a HyperLogLog",
  fits: (value) => typeof value !== "string" && value.kind === "log",
};

export function readOf({ kind, name }: Key): readonly string[] {
  return READS[kind](name);
}

/** The value that a reply shows, of a key that is no hash; null for none. */
export function valueIn(key: Key, reply: Reply): Value | null {
  if (isHash(key) || reply.kind === "null") return null;
  if (reply.kind === "bulk") return key.kind !== "log" ? reply.text : reply.text === "HYLL" ? SOME_LOG : null;
  if (reply.kind === "line") {
    if (key.kind === "stream" && reply.text === "-ERR no such key") return null;
    throw new Error(`${key.name} holds ${shown(reply)}`);
  }
  const items = itemsIn(reply);
  if (items.length === 0) return null;
  switch (key.kind) {
    case "list":
      return { kind: "list", elements: items.map(textIn) };
    case "set":
      return { kind: "set", members: new Set(items.map(textIn)) };
    case "stream":
      return streamIn(items);
    default:
      return {
        kind: "sorted set",
        members: pairsIn(items).map(([member, score]) => ({ member: textIn(member), score: Number(textIn(score)) })),
      };
  }
}

function itemsIn(reply: Reply): readonly Reply[] {
  if (reply.kind !== "array") throw new Error(`no array: ${shown(reply)}`);
  return reply.items;
}

function textIn(reply: Reply): string {
  if (reply.kind !== "bulk") throw new Error(`no string: ${shown(reply)}`);
  return reply.text;
}

function pairsIn(items: readonly Reply[]): (readonly [Reply, Reply])[] {
  return Array.from({ length: items.length / 2 }, (_, index) => [items[2 * index], items[2 * index + 1]]);
}

/** What XINFO calls by name. */
function namedIn(items: readonly Reply[]): (name: string) => Reply {
  const named = new Map(pairsIn(items).map(([name, value]) => [textIn(name), value]));
  return (name) => {
    const found = named.get(name);
    if (found === undefined) throw new Error(`XINFO says nothing of ${name}`);
    return found;
  };
}

function streamIn(items: readonly Reply[]): Value {
  const named = namedIn(items);
  const added = named("entries-added");
  return {
    kind: "stream",
    entries: itemsIn(named("entries")).map(entryIn),
    lastId: readId(textIn(named("last-generated-id"))),
    added: added.kind === "line" ? Number(added.text.slice(1)) : NaN,
    groups: itemsIn(named("groups")).map((group) => groupIn(itemsIn(group))),
  };
}

function entryIn(reply: Reply): StreamEntry {
  const [id, words] = itemsIn(reply);
  return { id: readId(textIn(id)), words: itemsIn(words).map(textIn) };
}

function groupIn(items: readonly Reply[]): Group {
  const named = namedIn(items);
  return {
    name: textIn(named("name")),
    lastId: readId(textIn(named("last-delivered-id"))),
    pending: itemsIn(named("pending")).map((one) => {
      const [id, consumer] = itemsIn(one);
      return { id: readId(textIn(id)), consumer: textIn(consumer) };
    }),
    consumers: new Set(itemsIn(named("consumers")).map((one) => textIn(namedIn(itemsIn(one))("name")))),
  };
}
