/**
 * Writes with ioredis, which asks sentinels for the primary, until another primary has taken enough of the writes. Says
 * `ready` once the first has, and in the end which keys two servers had. Arguments: the group's name, the sentinels' ports.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { Redis } from "ioredis";

const [name, ...ports] = process.argv.slice(2);
const ENOUGH = 100;

const client = new Redis({
  name,
  sentinels: ports.map((port) => ({ host: "127.0.0.1", port: Number(port) })),
  // What is under way when the primary is lost fails, so that each write that is acknowledged was made once.
  maxRetriesPerRequest: 0,
  retryStrategy: () => 100,
  sentinelRetryStrategy: () => 100,
});
client.on("error", () => {});

const safe: string[] = [];
const written = new Map<string, number>();
let failed = 0;
let isReady = false;

/** Makes one write, and returns the port of whoever took it. */
async function write(number: number): Promise<string> {
  const key = `ioredis:${number}`;
  await client.set(key, number);
  if (await client.wait(1, 1000) > 0) safe.push(key);
  const port = /^tcp_port:(\d+)\r$/m.exec(await client.info("server"));
  assert.ok(port !== null);
  return port[1];
}

for (let number = 0; written.size < 2 || [...written.values()].some((count) => count < ENOUGH); number++) {
  try {
    const port = await write(number);
    written.set(port, (written.get(port) ?? 0) + 1);
    if (!isReady && written.get(port) === ENOUGH) {
      isReady = true;
      console.log("ready");
    }
  } catch {
    failed++;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
client.disconnect();
console.log(JSON.stringify({ safe, failed, last: [...written.keys()].at(-1) }));
