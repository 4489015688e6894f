/** The door through which writes go on: what passes, as what, and what must be done before it is replied to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Request } from "../../lib/resp/request.ts";
import { Propagation } from "../../lib/server/execution/propagation.ts";
import { PRIMARY } from "../../lib/server/clients/flags.ts";
import { connect, startWith } from "./fake_client.ts";

/** A follower that notes what it is fed. */
class Follower {
  text = "";

  feed(bytes: Uint8Array, start: number, end: number): void {
    this.text += decodeLatin1(bytes, start, end);
  }

  /** The words that were fed since the last call. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text.split("\r\n").filter((line) => line !== "" && !/^[*$]\d/.test(line)).join(" ");
  }
}

const set = (key: string) => Request.of("SET", key, "1");

test("replies wait for what the log says, and for nothing once it has gone", async () => {
  const server = startWith();
  const { propagation } = server;
  const socket = connect(server);
  assert.equal(socket.handler.beforeSend(), null);
  const { promise, resolve } = Promise.withResolvers<void>();
  propagation.setLog({ feed: () => {}, beforeReplies: () => promise });
  assert.equal(socket.handler.beforeSend(), promise);
  propagation.setLog({ feed: () => {} });
  assert.equal(socket.handler.beforeSend(), null);
  propagation.setLog(null);
  assert.equal(socket.handler.beforeSend(), null);
  resolve();
  await promise;
});

test("on a replica the primary's stream passes byte for byte, and what its own clients write does not", () => {
  const propagation = new Propagation();
  const follower = new Follower();
  propagation.setReplicas(follower);
  propagation.relays = true;
  assert.equal(propagation.active, false);
  propagation.write(3, set("own"));
  assert.equal(follower.text, "");
  const stream = encodeLatin1("..PING\r\n..");
  propagation.relay(stream, 2, 8);
  assert.equal(follower.text, "PING\r\n");
  follower.take();
  propagation.relays = false;
  propagation.write(3, set("own"));
  assert.equal(follower.take(), "SELECT 3 SET own 1");
});

test("the log has what is done, whoever asks for it, and no word to replicas; each follower selects for itself", () => {
  const propagation = new Propagation();
  const [replicas, log] = [new Follower(), new Follower()];
  propagation.setReplicas(replicas);
  propagation.write(3, set("before"));
  propagation.setLog(log);
  assert.equal(propagation.active, true);
  propagation.write(3, set("a"));
  propagation.tellReplicas(Request.of("PING"));
  assert.equal(replicas.take(), "SELECT 3 SET before 1 SET a 1 PING");
  assert.equal(log.take(), "SELECT 3 SET a 1");

  propagation.begin();
  propagation.write(0, set("b"));
  propagation.tellReplicas(Request.of("PING"));
  propagation.write(3, set("c"));
  propagation.end();
  assert.equal(replicas.take(), "SELECT 0 MULTI SET b 1 PING SELECT 3 SET c 1 EXEC");
  assert.equal(log.take(), "SELECT 0 MULTI SET b 1 SELECT 3 SET c 1 EXEC");

  propagation.relays = true;
  assert.equal(propagation.active, true);
  propagation.write(1, set("local"));
  propagation.tellReplicas(Request.of("PING"));
  const stream = encodeLatin1("PING\r\n");
  propagation.relay(stream, 0, 6);
  assert.equal(replicas.take(), "PING");
  assert.equal(log.take(), "SELECT 1 SET local 1");
  propagation.setLog(null);
  assert.equal(propagation.active, false);
  const another = new Follower();
  propagation.setLog(another);
  propagation.write(1, set("d"));
  assert.equal(another.take(), "SELECT 1 SET d 1");
});

test("a replica with a log has in it what its primary's stream has it do", () => {
  const server = startWith();
  const log = new Follower();
  server.propagation.setLog(log);
  server.replication.follow("127.0.0.1", 1, "a test");
  const socket = connect(server);
  const [client] = server.clients.values();
  client.flags |= PRIMARY;
  for (
    const words of [
      ["SELECT", "2"],
      ["PING"],
      ["XADD", "s", "1-1", "f", "v"],
      ["XGROUP", "CREATE", "s", "g", "0"],
      ["XCLAIM", "s", "g", "c", "0", "1-1", "TIME", "1", "RETRYCOUNT", "1", "FORCE", "JUSTID", "LASTID", "1-1"],
      ["MULTI"],
      ["SET", "a", "1"],
      ["DEL", "s"],
      ["EXEC"],
      ["GET", "a"],
    ]
  ) socket.say(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
  const text = log.take();
  assert.match(text, /^SELECT 2 XADD s 1-1 f v XGROUP CREATE s g 0 /);
  assert.match(text, / XCLAIM s g c 0 1-1 TIME 1 .*LASTID 1-1 EXEC MULTI SET a 1 DEL s EXEC$/);
});

test("what a transaction wrote as a primary goes on before it has the server follow another", () => {
  const server = startWith();
  const follower = new Follower();
  const { primary } = server.replication;
  primary.feed = (bytes, start, end) => follower.feed(bytes, start, end);
  server.propagation.setReplicas(primary);
  const client = connect(server);
  client.say("MULTI\r\nSET a 1\r\nINCR n\r\nREPLICAOF 127.0.0.1 1\r\nEXEC\r\n");
  assert.ok(server.isReplica);
  assert.equal(follower.take(), "SELECT 0 MULTI SET a 1 INCR n EXEC");
  client.say("CONFIG SET replica-read-only no\r\nMULTI\r\nSET own 1\r\nREPLICAOF NO ONE\r\nSET b 2\r\nEXEC\r\n");
  assert.ok(!server.isReplica);
  assert.equal(follower.take(), "SELECT 0 SET b 2");
});
