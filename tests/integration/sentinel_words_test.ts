/** What Sentinel says to a server, word for word, and what must come of it. Real sentinels are in interop/sentinel_test.ts. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { untilConnected } from "./data_set.ts";
import { ServerProcess, until } from "./server_process.ts";
import type { Reply, TestClient } from "./test_client.ts";

const HELLO = "__sentinel__:hello";

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

/** Starts a server from a configuration file of its own. */
async function start(...lines: string[]): Promise<{ server: ServerProcess; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-test-"));
  const file = join(folder, "it.conf");
  writeFileSync(file, ['save ""', "repl-diskless-sync-delay 0", ...lines].join("\n") + "\n");
  const server = await ServerProcess.start({ first: [file], folder, args: [] });
  started.push(server);
  return { server, file };
}

/** Changes the role in one transaction; what its commands reply. */
async function changeRole(client: TestClient, host: string, port: string): Promise<Reply> {
  const commands = [
    ["SLAVEOF", host, port],
    ["CONFIG", "REWRITE"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["CLIENT", "KILL", "TYPE", "pubsub"],
  ];
  await client.expect("MULTI", "OK");
  for (const command of commands) await client.expect(command, "QUEUED");
  return await client.call("EXEC");
}

test("a role is changed, written down and told to clients by their end, in one transaction", async () => {
  const { server: primary } = await start();
  const { server, file } = await start();
  const sentinel = await server.connect();
  await sentinel.expect("CLIENT SETNAME sentinel-0123abcd-cmd", "OK");
  for (const [host, port] of [["127.0.0.1", String(primary.port)], ["NO", "ONE"]]) {
    const [normal, subscriber] = [await server.connect(), await server.connect()];
    await normal.expect("PING", "PONG");
    await subscriber.expect("SUBSCRIBE news", ["subscribe", "news", 1]);
    assert.deepEqual(await changeRole(sentinel, host, port), ["OK", "OK", 1, 1]);
    await until("both to be cut off", () => normal.closed && subscriber.closed);
    const isReplica = host !== "NO";
    if (isReplica) await untilConnected(sentinel);
    else await sentinel.expect("ROLE", /^master/);
    const written = readFileSync(file, "utf8").match(/^(?:replicaof|slaveof) .*$/gm) ?? [];
    assert.deepEqual(written, isReplica ? [`replicaof ${host} ${port}`] : []);
  }
});

test("sentinels that listen on a replica hear those who greet there, and those who greet on the primary", async () => {
  const { server: primary } = await start();
  const { server: replica } = await start(`slaveof 127.0.0.1 ${primary.port}`);
  const below = await replica.connect();
  await untilConnected(below);
  const listeners = [await primary.connect(), await replica.connect()];
  for (const listener of listeners) await listener.expect(["SUBSCRIBE", HELLO], ["subscribe", HELLO, 1]);
  await below.expect(["PUBLISH", HELLO, "from the replica"], 1);
  await (await primary.connect()).expect(["PUBLISH", HELLO, "from the primary"], 1);
  assert.deepEqual(await listeners[0].read(), ["message", HELLO, "from the primary"]);
  assert.deepEqual(await listeners[1].read(), ["message", HELLO, "from the replica"]);
  assert.deepEqual(await listeners[1].read(), ["message", HELLO, "from the primary"]);
});
