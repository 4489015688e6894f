/**
 * What a client sends: requests of all families, drawn by chance. Values are mostly small, so that requests are cheap, and
 * now and then large, so that each type has all of its encodings and a snapshot is under way while large values change.
 */

import { unixMs } from "../../lib/runtime/clock.ts";
import type { Chance } from "./chance.ts";
import { counterField, FIELDS, inOther, type Key, KEYSPACES, type Kind } from "./keys.ts";
import * as hashes from "./model/hashes.ts";
import * as keys from "./model/keys.ts";
import * as lists from "./model/lists.ts";
import * as logs from "./model/logs.ts";
import type { Operation, State } from "./model/operations.ts";
import * as sets from "./model/sets.ts";
import * as sortedSets from "./model/sorted_sets.ts";
import * as streams from "./model/streams.ts";
import * as strings from "./model/strings.ts";
import { idText, type ListValue, type StreamValue } from "./model/values.ts";

const [HERE] = KEYSPACES;
const TEXTS = [...HERE.of.string, ...HERE.of.number];
/** Members of sets and sorted sets, elements of HyperLogLogs: so many different ones, and those that are used mostly. */
const MEMBERS = 700;
const COMMON_MEMBERS = 30;
/** Elements that are added at a time, once in a while. */
const MANY = 200;
/** Lists and streams that are longer are cut. */
const LONGEST = 600;
const GROUPS = ["g1", "g2"];
const CONSUMERS = ["alice", "bob", "carol"];
/** How far bits and bytes of strings are changed, in bytes. */
const BIT_BYTES = 60;

/** Of a hundred requests about keys of a kind, so many; the others are about keys as such. */
const SHARES: readonly (readonly [Kind | "expiry" | "key", number])[] = [
  ["string", 18],
  ["number", 5],
  ["hash", 13],
  ["list", 13],
  ["set", 11],
  ["sorted set", 11],
  ["places", 3],
  ["stream", 12],
  ["log", 2],
  ["expiry", 6],
  ["key", 6],
];

export class Traffic {
  /** What DUMP gave last. */
  #dump: keys.Dump | null = null;
  readonly #kinds = SHARES.flatMap(([kind, share]) => new Array<Kind | "expiry" | "key">(share).fill(kind));

  /** `database` is the server's number of the client's first database. */
  constructor(readonly chance: Chance, readonly database: number) {}

