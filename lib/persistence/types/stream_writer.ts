/**
 * How streams are written: their nodes as they are, what is known of the whole, and their groups, each with what is pending
 * and its consumers. All of it in steps, of what the stream was when it was shared: blocks and trees that are still to be
 * read are copied before they change (store/types/stream_groups.ts).
 */

import { ENCODING_STREAM } from "../../store/entry.ts";
import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import type { Trees } from "../../store/tree.ts";
import { ID_BYTES, StreamId } from "../../store/types/stream_ids.ts";
import { COUNT_HIGH, COUNT_LOW, TIME_HIGH, TIME_LOW } from "../../store/types/stream_pending.ts";
import type { Streams } from "../../store/types/streams.ts";
import { LENGTH_64_BITS_MARK, RDB_TYPE_STREAM_LISTPACKS_2 } from "../rdb_format.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { type BodyWriter, STEP_BYTES, type ValueWriter, WRITTEN } from "./value_writer.ts";

/** A stream with more nodes, or pending entries, is written in steps. */
const LARGE_NODES = 8;
const LARGE_PENDING = 128;
/** A node is as much to write as so many pending entries. */
const NODE_COST = 16;
/** The cursor of what comes behind the nodes. */
const BEHIND_NODES = 2 ** 32;

export class StreamWriter implements ValueWriter {
  readonly inline = null;
  readonly body: BodyWriter;

  constructor(streams: Streams) {
    this.body = new StreamBodyWriter(streams);
  }

  rdbType(encoding: number): number {
    if (encoding === ENCODING_STREAM) return RDB_TYPE_STREAM_LISTPACKS_2;
    throw new Error(`no RDB type for streams in encoding ${encoding}`);
  }
}

/** Writes a body, or the copy of one that was shared. What comes behind the nodes counts as one element. */
class StreamBodyWriter implements BodyWriter {
  readonly consistsOf = "nodes";
  written = 0;
  writtenBytes = 0;
  readonly #trees: Trees;
  readonly #probe: Trees;
  // A writer writes one stream at a time.
  readonly #names: Trees;
  readonly #consumers: Trees;
  readonly #pending: Trees;
  readonly #ids: Trees;
  readonly #id = new StreamId();
  readonly #idBytes = new Uint8Array(ID_BYTES);
  /** What is being written behind the nodes. */
  #behind: Generator<void, void> | null = null;

  constructor(readonly streams: Streams) {
    const { groups } = streams;
    this.#trees = streams.treesOf();
    this.#probe = groups.namesTree();
    this.#names = groups.namesTree();
    this.#consumers = groups.namesTree();
    this.#pending = groups.pendingTree();
    this.#ids = groups.idsTree();
  }

  isLarge(body: number): boolean {
    const { streams } = this;
    if (this.count(body) > LARGE_NODES) return true;
    const root = streams.groupsOf(body);
    if (root === 0) return false;
    const names = this.#probe;
    let pending = 0;
    names.seekPosition(root, 0);
    do {
      pending += 1 + streams.groups.pendingCount(names.word(0)) + streams.groups.consumerCount(names.word(0));
    } while (pending <= LARGE_PENDING && names.next());
    return pending > LARGE_PENDING;
  }

  isLong(body: number): boolean {
    const root = this.streams.rootOf(body);
    if (root === 0) return false;
    const trees = this.#trees;
    let bytes = 0;
    trees.seekPosition(root, 0);
    do bytes += this.streams.nodes.length(trees.word(0)); while (trees.next());
    return bytes > STEP_BYTES;
  }

