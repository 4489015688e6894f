/** The door through which writes go on: what passes, as what, and what must be done before it is replied to. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Request } from "../../lib/resp/request.ts";
import { Propagation } from "../../lib/server/execution/propagation.ts";
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

test("replies wait for what a follower says, and for nothing once it has gone", async () => {
  const server = startWith();
  const { propagation } = server;
  const socket = connect(server);
  assert.equal(socket.handler.beforeSend(), null);
  const { promise, resolve } = Promise.withResolvers<void>();
  propagation.setReplicas({ feed: () => {}, beforeReplies: () => promise });
  assert.equal(socket.handler.beforeSend(), promise);
  propagation.setReplicas({ feed: () => {} });
  assert.equal(socket.handler.beforeSend(), null);
  propagation.setReplicas(null);
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
