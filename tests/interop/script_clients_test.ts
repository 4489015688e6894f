/** Libraries that live by scripts, each of which does what it is for by its own methods (see clients/). */

import { test } from "node:test";
import { ServerProcess } from "../integration/server_process.ts";
import { finishes, ON_DENO } from "./client_program.ts";

for (
  const [name, file] of [
    ["BullMQ: jobs are done in order, again, later, and not too often", "bullmq.ts"],
    ["BullMQ: parents wait for their children, and schedulers for their time", "bullmq_flows.ts"],
    ["bee-queue: jobs are done, again, later, and after a worker has stalled", "bee_queue.ts"],
    ["redlock: locks are held by one", "redlock.ts"],
    ["rate-limiter-flexible: points are counted, with ioredis and node-redis", "rate_limiter_flexible.ts"],
    ["connect-redis: sessions of Express are kept", "connect_redis.ts"],
  ] as const
) {
  test(name, { timeout: 300_000 }, async () => {
    const server = await ServerProcess.start();
    try {
      await finishes(ON_DENO, file, [String(server.port)]);
    } finally {
      await server.stop();
    }
  });
}
