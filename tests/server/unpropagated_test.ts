/** What must not go on to replicas, and what a replica must not go on after. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ADMIN, command, WRITE } from "../../lib/commands/command.ts";
import { KEY_RW_UPDATE } from "../../lib/commands/key_specs.ts";
import { PRIMARY } from "../../lib/server/clients/flags.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { connect, startWith } from "./fake_client.ts";

test("a command that saves, and so counts changes as saved, is not propagated", () => {
  const server = startWith(command("savelike", 1, ADMIN, (session) => {
    server.changes.saved(server.changes.made);
    session.reply.ok();
  }));
  let followed = 0;
  server.propagation.setReplicas({ feed: () => void followed++ });
  const client = connect(server);
  client.say("SET key value\r\n");
  const before = followed;
  client.say("SAVELIKE\r\n");
  assert.equal(client.received, "+OK\r\n+OK\r\n");
  assert.equal(followed, before);
  assert.equal(server.changes.unsaved, 0);
});

test("a replica that lacks memory for a request of the stream ends the link, and counts on nothing it has done", () => {
  const server = startWith(command("lackmemory", 2, WRITE, () => {
    throw new ArenaFullError("none is left");
  }, { keys: KEY_RW_UPDATE }));
  const socket = connect(server);
  const [link] = server.clients.values();
  link.flags |= PRIMARY;
  socket.say("LACKMEMORY key\r\n");
  assert.ok(socket.closed);
  assert.ok(link.connection.threw);
});

test("a transaction of the stream that a replica cannot end is not in its log, not even a part", () => {
  const server = startWith(command("lackmemory", 2, WRITE, () => {
    throw new ArenaFullError("none is left");
  }, { keys: KEY_RW_UPDATE }));
  let logged = "";
  server.propagation.setLog({ feed: (bytes, start, end) => void (logged += decodeLatin1(bytes, start, end)) });
  const socket = connect(server);
  const [link] = server.clients.values();
  link.flags |= PRIMARY;
  socket.say("SET before 1\r\n");
  assert.match(logged, /before/);
  logged = "";
  socket.say("MULTI\r\nSET part 1\r\nLACKMEMORY key\r\nEXEC\r\n");
  assert.ok(socket.closed);
  assert.equal(logged, "");
});
