/**
 * Sessions of Express in connect-redis: of requests over HTTP, and by what a store must be able to do. Argument: the
 * server's port.
 */

import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { RedisStore } from "connect-redis";
import express from "express";
import session, { type SessionData } from "express-session";
import { createClient } from "redis";

declare module "express-session" {
  interface SessionData {
    visits: number;
  }
}

const client = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` });
await client.connect();
const store = new RedisStore({ client, prefix: "session:", ttl: 1000 });

// Over HTTP: one visitor is known again, another is not, and one who leaves is forgotten
const app = express();
app.use(session({ store, secret: "a secret", resave: false, saveUninitialized: false }));
app.get("/visit", (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.json(request.session.visits);
});
app.get("/leave", (request, response) => request.session.destroy(() => response.json("left")));
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** What a page says, and the cookie that came with it. */
async function get(path: string, cookie = ""): Promise<[unknown, string]> {
  const response = await fetch(address + path, { headers: { cookie } });
  return [await response.json(), response.headers.get("set-cookie")?.split(";")[0] ?? cookie];
}

const [visits, ada] = await get("/visit");
assert.equal(visits, 1);
assert.equal((await get("/visit", ada))[0], 2);
assert.equal((await get("/visit"))[0], 1);
assert.equal((await get("/visit", ada))[0], 3);
assert.equal(await store.length(), 2);
const [id] = (await store.ids() as string[]).filter((id) => ada.includes(id));
assert.equal((await store.get(id)).visits, 3);
assert.ok(await client.ttl(`session:${id}`) > 900);
assert.deepEqual((await get("/leave", ada))[0], "left");
assert.equal((await get("/visit", ada))[0], 1);
server.close();
server.closeAllConnections();

// By the store's own methods
const cookie = { originalMaxAge: null };
const data = (visits: number): SessionData => ({ cookie, visits });
await store.clear();
assert.equal(await store.length(), 0);
for (let i = 0; i < 250; i++) await store.set(`number ${i}`, data(i));
assert.equal(await store.length(), 250);
assert.equal((await store.all()).length, 250);
assert.deepEqual(await store.get("number 7"), data(7));
assert.equal((await store.ids()).length, 250);
await client.expire("session:number 7", 5);
await store.touch("number 7", data(7));
assert.ok(await client.ttl("session:number 7") > 900);
const ended = { ...data(1), cookie: { originalMaxAge: 1, expires: new Date(Date.now() - 1) } };
await store.set("number 8", ended);
assert.equal(await store.get("number 8"), null);
await store.destroy("number 9");
assert.equal(await store.length(), 248);
client.destroy();
console.log("done");
process.exit(0);
