/** A replica that could do but half of what its primary's stream says, or of a snapshot: nobody takes its data for the primary's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_HANDLER, type SocketHandler } from "../../lib/net/socket.ts";
import { ReplicaSide } from "../../lib/replication/replica.ts";
import { randomId, ReplicationStream } from "../../lib/replication/stream.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { connect, FakeSocket, startBelow, until } from "../server/fake_client.ts";

/** A server whose primary is played by the test, and a replica below it that continues its stream. */
async function startBetween() {
  const { server, primary } = await startBelow();
  const { stream } = server.replication;
  const below = connect(server);
  below.say(`PSYNC ${stream.id} ${stream.offset + 1}\r\n`);
  assert.match(below.received, /^\+CONTINUE/);
  return { server, primary, stream, below };
}

test("a replica that lacks memory in the middle of a request leaves its primary's stream, and those below leave it", async () => {
  const { server, primary, stream, below } = await startBetween();
  const { id } = stream;
  primary.say("HSET hash a 1\r\n");
  await until(() => below.received.endsWith("HSET hash a 1\r\n"));
  const { received } = below;
  const { arena } = server.store.heap;
  arena.alloc = (bytes) => {
    if (server.keyspace.databases[0].size > 1) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  primary.say("MSET b 1 c 2\r\n");
  Reflect.deleteProperty(arena, "alloc");
  assert.equal(server.keyspace.databases[0].size, 2, "half of the request is done");
  await until(() => primary.closed && below.closed);
  assert.equal(below.received, received);
  assert.notEqual(stream.id, id);
  assert.equal(stream.continueFrom(id, stream.offset + 1), null);
  connect(server).say("REPLICAOF NO ONE\r\n");
});

test("data of a snapshot that could be loaded only in part is no part of the stream, neither the primary's nor the old one", async () => {
  const stream = new ReplicationStream();
  const before = stream.id;
  const id = randomId();
  const socket = new FakeSocket();
  let isOver = false;
  const replica = new ReplicaSide({
    stream,
    handover: { isDue: false, accepted() {}, refused() {} },
    guard: { held: null, ordered() {}, follows() {}, holdsUp: () => false },
    nowMs: () => 0,
    log() {},
    settings: () => ({ user: "", password: "", port: 0, announcedAddress: "", timeoutSeconds: 60 }),
    connect: () => Promise.resolve(socket),
    receiveSnapshot: () => ({
      loadsAsItComes: false,
      onRoom() {},
      take: () => true,
      finish: (onReplaced) => {
        onReplaced();
        assert.equal(stream.id, id, "what is being loaded is the primary's");
        isOver = true;
        return Promise.reject(new ArenaFullError("none is left"));
      },
      abort() {},
    }),
    snapshotLoaded() {},
    streamBegins() {},
    identityChanged() {},
    linkChanged() {},
  });
  replica.follow({ host: "primary", port: 1 });
  await until(() => (socket.handler as SocketHandler) !== NO_HANDLER);
  socket.say(`+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${id} 100\r\n$3\r\nabc`);
  await until(() => isOver && replica.state !== "connected");
  await nextTurn();
  assert.notEqual(stream.id, id);
  assert.notEqual(stream.id, before);
  assert.equal(stream.continueFrom(id, stream.offset + 1), null);
  assert.ok(!replica.canContinue);
  replica.follow(null);
});
