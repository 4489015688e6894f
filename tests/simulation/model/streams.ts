/** What the model knows of streams, their groups, and who has what pending. */

import type { Key } from "../keys.ts";
import { bulk, NULL, type Reply, type Wanted } from "../resp.ts";
import { askValue, type Change, changeValue, integer, OK, ONE, oneOf, type Operation, ZERO } from "./operations.ts";
import {
  areAlike,
  compareIds,
  type Group,
  type Id,
  idText,
  type OpenValue,
  type Pending,
  readId,
  type StreamEntry,
  type StreamValue,
  type Value,
} from "./values.ts";

const FIRST: Id = { ms: 0, sequence: 0 };
const EMPTY: StreamValue = { kind: "stream", entries: [], lastId: FIRST, added: 0, groups: [] };

function array(...items: readonly Reply[]): Reply {
  return { kind: "array", items };
}

function replyOf({ id, words }: StreamEntry): Reply {
  return array(bulk(idText(id)), array(...words.map(bulk)));
}

function repliesOf(entries: readonly StreamEntry[]): Reply {
  return array(...entries.map(replyOf));
}

/** An error that begins so. */
function refusal(start: string): Wanted {
  return { kind: "wanted", text: `${start}…`, fits: (reply) => reply.kind === "line" && reply.text.startsWith(start) };
}

const NO_GROUP = refusal("-NOGROUP");
const NO_KEY = refusal("-ERR The XGROUP subcommand requires the key to exist");

function isStream(value: Value): value is StreamValue {
  return typeof value !== "string" && value.kind === "stream";
}

// --- Adding -----------------------------------------------------------------------------------------------------------

/** The last `most` entries. */
function trimmed(entries: readonly StreamEntry[], most: number): readonly StreamEntry[] {
  return entries.length <= most ? entries : entries.slice(entries.length - most);
}

function withEntry(stream: StreamValue, entry: StreamEntry, most = Infinity): StreamValue {
  const entries = trimmed([...stream.entries, entry], most);
  return { ...stream, entries, lastId: entry.id, added: stream.added + 1 };
}

/** XADD with an ID of which the time is given; keeps `most` entries. */
export function addEntry(key: Key, ms: number, fields: readonly string[], most: number): Operation {
  const words = ["XADD", key.name, ...most === Infinity ? [] : ["MAXLEN", "=", String(most)], `${ms}-*`, ...fields];
  return changeValue<StreamValue>(key, words, (value) => {
    const stream = value ?? EMPTY;
    const { lastId } = stream;
    if (ms < lastId.ms) return { reply: refusal("-ERR The ID specified in XADD is equal or smaller") };
    const id = { ms, sequence: ms === lastId.ms ? lastId.sequence + 1 : 0 };
    return { reply: bulk(idText(id)), value: withEntry(stream, { id, words: fields }, most) };
  });
}

/** XADD with an ID that the server makes: only the reply tells it. */
export function addEntryNow(key: Key, words: readonly string[]): Operation {
  const operation = changeValue<StreamValue>(key, ["XADD", key.name, "*", ...words], (value, _, fromMs, toMs) => {
    const stream = value ?? EMPTY;
    const { lastId } = stream;
    const mayBe = ({ ms, sequence }: Id) =>
      ms > lastId.ms
        ? ms >= fromMs && ms <= toMs && sequence === 0
        : ms === lastId.ms && sequence === lastId.sequence + 1;
    const reply: Wanted = {
      kind: "wanted",
      text: `an ID after ${idText(lastId)}`,
      fits: (reply) => reply.kind === "bulk" && mayBe(readId(reply.text)),
    };
    const added: OpenValue = {
      kind: "open",
      text: `a stream with one entry more than ${stream.entries.length}`,
      fits: (observed) =>
        isStream(observed) && mayBe(observed.lastId) &&
        areAlike(withEntry(stream, { id: observed.lastId, words }), observed),
    };
    return {
      reply,
      value: added,
      told: (reply) => reply.kind === "bulk" ? withEntry(stream, { id: readId(reply.text), words }) : null,
    };
  });
  return { ...operation, isOpen: true };
}

// --- Removing ---------------------------------------------------------------------------------------------------------

/** XDEL of entries by their IDs. */
export function deleteEntries(key: Key, ids: readonly string[]): Operation {
  return changeValue<StreamValue>(key, ["XDEL", key.name, ...ids], (value) => {
    if (value === null) return { reply: ZERO };
    const entries = value.entries.filter(({ id }) => !ids.includes(idText(id)));
    return { reply: integer(value.entries.length - entries.length), value: { ...value, entries } };
  });
}

