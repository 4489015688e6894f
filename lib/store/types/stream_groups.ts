/**
 * The consumer groups of streams: each a block with how far it has read, its consumers, and the entries that are pending:
 * delivered to one of them and not acknowledged. Used by streams, the stream commands, and persistence.
 *
 * | words of a group | hold                                    | words of a consumer | hold                             |
 * |------------------|-----------------------------------------|---------------------|----------------------------------|
 * | 0                | the number of the next consumer         | 0                   | its number in the group          |
 * | 1                | bytes of the name, snapshot epoch       | 1                   | bytes of the name, snapshot epoch |
 * | 2–5              | the last ID delivered                   | 2–3                 | when it was seen last, Unix ms   |
 * | 6–7              | entries read, an int64; -1: unknown     | 4–5                 | when it was active last; -1: never |
 * | 8                | root of the tree of pending entries     | 6                   | root of the tree of its pending IDs |
 * | 9                | root of the tree of consumers by name   | then                | the name                         |
 * | 10               | root of the tree of them by number      |                     |                                  |
 * | then             | the name                                |                     |                                  |
 *
 * Roots are 0 where there is nothing. A pending entry has its consumer's number, when it was delivered, and how often; so
 * all there is of an entry is found in O(log n) from the group, and what a consumer has in order.
 *
 * The snapshot under way reads blocks and trees as they were (`own`, `ownConsumer`), but for the trees by number, which
 * nobody reads but those who change them.
 */

import { bigintOf, signedOf } from "../../bytes/uint64.ts";
import { type Arena, SEGMENT_MASK, SEGMENT_SHIFT } from "../arena.ts";
import { discardTree } from "../discarded_tree.ts";
import type { Heap } from "../heap.ts";
import { Trees } from "../tree.ts";
import { ANY_TIE } from "../tree_cursor.ts";
import type { TreeShape } from "../tree_nodes.ts";
import { ID_WORDS, type StreamId } from "./stream_ids.ts";
import { NamedBlocks } from "./stream_names.ts";
import { CONSUMER, COUNT_HIGH, COUNT_LOW, PENDING, PENDING_IDS, TIME_HIGH, TIME_LOW } from "./stream_pending.ts";
import { countIn, insertInto, removeFrom } from "./stream_trees.ts";

const NUMBERS: TreeShape = { keyWords: 1, hasTies: false, valueWords: 1, countWord: -1 };

// Words of blocks.
const NUMBER = 0;
const LAST_ID = 2;
const READ_LOW = 6;
const READ_HIGH = 7;
const GROUP_PENDING = 8;
const BY_NAME = 9;
const BY_NUMBER = 10;
const GROUP_BYTES = 44;
const SEEN = 2;
const ACTIVE = 4;
const CONSUMER_PENDING = 6;
const CONSUMER_BYTES = 28;

/** In place of a consumer's number: it is still to be named, or there is none. */
const NOBODY = -1;
const TWO_32 = 4294967296;

/** Whose groups they are. */
export interface GroupsOwner {
  groupsOf(body: number): number;
  setGroups(body: number, root: number): void;
}

/** Operations on the groups of one heap's streams. */
export class StreamGroups {
  readonly #blocks: NamedBlocks;
  readonly #numbers: Trees;
  readonly #pending: Trees;
  readonly #ids: Trees;

  constructor(readonly heap: Heap, readonly owner: GroupsOwner) {
    this.#blocks = new NamedBlocks(heap);
    this.#numbers = this.numbersTree();
    this.#pending = this.pendingTree();
    this.#ids = this.idsTree();
  }

  // Trees to go along by oneself: groups or consumers by name, consumers by number, what is pending of a group and of a
  // consumer.

  namesTree(): Trees {
    return this.#blocks.newTrees();
  }

  numbersTree(): Trees {
    return new Trees(this.heap.arena, NUMBERS);
  }

  pendingTree(): Trees {
    return new Trees(this.heap.arena, PENDING, this.heap.snapshots);
  }

  idsTree(): Trees {
    return new Trees(this.heap.arena, PENDING_IDS, this.heap.snapshots);
  }

