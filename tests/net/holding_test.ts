/** What a handler holds back: no byte of it reaches the other end before its time, and all of it does then, in order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openNetwork } from "../../lib/net/network.ts";
import { NO_HANDLER, type Socket } from "../../lib/net/socket.ts";

/** Far more than the system takes at once. */
const REPLY_BYTES = 8 * 1024 * 1024;

/** What one end has received, to be waited for. */
class Receiver {
  bytes = 0;
  /** The sum of all of it, weighed by its place. */
  sum = 0;
  #wanted = 0;
  #arrived = Promise.withResolvers<void>();

  constructor(readonly socket: Socket) {
    socket.handler = {
      ...NO_HANDLER,
      onData: (bytes, start, end) => {
        for (let i = start; i < end; i++) this.sum = (this.sum * 31 + bytes[i]) >>> 0;
        this.bytes += end - start;
        if (this.bytes >= this.#wanted) this.#arrived.resolve();
      },
    };
  }

  async until(bytes: number): Promise<void> {
    this.#wanted = bytes;
    this.#arrived = Promise.withResolvers<void>();
    if (this.bytes < bytes) await this.#arrived.promise;
    assert.equal(this.bytes, bytes);
  }
}

/** Two pairs of sockets, of one listener each. */
async function withPairs(
  sourceAddress: string,
  body: (held: [Socket, Receiver], free: [Socket, Receiver]) => Promise<void>,
): Promise<void> {
  const network = await openNetwork();
  const pairs: [Socket, Receiver][] = [];
  const ends: { destroy(): void }[] = [];
  for (let i = 0; i < 2; i++) {
    const accepted = Promise.withResolvers<Socket>();
    const listener = network.listenTcp("127.0.0.1", 0, 1, {
      accept: (socket) => accepted.resolve(socket),
      acceptFailed: (error) => accepted.reject(error),
    });
    const connected = await network.connectTcp("127.0.0.1", listener.port, sourceAddress);
    pairs.push([connected, new Receiver(await accepted.promise)]);
    ends.push(connected, pairs[i][1].socket, { destroy: () => listener.close() });
  }
  try {
    await body(pairs[0], pairs[1]);
  } finally {
    for (const end of ends) end.destroy();
  }
}

/** The adapter's sockets, and those of `bind-source-addr`. */
for (const [name, sourceAddress] of [["a socket", ""], ["a socket with an address of its own", "127.0.0.1"]]) {
  test(`${name} sends nothing that is held back, and all of it afterwards`, () =>
    withPairs(sourceAddress, async ([sender, receiver], [other, beside]) => {
      const reply = Uint8Array.from({ length: REPLY_BYTES }, (_, i) => i * 7 + (i >>> 8));
      const { promise, resolve } = Promise.withResolvers<void>();
      sender.handler = { ...NO_HANDLER, beforeSend: () => promise };
      sender.write(reply, 0, 1);
      sender.write(reply, 1, 40_000); // so much goes without waiting for the turn's end
      other.handler = NO_HANDLER;
      for (let sent = 1; sent < 20; sent++) {
        other.write(reply, 0, 1);
        await beside.until(sent);
      }
      assert.equal(receiver.bytes, 0);
      assert.equal(sender.pendingBytes, 40_000);
      resolve();
      await receiver.until(40_000);
      sender.handler = NO_HANDLER;
      sender.write(reply, 40_000, REPLY_BYTES);
      await receiver.until(REPLY_BYTES);
      const wanted = new Receiver(other);
      other.handler.onData(reply, 0, REPLY_BYTES);
      assert.equal(receiver.sum, wanted.sum);
    }));

  test(`${name} that ends sends what is held back before it closes`, () =>
    withPairs(sourceAddress, async ([sender, receiver]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<void>();
      sender.handler = { ...NO_HANDLER, beforeSend: () => promise, onClose: closed.resolve };
      sender.write(new Uint8Array(1000), 0, 1000);
      sender.end();
      resolve();
      await receiver.until(1000);
      await closed.promise;
    }));
}

test("what waits for less goes before what waits for more", () =>
  withPairs("", async ([sender, receiver]) => {
    const waits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    sender.handler = { ...NO_HANDLER, beforeSend: () => waits[Math.min(asked++, 1)].promise };
    sender.write(new Uint8Array(10), 0, 10);
    sender.send();
    sender.write(new Uint8Array(5), 0, 5);
    sender.send();
    waits[0].resolve();
    await receiver.until(10);
    assert.equal(sender.pendingBytes, 5);
    waits[1].resolve();
    await receiver.until(15);
  }));
