/**
 * Locks by redlock, whose every step is a script: taken, contended for, extended, released. Three databases of one server
 * stand for the three servers of which two must agree. Argument: the server's port.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { Redis } from "ioredis";
// @ts-types="../../../node_modules/redlock/dist/index.d.ts"
import Redlock, { ExecutionError, type Lock } from "redlock";

const port = Number(process.argv[2]);
const LONG_MS = 60_000;
const clients = [0, 1, 2].map((db) => new Redis({ port, host: "127.0.0.1", db }));
const locks = new Redlock(clients, { retryCount: 0 });
const patient = new Redlock(clients, { retryCount: -1, retryDelay: 20, retryJitter: 10 });
for (const one of [locks, patient]) one.on("error", () => {}); // each vote against is one

const ttls = (key: string) => Promise.all(clients.map((client) => client.pttl(key)));
/** Waits for the vote of the last server, too: two were enough to go on. */
const settled = (lock: Lock) => Promise.all(lock.attempts);
const values = (key: string) => Promise.all(clients.map((client) => client.get(key)));

// Taken, and by nobody else
const lock = await locks.acquire(["account:1", "account:2"], LONG_MS);
await settled(lock);
assert.deepEqual(await values("account:2"), Array(3).fill(lock.value));
assert.ok((await ttls("account:1")).every((ttl) => ttl > 0 && ttl <= LONG_MS));
await assert.rejects(locks.acquire(["account:2", "account:3"], LONG_MS), ExecutionError);
assert.deepEqual(await values("account:3"), [null, null, null]);

// Extended, with scripts that the servers have forgotten meanwhile
for (const client of clients) await client.script("FLUSH");
const extended = await lock.extend(2 * LONG_MS);
await settled(extended);
assert.ok((await ttls("account:1")).every((ttl) => ttl > LONG_MS && ttl <= 2 * LONG_MS));

// Released, for who waits
const next = patient.acquire(["account:2"], LONG_MS);
await extended.release();
const other = await next;
await settled(other);
assert.notEqual(other.value, lock.value);
await assert.rejects(extended.release(), ExecutionError);
assert.deepEqual(await values("account:2"), Array(3).fill(other.value));

// One server that has lost its lock does not matter; two do
await clients[0].del("account:2");
const kept = await other.extend(LONG_MS);
await clients[1].set("account:2", "somebody else's");
await assert.rejects(locks.extend(kept, LONG_MS), ExecutionError);

// Held for as long as a routine takes: longer than the lock lasts by itself
const shorter = { retryCount: 0, automaticExtensionThreshold: LONG_MS - 1000 };
const result = await locks.using(["report"], LONG_MS, shorter, async (signal) => {
  await assert.rejects(locks.acquire(["report"], LONG_MS), ExecutionError);
  // Its time only becomes more when it is extended.
  let [before, now] = [LONG_MS, LONG_MS];
  do [before, now] = [now, await clients[0].pttl("report")]; while (now <= before);
  assert.equal(signal.aborted, false);
  return "written";
});
assert.equal(result, "written");
assert.deepEqual(await values("report"), [null, null, null]);
for (const client of clients) await client.quit();
console.log("done");
