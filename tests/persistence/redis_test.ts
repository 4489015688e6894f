import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { loadRdbFile } from "../../lib/persistence/load.ts";
import { Dumper } from "../../lib/persistence/dump.ts";
import { RdbError } from "../../lib/persistence/rdb_format.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { saveSync } from "../../lib/persistence/save.ts";
import { Snapshotter } from "../../lib/persistence/snapshot.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import {
  contents,
  everything,
  INFO,
  isInstalled,
  OPTIONS,
  RealRedis,
  setString,
  variedKeyspace,
  wipe,
  withDirectory,
} from "./helpers.ts";

const SKIP = isInstalled("redis-server") && isInstalled("redis-check-rdb")
  ? {}
  : { skip: "redis-server is not installed" };
const LONG = { ...SKIP, timeout: 120_000 };
const READ = { dropExpired: true, verifyChecksum: true };

/** Compares what redis-server holds with a keyspace, key by key. */
function assertRedisHolds(redis: RealRedis, keyspace: Keyspace): void {
  for (const [index, keys] of everything(keyspace)) {
    assert.equal(redis.cli("-n", String(index), "dbsize"), String(keys.size));
    let checked = 0;
    for (const [key, described] of keys) {
      if (key === "" || /[^ -~]/.test(key) || (key.startsWith("key:") && checked++ > 40)) continue;
      const ask = (...args: string[]) => redis.cli("-n", String(index), ...args);
      const value = typeof described === "string" ? described.slice(described.indexOf(":") + 1) : described.value;
      if (typeof value === "string") {
        assert.equal(ask("--raw", "get", key), value, key);
      } else {
        const found = ask("--raw", "hgetall", key).split("\n");
        const pairs: Record<string, string> = {};
        for (let i = 0; i + 1 < found.length; i += 2) pairs[found[i]] = found[i + 1];
        assert.deepEqual(pairs, { ...value }, key);
      }
      const expiry = typeof described === "string" ? null : described.expiry;
      if (key !== "expiring:far") assert.equal(ask("pexpiretime", key), expiry ?? "-1", key);
    }
  }
}

test("redis-check-rdb and redis-server accept what SAVE and background saves write", LONG, async () => {
  for (const how of ["save", "background", "uncompressed"]) {
    await withDirectory(async (directory) => {
      const path = join(directory, "dump.rdb");
      const keyspace = variedKeyspace();
      if (how === "background") {
        const snapshotter = new Snapshotter(keyspace);
        const target = { kind: "file", path, temporary: join(directory, "temp.rdb") } as const;
        await snapshotter.start(target, () => INFO, OPTIONS);
        snapshotter.worker.stop();
      } else {
        saveSync(keyspace, path, INFO, { ...OPTIONS, compression: how === "save" });
      }
      const check = spawnSync("redis-check-rdb", [path], { encoding: "latin1" });
      assert.equal(check.status, 0, check.stdout);
      assert.match(check.stdout, /Checksum OK/);
      const redis = new RealRedis(directory);
      try {
        assert.ok(await redis.ready(), "redis-server starts with the file");
        assertRedisHolds(redis, keyspace);
      } finally {
        await redis.stop();
      }
    });
  }
});

test("what redis-server saves is loaded, and payloads go both ways", LONG, async () => {
  await withDirectory(async (directory) => {
    const redis = new RealRedis(directory, "--hash-max-listpack-entries", "64");
    try {
      assert.ok(await redis.ready());
      redis.commands([
        "set int8 -100",
        "set int16 30000",
        "set int32 -2000000000",
        "set int64 9223372036854775807",
        `set lzf ${"abcdefgh".repeat(200)}`,
        'set empty ""',
        'set binary "\\x00\\xff\\r\\n"',
        "set expiring soon ex 10000",
        "hset listpack a 1 b text c -70000 d 4294967296 e 9223372036854775807",
        `hset long a ${"x".repeat(5000)}`,
        "hset expiring:hash f v",
        "pexpireat expiring:hash 99999999999999",
        `eval "for i = 0, 1499 do redis.call('hset', 'table', 'field:' .. i, 'value:' .. i) end" 0`,
        "select 7",
        `eval "for i = 0, 1499 do redis.call('set', 'key:' .. i, i * 7919) end" 0`,
        "save",
      ]);
      const keyspace = new Keyspace(16);
      keyspace.store.hashes.maxListpackEntries = 64;
      const result = await loadRdbFile(join(directory, "dump.rdb"), keyspace, READ);
      assert.equal(result.version, 10);
      assert.equal(result.keysLoaded, 1511 + 1);
      assert.match(result.aux.get("redis-ver") ?? "", /^7\./);
      assertRedisHolds(redis, keyspace);
      for (const [key, encoding] of Object.entries({ listpack: 11, long: 2, table: 2, int64: 1, lzf: 0, empty: 8 })) {
        assert.equal(
          keyspace.store.heap.entries.encoding(keyspace.databases[0].peek(encodeLatin1(key), 0, key.length)),
          encoding,
          key,
        );
      }
      // The same value gives the same payload where Redis packs it without a choice of its own.
      for (const key of ["int8", "int16", "int32", "int64", "empty", "binary", "listpack"]) {
        const ours = new Dumper(keyspace.store).dump(
          keyspace.databases[0].peek(encodeLatin1(key), 0, key.length),
          true,
        );
        const restored = spawnSync("timeout", [
          "10",
          "redis-cli",
          "-s",
          join(directory, "redis.sock"),
          "-x",
          "restore",
          `copy:${key}`,
          "0",
        ], {
          input: ours,
          encoding: "latin1",
        });
        assert.equal(restored.stdout.trim(), "OK", key);
        const digest = (name: string) => redis.cli("debug", "digest-value", name);
        assert.equal(digest(`copy:${key}`), digest(key));
      }
    } finally {
      await redis.stop();
    }
  });
});