/** XTRIM to so many entries. */
export function trimStream(key: Key, most: number): Operation {
  return changeValue<StreamValue>(key, ["XTRIM", key.name, "MAXLEN", "=", String(most)], (value) => {
    if (value === null) return { reply: ZERO };
    const entries = trimmed(value.entries, most);
    return { reply: integer(value.entries.length - entries.length), value: { ...value, entries } };
  });
}

/** XTRIM to about so many entries: only the reply tells how many went. */
export function trimStreamAbout(key: Key, most: number): Operation {
  const operation = changeValue<StreamValue>(key, ["XTRIM", key.name, "MAXLEN", "~", String(most)], (value) => {
    if (value === null) return { reply: ZERO };
    const { entries } = value;
    const spare = Math.max(0, entries.length - most);
    const reply: Wanted = {
      kind: "wanted",
      text: `at most ${spare}`,
      fits: (reply) => reply.kind === "line" && /^:\d+$/.test(reply.text) && Number(reply.text.slice(1)) <= spare,
    };
    const without = (count: number) => ({ ...value, entries: entries.slice(count) });
    const left: OpenValue = {
      kind: "open",
      text: `a stream with ${entries.length - spare} to ${entries.length} entries`,
      fits: (observed) => {
        if (!isStream(observed)) return false;
        const removed = entries.length - observed.entries.length;
        return removed >= 0 && removed <= spare && areAlike(without(removed), observed);
      },
    };
    const told = (reply: Reply) => without(reply.kind === "line" ? Number(reply.text.slice(1)) : 0);
    return { reply, value: left, told };
  });
  return { ...operation, isOpen: true };
}

// --- Groups -----------------------------------------------------------------------------------------------------------

/** Puts a group in the place of the one of its name. */
function withGroup(stream: StreamValue, group: Group): StreamValue {
  const groups = [...stream.groups.filter(({ name }) => name !== group.name), group];
  return { ...stream, groups: groups.sort((a, b) => a.name < b.name ? -1 : 1) };
}

/** A request that makes something of a group of a stream. */
function changeGroup(
  key: Key,
  name: string,
  words: readonly string[],
  missing: { readonly stream: Reply | Wanted; readonly group: Reply | Wanted },
  make: (group: Group, stream: StreamValue) => { readonly reply: Reply | Wanted; readonly group: Group | null },
): Operation {
  return changeValue<StreamValue>(key, words, (value): Change<StreamValue> => {
    if (value === null) return { reply: missing.stream };
    const before = value.groups.find((group) => group.name === name);
    if (before === undefined) return { reply: missing.group };
    const { reply, group } = make(before, value);
    if (group !== null) return { reply, value: withGroup(value, group) };
    return { reply, value: { ...value, groups: value.groups.filter((one) => one !== before) } };
  });
}

const ABOUT_GROUPS = { stream: NO_KEY, group: NO_GROUP };

/** XGROUP CREATE, of the stream as well if need be, at its beginning or at its end. */
export function createGroup(key: Key, name: string, from: "0" | "$"): Operation {
  return changeValue<StreamValue>(key, ["XGROUP", "CREATE", key.name, name, from, "MKSTREAM"], (value) => {
    const stream = value ?? EMPTY;
    if (stream.groups.some((group) => group.name === name)) return { reply: refusal("-BUSYGROUP") };
    const lastId = from === "0" ? FIRST : stream.lastId;
    return { reply: OK, value: withGroup(stream, { name, lastId, pending: [], consumers: new Set() }) };
  });
}

export function setGroup(key: Key, name: string, to: "0" | "$"): Operation {
  return changeGroup(key, name, ["XGROUP", "SETID", key.name, name, to], ABOUT_GROUPS, (group, { lastId }) => ({
    reply: OK,
    group: { ...group, lastId: to === "0" ? FIRST : lastId },
  }));
}

export function destroyGroup(key: Key, name: string): Operation {
  const missing = { stream: NO_KEY, group: ZERO };
  return changeGroup(key, name, ["XGROUP", "DESTROY", key.name, name], missing, () => ({ reply: ONE, group: null }));
}

