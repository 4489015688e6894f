/** Connections made by `node:net`. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { connectFrom } from "../../lib/net/node.ts";
import { NO_HANDLER } from "../../lib/net/socket.ts";

test("what is received can be copied by slice, as everywhere in the server", async () => {
  const peer = createServer((socket) => socket.end("hello"));
  peer.listen(0, "127.0.0.1");
  await once(peer, "listening");
  const { port } = peer.address() as AddressInfo; // it listens on a port
  const socket = await connectFrom("127.0.0.1", "127.0.0.1", port);
  assert.ok(socket);
  const received = await new Promise<Uint8Array>((resolve) => {
    socket.handler = { ...NO_HANDLER, onData: (bytes) => resolve(bytes) };
  });
  const copy = received.slice(0, 1);
  received[0]++;
  assert.deepEqual([...copy], [104]);
  socket.destroy();
  peer.close();
});
