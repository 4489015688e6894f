import { test } from "node:test";
import assert from "node:assert/strict";
import { Arena, ArenaFullError, MAX_BLOCK_BYTES, SEGMENT_MASK, SEGMENT_SHIFT } from "../../lib/store/arena.ts";
import { walkArena } from "../model/arena_walk.ts";
import { below, randomFrom } from "./support.ts";

interface Block {
  readonly ref: number;
  readonly bytes: number;
  readonly mark: number;
}

/** Fills a block's both ends and middle with a mark. */
function fill(arena: Arena, block: Block): void {
  const at = (block.ref & SEGMENT_MASK) << 3;
  arena.bytes[block.ref >>> SEGMENT_SHIFT].fill(block.mark, at, at + block.bytes);
}

/** Whether nothing has written to a block since. */
function intact(arena: Arena, block: Block): boolean {
  const at = (block.ref & SEGMENT_MASK) << 3;
  const bytes = arena.bytes[block.ref >>> SEGMENT_SHIFT];
  const step = Math.max(1, block.bytes >>> 6);
  for (let i = 0; i < block.bytes; i += step) if (bytes[at + i] !== block.mark) return false;
  return bytes[at + block.bytes - 1] === block.mark;
}

/** Whether any two blocks share a byte. */
function overlapping(arena: Arena, blocks: readonly Block[]): boolean {
  const ranges = blocks.map((block) => [(block.ref >>> 0) * 8, (block.ref >>> 0) * 8 + arena.usableBytes(block.ref)]);
  ranges.sort((a, b) => a[0] - b[0]);
  return ranges.some((range, i) => i > 0 && ranges[i - 1][1] > range[0]);
}

const SIZES: Readonly<Record<string, (limit: (n: number) => number) => number>> = {
  "small": (limit) => 1 + limit(200),
  "around the class limits": (limit) => 8 * (1 + limit(4200)) + limit(3) - 1,
  "mixed with large": (limit) => limit(4) === 0 ? 1 + limit(400_000) : 1 + limit(40_000),
};

for (const [name, size] of Object.entries(SIZES)) {
  test(`blocks keep their content and never overlap: ${name} sizes`, () => {
    const arena = new Arena();
    const limit = below(randomFrom(name.length));
    const live: Block[] = [];
    let used = 0;
    for (let step = 0; step < 30_000; step++) {
      const growing = Math.floor(step / 5000) % 2 === 0;
      if (live.length === 0 || limit(100) < (growing ? 60 : 40)) {
        const bytes = size(limit);
        const block = { ref: arena.alloc(bytes), bytes, mark: limit(256) };
        assert.notEqual(block.ref, 0);
        assert.ok(arena.usableBytes(block.ref) >= bytes);
        used += arena.usableBytes(block.ref);
        fill(arena, block);
        live.push(block);
      } else {
        const index = limit(live.length);
        const block = live[index];
        live[index] = live[live.length - 1];
        live.pop();
        assert.ok(intact(arena, block));
        used -= arena.usableBytes(block.ref);
        arena.free(block.ref);
      }
      assert.equal(arena.usedBytes, used);
      if (step % 5000 === 4999) {
        assert.ok(!overlapping(arena, live));
        for (const block of live) assert.ok(intact(arena, block));
      }
    }
    for (const block of live) {
      assert.ok(intact(arena, block));
      arena.free(block.ref);
    }
    assert.equal(arena.usedBytes, 0);
  });
}

test("memory of freed blocks is used again, by other sizes too", () => {
  const arena = new Arena();
  const rounds: number[] = [];
  for (let round = 0; round < 8; round++) {
    const refs: number[] = [];
    for (let i = 0; i < 20_000; i++) refs.push(arena.alloc(16 + round * 40));
    rounds.push(arena.committedBytes);
    for (const ref of refs) arena.free(ref);
  }
  const largest = 20_000 * (16 + 7 * 40);
  assert.ok(rounds[7] < largest * 1.25, `${rounds[7]} bytes for ${largest}`);
});

test("neighbouring free runs are joined", () => {
  const arena = new Arena();
  const unit = 16384;
  const runs = Array.from({ length: 60 }, () => arena.alloc(3 * unit));
  const fence = arena.alloc(3 * unit);
  const before = arena.committedBytes;
  for (let i = 0; i < runs.length; i += 2) arena.free(runs[i]);
  for (let i = 1; i < runs.length; i += 2) arena.free(runs[i]);
  const whole = arena.alloc(180 * unit);
  assert.equal(arena.committedBytes, before);
  arena.free(whole);
  arena.free(fence);
});

const MIB = 2 ** 20;

test("further segments are taken when the first is full, and one that is empty goes back", () => {
  const arena = new Arena();
  const block = 20 * MIB;
  const refs = Array.from({ length: 9 }, () => arena.alloc(block));
  assert.equal(arena.segments, 3);
  const marks = refs.map((ref, i) => ({ ref, bytes: 16, mark: i + 1 }));
  for (const mark of marks) fill(arena, mark);
  for (const mark of marks) assert.ok(intact(arena, mark));
  for (const ref of refs.slice(3, 6)) arena.free(ref);
  arena.noteIdle();
  assert.ok(!arena.releaseIdle(false), "it may be needed again at once");
  arena.noteIdle();
  assert.ok(arena.releaseIdle(false));
  assert.equal(arena.segments, 2);
  for (const mark of [...marks.slice(0, 3), ...marks.slice(6)]) assert.ok(intact(arena, mark), "refs behind it hold");
  refs.splice(3, 3, ...[1, 2, 3].map(() => arena.alloc(block)));
  assert.equal(arena.segments, 3, "its number serves again");
  walkArena(arena, refs, false);
  for (const ref of refs) arena.free(ref);
  while (arena.releaseIdle(true));
  assert.equal(arena.reservedBytes, 0);
  assert.equal(arena.usedBytes, 0);
  arena.free(arena.alloc(100));
});

