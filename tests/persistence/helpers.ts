/** What the persistence tests share: a store seen as a plain object, a repeatable random source, real Redis. */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { concatBytes } from "../bytes/concat.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { type Files, files, useFiles } from "../../lib/runtime/files.ts";
import type { Database } from "../../lib/store/database.ts";
import {
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
  type UnixMs,
} from "../../lib/store/entry.ts";
import { HashIterator } from "../../lib/store/types/hash_iterator.ts";
import { ListCursor } from "../../lib/store/types/list_cursor.ts";
import { SetIterator } from "../../lib/store/types/set_iterator.ts";
import { SortedSetCursor } from "../../lib/store/types/sorted_set_cursor.ts";
import { Element } from "../../lib/store/listpack.ts";
import { StreamCursor } from "../../lib/store/types/stream_cursor.ts";
import { forEachBlock } from "../../lib/store/types/stream_groups_whole.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { PendingCursor } from "../../lib/store/types/stream_pending.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { RdbEncoder } from "../../lib/persistence/rdb_encoder.ts";
import { type SaveOptions, writeAll } from "../../lib/persistence/save.ts";
import type { RdbOptions } from "../../lib/persistence/save_job.ts";
import type { RdbInfo } from "../../lib/persistence/rdb_writer.ts";

export const INFO: RdbInfo = { redisVersion: "7.2.4", usedMemoryBytes: 1_234_567 };
export const OPTIONS: RdbOptions = { format: "rdb", compression: true, checksum: true, incrementalSync: true };

/** Runs `body` with a new directory, which is removed after it. */
export async function withDirectory(body: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "tredis-rdb-"));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Numbers in [0, below) that are the same in every run. */
export function randomSource(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export function setString(database: Database, key: string, value: string, expiry: UnixMs = NO_EXPIRY): void {
  const bytes = encodeLatin1(value);
  const isInteger = /^(0|-?[1-9]\d{0,17})$/.test(value);
  const encoding = isInteger ? ENCODING_INT : bytes.length <= 44 ? ENCODING_EMBSTR : ENCODING_RAW;
  database.setString(encodeLatin1(key), 0, key.length, bytes, 0, bytes.length, encoding, expiry);
}

/** Sets fields as HSET does. */
export function setHash(database: Database, key: string, fields: Record<string, string>): void {
  const hashes = database.store.hashes;
  const name = encodeLatin1(key);
  let ref = database.write(name, 0, name.length);
  if (ref === 0) ref = hashes.create(database, name, 0, name.length, 0);
  for (const [field, value] of Object.entries(fields)) {
    ref = hashes.set(database, ref, encodeLatin1(field), 0, field.length, encodeLatin1(value), 0, value.length);
  }
}

/** Adds an element at the end of a list, which is made if it is missing. */
export function pushElement(database: Database, key: string, text: string): void {
  const { lists } = database.store;
  const name = encodeLatin1(key);
  let ref = database.write(name, 0, name.length);
  if (ref === 0) ref = lists.create(database, name, 0, name.length, 0);
  lists.push(database, ref, "tail", encodeLatin1(text), 0, text.length);
}

/** Gives a member of a sorted set a score; the sorted set is made if it is missing. */
export function setScore(database: Database, key: string, member: string, score: number): void {
  const { sortedSets } = database.store;
  const name = encodeLatin1(key);
  let ref = database.write(name, 0, name.length);
  if (ref === 0) ref = sortedSets.create(database, name, 0, name.length, 0);
  sortedSets.set(database, ref, encodeLatin1(member), 0, member.length, score);
}

/** Adds members as SADD does. */
export function addMembers(database: Database, key: string, members: readonly string[]): void {
  const { sets } = database.store;
  const name = encodeLatin1(key);
  const first = encodeLatin1(members[0]);
  let ref = database.write(name, 0, name.length);
  if (ref === 0) ref = sets.create(database, name, 0, name.length, first, 0, first.length, members.length, 0);
  for (const member of members) ref = sets.add(database, ref, encodeLatin1(member), 0, member.length);
}

export function expire(database: Database, key: string, unixMs: UnixMs): void {
  const ref = database.write(encodeLatin1(key), 0, key.length);
  if (ref !== 0) database.setExpiry(ref, unixMs);
}

export function remove(database: Database, key: string): boolean {
  return database.remove(encodeLatin1(key), 0, key.length);
}

/** One key's value and expiry in words. */
export type Described =
  | string
  | { value: string | string[] | Record<string, string>; encoding: number; expiry: string | null };

export function describe(keyspace: Keyspace, ref: number): Described {
  const { entries } = keyspace.store.heap;
  const expiry = entries.hasExpiry(ref) ? String(entries.exactExpiry(ref)) : null;
  const encoding = entries.encoding(ref);
  if (entries.type(ref) === TYPE_STRING) {
    const start = entries.valueStart(ref);
    const value = decodeLatin1(entries.bytes(ref), start, start + entries.valueWord(ref));
    return expiry === null ? `${encoding}:${value}` : { value, encoding, expiry };
  }
  if (entries.type(ref) === TYPE_LIST) return { value: listed(keyspace, ref), encoding, expiry };
  if (entries.type(ref) === TYPE_SET) return { value: membersOf(keyspace, ref), encoding, expiry };
  if (entries.type(ref) === TYPE_ZSET) return { value: scored(keyspace, ref), encoding, expiry };
  if (entries.type(ref) === TYPE_STREAM) return { value: streamed(keyspace, ref), encoding, expiry };
  if (entries.type(ref) !== TYPE_HASH) throw new Error("a type that tests do not know");
  const value: Record<string, string> = {};
  const iterator = new HashIterator(keyspace.store.hashes);
  iterator.begin(ref);
  while (iterator.next()) value[iterator.field.text()] = iterator.value.text();
  return { value: Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))), encoding, expiry };
}

