/** What redis-cli fetches over the replication protocol and finds in the keys, and redis-benchmark's default run. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ServerProcess, until } from "../integration/server_process.ts";
import { havePeers } from "./peers.ts";

/** Runs redis-cli to its end: what it said. */
function redisCli(port: number, ...args: string[]): Promise<string> {
  return run("redis-cli", ["-p", String(port), ...args]);
}

/** Runs a program to its end: what it said. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
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

/** Values of all types, of which each has a largest. */
async function fill(server: ServerProcess): Promise<void> {
  const client = await server.connect();
  for (let i = 1; i <= 12; i++) {
    const elements = Array.from({ length: i }, (_, index) => `element:${index}`);
    await client.call("SET", `string:${i}`, "x".repeat(i));
    await client.call("RPUSH", `list:${i}`, ...elements);
    await client.call("SADD", `set:${i}`, ...elements);
    await client.call("ZADD", `zset:${i}`, ...elements.flatMap((element, score) => [score, element]));
    await client.call("HSET", `hash:${i}`, ...elements.flatMap((element) => [element, "value"]));
    for (let id = 1; id <= i; id++) await client.call("XADD", `stream:${i}`, `${id}-1`, "field", "value");
  }
}

/** What redis-cli says in the end of keys sampled, without what the order of SCAN decides. */
function summary(said: string): string[] {
  return said.slice(said.indexOf("-- summary")).split("\n").filter((line) => line.trim() !== "").sort();
}

for (const option of ["--bigkeys", "--memkeys"]) {
  test(`redis-cli ${option} prints what it prints of redis-server`, async (context) => {
    if (!havePeers(context, "redis-cli", "redis-server")) return;
    const servers = [await ServerProcess.start(), await ServerProcess.start({ kind: "redis-server" })];
    try {
      const said = [];
      for (const server of servers) {
        await fill(server);
        const lines = summary(await redisCli(server.port, option));
        // What a value takes differs, by how much it takes less.
        said.push(option === "--memkeys" ? lines.map((line) => line.replaceAll(/[\d.]+/g, "N")) : lines);
      }
      assert.ok(said[0].length > 10, said[0].join("\n"));
      assert.deepEqual(said[0], said[1]);
    } finally {
      for (const server of servers) await server.stop();
    }
  });
}

test("redis-cli --hotkeys finds the key that is used most", async (context) => {
  if (!havePeers(context, "redis-cli")) return;
  const server = await ServerProcess.start({ args: ["--save", "", "--maxmemory-policy", "allkeys-lfu"] });
  try {
    await fill(server);
    const client = await server.connect();
    for (let i = 0; i < 2000; i++) await client.call("GET string:7");
    const said = await redisCli(server.port, "--hotkeys");
    assert.match(said, /-- summary -------[\s\S]*hot key found with counter: \d+\s+keyname: "?string:7/);
  } finally {
    await server.stop();
  }
});

test("redis-benchmark goes through all that it measures by default", async (context) => {
  if (!havePeers(context, "redis-benchmark")) return;
  const server = await ServerProcess.start();
  try {
    const said = await run("redis-benchmark", ["-p", String(server.port), "-n", "300", "--csv"]);
    assert.doesNotMatch(said, /error/i);
    const tests = said.trim().split("\n").filter((line) => line.startsWith('"'));
    assert.equal(tests.length, 21, said); // the head of the table, and twenty tests
  } finally {
    await server.stop();
  }
});