export function createConsumer(key: Key, name: string, consumer: string): Operation {
  const words = ["XGROUP", "CREATECONSUMER", key.name, name, consumer];
  return changeGroup(key, name, words, ABOUT_GROUPS, (group) => ({
    reply: group.consumers.has(consumer) ? ZERO : ONE,
    group: withConsumer(group, consumer),
  }));
}

export function deleteConsumer(key: Key, name: string, consumer: string): Operation {
  const words = ["XGROUP", "DELCONSUMER", key.name, name, consumer];
  return changeGroup(key, name, words, ABOUT_GROUPS, (group) => {
    const pending = group.pending.filter((one) => one.consumer !== consumer);
    const consumers = new Set(group.consumers);
    consumers.delete(consumer);
    return { reply: integer(group.pending.length - pending.length), group: { ...group, pending, consumers } };
  });
}

function withConsumer(group: Group, consumer: string): Group {
  return group.consumers.has(consumer) ? group : { ...group, consumers: new Set(group.consumers).add(consumer) };
}

/** Has entries pend for a consumer, whoever they pended for before. */
function withPending(group: Group, ids: readonly Id[], consumer: string): Group {
  const names = new Set(ids.map(idText));
  const others = group.pending.filter(({ id }) => !names.has(idText(id)));
  const pending = [...others, ...ids.map((id): Pending => ({ id, consumer }))].sort((a, b) => compareIds(a.id, b.id));
  return { ...group, pending };
}

// --- What is pending --------------------------------------------------------------------------------------------------

/** Who reads, and how. */
export interface Reader {
  readonly group: string;
  readonly consumer: string;
  readonly count: number;
  /** How long to wait for an entry, in ms; null for not at all. */
  readonly blockMs: number | null;
  readonly acknowledges: boolean;
}

const NO_READER = { stream: NO_GROUP, group: NO_GROUP };

/** XREADGROUP of what is new to the group. */
export function readGroup(key: Key, reader: Reader): Operation {
  return oneByOne(key, reader.count, (count) => readNew(key, reader, count));
}

function readNew(key: Key, { group: name, consumer, blockMs, acknowledges, count }: Reader, most: number): Operation {
  const words = ["XREADGROUP", "GROUP", name, consumer, "COUNT", String(count)];
  if (blockMs !== null) words.push("BLOCK", String(blockMs));
  if (!acknowledges) words.push("NOACK");
  words.push("STREAMS", key.name, ">");
  return changeGroup(key, name, words, NO_READER, (before, { entries }) => {
    const found = entries.filter(({ id }) => compareIds(id, before.lastId) > 0).slice(0, most);
    const group = withConsumer(before, consumer);
    const last = found.at(-1);
    if (last === undefined) return { reply: NULL, group };
    const read = { ...group, lastId: last.id };
    return {
      reply: array(array(bulk(key.name), repliesOf(found))),
      group: acknowledges ? withPending(read, found.map(({ id }) => id), consumer) : read,
    };
  });
}

/** XREADGROUP of what is pending for the consumer. */
export function readPending(key: Key, name: string, consumer: string, count: number): Operation {
  const words = ["XREADGROUP", "GROUP", name, consumer, "COUNT", String(count), "STREAMS", key.name, "0"];
  return changeGroup(key, name, words, NO_READER, (group, { entries }) => {
    const found = group.pending.filter((one) => one.consumer === consumer).slice(0, count);
    const replies = found.map(({ id }) => {
      const entry = entries.find((one) => compareIds(one.id, id) === 0);
      return entry === undefined ? array(bulk(idText(id)), NULL) : replyOf(entry);
    });
    return { reply: array(array(bulk(key.name), array(...replies))), group: withConsumer(group, consumer) };
  });
}

export function acknowledge(key: Key, name: string, ids: readonly string[]): Operation {
  const missing = { stream: ZERO, group: ZERO };
  return changeGroup(key, name, ["XACK", key.name, name, ...ids], missing, (group) => {
    const pending = group.pending.filter(({ id }) => !ids.includes(idText(id)));
    return { reply: integer(group.pending.length - pending.length), group: { ...group, pending } };
  });
}

/** What claiming entries for a consumer comes to: those that are there are its own, the others pend no more. */
function claimed(group: Group, { entries }: StreamValue, ids: readonly Id[], consumer: string) {
  const isPending = (id: Id) => group.pending.some((one) => compareIds(one.id, id) === 0);
  const wanted = ids.filter(isPending);
  const found = wanted.flatMap((id) => entries.find((one) => compareIds(one.id, id) === 0) ?? []);
  const deleted = wanted.filter((id) => !found.some((one) => compareIds(one.id, id) === 0));
  const pending = group.pending.filter(({ id }) => !deleted.some((one) => compareIds(one, id) === 0));
  const after = withPending({ ...withConsumer(group, consumer), pending }, found.map(({ id }) => id), consumer);
  return { found, deleted, after };
}