  #word(block: number, index: number): number {
    return wordsOf(this.heap.arena, block)[indexOf(block) + index];
  }

  #setWord(block: number, index: number, value: number): void {
    wordsOf(this.heap.arena, block)[indexOf(block) + index] = value;
  }

  // --- Names ----------------------------------------------------------------------------------------------------------

  /** The bytes in which the name of a group or consumer lies. */
  bytes(block: number): Uint8Array {
    return this.#blocks.bytes(block);
  }

  /** Bytes of the name of a group or consumer. */
  nameLength(block: number): number {
    return this.#blocks.nameLength(block);
  }

  /** Offset of a group's name. */
  groupNameStart(group: number): number {
    return this.#blocks.nameStart(group, GROUP_BYTES);
  }

  /** Offset of a consumer's name. */
  consumerNameStart(consumer: number): number {
    return this.#blocks.nameStart(consumer, CONSUMER_BYTES);
  }

  /** Frees the block of a group or consumer that is gone, unless the snapshot takes it. */
  freeBlock(body: number, block: number): void {
    this.#blocks.free(body, block);
  }

  // --- Groups ---------------------------------------------------------------------------------------------------------

  /** The group with a name; 0 if there is none. O(log n). */
  find(body: number, bytes: Uint8Array, start: number, length: number): number {
    return this.#blocks.find(this.owner.groupsOf(body), GROUP_BYTES, bytes, start, length);
  }

  /** Number of groups. O(1). */
  count(body: number): number {
    return this.#blocks.count(this.owner.groupsOf(body));
  }

  /** Makes a group whose name is not taken, and must not lie in the arena. */
  create(body: number, bytes: Uint8Array, start: number, length: number, lastId: StreamId, read: bigint): number {
    const blocks = this.#blocks;
    const group = blocks.create(bytes, start, length, GROUP_BYTES);
    this.setLastId(group, lastId);
    this.setEntriesRead(group, read);
    try {
      const root = this.owner.groupsOf(body);
      this.owner.setGroups(body, blocks.insert(body, root, GROUP_BYTES, group, bytes, start, length));
    } catch (error) {
      this.heap.arena.free(group);
      throw error;
    }
    return group;
  }

  /** Makes a group one that may be changed: the same, or a copy in its place. */
  own(body: number, group: number): number {
    const { snapshots } = this.heap;
    if (!snapshots.isAwaited(group)) return group;
    const blocks = this.#blocks;
    const copy = blocks.copyAwaited(body, group, GROUP_BYTES);
    if (copy === group) return group;
    this.owner.setGroups(body, blocks.replace(body, this.owner.groupsOf(body), GROUP_BYTES, group, copy));
    blocks.free(body, group);
    return copy;
  }

  /** Takes a group out of its stream, to be freed by whoever has asked (stream_groups_whole.ts). Needs no memory. */
  takeOut(body: number, group: number): void {
    this.owner.setGroups(body, this.#blocks.remove(body, this.owner.groupsOf(body), GROUP_BYTES, group));
  }

  /** Reads the last ID delivered. */
  lastId(group: number, into: StreamId): StreamId {
    return into.read(wordsOf(this.heap.arena, group), indexOf(group) + LAST_ID);
  }

  setLastId(group: number, id: StreamId): void {
    id.write(wordsOf(this.heap.arena, group), indexOf(group) + LAST_ID);
  }

  /** Entries read; -1 where that is not known. */
  entriesRead(group: number): bigint {
    return bigintOf(this.#word(group, READ_HIGH), this.#word(group, READ_LOW));
  }

  setEntriesRead(group: number, read: bigint): void {
    this.#setWord(group, READ_LOW, Number(BigInt.asIntN(32, read)));
    this.#setWord(group, READ_HIGH, Number(BigInt.asIntN(32, read >> 32n)));
  }

  /** Whether it is known how many entries were read. */
  knowsRead(group: number): boolean {
    return (this.#word(group, READ_LOW) & this.#word(group, READ_HIGH)) !== -1;
  }

  /** One entry more was read. */
  countRead(group: number): void {
    const low = (this.#word(group, READ_LOW) + 1) | 0;
    this.#setWord(group, READ_LOW, low);
    if (low === 0) this.#setWord(group, READ_HIGH, this.#word(group, READ_HIGH) + 1);
  }

  /** The roots of a group's trees; 0 where they are empty. */
  pendingRoot(group: number): number {
    return this.#word(group, GROUP_PENDING);
  }

  consumersRoot(group: number): number {
    return this.#word(group, BY_NAME);
  }

  numbersRoot(group: number): number {
    return this.#word(group, BY_NUMBER);
  }

  setRoots(group: number, consumers: number, numbers: number, pending: number): void {
    this.#setWord(group, BY_NAME, consumers);
    this.#setWord(group, BY_NUMBER, numbers);
    this.#setWord(group, GROUP_PENDING, pending);
  }

  /** Entries that are pending in a group. O(1). */
  pendingCount(group: number): number {
    return countIn(this.#pending, this.#word(group, GROUP_PENDING));
  }

  consumerCount(group: number): number {
    return this.#blocks.count(this.#word(group, BY_NAME));
  }

  // --- Consumers ------------------------------------------------------------------------------------------------------

  /** The consumer with a name; 0 if there is none. O(log n). */
  findConsumer(group: number, bytes: Uint8Array, start: number, length: number): number {
    return this.#blocks.find(this.#word(group, BY_NAME), CONSUMER_BYTES, bytes, start, length);
  }

  /** The consumer with a number. O(log n). */
  consumer(group: number, number: number): number {
    const numbers = this.#numbers;
    numbers.key[0] = number;
    const root = this.#word(group, BY_NUMBER);
    if (root === 0 || !numbers.seek(root, ANY_TIE) || numbers.keyWord(0) !== number) {
      throw new Error("a consumer is missing from its group");
    }
    return numbers.word(0);
  }

  /** Makes a consumer whose name is not taken, and must not lie in the arena; the group must be ours (`own`). */
  createConsumer(
    body: number,
    group: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    seenMs: number,
  ): number {
    const blocks = this.#blocks;
    const consumer = blocks.create(bytes, start, length, CONSUMER_BYTES);
    const number = this.#word(group, NUMBER);
    this.#setWord(consumer, NUMBER, number);
    this.setSeen(consumer, seenMs);
    this.setActive(consumer, -1);
    const numbers = this.#numbers;
    try {
      numbers.key[0] = number;
      numbers.value[0] = consumer;
      this.#setWord(group, BY_NUMBER, insertInto(numbers, body, this.#word(group, BY_NUMBER), ANY_TIE));
      try {
        const root = this.#word(group, BY_NAME);
        this.#setWord(group, BY_NAME, blocks.insert(body, root, CONSUMER_BYTES, consumer, bytes, start, length));
      } catch (error) {
        this.#forgetNumber(body, group, number);
        throw error;
      }
    } catch (error) {
      this.heap.arena.free(consumer);
      throw error;
    }
    this.#setWord(group, NUMBER, number + 1);
    return consumer;
  }

  #forgetNumber(body: number, group: number, number: number): void {
    this.consumer(group, number);
    this.#setWord(group, BY_NUMBER, removeFrom(this.#numbers, body, this.#word(group, BY_NUMBER)));
  }

  /** Makes a consumer one that may be changed: the same, or a copy in its place. The group must be ours. */
  ownConsumer(body: number, group: number, consumer: number): number {
    if (!this.heap.snapshots.isAwaited(consumer)) return consumer;
    const copy = this.#blocks.copyAwaited(body, consumer, CONSUMER_BYTES);
    if (copy === consumer) return consumer;
    this.#replaceConsumer(body, group, consumer, copy);
    this.#blocks.free(body, consumer);
    return copy;
  }

  #replaceConsumer(body: number, group: number, consumer: number, copy: number): void {
    const root = this.#word(group, BY_NAME);
    this.#setWord(group, BY_NAME, this.#blocks.replace(body, root, CONSUMER_BYTES, consumer, copy));
    this.consumer(group, this.#word(consumer, NUMBER));
    this.#setWord(group, BY_NUMBER, this.#numbers.setWord(this.#word(group, BY_NUMBER), 0, copy));
  }

  /**
   * Removes a consumer with all that is pending for it; how many entries that were. The group must be ours. O(log n) for
   * each. Needs no memory.
   */
  deleteConsumer(body: number, group: number, consumer: number): number {
    const root = this.#word(consumer, CONSUMER_PENDING);
    const pending = this.#pending;
    const ids = this.#ids;
    const count = countIn(ids, root);
    if (count > 0) {
      ids.seekPosition(root, 0);
      do {
        for (let i = 0; i < ID_WORDS; i++) pending.key[i] = ids.keyWord(i);
        this.#seekPending(group);
        this.#setWord(group, GROUP_PENDING, removeFrom(pending, body, this.#word(group, GROUP_PENDING)));
      } while (ids.next());
      discardTree(this.heap, ids, body, root, Infinity, null);
    }
    this.#setWord(group, BY_NAME, this.#blocks.remove(body, this.#word(group, BY_NAME), CONSUMER_BYTES, consumer));
    this.#forgetNumber(body, group, this.#word(consumer, NUMBER));
    this.#blocks.free(body, consumer);
    return count;
  }

  /** When a consumer has asked for something last, in Unix ms. */
  seenMs(consumer: number): number {
    return signedOf(this.#word(consumer, SEEN + 1), this.#word(consumer, SEEN));
  }

  setSeen(consumer: number, unixMs: number): void {
    this.#setTime(consumer, SEEN, unixMs);
  }

  /** When a consumer has got something last, in Unix ms; -1: never. */
  activeMs(consumer: number): number {
    return signedOf(this.#word(consumer, ACTIVE + 1), this.#word(consumer, ACTIVE));
  }

  setActive(consumer: number, unixMs: number): void {
    this.#setTime(consumer, ACTIVE, unixMs);
  }

  #setTime(consumer: number, index: number, unixMs: number): void {
    this.#setWord(consumer, index, unixMs | 0);
    this.#setWord(consumer, index + 1, Math.floor(unixMs / TWO_32) | 0);
  }

  /** The root of the tree of the IDs that are pending for a consumer; 0 where there are none. */
  idsRoot(consumer: number): number {
    return this.#word(consumer, CONSUMER_PENDING);
  }

  setIdsRoot(consumer: number, root: number): void {
    this.#setWord(consumer, CONSUMER_PENDING, root);
  }

  /** Entries that are pending for a consumer. O(1). */
  consumerPending(consumer: number): number {
    return countIn(this.#ids, this.#word(consumer, CONSUMER_PENDING));
  }

  consumerNumber(consumer: number): number {
    return this.#word(consumer, NUMBER);
  }

  // --- What is pending ------------------------------------------------------------------------------------------------

  /** Has the tree of a group's pending entries stand at that under `key`, which is there. */
  #seekPending(group: number): void {
    if (!this.#isPending(group)) throw new Error("a pending entry is missing from its group");
  }

  #isPending(group: number): boolean {
    const root = this.#word(group, GROUP_PENDING);
    const pending = this.#pending;
    if (root === 0 || !pending.seek(root, ANY_TIE)) return false;
    for (let i = 0; i < ID_WORDS; i++) if (pending.keyWord(i) !== pending.key[i]) return false;
    return true;
  }

  /** The number of the consumer for which an entry is pending; -1 if it is for none. O(log n). */
  pendingFor(group: number, id: StreamId): number {
    id.write(this.#pending.key, 0);
    return this.#isPending(group) ? this.#pending.word(CONSUMER) : NOBODY;
  }

  /** When the entry that was found last was delivered, in Unix ms. */
  get deliveredMs(): number {
    return signedOf(this.#pending.word(TIME_HIGH), this.#pending.word(TIME_LOW));
  }

  /** How often it was delivered; beyond 2^53 the nearest double. */
  get deliveries(): number {
    return signedOf(this.#pending.word(COUNT_HIGH), this.#pending.word(COUNT_LOW));
  }

  /** Adds an entry that is not pending in the group yet. Group and consumer must be ours. */
  addPending(body: number, group: number, consumer: number, id: StreamId, unixMs: number, count: number): void {
    const pending = this.#pending;
    id.write(pending.key, 0);
    const { value } = pending;
    value[CONSUMER] = this.#word(consumer, NUMBER);
    value[TIME_LOW] = unixMs | 0;
    value[TIME_HIGH] = Math.floor(unixMs / TWO_32) | 0;
    value[COUNT_LOW] = count | 0;
    value[COUNT_HIGH] = Math.floor(count / TWO_32) | 0;
    this.#setWord(group, GROUP_PENDING, insertInto(pending, body, this.#word(group, GROUP_PENDING), ANY_TIE));
    try {
      this.#addId(body, consumer, id);
    } catch (error) {
      this.#seekPending(group);
      this.#setWord(group, GROUP_PENDING, removeFrom(pending, body, this.#word(group, GROUP_PENDING)));
      throw error;
    }
  }

  #addId(body: number, consumer: number, id: StreamId): void {
    id.write(this.#ids.key, 0);
    const root = this.#word(consumer, CONSUMER_PENDING);
    this.#setWord(consumer, CONSUMER_PENDING, insertInto(this.#ids, body, root, ANY_TIE));
  }

  #removeId(body: number, consumer: number, id: StreamId): void {
    const ids = this.#ids;
    const root = this.#word(consumer, CONSUMER_PENDING);
    id.write(ids.key, 0);
    if (root === 0 || !ids.seek(root, ANY_TIE)) throw new Error("a pending entry is missing from its consumer");
    this.#setWord(consumer, CONSUMER_PENDING, removeFrom(ids, body, root));
  }

  /**
   * Gives an entry that is pending in the group to a consumer, the same or another, with when it was delivered and how
   * often. Group and consumer must be ours.
   */
  setPending(body: number, group: number, consumer: number, id: StreamId, unixMs: number, count: number): void {
    const pending = this.#pending;
    id.write(pending.key, 0);
    this.#seekPending(group);
    const from = pending.word(CONSUMER);
    const to = this.#word(consumer, NUMBER);
    if (from !== to) {
      this.#addId(body, consumer, id);
      this.#removeId(body, this.ownConsumer(body, group, this.consumer(group, from)), id);
      this.#setPendingWord(body, group, CONSUMER, to);
    }
    this.#setPendingWord(body, group, TIME_LOW, unixMs | 0);
    this.#setPendingWord(body, group, TIME_HIGH, Math.floor(unixMs / TWO_32) | 0);
    this.#setPendingWord(body, group, COUNT_LOW, count | 0);
    this.#setPendingWord(body, group, COUNT_HIGH, Math.floor(count / TWO_32) | 0);
  }

  #setPendingWord(body: number, group: number, index: number, value: number): void {
    const pending = this.#pending;
    if (pending.word(index) === value) return;
    pending.owner = body;
    this.#setWord(group, GROUP_PENDING, pending.setWord(this.#word(group, GROUP_PENDING), index, value));
  }

  /** Has an entry not be pending any more; whether it was. The group must be ours. Needs no memory. */
  removePending(body: number, group: number, id: StreamId): boolean {
    const number = this.pendingFor(group, id);
    if (number < 0) return false;
    const consumer = this.ownConsumer(body, group, this.consumer(group, number));
    this.#removeId(body, consumer, id);
    // The group's tree still stands at it.
    this.#setWord(group, GROUP_PENDING, removeFrom(this.#pending, body, this.#word(group, GROUP_PENDING)));
    return true;
  }

  // --- For loading ----------------------------------------------------------------------------------------------------

  /** Adds an entry whose consumer is to be named by `assignPending`; false if it is there already. Times and counts as words. */
  loadPending(
    body: number,
    group: number,
    id: StreamId,
    timeLow: number,
    timeHigh: number,
    countLow: number,
    countHigh: number,
  ): boolean {
    const pending = this.#pending;
    id.write(pending.key, 0);
    if (this.#isPending(group)) return false;
    pending.value[CONSUMER] = NOBODY;
    pending.value[TIME_LOW] = timeLow;
    pending.value[TIME_HIGH] = timeHigh;
    pending.value[COUNT_LOW] = countLow;
    pending.value[COUNT_HIGH] = countHigh;
    this.#setWord(group, GROUP_PENDING, insertInto(pending, body, this.#word(group, GROUP_PENDING), ANY_TIE));
    return true;
  }

  /** Names the consumer of an entry that has none; false if there is no such entry, or it has one. */
  assignPending(body: number, group: number, consumer: number, id: StreamId): boolean {
    if (this.pendingFor(group, id) !== NOBODY || !this.#isPending(group)) return false;
    this.#addId(body, consumer, id);
    this.#setPendingWord(body, group, CONSUMER, this.#word(consumer, NUMBER));
    return true;
  }

  // --- For compaction -------------------------------------------------------------------------------------------------

  /** Moves a group at which `names` stands, if it lies in a leaving segment; the root of the tree. */
  relocateBlock(names: Trees, root: number): number {
    const group = names.word(0);
    if (!this.heap.arena.isLeaving(group)) return root;
    const moved = this.heap.copyBlock(group, GROUP_BYTES + this.nameLength(group));
    root = names.setWord(root, 0, moved);
    this.heap.arena.free(group);
    return root;
  }

  /** Moves a consumer, if it lies in a leaving segment. */
  relocateConsumer(group: number, consumer: number): void {
    if (!this.heap.arena.isLeaving(consumer)) return;
    const moved = this.heap.copyBlock(consumer, CONSUMER_BYTES + this.nameLength(consumer));
    this.#replaceConsumer(0, group, consumer, moved);
    this.heap.arena.free(consumer);
  }
}

function wordsOf(arena: Arena, block: number): Int32Array {
  return arena.words[block >>> SEGMENT_SHIFT];
}

/** Index of a block's first word in its segment. */
function indexOf(block: number): number {
  return (block & SEGMENT_MASK) << 1;
}
