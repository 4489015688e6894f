/**
 * Streams in RDB: what each version since 5.0 has written, what redis-server makes of ours and we of its, and payloads
 * that are wrong in all the ways in which the parts of a stream can contradict each other.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Crc64 } from "../../lib/bytes/crc64.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Restorer } from "../../lib/persistence/dump.ts";
import { writeLength } from "../../lib/persistence/rdb_format.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Request } from "../../lib/resp/request.ts";
import { NO_EXPIRY } from "../../lib/store/entry.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { StreamId } from "../../lib/store/types/stream_ids.ts";
import { walkKeyspace } from "../model/keyspace_walk.ts";
import { contents, isInstalled, randomSource, RealRedis, streamed, toRdb, wipe, withDirectory } from "./helpers.ts";

const KEY = encodeLatin1("key");

function timeId(ms: number, sequence = 0): StreamId {
  const id = new StreamId().setTime(ms);
  id.seqLow = sequence;
  return id;
}

/** The parts of a payload, to be written one after the other. */
class Payload {
  readonly bytes: number[] = [];

  constructor(readonly type: number) {
    this.bytes.push(type);
  }

  length(value: number): this {
    const bytes = new Uint8Array(9);
    this.bytes.push(...bytes.subarray(0, writeLength(bytes, 0, value)));
    return this;
  }

  longLength(value: bigint): this {
    this.bytes.push(0x81);
    for (let shift = 56n; shift >= 0n; shift -= 8n) this.bytes.push(Number((value >> shift) & 255n));
    return this;
  }

  string(bytes: Uint8Array | string): this {
    const given = typeof bytes === "string" ? encodeLatin1(bytes) : bytes;
    this.length(given.length);
    this.bytes.push(...given);
    return this;
  }

  rawId(id: StreamId): this {
    const bytes = new Uint8Array(16);
    id.writeBytes(bytes, 0);
    this.bytes.push(...bytes);
    return this;
  }

  stringId(id: StreamId): this {
    const bytes = new Uint8Array(16);
    id.writeBytes(bytes, 0);
    return this.string(bytes);
  }

  time(ms: number): this {
    for (let i = 0, rest = ms; i < 8; i++, rest = Math.floor(rest / 256)) this.bytes.push(rest & 255);
    return this;
  }

  /** With version and checksum. */
  whole(): Uint8Array {
    const bytes = Uint8Array.from([...this.bytes, 10, 0, ...new Array(8).fill(0)]);
    const crc = new Crc64();
    crc.update(bytes, 0, bytes.length - 8);
    crc.writeTo(bytes, bytes.length - 8);
    return bytes;
  }
}

/** The listpack of a node with entries 5-0, 6-0 (deleted) and 7-0. */
function listpack(): Uint8Array {
  const keyspace = new Keyspace(1);
  const { streams } = keyspace.store;
  const body = streams.createBody();
  for (const ms of [5, 6, 7]) streams.append(body, timeId(ms), Request.of("field", `value ${ms}`), 0, 1);
  streams.delete(body, timeId(6));
  const trees = streams.treesOf();
  trees.seekPosition(streams.rootOf(body), 0);
  streams.nodes.show(trees.word(0));
  const { bytes, start } = streams.nodes;
  return bytes.slice(start, start + streams.nodes.length(trees.word(0)));
}

/** What may be otherwise in a payload than it should. */
interface Changes {
  readonly nodeId?: StreamId;
  readonly nodeName?: string;
  readonly secondNode?: StreamId;
  readonly length?: number;
  readonly lastId?: StreamId;
  readonly groups?: number;
  readonly groupNames?: readonly string[];
  readonly pending?: readonly StreamId[];
  readonly consumers?: readonly { readonly name: string; readonly ids: readonly StreamId[] }[];
  readonly listpack?: (bytes: Uint8Array) => void;
}

/** A payload of a stream of two entries with a group, as the version with that type has written it. */
function payload(type: 15 | 19 | 21, changes: Changes = {}): Payload {
  const bytes = listpack();
  changes.listpack?.(bytes);
  const out = new Payload(type).length(changes.secondNode === undefined ? 1 : 2);
  if (changes.nodeName === undefined) out.stringId(changes.nodeId ?? timeId(5));
  else out.string(changes.nodeName);
  out.string(bytes);
  if (changes.secondNode !== undefined) out.stringId(changes.secondNode).string(listpack());
  const lastId = changes.lastId ?? timeId(9, 3);
  out.length(changes.length ?? 2).length(lastId.msLow).length(lastId.seqLow);
  if (type >= 19) out.length(5).length(0).length(6).length(0).longLength(11n);
  const names = changes.groupNames ?? ["group"];
  out.length(changes.groups ?? names.length);
  for (const name of names) {
    out.string(name).length(5).length(0);
    if (type >= 19) out.longLength(2n ** 64n - 1n); // -1: unknown
    const pending = changes.pending ?? [timeId(5), timeId(7)];
    out.length(pending.length);
    for (const id of pending) out.rawId(id).time(1_700_000_000_123).length(3);
    const consumers = changes.consumers ?? [{ name: "a", ids: [timeId(5)] }, { name: "b", ids: [timeId(7)] }];
    out.length(consumers.length);
    for (const { name, ids } of consumers) {
      out.string(name).time(1_700_000_000_456);
      if (type === 21) out.time(1_700_000_000_789);
      out.length(ids.length);
      for (const id of ids) out.rawId(id);
    }
  }
  return out;
}

