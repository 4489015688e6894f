/** Clients that people use, each of which makes a tour of all families of commands by its own methods (see clients/). */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { DENO } from "../../scripts/run.ts";
import { ServerProcess } from "../integration/server_process.ts";
import { havePeers, PYTHON } from "./peers.ts";

const FOLDER = join("tests", "interop", "clients");
const BUN = join("node_modules", ".bin", "bun");

/** Runs a program to its end, and checks that it came there. */
function finishes(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => output += chunk);
    child.on("error", reject);
    child.on("close", (code) => code === 0 && output.endsWith("done\n") ? resolve() : reject(new Error(output)));
  });
}

for (
  const [name, program, args, after] of [
    ["ioredis", DENO, ["run", "-A", "--no-check", join(FOLDER, "ioredis.ts")], []],
    ["node-redis in RESP2", DENO, ["run", "-A", "--no-check", join(FOLDER, "node_redis.ts")], ["2"]],
    ["node-redis in RESP3", DENO, ["run", "-A", "--no-check", join(FOLDER, "node_redis.ts")], ["3"]],
    ["Bun's own client", BUN, [join(FOLDER, "bun_client.ts")], []],
    ["redis-py", PYTHON, [join(FOLDER, "redis_py.py")], []],
  ] as const
) {
  test(`${name} finds all families of commands`, { timeout: 300_000 }, async (context) => {
    if (name === "redis-py" && !havePeers(context, "redis-py")) return;
    const server = await ServerProcess.start();
    try {
      await finishes(program, [...args, String(server.port), ...after]);
      const client = await server.connect();
      assert.ok(Number(await client.call("DBSIZE")) > 0, "the tour went over this server");
    } finally {
      await server.stop();
    }
  });
}