function listed({ store }: Keyspace, ref: number): string[] {
  const elements: string[] = [];
  const cursor = new ListCursor(store.lists);
  for (let isThere = cursor.toIndex(ref, 0); isThere; isThere = cursor.next()) elements.push(cursor.element.text());
  return elements;
}

function membersOf({ store }: Keyspace, ref: number): string[] {
  const members: string[] = [];
  const iterator = new SetIterator(store.sets);
  iterator.begin(ref);
  while (iterator.next()) members.push(iterator.member.text());
  return members.sort();
}

/** A stream as lines: what is known of the whole, each entry, each group with what is pending, and its consumers. */
export function streamed({ store }: Keyspace, ref: number): string[] {
  const { streams } = store;
  const { groups } = streams;
  const body = streams.bodyOf(ref);
  const id = new StreamId();
  const lines = [`last ${streams.lastId(body, id)}, added ${streams.entriesAdded(body)}`];
  lines.push(`first ${streams.firstId(body, id)}, deleted ${streams.maxDeletedId(body, id)}`);
  const cursor = new StreamCursor(streams);
  const [field, value] = [new Element(), new Element()];
  for (let isThere = cursor.toFirst(body); isThere; isThere = cursor.next()) {
    const fields: string[] = [];
    cursor.beginFields();
    while (cursor.nextField(field, value)) fields.push(`${field.text()}=${value.text()}`);
    lines.push(`${cursor.id} ${fields.join(" ")}`);
  }
  const nameOf = (block: number, start: number) =>
    decodeLatin1(groups.bytes(block), start, start + groups.nameLength(block));
  const pending = new PendingCursor(groups.pendingTree());
  forEachBlock(groups.namesTree(), streams.groupsOf(body), (group) => {
    const name = nameOf(group, groups.groupNameStart(group));
    lines.push(`group ${name}: ${groups.lastId(group, id)}, read ${groups.entriesRead(group)}`);
    for (let isThere = pending.toFirst(groups.pendingRoot(group)); isThere; isThere = pending.next()) {
      const consumer = groups.consumer(group, pending.consumer);
      const consumerName = nameOf(consumer, groups.consumerNameStart(consumer));
      lines.push(`pending ${pending.id} for ${consumerName}: ${pending.deliveredMs}, ${pending.deliveries}`);
    }
    forEachBlock(groups.namesTree(), groups.consumersRoot(group), (consumer) => {
      const times = `${groups.seenMs(consumer)}, ${groups.consumerPending(consumer)} pending`;
      lines.push(`consumer ${nameOf(consumer, groups.consumerNameStart(consumer))}: ${times}`);
    });
  });
  return lines;
}