test("redis-server refuses nothing of a file with every access clock", LONG, async () => {
  await withDirectory(async (directory) => {
    const keyspace = variedKeyspace();
    const path = join(directory, "dump.rdb");
    saveSync(keyspace, path, { ...INFO, frequency: () => 42 }, OPTIONS);
    const redis = new RealRedis(directory, "--maxmemory-policy", "allkeys-lfu", "--lfu-decay-time", "0");
    try {
      assert.ok(await redis.ready());
      assert.equal(redis.cli("object", "freq", "embstr"), "42");
    } finally {
      await redis.stop();
    }
  });
});

test("redis-cli --rdb output is loaded", LONG, async () => {
  await withDirectory(async (directory) => {
    const redis = new RealRedis(directory, "--repl-diskless-sync-delay", "0");
    try {
      assert.ok(await redis.ready());
      redis.commands(["set a 1", "hset h f v"]);
      const path = join(directory, "copy.rdb");
      spawnSync("timeout", ["20", "redis-cli", "-s", join(directory, "redis.sock"), "--rdb", path]);
      const keyspace = new Keyspace(16);
      await loadRdbFile(path, keyspace, READ);
      assert.deepEqual([...contents(keyspace, keyspace.databases[0]).keys()], ["a", "h"]);
    } finally {
      await redis.stop();
    }
  });
});

test("a type that is not held yet is refused by name, key and byte", LONG, async () => {
  await withDirectory(async (directory) => {
    for (
      const [command, name] of [
        ["rpush key a b", "list"],
        ["sadd key a b", "set"],
        ["sadd key 1 2", "set"],
        ["zadd key 1 a", "sorted set"],
      ]
    ) {
      const redis = new RealRedis(directory);
      try {
        assert.ok(await redis.ready());
        redis.commands(["flushall", command, "save"]);
      } finally {
        await redis.stop();
      }
      await assert.rejects(
        loadRdbFile(join(directory, "dump.rdb"), new Keyspace(16), READ),
        new RegExp(`dump\\.rdb: a value of type \\d+, ${name}.* is not supported \\(at byte \\d+, key 'key'\\)`),
      );
    }
  });
});

test("ziplists and zipmaps of older versions become listpacks", () => {
  const bytes = (...parts: (string | number[])[]) =>
    encodeLatin1(parts.map((part) => typeof part === "string" ? part : String.fromCharCode(...part)).join(""));
  const keyspace = new Keyspace(1);
  const read = (data: Uint8Array) => {
    const reader = new RdbReader(wipe(keyspace), READ);
    reader.feed(data);
    reader.close();
    return contents(keyspace, keyspace.databases[0]);
  };
  const zipmap = "\x02\x02f1\x02\x00v1\x02f2\x05\x02v2222  \xff";
  assert.deepEqual(
    read(bytes("REDIS0003\xfe\x00\x09\x04hash", [zipmap.length], zipmap, "\xff")).get("hash"),
    { value: { f1: "v1", f2: "v2222" }, encoding: 11, expiry: null },
  );
  const entries = "\x00\x02f1" + "\x04\xfe\x80" + "\x03\x02f2" + "\x04\xc0\x39\x30" + "\x04\x02f3" + "\x04\xf3" +
    "\x02\x02f4" +
    "\x04\xf0\x00\x00\x80" + "\x05\x02f5" + "\x04\xe0\xff\xff\xff\xff\xff\xff\xff\x7f" + "\x0a\x02f6" +
    "\x04\xd0\xff\xff\xff\xff" +
    "\x06\x02f7" + "\x04\x40\x02hi";
  const length = 10 + entries.length + 1;
  const tail = length - 1 - 5;
  const ziplist = String.fromCharCode(length, 0, 0, 0, tail, 0, 0, 0, 14, 0) + entries + "\xff";
  assert.deepEqual(read(bytes("REDIS0004\x0d\x04hash\x40", [length], ziplist, "\xff")).get("hash"), {
    value: { f1: "-128", f2: "12345", f3: "2", f4: "-8388608", f5: "9223372036854775807", f6: "-1", f7: "hi" },
    encoding: 11,
    expiry: null,
  });
  for (let at = 0; at < ziplist.length; at++) {
    for (const value of [0, 254, 255, ziplist.charCodeAt(at) ^ 1]) {
      const damaged = ziplist.slice(0, at) + String.fromCharCode(value) + ziplist.slice(at + 1);
      try {
        read(bytes("REDIS0004\x0d\x04hash\x40", [length], damaged, "\xff"));
      } catch (error) {
        assert.ok(error instanceof RdbError);
      }
    }
  }
});

test("a string beyond any chunk goes through redis-server whole", LONG, async () => {
  await withDirectory(async (directory) => {
    const keyspace = new Keyspace(16);
    setString(keyspace.databases[0], "big", Array.from({ length: 300_000 }, (_, i) => String(i * 7)).join(","));
    saveSync(keyspace, join(directory, "dump.rdb"), INFO, OPTIONS);
    const redis = new RealRedis(directory);
    try {
      assert.ok(await redis.ready());
      redis.commands(["save"]);
    } finally {
      await redis.stop();
    }
    const back = new Keyspace(16);
    await loadRdbFile(join(directory, "dump.rdb"), back, READ);
    assert.deepEqual(everything(back), everything(keyspace));
    assert.ok(readFileSync(join(directory, "dump.rdb")).length < 2_000_000);
  });
});
