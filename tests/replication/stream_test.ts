/** The stream and its backlog, against the plain bytes that went in. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrom } from "../../lib/replication/backlog.ts";
import { randomId, ReplicationStream } from "../../lib/replication/stream.ts";

const SIZE = 64 * 1024;

/** A stream into which chunks of some lengths have gone, and all of its bytes. */
function filled(lengths: readonly number[]): { readonly stream: ReplicationStream; readonly all: number[] } {
  const stream = new ReplicationStream();
  stream.createBacklog(SIZE);
  const all: number[] = [];
  for (const length of lengths) append(stream, all, length);
  return { stream, all };
}

function append(stream: ReplicationStream, all: number[], length: number): void {
  const bytes = Uint8Array.from({ length }, (_, i) => (all.length + i * 7) & 0xff);
  stream.append(bytes, 0, length);
  for (const byte of bytes) all.push(byte);
}

function bytesFrom(stream: ReplicationStream, offset: number): number[] | null {
  const position = stream.positionOf(offset);
  if (position === null) return null;
  const bytes: number[] = [];
  readFrom(position, Infinity, (part, start, end) => bytes.push(...part.subarray(start, end)));
  return bytes;
}

for (const lengths of [[], [1], [100, 200], [SIZE], [16384, 16384], [...Array(400).fill(999)], [3 * SIZE + 5, 17]]) {
  test(`a backlog gives back its last bytes (${lengths.length} writes of ${lengths[0] ?? 0} bytes)`, () => {
    const { stream, all } = filled(lengths);
    assert.equal(stream.offset, all.length);
    assert.equal(stream.backlogLength, Math.min(SIZE, all.length));
    for (const back of [0, 1, 2, 1000, 16383, 16384, 16385, SIZE - 1, SIZE]) {
      const expected = back > all.length ? null : all.slice(all.length - back);
      assert.deepEqual(bytesFrom(stream, all.length - back + 1), expected, `the last ${back}`);
    }
    assert.equal(bytesFrom(stream, all.length - SIZE), null, "further back than the backlog reaches");
    assert.equal(bytesFrom(stream, all.length + 2), null, "beyond the end");
  });
}

test("from a position that is held everything stays, for whoever asks, until it is released", () => {
  const { stream, all } = filled([1000]);
  const first = stream.end;
  const second = stream.end;
  stream.hold(first);
  stream.hold(second);
  for (let i = 0; i < 100; i++) append(stream, all, 5000);
  assert.deepEqual(bytesFrom(stream, 1001), all.slice(1000));
  assert.equal(stream.backlogExcessBytes, stream.backlogLength - SIZE);
  assert.ok(stream.backlogLength >= 500_000, `${stream.backlogLength} bytes`);
  stream.release(first);
  assert.deepEqual(bytesFrom(stream, 1001), all.slice(1000), "the second one holds it still");
  stream.release(second);
  assert.equal(stream.backlogLength, SIZE);
  assert.equal(stream.backlogExcessBytes, 0);
  assert.equal(bytesFrom(stream, 1001), null);
  assert.deepEqual(bytesFrom(stream, all.length - SIZE + 1), all.slice(-SIZE));
});

test("a position that is held outlives the backlog that it is in", () => {
  const { stream, all } = filled([1000]);
  const position = stream.end;
  stream.hold(position);
  append(stream, all, 5000);
  stream.adopt(randomId(), 77);
  const bytes: number[] = [];
  readFrom(position, Infinity, (part, start, end) => bytes.push(...part.subarray(start, end)));
  assert.deepEqual(bytes, all.slice(1000));
  stream.release(position);
  assert.equal(stream.backlogLength, 0);
});

test("a backlog that is made smaller keeps its last bytes, and one made larger keeps more from then on", () => {
  const { stream, all } = filled(Array(100).fill(1000));
  stream.resizeBacklog(16384);
  assert.deepEqual(bytesFrom(stream, all.length - 16383), all.slice(-16384));
  assert.equal(bytesFrom(stream, all.length - 16384), null);
  stream.resizeBacklog(2 * SIZE);
  for (let i = 0; i < 200; i++) append(stream, all, 1000);
  assert.deepEqual(bytesFrom(stream, all.length - 2 * SIZE + 1), all.slice(-2 * SIZE));
});

test("a stream that took another's place cannot be continued from before", () => {
  const { stream } = filled([5000]);
  const id = randomId();
  stream.adopt(id, 77);
  assert.equal(stream.continueFrom(id, 78)?.at, 0);
  assert.equal(stream.continueFrom(id, 77), null);
  stream.append(new Uint8Array(3), 0, 3);
  assert.notEqual(stream.continueFrom(id, 78), null);
});

test("what was written before it was known which stream it continues goes on from there", () => {
  const { stream, all } = filled([10]);
  const id = randomId();
  stream.continueAfter(id, 500);
  assert.equal(stream.offset, 510);
  const position = stream.continueFrom(id, 501);
  assert.ok(position);
  const bytes: number[] = [];
  readFrom(position, Infinity, (part, start, end) => bytes.push(...part.subarray(start, end)));
  assert.deepEqual(bytes, all);
  assert.equal(stream.continueFrom(id, 502), null);
});
