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
