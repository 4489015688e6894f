/**
 * Walks the arena's records and checks the invariants that docs/architecture.md states, and that the blocks somebody
 * holds are just those that the arena believes to be in use: none leaked, none freed too early, none handed out twice.
 */

import assert from "node:assert/strict";
import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT, UNITS_PER_SEGMENT } from "../../lib/store/arena.ts";

const GRANULES_PER_UNIT = 2048;
const RUN_BINS = 64;
const LEAVING_BIN = 65;
const LARGE = -1;
const FREE_RUN = -2;

// Words of a unit's record.
const CLASS = 0;
const USED = 1;
const FREE = 2;
const FRESH = 3;
const NEXT = 4;
const PREVIOUS = 5;
const UNITS = 6;
const FIRST = 7;

/**
 * Checks an arena. `held` are the refs of all blocks that somebody holds; with `mayHoldMore`, others may be held too by
 * what cannot be walked from outside.
 */
export function walkArena(arena: Arena, held: readonly number[], mayHoldMore: boolean): void {
  const { spans, withRoom, freeRuns, frontier, classes, leaving, alone } = arena.inspect();
  const leavingClasses = classes.granules.length / 2;
  const record = (unit: number, word: number) => spans[unit * 8 + word];
  const listed = new Map<number, string>();

  const walkList = (head: number, name: string) => {
    let before = 0;
    for (let at = head; at !== 0; at = record(at - 1, NEXT)) {
      assert.ok(!listed.has(at - 1), `unit ${at - 1} is in two lists`);
      listed.set(at - 1, name);
      assert.equal(record(at - 1, PREVIOUS), before, "a list leads back the way it came");
      before = at;
    }
  };
  withRoom.forEach((head, index) => walkList(head, `class ${index}`));
  freeRuns.forEach((head, index) => walkList(head, `run ${index}`));

  const heldIn = new Map<number, Set<number>>();
  for (const ref of held) {
    const unit = record((ref >>> 0) >>> 11, FIRST);
    if (!heldIn.has(unit)) heldIn.set(unit, new Set());
    const refs = heldIn.get(unit) ?? new Set();
    assert.ok(!refs.has(ref), "no block is held twice");
    refs.add(ref);
  }

  const emptyClasses = new Set<number>();
  let usedBytes = 0;
  let listsSeen = 0;
  for (let segment = 0; segment < frontier.length; segment++) {
    const start = Math.max(1, segment * UNITS_PER_SEGMENT);
    if (arena.bytes[segment].length === 0) {
      for (const unit of heldIn.keys()) {
        assert.notEqual(unit >>> 12, segment, "nothing is held in a segment that is gone");
      }
      continue;
    }
    if (alone[segment] !== 0) {
      if (record(start, CLASS) === FREE_RUN) continue; // waits to be used again, or released
      assert.equal(arena.bytes[segment].length, record(start, UNITS) * GRANULES_PER_UNIT * 8);
      assert.ok(mayHoldMore || heldIn.get(start)?.size === 1, "a block alone in its segment is held by one");
      usedBytes += arena.bytes[segment].length;
      continue;
    }
    let wasFree = false;
    for (let unit = start; unit < frontier[segment];) {
      const sizeClass = record(unit, CLASS);
      const units = record(unit, UNITS);
      const last = unit + units - 1;
      assert.ok(units > 0 && last < frontier[segment], "a run ends before the frontier");
      const refs = heldIn.get(unit) ?? new Set();
      if (sizeClass === FREE_RUN) {
        assert.ok(!wasFree, "runs that touch are never both free");
        assert.ok(last + 1 < frontier[segment], "a free run does not reach the frontier");
        assert.equal(record(last, CLASS), FREE_RUN);
        assert.equal(record(last, FIRST), unit);
        assert.equal(listed.get(unit), `run ${leaving[segment] !== 0 ? LEAVING_BIN : Math.min(units, RUN_BINS)}`);
        assert.equal(refs.size, 0, "nothing is held in a free run");
        listsSeen++;
      } else {
        assert.notEqual(record(last, CLASS), FREE_RUN, "the last unit of a run in use does not call it free");
        if (sizeClass === LARGE) {
          assert.equal(record(unit, FIRST), unit);
          assert.ok(mayHoldMore || refs.size === 1, "a large block is held by one");
          usedBytes += units * GRANULES_PER_UNIT * 8;
        } else {
          usedBytes += walkSpan(unit, sizeClass, refs);
        }
      }
      wasFree = sizeClass === FREE_RUN;
      unit += units;
    }
  }
  assert.equal(listed.size, listsSeen, "lists hold nothing but runs and spans that are there");
  assert.equal(usedBytes, arena.usedBytes);
  for (const unit of heldIn.keys()) assert.ok(record(unit, CLASS) !== FREE_RUN && record(unit, FIRST) === unit);

  /** Checks a span of small blocks; the bytes in use in it. */
  function walkSpan(unit: number, sizeClass: number, refs: ReadonlySet<number>): number {
    const granules = classes.granules[sizeClass];
    assert.equal(sizeClass >= leavingClasses, leaving[unit >>> 12] !== 0, "a span has a class that fits its segment");
    const [used, fresh] = [record(unit, USED), record(unit, FRESH)];
    assert.equal(record(unit, UNITS), classes.units[sizeClass]);
    for (let i = 0; i < classes.units[sizeClass]; i++) assert.equal(record(unit + i, FIRST), unit);
    const isBlock = (ref: number) => {
      const offset = (ref >>> 0) - unit * GRANULES_PER_UNIT;
      return offset >= 0 && offset % granules === 0 && offset / granules < fresh;
    };
    const freed = new Set<number>();
    for (let ref = record(unit, FREE); ref !== 0;) {
      assert.ok(isBlock(ref) && !freed.has(ref), "the free list is of this span's blocks, each once");
      freed.add(ref);
      ref = arena.words[ref >>> SEGMENT_SHIFT][(ref & SEGMENT_MASK) << 1];
    }
    assert.ok(fresh <= classes.capacity[sizeClass]);
    assert.equal(used + freed.size, fresh, "a block is in use, freed, or was never handed out");
    for (const ref of refs) assert.ok(isBlock(ref) && !freed.has(ref), "what is held is in use");
    assert.ok(mayHoldMore ? refs.size <= used : refs.size === used, `${used} blocks in use, ${refs.size} held`);
    const hasRoom = used < classes.capacity[sizeClass];
    assert.equal(listed.get(unit), hasRoom ? `class ${sizeClass}` : undefined, "listed exactly while there is room");
    if (hasRoom) listsSeen++;
    if (used === 0) assert.ok(!emptyClasses.has(sizeClass), "a class keeps one empty span at most");
    if (used === 0) emptyClasses.add(sizeClass);
    return used * granules * 8;
  }
}
