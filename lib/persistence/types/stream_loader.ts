/**
 * How streams are loaded: node by node, then what is known of the whole, then group by group, with each pending entry and
 * each consumer. What was written may be of any version since 5.0; and anything may be wrong with it, so all is checked
 * against all: counts, the order of IDs, that what is pending for a consumer is so in its group, and is for nobody else.
 */

import { bigintOf } from "../../bytes/uint64.ts";
import { faultOfNode, liveEntries } from "../../store/types/stream_entries.ts";
import { ID_BYTES, StreamId } from "../../store/types/stream_ids.ts";
import type { Streams } from "../../store/types/streams.ts";
import { RDB_TYPE_STREAM_LISTPACKS, RDB_TYPE_STREAM_LISTPACKS_2, RDB_TYPE_STREAM_LISTPACKS_3 } from "../rdb_format.ts";
import { type RdbInput, StringSlot } from "../rdb_input.ts";
import { notSound } from "./packed_values.ts";
import type { LoadHome, LoadTarget, ValueLoader } from "./value_loader.ts";

const TWO_32 = 4294967296;

export class StreamLoader implements ValueLoader {
  readonly rdbTypes = [RDB_TYPE_STREAM_LISTPACKS, RDB_TYPE_STREAM_LISTPACKS_2, RDB_TYPE_STREAM_LISTPACKS_3];
  #type = 0;
  #home: LoadHome | null = null;
  #ref = 0;
  #body = 0;
  #group = 0;
  #consumer = 0;

  // What is still to come, the innermost first.
  #idsLeft = 0;
  #consumersLeft = 0;
  /** Whether the number of a group's consumers is to come. */
  #awaitsConsumers = false;
  #pendingLeft = 0;
  #groupsLeft = 0;
  #nodesLeft = 0;
  /** Pending entries of the group whose consumer has not come. */
  #unassigned = 0;
  /** Entries that came. */
  #entries = 0;

  readonly #name = new StringSlot();
  readonly #listpack = new StringSlot();
  readonly #id = new StreamId();
  readonly #last = new StreamId();
  readonly #lastId = new StreamId();
  readonly #maxDeletedId = new StreamId();

  constructor(readonly streams: Streams) {}

  begin(type: number, target: LoadTarget): number {
    this.#type = type;
    const nodes = target.input.length();
    this.#nodesLeft = nodes;
    this.#idsLeft =
      this.#consumersLeft =
      this.#pendingLeft =
      this.#groupsLeft =
        0;
    this.#awaitsConsumers = false;
    this.#unassigned = 0;
    this.#entries = 0;
    this.#last.setZero();
    const { key, expiry } = target;
    const home = this.#home = target.home;
    if (home !== null) {
      const ref = this.streams.create(home, key.bytes, key.start, key.length);
      this.#body = this.streams.bodyOf(ref);
      this.#ref = home.setExpiry(ref, expiry);
    }
    return nodes + 1;
  }

