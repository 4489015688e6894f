/** What redis-cli fetches over the replication protocol. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ServerProcess, until } from "../integration/server_process.ts";
import { havePeers } from "./peers.ts";

/** Runs redis-cli to its end: what it said. */
async function redisCli(port: number, ...args: string[]): Promise<string> {
  const child = spawn("redis-cli", ["-p", String(port), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk) => said += chunk);
  child.stderr.on("data", (chunk) => said += chunk);
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}

for (const [option, keys] of [["--rdb", 100], ["--functions-rdb", 0]] as const) {
  test(`redis-cli ${option} gets ${keys === 0 ? "functions, and no key" : "all keys"}`, async (context) => {
    if (!havePeers(context, "redis-cli")) return;
    for (const diskless of ["yes", "no"]) {
      const args = ["--save", "", "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "0"];
      const server = await ServerProcess.start({ args });
      try {
        const client = await server.connect();
        for (let i = 0; i < 100; i++) await client.expect(["SET", `key:${i}`, "value"], "OK");
        const file = join(server.folder, "fetched.rdb");
        assert.match(await redisCli(server.port, option, file), /Transfer finished with success/);
        await until("the end of the connection", async () => {
          return /connected_slaves:0/.test(String(await client.call("INFO replication")));
        });
        renameSync(file, join(server.folder, "dump.rdb"));
        await server.kill("SIGKILL");
        const second = await ServerProcess.start({ args: ["--save", ""], folder: server.folder });
        await (await second.connect()).expect("DBSIZE", keys);
        await second.stop();
      } finally {
        await server.stop();
      }
    }
  });
}

test("redis-cli --replica is shown what is written from now on, without the keys before", async (context) => {
  if (!havePeers(context, "redis-cli")) return;
  const server = await ServerProcess.start({ args: ["--save", "", "--repl-diskless-sync-delay", "0"] });
  const client = await server.connect();
  await client.expect(["SET", "before", "x".repeat(1_000_000)], "OK");
  const child = spawn("redis-cli", ["-p", String(server.port), "--replica"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk) => said += chunk);
  child.stderr.on("data", (chunk) => said += chunk);
  try {
    await until("the replica", async () => /state=online/.test(String(await client.call("INFO replication"))));
    await client.expect("SET after 1", "OK");
    await until("the write", () => /"SET","after","1"|"after"/.test(said));
    assert.doesNotMatch(said, /xxxxxxxxxx/);
    assert.ok(Number(/with (\d+) bytes|sending (\d+) bytes/i.exec(said)?.slice(1).find(Boolean) ?? 0) < 1000, said);
  } finally {
    child.kill("SIGKILL");
    await server.stop();
  }
});