  count(body: number): number {
    const root = this.streams.rootOf(body);
    return (root === 0 ? 0 : this.#trees.countItems(root)) + 1;
  }

  source(body: number): number {
    return body;
  }

  share(body: number): number {
    return this.streams.share(body);
  }

  unshare(source: number): void {
    this.streams.unshare(source);
  }

  begin(output: RdbOutput, count: number): void {
    output.begin();
    output.length(count - 1);
    output.end();
  }

  write(output: RdbOutput, source: number, cursor: number, limit: number, marks: SnapshotHooks | null): number {
    this.written = this.writtenBytes = 0;
    const root = this.streams.rootOf(source);
    if (cursor < BEHIND_NODES && root !== 0) {
      cursor = this.#writeNodes(output, root, cursor, limit, marks);
      if (cursor < BEHIND_NODES) return cursor;
    }
    if (cursor < BEHIND_NODES || this.written > 0) {
      this.#writeWhole(output, source);
      const groups = this.streams.groupsOf(source);
      if (groups === 0) {
        this.written++;
        return WRITTEN;
      }
      this.#behind = this.#writeGroups(output, groups, limit, marks);
    }
    if (this.#behind === null) throw new Error("a stream that was not begun");
    if (this.#behind.next().done !== true) return BEHIND_NODES;
    this.#behind = null;
    this.written++;
    return WRITTEN;
  }

  #writeNodes(output: RdbOutput, root: number, cursor: number, limit: number, marks: SnapshotHooks | null): number {
    const trees = this.#trees;
    const { nodes } = this.streams;
    const count = trees.count(root);
    trees.seekPosition(root, cursor);
    do {
      const node = trees.word(0);
      nodes.show(node);
      this.#idString(output, this.#id.readKey(trees));
      output.string(nodes.bytes, nodes.start, nodes.length(node));
      cursor += trees.word(1);
      this.written++;
      this.writtenBytes += nodes.length(node);
      if (marks === null) continue;
      marks.mark(node);
      trees.markRead();
    } while (this.written * NODE_COST < limit && this.writtenBytes <= STEP_BYTES && trees.next());
    return cursor < count ? cursor : BEHIND_NODES;
  }

  /** Writes what is known of the whole, and the number of groups. */
  #writeWhole(output: RdbOutput, source: number): void {
    const { streams } = this;
    const root = streams.groupsOf(source);
    this.#length(output, streams.length(source));
    this.#idLengths(output, streams.lastId(source, this.#id));
    this.#idLengths(output, streams.firstId(source, this.#id));
    this.#idLengths(output, streams.maxDeletedId(source, this.#id));
    output.begin();
    wordsLength(output, streams.addedHigh(source), streams.addedLow(source));
    output.length(root === 0 ? 0 : this.#names.count(root));
    output.end();
  }

  /** Writes the groups, and stops after every `limit` elements. */
  *#writeGroups(
    output: RdbOutput,
    root: number,
    limit: number,
    marks: SnapshotHooks | null,
  ): Generator<void, void> {
    const { groups } = this.streams;
    const [names, consumers, pending, ids] = [this.#names, this.#consumers, this.#pending, this.#ids];
    let left = limit;
    // Whatever was read may change at once: between the mark of something and the step to what comes next nothing may stop.
    names.seekPosition(root, 0);
    let isGroup = true;
    while (isGroup) {
      const group = names.word(0);
      output.string(groups.bytes(group), groups.groupNameStart(group), groups.nameLength(group));
      this.#idLengths(output, groups.lastId(group, this.#id));
      this.#longLength(output, groups.entriesRead(group));
      this.#length(output, groups.pendingCount(group));
      let isThere = first(pending, groups.pendingRoot(group));
      while (isThere) {
        this.#pendingEntry(output, pending);
        isThere = nextUnread(pending, marks);
        if (--left <= 0) yield void (left = limit);
      }
      this.#length(output, groups.consumerCount(group));
      let isConsumer = first(consumers, groups.consumersRoot(group));
      while (isConsumer) {
        const consumer = consumers.word(0);
        output.string(groups.bytes(consumer), groups.consumerNameStart(consumer), groups.nameLength(consumer));
        this.#time(output, groups.seenMs(consumer));
        this.#length(output, groups.consumerPending(consumer));
        isThere = first(ids, groups.idsRoot(consumer));
        while (isThere) {
          this.#rawId(output, this.#id.readKey(ids));
          isThere = nextUnread(ids, marks);
          if (--left <= 0) yield void (left = limit);
        }
        marks?.mark(consumer);
        isConsumer = nextUnread(consumers, marks);
        if (--left <= 0) yield void (left = limit);
      }
      marks?.mark(group);
      isGroup = nextUnread(names, marks);
      if (--left <= 0) yield void (left = limit);
    }
  }

  #length(output: RdbOutput, length: number): void {
    output.begin();
    output.length(length);
    output.end();
  }

  /** A length that is any uint64. */
  #longLength(output: RdbOutput, value: bigint): void {
    output.begin();
    wordsLength(output, Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
    output.end();
  }

  #idLengths(output: RdbOutput, id: StreamId): void {
    output.begin();
    wordsLength(output, id.msHigh, id.msLow);
    wordsLength(output, id.seqHigh, id.seqLow);
    output.end();
  }

  #idString(output: RdbOutput, id: StreamId): void {
    id.writeBytes(this.#idBytes, 0);
    output.string(this.#idBytes, 0, ID_BYTES);
  }

  #rawId(output: RdbOutput, id: StreamId): void {
    id.writeBytes(this.#idBytes, 0);
    output.begin();
    for (let i = 0; i < ID_BYTES; i++) output.byte(this.#idBytes[i]);
    output.end();
  }

  #pendingEntry(output: RdbOutput, pending: Trees): void {
    this.#id.readKey(pending).writeBytes(this.#idBytes, 0);
    output.begin();
    for (let i = 0; i < ID_BYTES; i++) output.byte(this.#idBytes[i]);
    output.int32(pending.word(TIME_LOW));
    output.int32(pending.word(TIME_HIGH));
    wordsLength(output, pending.word(COUNT_HIGH), pending.word(COUNT_LOW));
    output.end();
  }

  #time(output: RdbOutput, unixMs: number): void {
    output.begin();
    output.int32(unixMs | 0);
    output.int32(Math.floor(unixMs / 2 ** 32) | 0);
    output.end();
  }

  mark(body: number): number {
    this.streams.markAll(body);
    return 0;
  }

  element(): void {
    throw new Error("the nodes of a stream are written where they are");
  }
}

/** Writes the two words of a uint64 as a length, within a token. */
function wordsLength(output: RdbOutput, high: number, low: number): void {
  if (high === 0) return output.length(low >>> 0);
  output.byte(LENGTH_64_BITS_MARK);
  for (let shift = 24; shift >= 0; shift -= 8) output.byte(high >>> shift);
  for (let shift = 24; shift >= 0; shift -= 8) output.byte(low >>> shift);
}

/** Goes to the first item of a tree, which may be none; false if there is none. */
function first(trees: Trees, root: number): boolean {
  if (root === 0) return false;
  trees.seekPosition(root, 0);
  return true;
}

/** Marks what was read up to where a tree stands, and goes to the next item; false if there is none. */
function nextUnread(trees: Trees, marks: SnapshotHooks | null): boolean {
  if (marks !== null) trees.markRead();
  return trees.next();
}