test("a block larger than half a segment has one of its own, which goes back with it", () => {
  const arena = new Arena();
  const small = arena.alloc(100);
  const [half, whole, huge] = [arena.alloc(33 * MIB), arena.alloc(64 * MIB), arena.alloc(MAX_BLOCK_BYTES)];
  const marks = [half, whole, huge].map((ref, i) => ({ ref, bytes: 32 * MIB, mark: i + 1 }));
  for (const mark of marks) fill(arena, mark);
  arena.bytes[huge >>> SEGMENT_SHIFT][((huge & SEGMENT_MASK) << 3) + MAX_BLOCK_BYTES - 1] = 7;
  for (const { ref } of marks) assert.ok(arena.usableBytes(ref) >= 33 * MIB);
  for (const mark of marks) assert.ok(intact(arena, mark));
  walkArena(arena, [small, half, whole, huge], false);
  arena.free(whole);
  const again = arena.alloc(64 * MIB - 5);
  assert.equal(again, whole, "its memory serves for one of the same size");
  for (const ref of [half, again, huge]) arena.free(ref);
  walkArena(arena, [small], false);
  while (arena.releaseIdle(false));
  assert.equal(arena.reservedBytes, 64 * MIB);
  arena.free(small);
});

test("a segment that is to leave gives nothing more, and goes back when it is empty", () => {
  const arena = new Arena();
  const limit = below(randomFrom(5));
  const live: number[] = [];
  while (arena.segments < 3) live.push(arena.alloc(1 + limit(60_000)));
  const kept = live.filter(() => limit(10) === 0);
  for (const ref of live) if (!kept.includes(ref)) arena.free(ref);
  for (const segment of [0, 1]) {
    const use = arena.segmentUse(segment);
    assert.ok(use !== null && use.liveBytes > 0 && use.liveBytes < use.touchedBytes / 5);
    arena.leave(segment);
  }
  walkArena(arena, kept, false);
  const moved = kept.map((ref) => {
    if (!arena.isLeaving(ref)) return ref;
    const to = arena.alloc(arena.usableBytes(ref));
    assert.ok(!arena.isLeaving(to));
    arena.free(ref);
    return to;
  });
  walkArena(arena, moved, false);
  assert.ok(arena.releaseIdle(false) && arena.releaseIdle(false) && !arena.releaseIdle(false));
  assert.equal(arena.segments, 1);
  walkArena(arena, moved, false);
});

test("a segment that was to leave may stay", () => {
  const arena = new Arena();
  const refs = Array.from({ length: 3000 }, (_, i) => arena.alloc(1 + i * 10));
  for (const ref of refs.splice(0, 1500)) arena.free(ref);
  arena.leave(0);
  for (const ref of refs.splice(0, 500)) arena.free(ref);
  walkArena(arena, refs, false);
  arena.stay(0);
  walkArena(arena, refs, false);
  refs.push(arena.alloc(5000));
  assert.equal(arena.segments, 1);
  walkArena(arena, refs, false);
});

test("a block that is larger than any may be is refused, however large, and the arena stays sound", () => {
  const arena = new Arena();
  const before = arena.reservedBytes;
  for (const bytes of [2 ** 30 + 1, 2 ** 31, 2 ** 32, 2 ** 32 + 8, 2 ** 33, 2 ** 40, 2 ** 53]) {
    assert.throws(() => arena.alloc(bytes), { name: "BlockTooLargeError" });
  }
  assert.equal(arena.reservedBytes, before);
  assert.equal(arena.usedBytes, 0);
  arena.free(arena.alloc(100));
});

test("copy carries bytes across blocks and segments", () => {
  const arena = new Arena();
  const far = arena.alloc(31 * 2 ** 20);
  const big = arena.alloc(40 * 2 ** 20);
  for (const length of [1, 7, 64, 65, 5000]) {
    const from = arena.alloc(length + 3);
    const at = (from & SEGMENT_MASK) << 3;
    for (let i = 0; i < length; i++) arena.bytes[from >>> SEGMENT_SHIFT][at + 3 + i] = i * 7;
    arena.copy(from, 3, big, 5, length);
    const to = (big & SEGMENT_MASK) << 3;
    for (let i = 0; i < length; i++) assert.equal(arena.bytes[big >>> SEGMENT_SHIFT][to + 5 + i], (i * 7) & 255);
    arena.free(from);
  }
  assert.notEqual(far >>> SEGMENT_SHIFT, big >>> SEGMENT_SHIFT);
});

test("where the system gives no more, the reserve is left for what is under way, and comes back with memory", () => {
  let left = 4;
  const arena = new Arena((bytes) => {
    if (left-- <= 0) throw new RangeError("Array buffer allocation failed");
    return new ArrayBuffer(bytes);
  });
  let told = 0;
  arena.onShort = () => told++;
  const blocks: number[] = [];
  const fill = () => blocks.push(arena.alloc(16 * 2 ** 20));
  while (!arena.isShort) fill();
  assert.equal(told, 1);
  assert.equal(arena.segments, 4, "the first, two more, and the reserve");
  arena.alloc(100);
  arena.restock();
  assert.ok(arena.isShort, "there is nothing to be had yet");
  assert.throws(() => {
    for (;;) fill();
  }, ArenaFullError);
  for (const block of blocks.splice(0)) arena.free(block);
  left = 1; // what was freed is the system's again
  arena.restock();
  assert.ok(!arena.isShort, "the reserve is there again");
  while (!arena.isShort) fill();
  assert.equal(told, 2);
  assert.equal(arena.segments, 5);
});