  /** A request, which may be about what is there. */
  draw(state: State): Operation {
    const { chance } = this;
    const kind = chance.of(this.#kinds);
    switch (kind) {
      case "string":
        return this.#ofString(chance.of(HERE.of.string));
      case "number":
        return strings.increase(chance.of(HERE.of.number), chance.below(1000) - 300);
      case "hash":
        return this.#ofHash(chance.of(HERE.of.hash));
      case "list":
        return this.#ofList(chance.of(HERE.of.list), state);
      case "set":
        return this.#ofSet(chance.of(HERE.of.set));
      case "sorted set":
        return this.#ofSortedSet(chance.of(HERE.of["sorted set"]));
      case "places":
        return this.#ofPlaces(chance.of(HERE.of.places));
      case "stream":
        return this.#ofStream(chance.of(HERE.of.stream), state);
      case "log":
        return this.#ofLog(chance.of(HERE.of.log));
      case "expiry":
        return this.#ofExpiry(chance.of(HERE.all));
      case "key":
        return this.#ofKey(chance.of(HERE.all));
    }
  }

  // --- By type --------------------------------------------------------------------------------------------------------

  #ofString(key: Key): Operation {
    const { chance } = this;
    const draw = chance.below(34);
    if (draw < 6) return strings.get(chance.of(TEXTS));
    if (draw < 12) return strings.set(key, this.#value());
    if (draw < 14) return strings.setAndGet(key, this.#value());
    if (draw < 16) return strings.setNew(key, this.#value());
    if (draw < 18) return strings.append(key, this.#value(50));
    if (draw < 20) return strings.setRange(key, chance.below(60), this.#value(50));
    if (draw < 21) return strings.getAndDelete(key);
    if (draw < 26) return strings.setFor(key, this.#value(), 1 + chance.below(chance.of([20, 2000, 20_000])));
    return this.#ofBits(draw, key);
  }

  #ofBits(draw: number, key: Key): Operation {
    const { chance } = this;
    if (draw < 28) return strings.setBit(key, chance.below(8 * BIT_BYTES), chance.of([0, 1]));
    if (draw < 29) return strings.getBit(key, chance.below(8 * BIT_BYTES));
    if (draw < 30) return strings.countBits(key);
    if (draw < 32) return strings.increaseByte(key, chance.below(BIT_BYTES), chance.below(200));
    const texts = HERE.of.string;
    return strings.combineBits(chance.of(["AND", "OR", "XOR"]), key, [chance.of(texts), chance.of(texts)]);
  }

  #ofHash(key: Key): Operation {
    const { chance } = this;
    const draw = chance.below(34);
    if (draw < 16) return hashes.setFields(key, this.#fields());
    if (draw < 21) return hashes.removeFields(key, this.#someFields());
    if (draw < 26) return hashes.increaseField(key, counterField(chance.below(FIELDS)), chance.below(100));
    if (draw < 30) return hashes.getField(key, chance.below(40));
    return draw < 32 ? hashes.getFields(key) : hashes.countFields(key);
  }

  #ofList(key: Key, state: State): Operation {
    const { chance } = this;
    const value = state[key.first]?.value as ListValue | undefined; // as lists are all that its key holds
    const length = value?.elements.length ?? 0;
    if (length > LONGEST) return lists.trim(key, chance.below(length), chance.of([-1, -1, -200]));
    const end = chance.of(["LEFT", "RIGHT"] as const);
    const draw = chance.below(40);
    if (draw < 11) return lists.push(key, this.#several(() => this.#value(30)), end);
    if (draw < 12) return lists.pushIfThere(key, this.#value(), end);
    if (draw < 15) return lists.pop(key, end, null);
    if (draw < 17) return lists.pop(key, end, chance.below(chance.of([4, length + 1])));
    if (draw < 24) return this.#ofElements(draw, key, value?.elements ?? []);
    if (draw < 25) return lists.trim(key, chance.below(3), chance.of([-1, -2, length >> 1]));
    if (draw < 29) return this.#movement(key);
    if (draw < 31) return lists.waitAndPop(key, end, this.#timeoutMs());
    if (draw < 33) return lists.popMultiple(key, end, 1 + chance.below(4), chance.of([null, this.#timeoutMs()]));
    if (draw < 34) return lists.sortInto(chance.of([...HERE.of.list, ...HERE.of.set]), key, chance.oneIn(2));
    if (draw < 36) return lists.countElements(key);
    if (draw < 38) return lists.getElement(key, chance.below(length + 2) - (length >> 1));
    return chance.oneIn(6) ? lists.getElements(key, 0) : lists.getElements(key, -1 - chance.below(5));
  }

  /** Of elements that may be there. */
  #ofElements(draw: number, key: Key, elements: readonly string[]): Operation {
    const { chance } = this;
    const { length } = elements;
    const element = length > 0 && !chance.oneIn(5) ? chance.of(elements) : this.#value(30);
    if (draw < 19) return lists.insert(key, chance.of(["BEFORE", "AFTER"]), element, this.#value());
    if (draw < 21) return lists.setElement(key, chance.below(length + 2) - (length >> 1), this.#value());
    if (draw < 23) return lists.removeElements(key, chance.below(3) - 1, element);
    return lists.findElement(key, element);
  }

  #movement(key: Key): Operation {
    const { chance } = this;
    const [from, to] = [chance.of(["LEFT", "RIGHT"] as const), chance.of(["LEFT", "RIGHT"] as const)];
    const timeoutMs = chance.oneIn(3) ? this.#timeoutMs() : null;
    return lists.moveElement(key, chance.of(HERE.of.list), from, to, timeoutMs);
  }

  #ofSet(key: Key): Operation {
    const { chance } = this;
    const draw = chance.below(40);
    const others = HERE.of.set;
    if (draw < 14) return sets.addMembers(key, this.#several((isMany) => this.#member(isMany)));
    if (draw < 19) return sets.removeMembers(key, this.#several((isMany) => this.#member(isMany)));
    if (draw < 24) return sets.popMembers(key, chance.of([null, null, chance.below(chance.of([4, 4, MEMBERS]))]));
    if (draw < 27) return sets.moveMember(key, chance.of(others), this.#member());
    if (draw < 31) {
      const operator = chance.of(["UNION", "INTER", "DIFF"] as const);
      return sets.combineSets(operator, key, [chance.of(others), chance.of(others)]);
    }
    if (draw < 32) return sets.countCommon([key, chance.of(others)]);
    if (draw < 34) return sets.countMembers(key);
    if (draw < 37) return sets.hasMember(key, this.#member());
    return draw < 38 ? sets.getMembers(key) : sets.drawMembers(key, 1 + chance.below(5));
  }

  #ofSortedSet(key: Key): Operation {
    const { chance } = this;
    const draw = chance.below(44);
    if (draw < 13) {
      const added = this.#several((isMany) => ({ member: this.#member(isMany), score: this.#score() }));
      return sortedSets.addScored(key, added, chance.of([null, null, "NX", "XX", "GT", "LT"]));
    }
    if (draw < 17) return sortedSets.increaseScore(key, this.#member(), this.#score());
    if (draw < 20) return sortedSets.removeScored(key, this.#several((isMany) => this.#member(isMany)));
    if (draw < 21) return sortedSets.removeScores(key, this.#score(), this.#score());
    if (draw < 22) return sortedSets.removeRanks(key, chance.below(4), chance.below(chance.of([6, 200])));
    if (draw < 28) return this.#popOfSortedSet(draw, key);
    if (draw < 33) return this.#storedSortedSet(draw, key);
    if (draw < 34) return sortedSets.countScored(key);
    if (draw < 35) return sortedSets.countScores(key, this.#score(), this.#score());
    if (draw < 37) return sortedSets.getScore(key, this.#member());
    if (draw < 39) return sortedSets.getRank(key, this.#member(), chance.of(["ZRANK", "ZREVRANK"]));
    if (draw < 41) return sortedSets.getScores(key, this.#score(), this.#score(), chance.below(3), chance.below(10));
    return sortedSets.getRanks(key, chance.below(5), chance.below(chance.of([10, 10, 300])), chance.oneIn(2));
  }

  #popOfSortedSet(draw: number, key: Key): Operation {
    const { chance } = this;
    const extreme = chance.of(["MIN", "MAX"] as const);
    if (draw < 24) return sortedSets.popExtremes(key, extreme, 1 + chance.below(chance.of([3, 3, 200])));
    if (draw < 26) return sortedSets.waitAndPopExtreme(key, extreme, this.#timeoutMs());
    return sortedSets.popMultipleExtremes(key, extreme, 1 + chance.below(4), chance.of([null, this.#timeoutMs()]));
  }

  #storedSortedSet(draw: number, to: Key): Operation {
    const { chance } = this;
    const others = HERE.of["sorted set"];
    if (draw < 29) {
      return sortedSets.storeRanks(to, chance.of(others), chance.below(3), chance.below(chance.of([6, 400])));
    }
    const operator = chance.of(["UNION", "INTER", "DIFF"] as const);
    return sortedSets.combineScored(operator, to, [chance.of(others), chance.of(others)]);
  }

  #ofPlaces(key: Key): Operation {
    const { chance } = this;
    const places = sortedSets.PLACES_ON_GLOBE;
    const draw = chance.below(10);
    if (draw < 5) return sortedSets.addPlaces(key, this.#several(() => chance.of(places)).slice(0, places.length));
    if (draw < 7) return sortedSets.removeScored(key, [chance.of(places).name]);
    return sortedSets.storeNear(key, chance.of(HERE.of.places), chance.of([100, 1000, 2000, 10_000, 20_000]));
  }

  #ofStream(key: Key, state: State): Operation {
    const { chance } = this;
    const stream = state[key.first]?.value as StreamValue | undefined; // as streams are all that its key holds
    const length = stream?.entries.length ?? 0;
    if (length > LONGEST) return streams.trimStream(key, chance.below(length));
    const draw = chance.below(60);
    if (draw < 18) return this.#entry(key);
    if (draw < 21) return streams.deleteEntries(key, this.#idsOf(stream));
    if (draw < 22) return streams.trimStream(key, chance.below(length + 1));
    if (draw < 24) return streams.trimStreamAbout(key, chance.below(length + 1));
    if (draw < 26) return streams.countEntries(key);
    if (draw < 28) return streams.getEntries(key, 1 + chance.below(6), chance.of(["XRANGE", "XREVRANGE"]));
    if (draw < 30) {
      const [after] = this.#idsOf(stream);
      return streams.readAfter(key, after, 1 + chance.below(5), chance.of([null, this.#timeoutMs()]));
    }
    return this.#ofGroup(draw, key, stream);
  }

  #entry(key: Key): Operation {
    const { chance } = this;
    const fields = Array.from(
      { length: 2 * (1 + chance.below(3)) },
      (_, i) => i % 2 === 0 ? `f${i}` : this.#value(200),
    );
    if (chance.oneIn(3)) return streams.addEntryNow(key, fields);
    const most = chance.oneIn(12) ? chance.below(chance.of([20, 300])) : Infinity;
    return streams.addEntry(key, unixMs() - chance.below(chance.of([2, 2, 2000])) + 1, fields, most);
  }

  /** IDs of which most are of the stream, or were. */
  #idsOf(stream: StreamValue | undefined): string[] {
    const { chance } = this;
    const entries = stream?.entries ?? [];
    return Array.from(
      { length: 1 + chance.below(3) },
      () => entries.length === 0 || chance.oneIn(10) ? "7-7" : idText(chance.of(entries).id),
    );
  }

  #ofGroup(draw: number, key: Key, stream: StreamValue | undefined): Operation {
    const { chance } = this;
    const name = chance.of(GROUPS);
    const consumer = chance.of(CONSUMERS);
    const pending = stream?.groups.find((group) => group.name === name)?.pending ?? [];
    const ids = pending.length > 0 && !chance.oneIn(5)
      ? Array.from({ length: 1 + chance.below(3) }, () => idText(chance.of(pending).id))
      : this.#idsOf(stream);
    if (draw < 33) return streams.createGroup(key, name, chance.of(["0", "$"]));
    if (draw < 34) return streams.setGroup(key, name, chance.of(["0", "$"]));
    if (draw < 35) return chance.oneIn(3) ? streams.destroyGroup(key, name) : streams.countEntries(key);
    if (draw < 36) return streams.createConsumer(key, name, consumer);
    if (draw < 37) return chance.oneIn(2) ? streams.deleteConsumer(key, name, consumer) : streams.countEntries(key);
    if (draw < 46) {
      const count = 1 + chance.below(chance.of([3, 3, 3, MANY]));
      const blockMs = chance.oneIn(4) ? this.#timeoutMs() : null;
      return streams.readGroup(key, { group: name, consumer, count, blockMs, acknowledges: !chance.oneIn(8) });
    }
    if (draw < 48) return streams.readPending(key, name, consumer, 1 + chance.below(5));
    if (draw < 53) return streams.acknowledge(key, name, ids);
    if (draw < 55) return streams.claim(key, name, consumer, [...new Set(ids)]);
    if (draw < 58) return streams.claimFirst(key, name, consumer, 1 + chance.below(chance.of([4, 50])));
    return streams.summarizePending(key, name);
  }

  #ofLog(key: Key): Operation {
    const { chance } = this;
    const draw = chance.below(10);
    if (draw < 6) return logs.addToLog(key, this.#several((isMany) => this.#member(isMany)));
    return draw < 8 ? logs.countLog(key) : logs.mergeLogs(key, chance.of(HERE.of.log));
  }

  // --- Of any type ----------------------------------------------------------------------------------------------------

  #ofExpiry(key: Key): Operation {
    const { chance } = this;
    if (chance.oneIn(4)) return keys.persist(key);
    const atMs = unixMs() + chance.below(chance.of([200, 3000, 20_000])) - 100;
    return keys.expireAt(key, atMs, chance.of([null, null, null, "NX", "XX", "GT", "LT"]));
  }

  #ofKey(key: Key): Operation {
    const { chance, database } = this;
    if (chance.oneIn(3)) return keys.remove(key, chance.of(["DEL", "UNLINK"]));
    switch (chance.below(12)) {
      case 0:
      case 1:
        return keys.dump(key, (dump) => this.#dump = dump);
      case 2:
      case 3:
        if (this.#dump === null) return keys.dump(key, (dump) => this.#dump = dump);
        return keys.restore(this.#dump, chance.of([0, 0, 1 + chance.below(5000)]), !chance.oneIn(3));
      case 4:
      case 5:
        return this.#copy(key, !chance.oneIn(3));
      case 6:
      case 7:
        return this.#rename(key);
      case 8:
        return keys.move(key, database + 1);
      case 9:
        return keys.wait(chance.below(4), chance.of([1, 20, 200]));
      case 10:
        return chance.oneIn(3) ? keys.swapDatabases(database, database + 1) : strings.get(HERE.of.string[0]);
      default:
        return chance.oneIn(3) ? keys.flush(chance.of(["SYNC", "ASYNC"])) : strings.get(HERE.of.string[0]);
    }
  }

  /** A key that can have what this one has, itself among them. */
  #like(key: Key): Key {
    return this.chance.of(HERE.of[key.kind]);
  }

  #rename(key: Key): Operation {
    const to = this.#like(key);
    return to === key ? strings.get(HERE.of.string[0]) : keys.rename(key, to, this.chance.of(["RENAME", "RENAMENX"]));
  }

  #copy(key: Key, replaces: boolean): Operation {
    const to = this.#like(key);
    if (to !== key && this.chance.oneIn(2)) return keys.copy(key, to, this.database, replaces);
    return keys.copy(key, inOther(to), this.database + 1, replaces);
  }

  // --- Words ----------------------------------------------------------------------------------------------------------

  #fields(): ReadonlyMap<number, string> {
    const isMany = this.chance.oneIn(30);
    const count = isMany ? FIELDS / 2 : 1 + this.chance.below(4);
    const among = isMany ? FIELDS : 40;
    return new Map(Array.from({ length: count }, () => [this.chance.below(among), this.#value(60)] as const));
  }

  #someFields(): number[] {
    const isMany = this.chance.oneIn(30);
    const count = isMany ? FIELDS / 2 : 1 + this.chance.below(2);
    return Array.from({ length: count }, () => this.chance.below(isMany ? FIELDS : 40));
  }

  /** A few, seldom many. */
  #several<T>(make: (isMany: boolean) => T): T[] {
    const isMany = this.chance.oneIn(40);
    const count = isMany ? 1 + this.chance.below(MANY) : 1 + this.chance.below(3);
    return Array.from({ length: count }, () => make(isMany));
  }

  /** A member, one of few as a rule; integers by far, so that sets of them are there, too. */
  #member(isRare = this.chance.oneIn(10)): string {
    const number = this.chance.below(isRare ? MEMBERS : COMMON_MEMBERS);
    return isRare && this.chance.oneIn(8) ? `m${number}` : String(number * number * 37);
  }

  #score(): number {
    return this.chance.below(200) / 2 - 20;
  }

  /** How long to wait for a key, in ms. */
  #timeoutMs(): number {
    return 1 + this.chance.below(this.chance.of([5, 5, 5, 100]));
  }

  #value(most = 20_000): string {
    const length = this.chance.oneIn(40) ? this.chance.below(most) : this.chance.below(40);
    if (this.chance.oneIn(3)) return String(this.chance.below(1e6));
    const words = String.fromCharCode(97 + this.chance.below(26)) + this.chance.below(1e6);
    return words.repeat(Math.ceil(length / words.length)).slice(0, length);
  }
}
