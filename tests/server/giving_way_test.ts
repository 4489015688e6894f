/** A client whose pipeline takes long gives way to others, and loses nothing by it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, FAST } from "../../lib/commands/command.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { connect, startWith } from "./fake_client.ts";

/** Replies with its argument, after so long that a few dozen of it are more than a turn. */
const SLOWLY = command("slowly", 2, FAST, ({ reply }, request) => {
  for (const startMs = performance.now(); performance.now() - startMs < 0.1;);
  reply.integer(request.integer(1));
});

const REQUESTS = Array.from({ length: 300 }, (_, i) => `SLOWLY ${i}\r\n`).join("");
const REPLIES = Array.from({ length: 300 }, (_, i) => `:${i}\r\n`).join("");

test("others are served between the requests of a long pipeline, which are all run, in order", async () => {
  const server = startWith(SLOWLY);
  const [slow, quick] = [connect(server), connect(server)];
  slow.say(REQUESTS + "ECHO in");
  assert.ok(slow.received.length < REPLIES.length, "it has not been run to its end at once");
  assert.ok(slow.isPaused);
  slow.say("side\r\n"); // what comes meanwhile waits behind it
  quick.say("PING\r\n");
  assert.equal(quick.received, "+PONG\r\n");
  while (slow.isPaused) await nextTurn();
  assert.equal(slow.received, REPLIES + "$6\r\ninside\r\n");
  slow.say("PING\r\n");
  assert.ok(slow.received.endsWith("+PONG\r\n"));
});

test("what a client sent before it left is run all the same", () => {
  const server = startWith(SLOWLY);
  const slow = connect(server);
  slow.say(`${REQUESTS}SET last request\r\n`);
  assert.equal(server.keyspace.databases[0].size, 0);
  slow.destroy();
  assert.equal(server.keyspace.databases[0].size, 1);
  assert.equal(server.clients.size, 0);
});

test("a client that is killed while it gives way is not run further", async () => {
  const server = startWith(SLOWLY);
  const [slow, killer] = [connect(server), connect(server)];
  slow.say(REQUESTS);
  const { received } = slow;
  killer.say("CLIENT KILL TYPE normal SKIPME yes\r\n");
  assert.equal(killer.received, ":1\r\n");
  for (let turns = 0; turns < 5; turns++) await nextTurn();
  assert.equal(slow.received, received);
  assert.equal(server.clients.size, 1);
});
