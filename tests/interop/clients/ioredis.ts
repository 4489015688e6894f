/** A tour of all families of commands with ioredis, by its own methods. Argument: the server's port. */

import assert from "node:assert/strict";
import process from "node:process";
import { Redis } from "ioredis";

const port = Number(process.argv[2]);
const client = new Redis({ port, host: "127.0.0.1" });
const other = new Redis({ port, host: "127.0.0.1" });

// Strings, bitmaps, HyperLogLogs
assert.equal(await client.set("s", "1", "EX", 100, "NX"), "OK");
assert.equal(await client.set("s", "2", "NX"), null);
assert.equal(await client.incrby("s", 41), 42);
assert.equal(await client.incrbyfloat("s", 0.5), "42.5");
assert.deepEqual(await client.mget("s", "none"), ["42.5", null]);
assert.deepEqual(await client.getBuffer("s"), Buffer.from("42.5"));
assert.equal(await client.setbit("bits", 7, 1), 0);
assert.equal(await client.bitcount("bits"), 1);
assert.deepEqual(await client.bitfield("bits", "GET", "u8", 0), [1]);
assert.equal(await client.pfadd("hll", "a", "b", "c"), 1);
assert.equal(await client.pfcount("hll"), 3);

// Hashes
assert.equal(await client.hset("h", { name: "Ada", born: 1815 }), 2);
assert.deepEqual(await client.hgetall("h"), { name: "Ada", born: "1815" });
assert.deepEqual((await client.hscan("h", 0))[0], "0");

// Lists, waiting for them, and the order of those who wait
assert.equal(await client.rpush("l", "a", "b", "c", "a"), 4);
assert.deepEqual(await client.lrange("l", 0, -1), ["a", "b", "c", "a"]);
assert.deepEqual(await client.lpos("l", "a", "COUNT", 0), [0, 3]);
assert.equal(await client.lmove("l", "m", "LEFT", "RIGHT"), "a");
assert.deepEqual(await client.lmpop(2, "none", "l", "RIGHT", "COUNT", 2), ["l", ["a", "c"]]);
const popped = other.blpop("queue", 0);
await client.lpush("queue", "job");
assert.deepEqual(await popped, ["queue", "job"]);

// Sets
assert.equal(await client.sadd("set", 3, 1, 2), 3);
assert.equal(await client.sadd("other set", 2, 3, "x"), 3);
assert.deepEqual((await client.sinter("set", "other set")).sort(), ["2", "3"]);
assert.equal(await client.sintercard(2, "set", "other set", "LIMIT", 1), 1);
const scanned = [];
for await (const members of client.sscanStream("set")) scanned.push(...members);
assert.deepEqual(scanned.sort(), ["1", "2", "3"]);
assert.deepEqual(await client.sort("set", "DESC"), ["3", "2", "1"]);

// Sorted sets
assert.equal(await client.zadd("z", 1, "a", 2.5, "b", "+inf", "c"), 3);
assert.deepEqual(await client.zrange("z", 0, "-1", "WITHSCORES"), ["a", "1", "b", "2.5", "c", "inf"]);
assert.deepEqual(await client.zrangebyscore("z", "(1", "+inf", "LIMIT", 0, 1), ["b"]);
assert.equal(await client.zincrby("z", 3, "a"), "4");
assert.deepEqual(await client.zpopmin("z"), ["b", "2.5"]);
assert.equal(await client.zunionstore("u", 2, "z", "z", "AGGREGATE", "SUM"), 2);
const least = other.bzpopmin("waiting", 0);
await client.zadd("waiting", 7, "m");
assert.deepEqual(await least, ["waiting", "m", "7"]);

// Places
assert.equal(await client.geoadd("geo", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"), 2);
assert.equal(await client.geodist("geo", "Palermo", "Catania", "KM"), "166.2742");
assert.deepEqual(await client.geosearch("geo", "FROMLONLAT", 15, 37, "BYRADIUS", 200, "KM", "ASC"), [
  "Catania",
  "Palermo",
]);

// Streams and their groups
assert.equal(await client.xadd("x", "1-1", "f", "v"), "1-1");
assert.equal(await client.xgroup("CREATE", "x", "g", "0"), "OK");
const read = other.xread("BLOCK", 0, "STREAMS", "x", "$");
while (!(await client.info("clients")).includes("blocked_clients:1"));
await client.xadd("x", "2-1", "f", "w");
assert.deepEqual(await read, [["x", [["2-1", ["f", "w"]]]]]);
assert.deepEqual(await client.xreadgroup("GROUP", "g", "one", "COUNT", 1, "STREAMS", "x", ">"), [
  ["x", [["1-1", ["f", "v"]]]],
]);
assert.deepEqual(await client.xpending("x", "g"), [1, "1-1", "1-1", [["one", "1"]]]);
assert.equal(await client.xack("x", "g", "1-1"), 1);
assert.equal(await client.xlen("x"), 2);

// Pipelines, transactions, messages
assert.deepEqual(await client.pipeline().set("p", 1).incr("p").get("p").exec(), [[null, "OK"], [null, 2], [null, "2"]]);
assert.deepEqual(await client.multi().lpush("t", 1).llen("t").exec(), [[null, 1], [null, 1]]);
await assert.rejects(client.lpush("s", "x"), /WRONGTYPE/);
const message = new Promise((resolve) => other.on("message", (channel, text) => resolve([channel, text])));
await other.subscribe("news");
assert.equal(await client.publish("news", "hello"), 1);
assert.deepEqual(await message, ["news", "hello"]);

// Keys
assert.equal(await client.copy("z", "z2"), 1);
assert.equal(await client.type("z2"), "zset");
assert.equal(await client.object("ENCODING", "x"), "stream");
const payload = await client.dumpBuffer("x");
assert.equal(await client.restore("x2", 0, payload), "OK");
assert.equal(await client.xlen("x2"), 2);
assert.equal(await client.unlink("z", "z2", "x", "x2"), 4);
await client.quit();
await other.quit();
console.log("done");
