/**
 * Every value type has every part: it is written to and read from RDB, dumped and restored, copied, renamed, moved,
 * measured, digested, saved while it changes, and replicated in both directions. A type without samples here, or of which
 * a part is missing, fails. The digests are Redis's own, so a sample's content is compared with redis-server's as well.
 */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { valueLoaders, ValueWriters } from "../../lib/persistence/types/all.ts";
import { Store } from "../../lib/store/store.ts";
import { expectSame, untilConnected } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import type { TestClient } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";
import { numbers, type Sample, SAMPLES } from "./type_samples.ts";

const TYPES = new Store().heap.types.flatMap((type, number) => type === undefined ? [] : [{ type, number }]);

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind: "tredis" | "redis-server", ...args: string[]): Promise<[ServerProcess, TestClient]> {
  const server = await ServerProcess.start({
    ...(kind === "tredis" ? {} : { kind }),
    args: ["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", ...args],
  });
  started.push(server);
  return [server, await server.connect()];
}

async function make(client: TestClient, { commands }: Sample): Promise<void> {
  for (const words of commands) await client.call(...words);
}

/** The digest of the value under a key. */
async function digest(client: TestClient, key = "key"): Promise<string> {
  const [found] = await client.call("DEBUG", "DIGEST-VALUE", key) as string[]; // one digest for each key
  return found;
}

test("every type has samples of all its encodings here, a writer, and loaders", () => {
  const store = new Store();
  const writers = new ValueWriters(store);
  const loaded = new Set([...valueLoaders(store).values()]);
  assert.equal(loaded.size, TYPES.length + 1, "a loader of each type, and one more of hashes, for field expiry");
  for (const { type, number } of TYPES) {
    assert.ok(SAMPLES[type.name] !== undefined, `samples of ${type.name}`);
    assert.ok(writers.of(number) !== undefined, `a writer of ${type.name}`);
  }
  assert.deepEqual(TYPES.map(({ type }) => type.name).sort(), Object.keys(SAMPLES).sort());
});

for (const { type: { name } } of TYPES) {
  for (const sample of SAMPLES[name] ?? []) {
    const what = `${name} as ${sample.encoding}`;

    test(`${what}: OBJECT ENCODING, digest, DUMP, RESTORE, COPY, RENAME, MOVE, MEMORY USAGE, DEBUG RELOAD`, async (context) => {
      if (!havePeers(context, "redis-server")) return;
      const [, client] = await start("tredis");
      const [, redis] = await start("redis-server");
      await make(client, sample);
      await make(redis, sample);
      await client.expect("TYPE key", name);
      await client.expect("OBJECT ENCODING key", sample.encoding);
      const value = await digest(client);
      assert.equal(value, await digest(redis));

      const payload = String(await client.call("DUMP key"));
      await client.expect(["RESTORE", "restored", "0", payload], "OK");
      assert.equal(await digest(client, "restored"), value);
      await client.expect("OBJECT ENCODING restored", sample.encoding);
      await redis.expect(["RESTORE", "restored", "0", payload], "OK");
      assert.equal(await digest(redis, "restored"), value);
      const theirs = String(await redis.call("DUMP key"));
      await client.expect(["RESTORE", "restored", "0", theirs, "REPLACE"], "OK");
      assert.equal(await digest(client, "restored"), value);

      await client.expect("COPY key copied", 1);
      await client.call(...sample.change);
      assert.notEqual(await digest(client), value);
      assert.equal(await digest(client, "copied"), value, "a copy shares nothing");
      await client.expect("RENAME copied key", "OK");
      assert.equal(await digest(client), value);
      await client.expect("MOVE key 1", 1);
      await client.expect("SELECT 1", "OK");
      assert.equal(await digest(client), value);
      assert.ok(Number(await client.call("MEMORY USAGE key SAMPLES 0")) > String(sample.commands[0]).length / 8);
      await client.expect("DEBUG RELOAD", "OK");
      assert.equal(await digest(client), value);
      await client.expect("OBJECT ENCODING key", sample.encoding);
      await client.expect("DEL key", 1);
      assert.match(String(await client.call("DEBUG DIGEST-VALUE key")), /^0{40}$/);
    });

    test(`${what}: a snapshot has it as it was, whatever changes meanwhile`, async () => {
      const [server, client] = await start("tredis", "--rdb-key-save-delay", "100000");
      await make(client, sample);
      for (let i = 0; i < 5; i++) await client.expect(`COPY key other:${i}`, 1);
      const before = await client.call("DEBUG DIGEST");
      await client.expect("BGSAVE", "Background saving started");
      for (const key of ["key", ...numbers(5).map((i) => `other:${i}`)]) {
        await client.call(...sample.change.map((word) => word === "key" ? key : word));
        if (key.endsWith("2")) await client.expect(["DEL", key], 1);
        if (key.endsWith("3")) await client.expect(["RENAME", key, "renamed"], "OK");
        if (key.endsWith("4")) await client.expect(["EXPIRE", key, "1000"], 1);
      }
      await client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
      await until("the end of the snapshot", async () => {
        return /rdb_bgsave_in_progress:0/.test(String(await client.call("INFO persistence")));
      });
      assert.match(String(await client.call("INFO persistence")), /rdb_last_bgsave_status:ok/);
      const { port, folder } = server;
      client.send("SHUTDOWN NOSAVE");
      await until("its end", () => server.exited);
      const again = await ServerProcess.start({ port, folder, args: ["--save", "", "--enable-debug-command", "yes"] });
      started.push(again);
      assert.equal(await (await again.connect()).call("DEBUG DIGEST"), before);
    });

    for (const [above, below] of [["tredis", "redis-server"], ["redis-server", "tredis"]] as const) {
      test(`${what}: ${below} has it from ${above}, by snapshot and by stream`, async (context) => {
        if (!havePeers(context, "redis-server")) return;
        const [primary, client] = await start(above);
        await make(client, sample);
        const [, replica] = await start(below, "--replicaof", "127.0.0.1", String(primary.port));
        await untilConnected(replica);
        assert.equal(await digest(replica), await digest(client));
        await client.call(...sample.change);
        await client.expect("COPY key copied", 1);
        await expectSame(client, replica);
        assert.equal(await digest(replica), await digest(client));
        assert.equal(await digest(replica, "copied"), await digest(client, "copied"));
      });
    }
  }
}
