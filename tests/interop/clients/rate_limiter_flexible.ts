/** Limits of rate-limiter-flexible, which counts by a script, with ioredis and with node-redis. Argument: the server's port. */

import assert from "node:assert/strict";
import process from "node:process";
import { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRes, RLWrapperBlackAndWhite } from "rate-limiter-flexible";
import { createClient } from "redis";

const port = Number(process.argv[2]);
const ioredis = new Redis({ port, host: "127.0.0.1" });
const nodeRedis = createClient({ url: `redis://127.0.0.1:${port}` });
await nodeRedis.connect();
const DURATION_S = 600;

for (
  const [keyPrefix, client] of [
    ["ioredis", { storeClient: ioredis }],
    ["node-redis", { storeClient: nodeRedis, useRedisPackage: true }],
  ] as const
) {
  const limiter = new RateLimiterRedis({ ...client, keyPrefix, points: 5, duration: DURATION_S });
  const refused = async (points: number): Promise<RateLimiterRes> => {
    const refusal = await limiter.consume("ada", points).catch((reason) => reason);
    assert.ok(refusal instanceof RateLimiterRes, String(refusal));
    return refusal;
  };

  // Points go, until there are none
  const first = await limiter.consume("ada", 2);
  assert.deepEqual([first.consumedPoints, first.remainingPoints, first.isFirstInDuration], [2, 3, true]);
  assert.ok(first.msBeforeNext > 0 && first.msBeforeNext <= DURATION_S * 1000);
  const second = await limiter.consume("ada", 3);
  assert.deepEqual([second.consumedPoints, second.remainingPoints, second.isFirstInDuration], [5, 0, false]);
  assert.equal((await refused(1)).consumedPoints, 6);
  assert.equal((await limiter.consume("grace")).remainingPoints, 4);

  // Points back, points more, and what is left
  assert.equal((await limiter.reward("ada", 4)).consumedPoints, 2);
  assert.equal((await limiter.penalty("ada", 1)).consumedPoints, 3);
  assert.equal((await limiter.get("ada"))?.remainingPoints, 2);
  assert.equal(await limiter.get("nobody"), null);

  // A key without a time to live is given one
  assert.equal(await ioredis.persist(`${keyPrefix}:ada`), 1);
  assert.equal((await limiter.consume("ada")).msBeforeNext, DURATION_S * 1000);
  assert.ok(await ioredis.ttl(`${keyPrefix}:ada`) > 0);

  // Many at once: as many are let through as there are points
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => limiter.consume("many")));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 5);

  // Blocked, set, deleted
  await limiter.block("ada", 2 * DURATION_S);
  assert.ok((await refused(1)).msBeforeNext > DURATION_S * 1000);
  await limiter.set("ada", 1, DURATION_S);
  assert.equal((await limiter.get("ada"))?.consumedPoints, 1);
  assert.equal(await limiter.delete("ada"), true);
  assert.equal(await limiter.delete("ada"), false);
  assert.equal((await limiter.consume("ada")).isFirstInDuration, true);
  await ioredis.script("FLUSH");
  assert.equal((await limiter.consume("ada")).consumedPoints, 2);

  const listed = new RLWrapperBlackAndWhite({ limiter, whiteList: ["friend"], blackList: ["foe"] });
  await assert.rejects(listed.consume("foe"), (reason) => reason instanceof RateLimiterRes);
  assert.ok(await listed.consume("friend"));
}
await ioredis.quit();
nodeRedis.destroy();
console.log("done");