/** One for each keyspace: each has a database of its own there, for good. */
const RESTORERS = new WeakMap<Keyspace, Restorer>();

/** The stream that a payload makes, as lines; null where it makes none, and then nothing is left of it. */
function restored(bytes: Uint8Array, keyspace = new Keyspace(1)): string[] | null {
  const restorer = RESTORERS.get(keyspace) ?? new Restorer(keyspace);
  RESTORERS.set(keyspace, restorer);
  const [database] = keyspace.databases;
  const isFine = restorer.restore(database, KEY, 0, KEY.length, bytes, 0, bytes.length, NO_EXPIRY);
  walkKeyspace(keyspace, false);
  if (!isFine) {
    assert.equal(database.size, 0);
    return null;
  }
  return streamed(keyspace, database.peek(KEY, 0, KEY.length));
}

const LINES = [
  "first 5-0, deleted 6-0",
  "5-0 field=value 5",
  "7-0 field=value 7",
  "group group: 5-0, read -1",
  "pending 5-0 for a: 1700000000123, 3",
  "pending 7-0 for b: 1700000000123, 3",
  "consumer a: 1700000000456, 1 pending",
  "consumer b: 1700000000456, 1 pending",
];

test("what each version wrote is read: 5.0, 7.0 and 7.2", () => {
  assert.deepEqual(restored(payload(19).whole()), ["last 9-3, added 11", ...LINES]);
  assert.deepEqual(restored(payload(21).whole()), ["last 9-3, added 11", ...LINES]);
  // 5.0 knew neither of what was deleted nor of how many were read, which is found out as well as it can be.
  assert.deepEqual(
    restored(payload(15).whole()),
    [
      "last 9-3, added 2",
      "first 5-0, deleted 0-0",
      ...LINES.slice(1, 3),
      "group group: 5-0, read 1",
      ...LINES.slice(4),
    ],
  );
});

test("when a consumer was active is read where it was written, else it is when it was seen", () => {
  for (const [type, expected] of [[19, 1_700_000_000_456], [21, 1_700_000_000_789]] as const) {
    const keyspace = new Keyspace(1);
    assert.notEqual(restored(payload(type).whole(), keyspace), null);
    const { streams } = keyspace.store;
    const { groups } = streams;
    const body = streams.bodyOf(keyspace.databases[0].peek(KEY, 0, KEY.length));
    const group = groups.find(body, encodeLatin1("group"), 0, 5);
    assert.equal(groups.activeMs(groups.findConsumer(group, encodeLatin1("a"), 0, 1)), expected);
  }
});

const FAULTS: Readonly<Record<string, Changes>> = {
  "a node's ID beyond its last": { nodeId: timeId(20) },
  "a node's ID that has too few bytes": { nodeName: "short" },
  "a second node that does not follow the first": { secondNode: timeId(6), length: 4 },
  "the same node twice": { secondNode: timeId(5), length: 4 },
  "a length that is not that of the nodes": { length: 3 },
  "a last ID below an entry": { lastId: timeId(6) },
  "a group twice": { groupNames: ["group", "group"] },
  "fewer groups than it says": { groups: 2 },
  "more groups than it says": { groups: 0 },
  "a pending entry twice": { pending: [timeId(5), timeId(5)] },
  "a pending entry that is nobody's": { pending: [timeId(5), timeId(7), timeId(8)] },
  "an entry pending for a consumer, but not in the group": { consumers: [{ name: "a", ids: [timeId(5), timeId(6)] }] },
  "an entry pending for two consumers": {
    consumers: [{ name: "a", ids: [timeId(5)] }, { name: "b", ids: [timeId(5)] }],
  },
  "an entry pending for a consumer twice": { consumers: [{ name: "a", ids: [timeId(5), timeId(5)] }] },
  "a consumer twice": { consumers: [{ name: "a", ids: [timeId(5)] }, { name: "a", ids: [timeId(7)] }] },
  "more pending for consumers than in the group": {
    pending: [timeId(5)],
    consumers: [{ name: "a", ids: [timeId(5), timeId(7)] }],
  },
  "a listpack with another count of live entries": { listpack: (bytes) => void bytes[6]++ },
  "a listpack with another count of deleted entries": { listpack: (bytes) => void bytes[8]++ },
  "a listpack with another number of fields": { listpack: (bytes) => void bytes[10]++ },
  "a listpack that is cut": { listpack: (bytes) => void (bytes[0] -= 2) },
};

for (const [what, changes] of Object.entries(FAULTS)) {
  test(`a stream with ${what} is refused, and nothing of it stays`, () => {
    for (const type of [15, 19, 21] as const) assert.equal(restored(payload(type, changes).whole()), null);
  });
}

