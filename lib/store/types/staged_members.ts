/**
 * Members of one table that are loaded (members.ts), and wait to be put into it together, in the order of their hashes, as
 * keys do (see staged_keys.ts). That a member comes twice is found out then. Nobody else may use the table meanwhile, but to
 * free it. Used by the loaders of sets and hashes.
 */

import { copyBytes } from "../../bytes/compare.ts";
import { hashBytes } from "../../bytes/hash.ts";
import { EntryRun } from "../entry_run.ts";
import type { Heap } from "../heap.ts";
import { isOutOfRoom } from "../out_of_room.ts";
import { Members } from "./members.ts";

/** Members that wait, at most: some milliseconds of work. */
const MOST_MEMBERS = 2 ** 16;

export class StagedMembers {
  readonly #run = new EntryRun();
  readonly #twice: number[] = [];
  readonly #members: Members;
  #table = 0;

  constructor(readonly heap: Heap) {
    this.#members = new Members(heap);
  }

  /** Begins with a table of which all members are in place. */
  begin(table: number): void {
    this.#table = table;
    this.#run.clear(); // what came before may have been given up
  }

  /**
   * Adds a member with the bytes that are its value. Null, or the name of a member that is there twice, as a binary string.
   * Where there is no memory it throws, and the member is not added.
   */
  add(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): string | null {
    const run = this.#run;
    const twice = run.count < MOST_MEMBERS ? null : this.flush();
    run.makeRoom();
    const { entries } = this.heap;
    const member = this.#members.create(bytes, start, length, valueLength, false);
    if (valueLength > 0) copyBytes(value, valueStart, valueLength, entries.bytes(member), entries.valueStart(member));
    run.add(hashBytes(bytes, start, length), member);
    return twice;
  }

  /** Puts all that wait into the table. Returns as `add`; throws where there is no memory: then the rest is still waiting. */
  flush(): string | null {
    const run = this.#run;
    const { arena, entries, tables } = this.heap;
    if (run.next === 0) run.sort();
    tables.insertRun(this.#table, run, Infinity, this.#twice);
    run.clear();
    const [first] = this.#twice;
    if (first === undefined) return null;
    const name = entries.text(first, entries.keyStart(first), entries.keyLength(first));
    for (const member of this.#twice.splice(0)) arena.free(member);
    return name;
  }

  /** No more come: puts those that wait into the table, or where there is no memory, frees them. */
  giveUp(): void {
    try {
      this.flush();
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      const run = this.#run;
      for (; run.next < run.count; run.next++) this.heap.arena.free(run.refs[run.next]);
      for (const member of this.#twice.splice(0)) this.heap.arena.free(member);
      run.clear();
    }
  }
}