  element(target: LoadTarget): number {
    const { input } = target;
    if (this.#nodesLeft > 0) return this.#node(input);
    if (this.#nodesLeft === 0) return this.#whole(input);
    if (this.#idsLeft > 0) return this.#pendingId(input);
    if (this.#pendingLeft > 0) return this.#pending(input);
    if (this.#awaitsConsumers) return this.#consumers(input);
    if (this.#consumersLeft > 0) return this.#oneConsumer(input);
    return this.#oneGroup(input);
  }

  end(target: LoadTarget): boolean {
    this.#checkAssigned(target.input);
    return true;
  }

  ref(): number {
    return this.#ref;
  }

  #node(input: RdbInput): number {
    const name = this.#name;
    const listpack = this.#listpack;
    input.string(name);
    input.string(listpack);
    if (name.length !== ID_BYTES) throw input.error("a stream's node whose ID has not 16 bytes");
    const { bytes, start, length } = listpack;
    const nodeId = this.#id.readBytes(name.bytes, name.start);
    const fault = faultOfNode(bytes, start, length, nodeId, this.#last);
    if (fault !== null) throw notSound(input, "Stream listpack", fault);
    const live = liveEntries(bytes, start);
    // One of which all is deleted holds nothing.
    if (this.#home !== null && live > 0) this.streams.appendListpack(this.#body, nodeId, bytes, start, length);
    this.#entries += live;
    this.#nodesLeft--;
    return 0;
  }

  /** Reads what is known of the whole; how many groups are to come. */
  #whole(input: RdbInput): number {
    const { streams } = this;
    const length = input.length();
    const lastId = readId(input, this.#lastId);
    const deletedId = this.#maxDeletedId.setZero();
    let addedHigh = Math.floor(length / TWO_32) | 0;
    let addedLow = length | 0;
    if (this.#type !== RDB_TYPE_STREAM_LISTPACKS) {
      readId(input, this.#id); // the first ID, which the nodes tell
      readId(input, deletedId);
      input.longLength();
      addedHigh = input.high;
      addedLow = input.low;
    }
    const groups = input.length();
    if (length !== this.#entries) throw input.error("a stream of another length than its nodes have entries");
    if (lastId.compare(this.#last) < 0) throw input.error("a stream with an entry beyond its last ID");
    if (this.#home !== null) {
      streams.setLastId(this.#body, lastId);
      streams.setMaxDeletedId(this.#body, deletedId);
      streams.setAddedWords(this.#body, addedHigh, addedLow);
      streams.updateFirstId(this.#body);
    }
    this.#nodesLeft = -1;
    this.#groupsLeft = groups;
    return groups;
  }

  /** Reads the beginning of a group; how many pending entries are to come, and the number of its consumers. */
  #oneGroup(input: RdbInput): number {
    const name = this.#name;
    const { groups } = this.streams;
    this.#checkAssigned(input);
    input.string(name);
    const lastId = readId(input, this.#id);
    let read: bigint | null = null;
    if (this.#type !== RDB_TYPE_STREAM_LISTPACKS) {
      input.longLength();
      read = bigintOf(input.high, input.low);
    }
    const pending = input.length();
    if (this.#home !== null) {
      if (groups.find(this.#body, name.bytes, name.start, name.length) !== 0) {
        throw input.error(`the stream has the group '${name}' twice`);
      }
      read ??= this.streams.numberOf(this.#body, lastId);
      this.#group = groups.create(this.#body, name.bytes, name.start, name.length, lastId, read);
    }
    this.#groupsLeft--;
    this.#pendingLeft = this.#unassigned = pending;
    this.#awaitsConsumers = true;
    return pending + 1;
  }

  #pending(input: RdbInput): number {
    const id = this.#id.readBytes(input.bytes, input.take(ID_BYTES));
    const timeLow = input.int32();
    const timeHigh = input.int32();
    input.longLength();
    if (this.#home !== null) {
      const { groups } = this.streams;
      if (!groups.loadPending(this.#body, this.#group, id, timeLow, timeHigh, input.low, input.high)) {
        throw input.error(`a stream's group has the pending entry ${id} twice`);
      }
    }
    this.#pendingLeft--;
    return 0;
  }

  #consumers(input: RdbInput): number {
    this.#consumersLeft = input.length();
    this.#awaitsConsumers = false;
    return this.#consumersLeft;
  }

  /** Reads the beginning of a consumer; how many IDs are to come. */
  #oneConsumer(input: RdbInput): number {
    const name = this.#name;
    const { groups } = this.streams;
    input.string(name);
    const seenMs = readTime(input);
    // The best that can be said of one who was written without it.
    const activeMs = this.#type === RDB_TYPE_STREAM_LISTPACKS_3 ? readTime(input) : seenMs;
    const pending = input.length();
    if (pending > this.#unassigned) throw input.error(`the consumer '${name}' has more pending than its group`);
    if (this.#home !== null) {
      if (groups.findConsumer(this.#group, name.bytes, name.start, name.length) !== 0) {
        throw input.error(`Duplicate stream consumer detected: the group has '${name}' twice`);
      }
      const { bytes, start, length } = name;
      this.#consumer = groups.createConsumer(this.#body, this.#group, bytes, start, length, seenMs);
      groups.setActive(this.#consumer, activeMs);
    }
    this.#consumersLeft--;
    this.#idsLeft = pending;
    return pending;
  }

  #pendingId(input: RdbInput): number {
    const id = this.#id.readBytes(input.bytes, input.take(ID_BYTES));
    if (this.#home !== null && !this.streams.groups.assignPending(this.#body, this.#group, this.#consumer, id)) {
      const fault = "is pending for a consumer, but not in its group, or for another";
      throw input.error(`Stream consumer PEL entry already has a consumer assigned: the entry ${id} ${fault}`);
    }
    this.#idsLeft--;
    this.#unassigned--;
    return 0;
  }

  #checkAssigned(input: RdbInput): void {
    if (this.#unassigned > 0) throw input.error("a stream's group has a pending entry that is no consumer's");
  }
}

function readId(input: RdbInput, into: StreamId): StreamId {
  input.longLength();
  into.msHigh = input.high;
  into.msLow = input.low;
  input.longLength();
  into.seqHigh = input.high;
  into.seqLow = input.low;
  return into;
}

function readTime(input: RdbInput): number {
  const low = input.int32() >>> 0;
  return input.int32() * TWO_32 + low;
}
