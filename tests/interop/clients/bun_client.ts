/** A tour of all families of commands with Bun's own client, which speaks RESP3. Argument: the server's port. */

import assert from "node:assert/strict";
import process from "node:process";
import { RedisClient } from "bun";

const url = `redis://127.0.0.1:${process.argv[2]}`;
const client = new RedisClient(url);
const other = new RedisClient(url);
/** A command by its words. */
const call = (line: string): Promise<unknown> => {
  const [command, ...args] = line.split(" ");
  return client.send(command, args);
};

// Strings, bitmaps, HyperLogLogs
await client.set("s", "41");
assert.equal(await client.incr("s"), 42);
assert.equal(await client.expire("s", 100), 1);
assert.equal(await client.ttl("s"), 100);
assert.deepEqual(await client.mget("s", "none"), ["42", null]);
assert.equal(await call("SETBIT bits 7 1"), 0);
assert.equal(await call("PFADD hll a b c"), 1);
assert.equal(await call("PFCOUNT hll"), 3);

// Hashes
await client.hmset("h", ["name", "Ada", "born", "1815"]);
assert.deepEqual(await client.hmget("h", ["name", "born"]), ["Ada", "1815"]);
assert.equal(await client.hincrby("h", "born", 1), 1816);

// Lists, and waiting for them
assert.equal(await call("RPUSH l a b c"), 3);
assert.deepEqual(await call("LRANGE l 0 -1"), ["a", "b", "c"]);
const popped = other.send("BLPOP", ["queue", "0"]);
await client.send("LPUSH", ["queue", "job"]);
assert.deepEqual(await popped, ["queue", "job"]);

// Sets
await client.sadd("set", "a");
await client.sadd("set", "b");
assert.equal(await client.sismember("set", "a"), true);
assert.deepEqual((await client.smembers("set")).sort(), ["a", "b"]);

// Sorted sets, places
assert.equal(await call("ZADD z 1 a 2.5 b"), 2);
assert.deepEqual(await call("ZRANGE z 0 -1 WITHSCORES"), [["a", 1], ["b", 2.5]]);
assert.equal(await call("ZSCORE z b"), 2.5);
assert.equal(await call("GEOADD geo 13.361389 38.115556 Palermo"), 1);
assert.deepEqual(await call("GEOSEARCH geo FROMLONLAT 15 37 BYRADIUS 200 KM"), ["Palermo"]);

// Streams
assert.equal(await call("XADD x 1-1 f v"), "1-1");
assert.equal(await call("XGROUP CREATE x g 0"), "OK");
assert.deepEqual(await call("XRANGE x - +"), [["1-1", ["f", "v"]]]);
assert.match(JSON.stringify(await call("XREADGROUP GROUP g one STREAMS x >")), /1-1/);
assert.equal(await call("XACK x g 1-1"), 1);

// Messages, errors, keys
const message = new Promise((resolve) =>
  void other.subscribe("news", (text: string, channel: string) => resolve([channel, text]))
);
while (await client.publish("news", "hello") === 0);
assert.deepEqual(await message, ["news", "hello"]);
await assert.rejects(async () => await call("LPUSH s x"), /WRONGTYPE/);
assert.equal(await client.del("s"), 1);
assert.equal(await client.exists("s"), false);
client.close();
other.close();
console.log("done");
process.exit(0);