function scored({ store }: Keyspace, ref: number): Record<string, string> {
  const members: [string, string][] = [];
  const cursor = new SortedSetCursor(store.sortedSets);
  for (let isThere = cursor.toRank(ref, 0); isThere; isThere = cursor.next()) {
    members.push([cursor.member.text(), String(cursor.score)]);
  }
  return Object.fromEntries(members);
}

/** All keys of a database and what they hold. */
export function contents(keyspace: Keyspace, database: Database): Map<string, Described> {
  const all = new Map<string, Described>();
  const refs: number[] = [];
  let cursor = 0;
  do {
    cursor = database.scan(cursor, 100, refs);
    for (const ref of refs.slice()) {
      const start = keyspace.store.heap.entries.keyStart(ref);
      const key = decodeLatin1(
        keyspace.store.heap.entries.bytes(ref),
        start,
        start + keyspace.store.heap.entries.keyLength(ref),
      );
      all.set(key, describe(keyspace, ref));
    }
  } while (cursor !== 0);
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All databases that are not empty. */
export function everything(keyspace: Keyspace): Map<number, Map<string, Described>> {
  return new Map(
    keyspace.databases.flatMap((database, index) =>
      database.size === 0 ? [] : [[index, contents(keyspace, database)] as const]
    ),
  );
}

/**
 * The same without the encodings of hashes: a hash that was large once is a table, and when it is read again a listpack.
 */
export function values(keyspace: Keyspace): Map<number, Map<string, Described>> {
  const all = everything(keyspace);
  for (const keys of all.values()) {
    for (const [key, described] of keys) {
      if (typeof described !== "string" && typeof described.value !== "string") {
        keys.set(key, { ...described, encoding: 0 });
      }
    }
  }
  return all;
}

/** Empties a keyspace, memory included. Tests that need many stores use one again and again: its arena is 1 GiB of addresses. */
export function wipe(keyspace: Keyspace): Keyspace {
  for (const database of keyspace.databases) database.clear();
  while (keyspace.store.heap.freeDiscarded(100_000));
  return keyspace;
}

/** The keyspace as the bytes of an RDB file. */
export function toRdb(keyspace: Keyspace, options: SaveOptions = OPTIONS, info: RdbInfo = INFO): Uint8Array {
  const parts: Uint8Array[] = [];
  writeAll(keyspace, new RdbEncoder(options, (bytes) => parts.push(bytes.slice())), info);
  return concatBytes(parts);
}

/** A keyspace with every encoding there is, in three databases. */
export function variedKeyspace(): Keyspace {
  const keyspace = new Keyspace(16);
  const [first, second] = keyspace.databases;
  const integers = ["0", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769", "2147483647", "2147483648"];
  for (const value of [...integers, "-2147483648", "-2147483649", "9007199254740993", "007", "+1", "-0", "1.5", ""]) {
    setString(first, `number:${value}`, value);
  }
  setString(first, "embstr", "a".repeat(20));
  setString(first, "compressible", "abcabcabc".repeat(300));
  setString(first, "large", "0123456789".repeat(30_000));
  const random = randomSource(7);
  setString(first, "noise", String.fromCharCode(...Array.from({ length: 5000 }, () => random(256))));
  setString(first, "\0binary\xff\r\n", "\0\xff\x80 value");
  setString(first, "", "the empty key");
  setString(first, "k".repeat(3000), "a long key");
  setHash(first, "hash:listpack", {
    a: "1",
    b: "-70000",
    c: "text",
    d: "",
    e: "x".repeat(60),
    f: "123456789012345678",
  });
  setHash(first, "hash:long value", { a: "y".repeat(100), b: "2" });
  setHash(first, "hash:many", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field:${i}`, `value ${i}`])));
  setHash(first, "hash:129", Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`f${i}`, `${i}`])));
  addMembers(first, "set:intset", ["1", "-70000", "9223372036854775807", "-9223372036854775808"]);
  addMembers(first, "set:small", ["1", "a", "", "x".repeat(64), "123456789012345678"]);
  addMembers(first, "set:long", ["1", "a", "y".repeat(100)]);
  addMembers(first, "set:many", Array.from({ length: 1000 }, (_, i) => `member:${i}`));
  addMembers(first, "set:integers", Array.from({ length: 1000 }, (_, i) => `${i * 1e6}`));
  const later = Date.now() + 100_000_000;
  setString(first, "expiring", "soon", later);
  setHash(first, "hash:expiring", { a: "b" });
  expire(first, "hash:expiring", later + 1);
  setString(first, "expiring:far", "beyond 2^53", 2n ** 60n + 1n);
  for (let i = 0; i < 3000; i++) setString(second, `key:${i}`, `value:${i}`, i % 3 === 0 ? later + i : NO_EXPIRY);
  setString(keyspace.databases[15], "last", "database");
  return keyspace;
}

/** Whether a program is installed. In CI (`CI` is set) a missing one is a failure. */
export function isInstalled(program: string): boolean {
  const found = spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
  if (!found && process.env.CI) throw new Error(`${program} is missing`);
  return found;
}

/** A real redis-server on a Unix socket in `directory`, asked through redis-cli. */
export class RealRedis {
  readonly #socket: string;
  readonly #server: ReturnType<typeof spawn>;

  constructor(readonly directory: string, ...args: string[]) {
    this.#socket = join(directory, "redis.sock");
    this.#server = spawn("redis-server", [
      "--port",
      "0",
      "--unixsocket",
      this.#socket,
      "--dir",
      directory,
      "--save",
      "",
      "--enable-debug-command",
      "yes",
      ...args,
    ], { stdio: "ignore" });
  }

  /** Waits until it has loaded its file and answers; false if it exits instead. */
  async ready(): Promise<boolean> {
    while (this.#server.exitCode === null) {
      if (this.cli("ping") === "PONG") return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  }

  cli(...args: string[]): string {
    const result = spawnSync("timeout", ["10", "redis-cli", "-s", this.#socket, ...args], { encoding: "latin1" });
    return result.stdout.replace(/\n$/, "");
  }

  /** Sends a script of commands, one a line as redis-cli splits them. */
  commands(lines: readonly string[]): void {
    const result = spawnSync("timeout", ["20", "redis-cli", "-s", this.#socket], {
      input: lines.join("\n"),
      encoding: "latin1",
    });
    const errors = result.stdout.split("\n").filter((line) => /^ERR|^WRONGTYPE/.test(line));
    if (errors.length > 0) throw new Error(errors[0]);
  }

  async stop(): Promise<void> {
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#server.once("exit", resolve));
    this.#server.kill("SIGKILL");
    await exited;
  }
}

/** Runs `body` on a disk with some calls of its own. */
export async function withCalls(
  calls: (system: Files) => Partial<Files>,
  body: () => Promise<void> | void,
): Promise<void> {
  const system = files();
  useFiles({ ...system, ...calls(system) });
  try {
    await body();
  } finally {
    useFiles(system);
  }
}
