/**
 * What is done to the consumer groups of a stream as a whole: freed, copied, measured, moved, marked as read. Their parts
 * are stream_groups.ts's. Used by streams alone.
 */

import { DiscardedTree } from "../discarded_tree.ts";
import type { Discarded, Heap } from "../heap.ts";
import type { Trees } from "../tree.ts";
import type { StreamGroups } from "./stream_groups.ts";
import { StreamId } from "./stream_ids.ts";
import { PendingCursor } from "./stream_pending.ts";

/** Nodes of the trees of groups that are freed at once. */
const FREED_AT_ONCE = 64;
/** Pending entries of which the trees are moved in a step, about. */
const MOVED_AT_ONCE = 1024;
/** In a cursor of `relocateGroups`, the number of the group counts so much. */
const GROUP_CURSOR = 2 ** 32;

/** Calls `visit` with each block of a tree of names, which may be empty; the tree must not change meanwhile. */
export function forEachBlock(names: Trees, root: number, visit: (block: number) => void): void {
  if (root === 0) return;
  names.seekPosition(root, 0);
  do visit(names.word(0)); while (names.next());
}

/** The trees of groups that are in no stream any more. */
class DiscardedGroups implements Discarded {
  readonly #trees: DiscardedTree[] = [];

  constructor(readonly body: number) {}

  add(trees: Trees, root: number): void {
    if (root !== 0) this.#trees.push(new DiscardedTree(trees, this.body, root, null));
  }

  free(limit: number): number {
    let freed = 0;
    for (let last = this.#trees.at(-1); last !== undefined && freed < limit; last = this.#trees.at(-1)) {
      freed += last.free(limit - freed);
      if (last.isGone) this.#trees.pop();
    }
    return freed;
  }

  get isGone(): boolean {
    return this.#trees.length === 0;
  }
}

/** Does what concerns all of a group, or all groups of a stream. */
export class WholeGroups {
  readonly #names: Trees;
  readonly #consumers: Trees;
  readonly #numbers: Trees;
  readonly #pending: Trees;
  readonly #ids: Trees;

  constructor(readonly heap: Heap, readonly groups: StreamGroups) {
    this.#names = groups.namesTree();
    this.#consumers = groups.namesTree();
    this.#numbers = groups.numbersTree();
    this.#pending = groups.pendingTree();
    this.#ids = groups.idsTree();
  }

  /** Removes a group from its stream, and frees it: a small one at once, a large one in slices. Needs no memory. */
  destroy(body: number, group: number): void {
    this.groups.takeOut(body, group);
    const discarded = new DiscardedGroups(body);
    this.#discard(discarded, group);
    this.#free(discarded);
  }

