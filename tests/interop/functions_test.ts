/**
 * Function libraries and modules' data in what comes from redis-server: libraries stay with the data, wherever that goes,
 * and are called here as there; what is a module's nobody runs.
 */

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { untilConnected } from "../integration/data_set.ts";
import { ServerProcess, until } from "../integration/server_process.ts";
import type { TestClient } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";

const LIBRARY = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";
/** Writes, and gives what there is now. */
const COUNTING = "#!lua name=counting\n" +
  "redis.register_function('count', function(keys) redis.call('SET', 'last', keys[1]) return redis.call('INCR', keys[1]) end)";

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

/** A redis-server with a library and a key. */
async function startWithLibrary(): Promise<[ServerProcess, TestClient]> {
  const [server, client] = await start("redis-server");
  await client.call("FUNCTION", "LOAD", LIBRARY);
  await client.expect("SET key value", "OK");
  return [server, client];
}

test("a file with function libraries is loaded, and saved with them again", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [redis, client] = await startWithLibrary();
  await client.expect("SAVE", "OK");
  const [first, tredis] = await start("tredis");
  copyFileSync(join(redis.folder, "dump.rdb"), join(first.folder, "dump.rdb"));
  await tredis.expect("DEBUG RELOAD NOSAVE", "OK");
  await tredis.expect("DEBUG RELOAD", "OK");
  await tredis.expect("FLUSHALL", "OK"); // takes no libraries with it, as in Redis
  await tredis.expect("SET key value", "OK");
  await tredis.expect("BGSAVE", /started/);
  await until(
    "the save's end",
    async () => /rdb_bgsave_in_progress:0/.test(String(await tredis.call("INFO persistence"))),
  );
  const { port, folder } = first;
  tredis.send("SHUTDOWN NOSAVE");
  await until("its end", () => first.exited);
  const again = await ServerProcess.start({ port, folder, args: ["--save", "", "--repl-diskless-sync-delay", "0"] });
  started.push(again);
  await (await again.connect()).expect("GET key", "value");
  const [, replica] = await start("redis-server", "--replicaof", "127.0.0.1", String(again.port));
  await untilConnected(replica);
  await replica.expect("FUNCTION LIST", await client.call("FUNCTION LIST") as never);
});

for (const load of ["disabled", "swapdb"]) {
  test(`a replica between two redis-servers hands function libraries on; load: ${load}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const [above, client] = await startWithLibrary();
    const [middle, replica] = await start(
      "tredis",
      ...["--replicaof", "127.0.0.1", String(above.port), "--repl-diskless-load", load],
    );
    await untilConnected(replica);
    const [, below] = await start("redis-server", "--replicaof", "127.0.0.1", String(middle.port));
    await untilConnected(below);
    await below.expect("FUNCTION LIST", await client.call("FUNCTION LIST") as never);
    // One that comes from a primary without any has none.
    const [other] = await start("redis-server");
    await replica.expect(`REPLICAOF 127.0.0.1 ${other.port}`, "OK");
    await untilConnected(replica);
    await until("the libraries to go", async () => JSON.stringify(await below.call("FUNCTION LIST")) === "[]");
  });
}

for (const [above, below] of [["tredis", "redis-server"], ["redis-server", "tredis"]] as const) {
  test(`what scripts and functions do goes from ${above} to ${below}, and so do libraries`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const [primary, client] = await start(above);
    const [, replica] = await start(below, "--replicaof", "127.0.0.1", String(primary.port));
    await untilConnected(replica);
    await client.expect(["FUNCTION", "LOAD", COUNTING], "counting");
    await client.expect(["FUNCTION", "LOAD", LIBRARY], "lib");
    await client.expect("FCALL count 1 key", 1);
    await client.expect(["EVAL", "for i = 1, 3 do redis.call('RPUSH', KEYS[1], i) end return 1", 1, "list"], 1);
    await client.expect("FUNCTION DELETE lib", "OK");
    await client.expect("SET end 1", "OK");
    await until("all of it to arrive", async () => await replica.call("GET end") === "1");
    await replica.expect("GET key", "1");
    await replica.expect("GET last", "key");
    await replica.expect("LRANGE list 0 -1", ["1", "2", "3"]);
    await replica.expect("FUNCTION LIST", await client.call("FUNCTION LIST") as never);
    await replica.expect("FCALL count 1 key", /^READONLY/);
    const payload = String(await client.call("FUNCTION DUMP"));
    const [, third] = await start(below);
    await third.expect(["FUNCTION", "RESTORE", payload], "OK");
    await third.expect("FCALL count 1 key", 1);
  });
}

test("libraries are in the append-only file, in its base and behind it, and scripts' writes are there whole", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  for (const preamble of ["yes", "no"]) {
    const args = ["--save", "", "--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
    const first = await ServerProcess.start({ args });
    started.push(first);
    const client = await first.connect();
    await client.expect(["FUNCTION", "LOAD", COUNTING], "counting");
    await client.expect("BGREWRITEAOF", /started|scheduled/);
    await until("the rewrite", async () => /aof_rewrites:[1-9]/.test(String(await client.call("INFO persistence"))));
    await client.expect(["FUNCTION", "LOAD", LIBRARY], "lib");
    await client.expect("FCALL count 1 key", 1);
    client.send("SHUTDOWN");
    await until("its end", () => first.exited);
    for (const kind of ["redis-server", undefined] as const) {
      const again = await ServerProcess.start({ ...(kind === undefined ? {} : { kind }), folder: first.folder, args });
      started.push(again);
      const reader = await again.connect();
      await reader.expect("FCALL answer 0", 42);
      await reader.expect("GET last", "key");
      await reader.expect("FCALL count 1 key", kind === undefined ? 3 : 2);
      reader.send("SHUTDOWN");
      await until("its end", () => again.exited);
    }
  }
});