test("an entry with an ID of another form, or that does not end where it says, is refused wherever it is", () => {
  // Whatever byte of the listpack is another: it is refused, or makes a stream that is sound.
  const { length } = listpack();
  let refused = 0;
  const keyspace = new Keyspace(1);
  for (let at = 6; at < length; at++) {
    for (const change of [1, 2, 0x40, 0x80]) {
      wipe(keyspace);
      const bytes = payload(19, { listpack: (given) => void (given[at] ^= change) }).whole();
      if (restored(bytes, keyspace) === null) refused++;
    }
  }
  assert.ok(refused > length, `${refused} of ${length * 4}`);
});

test("damaged payloads with a right checksum make sound streams, or nothing", () => {
  const random = randomSource(21);
  const keyspace = new Keyspace(1);
  let made = 0;
  for (let round = 0; round < 500; round++) {
    wipe(keyspace);
    const damaged = payload(([15, 19, 21] as const)[random(3)]);
    for (let times = 1 + random(3); times > 0; times--) {
      const at = 1 + random(damaged.bytes.length - 1);
      if (random(3) === 0) damaged.bytes[at] = random(256);
      else if (random(2) === 0) damaged.bytes[at] ^= 1 << random(8);
      else damaged.bytes.splice(at, random(3), ...new Array(random(3)).fill(random(8)));
    }
    if (restored(damaged.whole(), keyspace) !== null) made++;
  }
  assert.ok(made > 25 && made < 480, `${made} made a stream`);
});

/** A keyspace of streams with groups, one of them large. */
function sample(): Keyspace {
  const keyspace = new Keyspace(1);
  const { streams } = keyspace.store;
  const { groups } = streams;
  const [database] = keyspace.databases;
  const random = randomSource(11);
  for (const [key, entries] of [["empty", 0], ["small", 5], ["large", 3000]] as const) {
    const body = streams.bodyOf(streams.create(database, encodeLatin1(key), 0, key.length));
    for (let i = 0; i < entries; i++) {
      const id = timeId(1_700_000_000_000 + i * random(3), i);
      if (id.compare(streams.lastId(body, new StreamId())) <= 0) continue;
      const fields = random(4) === 0 ? ["other", "x".repeat(random(200))] : ["f", String(random(1e9)), "g", `v${i}`];
      streams.append(body, id, Request.of(...fields), 0, fields.length / 2);
      if (random(10) === 0) streams.delete(body, id);
    }
    for (let g = 0; g < 3; g++) {
      const name = encodeLatin1(`group:${g}`);
      const group = groups.create(body, name, 0, name.length, timeId(g), BigInt(g - 1));
      for (let c = 0; c < 4; c++) {
        const called = encodeLatin1(`consumer:${c}`);
        const consumer = groups.createConsumer(body, group, called, 0, called.length, 1_700_000_000_000 + c);
        for (let i = c; i < entries; i += 4 + g) {
          if (groups.pendingFor(group, timeId(i)) >= 0) continue;
          groups.addPending(body, group, consumer, timeId(i), 1_600_000_000_000 + i, 1 + (i % 5));
        }
      }
    }
  }
  return keyspace;
}

test("streams with groups come back from a file, as they were", () => {
  const keyspace = sample();
  const again = new Keyspace(1);
  const reader = new RdbReader(again, { dropExpired: false, verifyChecksum: true });
  reader.feed(toRdb(keyspace));
  reader.close();
  assert.deepEqual(contents(again, again.databases[0]), contents(keyspace, keyspace.databases[0]));
  walkKeyspace(again, false);
});

test("redis-server reads our streams with their groups, and we read those that it writes", async (context) => {
  if (!isInstalled("redis-server")) return context.skip("redis-server is not installed");
  const keyspace = sample();
  await withDirectory(async (directory) => {
    writeFileSync(join(directory, "dump.rdb"), toRdb(keyspace));
    const redis = new RealRedis(directory, "--sanitize-dump-payload", "yes");
    try {
      assert.ok(await redis.ready(), "it has loaded the file");
      const ref = keyspace.databases[0].peek(encodeLatin1("large"), 0, 5);
      assert.equal(redis.cli("XLEN", "large"), String(keyspace.store.streams.count(ref)));
      const [pending, first] = redis.cli("XPENDING", "large", "group:1").split("\n");
      const { groups } = keyspace.store.streams;
      const group = groups.find(keyspace.store.streams.bodyOf(ref), encodeLatin1("group:1"), 0, 7);
      assert.deepEqual([pending, first], [String(groups.pendingCount(group)), "0-0"]);
      redis.cli("SAVE");
    } finally {
      await redis.stop();
    }
    const again = new Keyspace(1);
    const reader = new RdbReader(again, { dropExpired: false, verifyChecksum: true });
    reader.feed(readFileSync(join(directory, "dump.rdb")));
    reader.close();
    assert.deepEqual(contents(again, again.databases[0]), contents(keyspace, keyspace.databases[0]));
  });
});