  /** Frees all groups of a stream that is gone. */
  freeAll(body: number, root: number): void {
    if (root === 0) return;
    const discarded = new DiscardedGroups(body);
    forEachBlock(this.#names, root, (group) => this.#discard(discarded, group));
    discarded.add(this.#names, root);
    this.#free(discarded);
  }

  #free(discarded: DiscardedGroups): void {
    discarded.free(FREED_AT_ONCE);
    if (!discarded.isGone) this.heap.discard(discarded);
  }

  /** Frees a group's blocks, and leaves its trees to be. */
  #discard(discarded: DiscardedGroups, group: number): void {
    const { groups } = this;
    const { body } = discarded;
    discarded.add(this.#pending, groups.pendingRoot(group));
    discarded.add(this.#numbers, groups.numbersRoot(group));
    const consumers = groups.consumersRoot(group);
    forEachBlock(this.#consumers, consumers, (consumer) => {
      discarded.add(this.#ids, groups.idsRoot(consumer));
      groups.freeBlock(body, consumer);
    });
    discarded.add(this.#consumers, consumers);
    groups.freeBlock(body, group);
  }

  /** Makes copies of the groups of a stream for another, which has none. What is made before it throws is that one's. */
  copyAll(from: number, to: number): void {
    const { groups } = this;
    const id = new StreamId();
    forEachBlock(this.#names, groups.owner.groupsOf(from), (group) => {
      const name = nameOf(groups, group, groups.groupNameStart(group));
      const read = groups.entriesRead(group);
      const copy = groups.create(to, name, 0, name.length, groups.lastId(group, id), read);
      const twins = new Map<number, number>();
      forEachBlock(this.#consumers, groups.consumersRoot(group), (consumer) => {
        const called = nameOf(groups, consumer, groups.consumerNameStart(consumer));
        const twin = groups.createConsumer(to, copy, called, 0, called.length, groups.seenMs(consumer));
        groups.setActive(twin, groups.activeMs(consumer));
        twins.set(groups.consumerNumber(consumer), twin);
      });
      const root = groups.pendingRoot(group);
      if (root === 0) return;
      const entry = new PendingCursor(groups.pendingTree());
      for (let isThere = entry.toFirst(root); isThere; isThere = entry.next()) {
        const twin = twins.get(entry.consumer);
        if (twin === undefined) throw new Error("a consumer is missing from its group");
        groups.addPending(to, copy, twin, entry.id, entry.deliveredMs, entry.deliveries);
      }
    });
  }

  /** Bytes that the groups of a tree take, those of `samples` groups, and of as many consumers of each, taken for all. */
  memoryBytes(root: number, samples: number): number {
    const { groups } = this;
    const { arena } = this.heap;
    const treeBytes = (trees: Trees, of: number) => of === 0 ? 0 : trees.memoryBytes(of, samples);
    return bytesOfAll(
      this.#names,
      root,
      samples,
      (group) =>
        arena.usableBytes(group) + treeBytes(this.#pending, groups.pendingRoot(group)) +
        treeBytes(this.#numbers, groups.numbersRoot(group)) +
        bytesOfAll(
          this.#consumers,
          groups.consumersRoot(group),
          samples,
          (consumer) => arena.usableBytes(consumer) + treeBytes(this.#ids, groups.idsRoot(consumer)),
        ),
    );
  }

  /** Marks all that a snapshot might have to read of groups as read. */
  markAll(root: number): void {
    const { groups } = this;
    const { snapshots } = this.heap;
    markTree(this.#names, root, (group) => {
      markTree(this.#pending, groups.pendingRoot(group), () => {});
      markTree(this.#consumers, groups.consumersRoot(group), (consumer) => {
        markTree(this.#ids, groups.idsRoot(consumer), () => {});
        snapshots.mark(consumer);
      });
      snapshots.mark(group);
    });
  }

  /**
   * Moves what groups have in segments that are leaving, a step from `cursor` on; returns where to go on, 0 at the end.
   * `setRoot` is given the root of their tree.
   */
  relocate(root: number, cursor: number, setRoot: (root: number) => void): number {
    const { groups } = this;
    const index = Math.floor(cursor / GROUP_CURSOR);
    const names = this.#names;
    if (index >= names.count(root)) return 0;
    let position = cursor % GROUP_CURSOR;
    if (position === 0) {
      setRoot(root = names.relocate(root, index));
      names.seekPosition(root, index);
      setRoot(root = groups.relocateBlock(names, root));
    }
    names.seekPosition(root, index);
    const group = names.word(0);
    if (position === 0) this.#relocateConsumers(group);
    const count = groups.pendingCount(group);
    const until = position + MOVED_AT_ONCE;
    while (position < until && position < count) {
      const pending = this.#pending.relocate(groups.pendingRoot(group), position);
      groups.setRoots(group, groups.consumersRoot(group), groups.numbersRoot(group), pending);
      position = this.#pending.reached;
    }
    if (position >= count) position = this.#relocateIds(group, count, position, until);
    return position < 2 * count ? index * GROUP_CURSOR + position : (index + 1) * GROUP_CURSOR;
  }

  /** Moves a group's consumers, and the trees in which they are found. */
  #relocateConsumers(group: number): void {
    const { groups } = this;
    const consumers = this.#consumers;
    const count = groups.consumerCount(group);
    for (let at = 0; at < count;) {
      const moved = consumers.relocate(groups.consumersRoot(group), at);
      groups.setRoots(group, moved, groups.numbersRoot(group), groups.pendingRoot(group));
      at = consumers.reached;
    }
    for (let at = 0; at < count;) {
      const moved = this.#numbers.relocate(groups.numbersRoot(group), at);
      groups.setRoots(group, groups.consumersRoot(group), moved, groups.pendingRoot(group));
      at = this.#numbers.reached;
    }
    for (let at = 0; at < count; at++) {
      consumers.seekPosition(groups.consumersRoot(group), at);
      groups.relocateConsumer(group, consumers.word(0));
    }
  }

  /** Moves the trees of IDs of a group's consumers, which come one after the other from position `base` on. */
  #relocateIds(group: number, base: number, position: number, until: number): number {
    const { groups } = this;
    let before = base;
    forEachBlock(this.#consumers, groups.consumersRoot(group), (consumer) => {
      const count = groups.consumerPending(consumer);
      while (position < until && position >= before && position < before + count) {
        groups.setIdsRoot(consumer, this.#ids.relocate(groups.idsRoot(consumer), position - before));
        position = before + this.#ids.reached;
      }
      before += count;
    });
    return position;
  }
}

function nameOf(groups: StreamGroups, block: number, start: number): Uint8Array {
  return groups.bytes(block).slice(start, start + groups.nameLength(block));
}

/** Bytes of a tree of names, which may be empty, and of its blocks, `samples` of them taken for all (0: all). */
function bytesOfAll(names: Trees, root: number, samples: number, bytesOf: (block: number) => number): number {
  if (root === 0) return 0;
  let seen = 0;
  let bytes = 0;
  names.seekPosition(root, 0);
  do {
    bytes += bytesOf(names.word(0));
    seen++;
  } while (seen !== samples && names.next());
  return names.memoryBytes(root, samples) + Math.round((bytes / seen) * names.count(root));
}

/** Marks all nodes of a tree as read, after `visit` was called with each of its refs. */
function markTree(trees: Trees, root: number, visit: (ref: number) => void): void {
  if (root === 0) return;
  trees.seekPosition(root, 0);
  do {
    visit(trees.word(0));
    trees.markRead();
  } while (trees.next());
}
