/** Clients that people use, each of which makes a tour of all families of commands by its own methods (see clients/). */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ServerProcess } from "../integration/server_process.ts";
import { finishes, ON_DENO } from "./client_program.ts";
import { havePeers, PYTHON } from "./peers.ts";

const BUN = join("node_modules", ".bin", "bun");

for (
  const [name, runner, file, after] of [
    ["ioredis", ON_DENO, "ioredis.ts", []],
    ["node-redis in RESP2", ON_DENO, "node_redis.ts", ["2"]],
    ["node-redis in RESP3", ON_DENO, "node_redis.ts", ["3"]],
    ["Bun's own client", [BUN], "bun_client.ts", []],
    ["redis-py", [PYTHON], "redis_py.py", []],
  ] as const
) {
  test(`${name} finds all families of commands`, { timeout: 300_000 }, async (context) => {
    if (name === "redis-py" && !havePeers(context, "redis-py")) return;
    const server = await ServerProcess.start();
    try {
      await finishes(runner, file, [String(server.port), ...after]);
      const client = await server.connect();
      assert.ok(Number(await client.call("DBSIZE")) > 0, "the tour went over this server");
    } finally {
      await server.stop();
    }
  });
}
