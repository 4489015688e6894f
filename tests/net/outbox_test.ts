/** The outbox: what goes in comes out in order, whatever the sizes, however little is taken at a time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../lib/net/outbox.ts";
import { NO_HANDLER } from "../../lib/net/socket.ts";

/** What is to be sent next of an outbox of which all may be. */
function next(outbox: Outbox): Uint8Array {
  outbox.release(NO_HANDLER, () => {});
  return outbox.next();
}

/** Bytes that tell where in the stream they stand. */
function stream(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >>> 8)) & 255);
}

test("bytes of any size come out as they went in, taken in pieces of any size", () => {
  const outbox = new Outbox();
  let added = 0;
  let taken = 0;
  const take = (most: number) => {
    const view = next(outbox);
    const count = Math.min(most, view.length);
    assert.deepEqual(view.slice(0, count), stream(taken, count));
    outbox.sent(count);
    taken += count;
  };
  for (const size of [1, 5, 48, 49, 4096, 1, 4095, 70_000, 3, 64 * 1024, 200_000, 10]) {
    const bytes = stream(added, size);
    outbox.add(new Uint8Array([0, ...bytes, 0]), 1, size + 1);
    added += size;
    assert.equal(outbox.length, added - taken);
    take(size % 7 + 1);
  }
  while (outbox.length > 0) take(30_000);
  assert.equal(taken, added);
  assert.throws(() => next(outbox));
});

test("what the system is reading is not touched by what is added meanwhile", () => {
  const outbox = new Outbox();
  outbox.add(stream(0, 100), 0, 100);
  const lent = next(outbox);
  outbox.add(stream(100, 100), 0, 100);
  assert.deepEqual(lent, stream(0, 100));
  outbox.sent(40);
  assert.deepEqual(next(outbox).slice(), stream(40, 60));
  outbox.sent(60);
  assert.deepEqual(next(outbox).slice(), stream(100, 100));
  outbox.sent(100);
  assert.equal(outbox.length, 0);
});

test("buffers that were given back serve other sockets, and hold nothing of the first", () => {
  const first = new Outbox();
  first.add(stream(0, 4096), 0, 4096);
  next(first);
  first.sent(4096);
  const second = new Outbox();
  second.add(stream(7, 3), 0, 3);
  assert.deepEqual(next(second).slice(), stream(7, 3));
});

test("an outbox that was cleared is empty and may be filled again", () => {
  const outbox = new Outbox();
  outbox.add(stream(0, 5000), 0, 5000);
  next(outbox);
  outbox.sent(10);
  outbox.clear();
  assert.equal(outbox.length, 0);
  outbox.add(stream(0, 20), 0, 20);
  assert.deepEqual(next(outbox).slice(), stream(0, 20));
});

test("what must wait is not there to be sent, nor, once what it waited for is there, what came after it", async () => {
  const outbox = new Outbox();
  const waits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  let told = 0;
  const handler = { ...NO_HANDLER, beforeSend: () => waits[asked++].promise };
  outbox.add(stream(0, 100), 0, 100);
  outbox.release(handler, () => told++);
  outbox.add(stream(100, 50), 0, 50);
  assert.deepEqual([outbox.released, outbox.unaskedBytes], [0, 50]);
  assert.throws(() => outbox.next());
  outbox.release(handler, () => told++);
  waits[0].resolve();
  await waits[0].promise;
  assert.deepEqual([outbox.released, told], [100, 1]);
  assert.deepEqual(outbox.next().slice(), stream(0, 100));
  outbox.sent(30);
  waits[1].resolve();
  await waits[1].promise;
  assert.deepEqual([outbox.released, outbox.length, told], [120, 120, 2]);
  assert.deepEqual(outbox.next().slice(), stream(30, 120));
});

test("what comes while it is asked whether all may be sent is asked for by itself", () => {
  const outbox = new Outbox();
  outbox.add(stream(0, 10), 0, 10);
  const adds = { ...NO_HANDLER, beforeSend: () => (outbox.add(stream(10, 5), 0, 5), null) };
  outbox.release(adds, () => {});
  assert.equal(outbox.released, 10);
  assert.equal(outbox.unaskedBytes, 5);
  const clears = { ...NO_HANDLER, beforeSend: () => (outbox.clear(), null) };
  outbox.release(clears, () => {});
  assert.equal(outbox.released, 0);
});

test("what an outbox waited for before it was cleared releases nothing that came after that", async () => {
  const outbox = new Outbox();
  const { promise, resolve } = Promise.withResolvers<void>();
  outbox.add(stream(0, 100), 0, 100);
  outbox.release({ ...NO_HANDLER, beforeSend: () => promise }, () => {});
  outbox.clear();
  outbox.add(stream(0, 20), 0, 20);
  resolve();
  await promise;
  assert.equal(outbox.released, 0);
});
