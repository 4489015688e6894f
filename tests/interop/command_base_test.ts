/** The base of an append-only file as commands, without RDB: redis-server loads ours, and we run what it has written. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { digestOfKeyspace } from "../../lib/commands/digest.ts";
import { Manifest } from "../../lib/persistence/aof/manifest.ts";
import { RdbReader } from "../../lib/persistence/rdb_reader.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import type { TestClient } from "../integration/test_client.ts";
import { encode, expectLines, replay, run, tokensOf } from "../persistence/aof/encoding.ts";
import { startWith } from "../server/fake_client.ts";
import { havePeers } from "./peers.ts";
import { SAMPLES } from "./type_samples.ts";
import { withBase } from "../persistence/aof/manifests.ts";

const ARGS = ["--save", "", "--enable-debug-command", "yes", "--appendonly", "yes", "--aof-use-rdb-preamble", "no"];

/** What makes all samples, each under a key of its own, and what they have not: expiries, databases, an empty stream. */
const COMMANDS: readonly (readonly string[])[] = [
  ...Object.entries(SAMPLES).flatMap(([type, samples]) =>
    samples.flatMap(({ commands }, i) => commands.map((words) => words.map((word) => word === "key" ? type + i : word)))
  ),
  ["PEXPIREAT", "hash1", "4102444800001"],
  ["XGROUP", "CREATECONSUMER", "stream0", "group", "idle"],
  ["XCLAIM", "stream0", "group", "other", "0", "5-1", "TIME", "1600000000123", "RETRYCOUNT", "17"],
  ["XGROUP", "CREATE", "stream1", "unread", "$"],
  ["SELECT", "5"],
  ["SET", "\0\xff\r\n", "\0\xfe", "PXAT", "4102444800002"],
  ["XGROUP", "CREATE", "empty", "group", "0", "MKSTREAM"],
  ["XADD", "emptied", "7-7", "field", "value"],
  ["XDEL", "emptied", "7-7"],
];

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function startRedis(folder: string): Promise<TestClient> {
  const server = await ServerProcess.start({ kind: "redis-server", folder, args: ARGS });
  started.push(server);
  return server.connect();
}

/** All that a redis-server has, by way of RDB. */
async function dataOf(client: TestClient, folder: string): Promise<Keyspace> {
  await client.expect("SAVE", "OK");
  const keyspace = new Keyspace(16);
  const reader = new RdbReader(keyspace, { dropExpired: false, verifyChecksum: true });
  reader.feed(readFileSync(join(folder, "dump.rdb")));
  reader.close();
  return keyspace;
}

test("redis-server loads the commands that all types become, and has the same data", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const server = startWith();
  run(server, ...COMMANDS);
  const folder = mkdtempSync(join(tmpdir(), "tredis-test-"));
  mkdirSync(join(folder, "appendonlydir"));
  const manifest = withBase(Manifest.EMPTY, "appendonly.aof", "aof");
  writeFileSync(join(folder, "appendonlydir", "appendonly.aof.manifest"), manifest.format());
  writeFileSync(
    join(folder, "appendonlydir", String(manifest.base?.name)),
    encode(tokensOf(server.keyspace), [100_000], 1_700_000_000),
  );
  const client = await startRedis(folder);
  expectLines(await dataOf(client, folder), server.keyspace);
  assert.equal(await client.call("DEBUG DIGEST"), digestOfKeyspace(server.keyspace));
});

test("what redis-server has written as commands makes the same data here", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const folder = mkdtempSync(join(tmpdir(), "tredis-test-"));
  const client = await startRedis(folder);
  for (const words of COMMANDS) await client.call(...words);
  await client.expect("BGREWRITEAOF", /started/);
  const files = join(folder, "appendonlydir");
  const base = await until("the end of the rewrite", () => {
    const { base } = Manifest.parse(readFileSync(join(files, "appendonly.aof.manifest"), "latin1"));
    return base?.name === "appendonly.aof.2.base.aof" ? base.name : null;
  });
  const server = startWith();
  replay(server, readFileSync(join(files, base)));
  expectLines(server.keyspace, await dataOf(client, folder));
  assert.equal(digestOfKeyspace(server.keyspace), await client.call("DEBUG DIGEST"));
});