/** A request that may take up to `most` entries, one after the other: `taken` is what it does where it takes so many. */
function oneByOne(key: Key, most: number, taken: (count: number) => Operation): Operation {
  const parts = () => {
    const nothing = changeValue<StreamValue>(key, [], () => ({ reply: NULL }));
    return oneOf([nothing, ...Array.from({ length: most }, (_, count) => taken(count))]);
  };
  return { ...taken(most), parts };
}

/** XCLAIM of what is pending, however long. */
export function claim(key: Key, name: string, consumer: string, ids: readonly string[]): Operation {
  return oneByOne(key, ids.length, (count) => claimSome(key, name, consumer, ids, count));
}

function claimSome(key: Key, name: string, consumer: string, ids: readonly string[], most: number): Operation {
  const words = ["XCLAIM", key.name, name, consumer, "0", ...ids];
  return changeGroup(key, name, words, NO_READER, (group, stream) => {
    const { found, after } = claimed(group, stream, ids.slice(0, most).map(readId), consumer);
    return { reply: repliesOf(found), group: after };
  });
}

/** XAUTOCLAIM of what is pending, however long, from the beginning on. */
export function claimFirst(key: Key, name: string, consumer: string, count: number): Operation {
  return oneByOne(key, count, (most) => claimSomeFirst(key, name, consumer, count, most));
}

function claimSomeFirst(key: Key, name: string, consumer: string, count: number, most: number): Operation {
  const words = ["XAUTOCLAIM", key.name, name, consumer, "0", "0", "COUNT", String(count)];
  return changeGroup(key, name, words, NO_READER, (group, stream) => {
    const ids = group.pending.slice(0, most).map(({ id }) => id);
    const { found, deleted, after } = claimed(group, stream, ids, consumer);
    const next = idText(group.pending[count]?.id ?? FIRST);
    return {
      reply: array(bulk(next), repliesOf(found), array(...deleted.map((id) => bulk(idText(id))))),
      group: after,
    };
  });
}

/** XPENDING in short. */
export function summarizePending(key: Key, name: string): Operation {
  return changeGroup(key, name, ["XPENDING", key.name, name], NO_READER, (group) => {
    const { pending } = group;
    if (pending.length === 0) return { reply: array(ZERO, NULL, NULL, NULL), group };
    const names = [...new Set(pending.map(({ consumer }) => consumer))].sort();
    const counts = names.map((one) => pending.filter(({ consumer }) => consumer === one).length);
    const each = names.map((one, index) => array(bulk(one), bulk(String(counts[index]))));
    const [first, last] = [pending[0], pending.at(-1) ?? pending[0]].map(({ id }) => bulk(idText(id)));
    return { reply: array(integer(pending.length), first, last, array(...each)), group };
  });
}

// --- Reading ----------------------------------------------------------------------------------------------------------

export function countEntries(key: Key): Operation {
  return askValue<StreamValue>(key, ["XLEN", key.name], (value) => integer(value?.entries.length ?? 0));
}

export function getEntries(key: Key, count: number, order: "XRANGE" | "XREVRANGE"): Operation {
  const words = [order, key.name, ...order === "XRANGE" ? ["-", "+"] : ["+", "-"], "COUNT", String(count)];
  return askValue<StreamValue>(key, words, (value) => {
    const entries = value?.entries ?? [];
    return repliesOf((order === "XRANGE" ? entries : entries.toReversed()).slice(0, count));
  });
}

/** XREAD of what comes after an ID, for which it may wait. */
export function readAfter(key: Key, after: string, count: number, blockMs: number | null): Operation {
  const words = ["XREAD", "COUNT", String(count), ...blockMs === null ? [] : ["BLOCK", String(blockMs)]];
  return askValue<StreamValue>(key, [...words, "STREAMS", key.name, after], (value) => {
    const id = readId(after);
    const found = (value?.entries ?? []).filter((entry) => compareIds(entry.id, id) > 0).slice(0, count);
    return found.length === 0 ? NULL : array(array(bulk(key.name), repliesOf(found)));
  });
}
