/** Barriers: what must be done before replies go out is done before the system is handed any byte of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openNetwork } from "../../lib/net/network.ts";
import { NO_HANDLER, type Socket } from "../../lib/net/socket.ts";
import { addBarrier, removeBarrier } from "../../lib/runtime/turns.ts";

/** Far more than the system takes at once. */
const REPLY_BYTES = 8 * 1024 * 1024;

test("a barrier is passed before each part of a reply is sent, and no more once it is taken away", async () => {
  const network = await openNetwork();
  const reply = new Uint8Array(REPLY_BYTES);
  const accepted = Promise.withResolvers<Socket>();
  const listener = network.listenTcp("127.0.0.1", 0, 1, {
    accept: (socket) => accepted.resolve(socket),
    acceptFailed: (error) => accepted.reject(error),
  });
  const client = await network.connectTcp("127.0.0.1", listener.port, "");
  const server = await accepted.promise;
  let passed = 0;
  let passedAtFirstByte = 0;
  let received = 0;
  let wanted = 1;
  let arrived = Promise.withResolvers<void>();
  client.handler = {
    ...NO_HANDLER,
    onData: (_, start, end) => {
      passedAtFirstByte ||= passed;
      received += end - start;
      if (received >= wanted) arrived.resolve();
    },
  };
  const barrier = () => void passed++;
  addBarrier(barrier);
  try {
    server.write(reply, 0, 1);
    assert.equal(passed, 0);
    await arrived.promise;
    assert.equal(passedAtFirstByte, 1);

    arrived = Promise.withResolvers<void>();
    wanted += REPLY_BYTES;
    server.write(reply, 0, REPLY_BYTES);
    await arrived.promise;
    assert.ok(passed > 1);
  } finally {
    removeBarrier(barrier);
  }
  const before = passed;
  arrived = Promise.withResolvers<void>();
  wanted++;
  server.write(reply, 0, 1);
  await arrived.promise;
  assert.equal(passed, before);
  client.destroy();
  server.destroy();
  listener.close();
});
