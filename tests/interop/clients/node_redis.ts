/** A tour of all families of commands with node-redis, by its own methods. Arguments: the server's port, the protocol. */

import assert from "node:assert/strict";
import process from "node:process";
import { createClient } from "redis";

const url = `redis://127.0.0.1:${process.argv[2]}`;
const RESP = process.argv[3] === "3" ? 3 : 2;
const client = createClient({ url, RESP });
const other = createClient({ url, RESP });
await client.connect();
await other.connect();
/** What both protocols give: objects without a prototype are as good as those with one. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

// Strings, bitmaps, HyperLogLogs
assert.equal(await client.set("s", "1", { expiration: { type: "EX", value: 100 }, condition: "NX" }), "OK");
assert.equal(await client.incrBy("s", 41), 42);
assert.deepEqual(await client.mGet(["s", "none"]), ["42", null]);
assert.equal(await client.setBit("bits", 7, 1), 0);
assert.equal(await client.bitCount("bits"), 1);
assert.equal(await client.pfAdd("hll", ["a", "b", "c"]), 1);
assert.equal(await client.pfCount("hll"), 3);

// Hashes
assert.equal(await client.hSet("h", { name: "Ada", born: 1815 }), 2);
assert.deepEqual(plain(await client.hGetAll("h")), { name: "Ada", born: "1815" });
const fields = [];
for await (const page of client.hScanIterator("h")) fields.push(...page);
assert.equal(fields.length, 2);

// Lists, and waiting for them
assert.equal(await client.rPush("l", ["a", "b", "c", "a"]), 4);
assert.deepEqual(await client.lRange("l", 0, -1), ["a", "b", "c", "a"]);
assert.deepEqual(await client.lPosCount("l", "a", 0), [0, 3]);
assert.equal(await client.lMove("l", "m", "LEFT", "RIGHT"), "a");
const popped = other.blPop("queue", 0);
await client.lPush("queue", "job");
assert.deepEqual(plain(await popped), { key: "queue", element: "job" });

// Sets
assert.equal(await client.sAdd("set", ["3", "1", "2"]), 3);
assert.equal(await client.sAdd("other set", ["2", "3", "x"]), 3);
assert.deepEqual([...await client.sInter(["set", "other set"])].sort(), ["2", "3"]);
assert.deepEqual(await client.sort("set", { DIRECTION: "DESC" }), ["3", "2", "1"]);

// Sorted sets
assert.equal(await client.zAdd("z", [{ score: 1, value: "a" }, { score: 2.5, value: "b" }]), 2);
assert.deepEqual(plain(await client.zRangeWithScores("z", 0, -1)), [
  { value: "a", score: 1 },
  { value: "b", score: 2.5 },
]);
assert.equal(await client.zIncrBy("z", 3, "a"), 4);
assert.deepEqual(plain(await client.zPopMin("z")), { value: "b", score: 2.5 });
assert.equal(await client.zScore("z", "a"), 4);

// Places
assert.equal(
  await client.geoAdd("geo", [
    { longitude: 13.361389, latitude: 38.115556, member: "Palermo" },
    { longitude: 15.087269, latitude: 37.502669, member: "Catania" },
  ]),
  2,
);
assert.equal(Number(await client.geoDist("geo", "Palermo", "Catania", "km")), 166.2742);
assert.deepEqual(
  await client.geoSearch("geo", { longitude: 15, latitude: 37 }, { radius: 200, unit: "km" }, { SORT: "ASC" }),
  ["Catania", "Palermo"],
);

// Streams and their groups
assert.equal(await client.xAdd("x", "1-1", { f: "v" }), "1-1");
assert.equal(await client.xGroupCreate("x", "g", "0"), "OK");
const read = other.xRead({ key: "x", id: "$" }, { BLOCK: 0 });
while (!(await client.info("clients")).includes("blocked_clients:1"));
await client.xAdd("x", "2-1", { f: "w" });
assert.match(JSON.stringify(await read), /2-1.*"f":"w"/);
assert.match(JSON.stringify(await client.xReadGroup("g", "one", { key: "x", id: ">" }, { COUNT: 1 })), /1-1.*"f":"v"/);
assert.equal((await client.xPending("x", "g")).pending, 1);
assert.equal(await client.xAck("x", "g", "1-1"), 1);
assert.equal(await client.xLen("x"), 2);

// Transactions and messages
assert.deepEqual(await client.multi().set("p", "1").incr("p").get("p").exec(), ["OK", 2, "2"]);
await assert.rejects(client.lPush("s", "x"), /WRONGTYPE/);
const message = new Promise((resolve) => void other.subscribe("news", (text, channel) => resolve([channel, text])));
while (await client.publish("news", "hello") === 0);
assert.deepEqual(await message, ["news", "hello"]);

// Keys
assert.equal(await client.copy("z", "z2"), 1);
assert.equal(await client.type("z2"), "zset");
const keys = [];
for await (const page of client.scanIterator({ MATCH: "z*" })) keys.push(...page);
assert.deepEqual(keys.sort(), ["z", "z2"]);
assert.equal(await client.unlink(["z", "z2", "x"]), 3);
client.destroy();
other.destroy();
console.log("done");
