/**
 * What a script has had from outside, in the order in which it had it: the replies to its commands above all. A script that
 * begins anew is handed the same again instead of calling a second time, and so comes to the place where it was left.
 */

import { copyBytes } from "../bytes/compare.ts";
import type { LuaValue } from "./lua/values.ts";

/** So much is noted at most; a script that has had more begins anew at once, and needs no notes from then on. */
const MOST_NOTES = 50_000;
const MOST_BYTES = 16 * 1024 * 1024;

/** Room for replies to begin with, and what of it is kept between runs. */
const FIRST_BYTES = 4096;
const KEPT_BYTES = 64 * 1024;

/** A reply that is no simple value, as RESP from `start` on. */
export class NotedReply {
  constructor(readonly bytes: Uint8Array, readonly start: number) {}
}

/** A command that was refused, with the error. */
export class NotedRefusal {
  constructor(readonly error: string) {}
}

export type Note = LuaValue | NotedReply | NotedRefusal;

/** The notes of one run. */
export class NotedCalls {
  readonly #notes: Note[] = [];
  /** Of each note, what must be the same when it is handed out. */
  readonly #marks: number[] = [];
  /** Replies, one behind the other, up to `#end`: a buffer for each would cost more than what is in it. */
  #replies = new Uint8Array(FIRST_BYTES);
  #end = 0;
  /** What the notes hold. */
  #bytes = 0;
  #at = 0;
  /** Whether what a script has is to be noted. */
  isNoting = false;
  /** Whether there is something left to be handed out again. */
  isHandingOut = false;

  /** A run begins. */
  begin(): void {
    this.forget();
    this.isNoting = true;
  }

  /** Nothing is to be noted any more, nor handed out. */
  forget(): void {
    if (this.#notes.length > 0) this.#notes.length = this.#marks.length = 0; // which takes time in any case
    this.#bytes = this.#at = this.#end = 0;
    if (this.#replies.length > KEPT_BYTES) this.#replies = new Uint8Array(FIRST_BYTES);
    this.isNoting = this.isHandingOut = false;
  }

  /** Whether there is no room for more. */
  get isFull(): boolean {
    return this.#notes.length >= MOST_NOTES || this.#bytes >= MOST_BYTES;
  }

  /** Notes what a call has given. `mark`: a number that the same call will have again. */
  add(note: Note, mark: number): void {
    this.#notes.push(note);
    this.#marks.push(mark);
    if (typeof note === "string") this.#bytes += note.length;
  }

  /** The same of a reply of `length` bytes, of which a copy is kept. */
  addReply(bytes: Uint8Array, length: number, mark: number): void {
    if (length > this.#replies.length - this.#end) {
      // What was noted before stays where it is.
      this.#replies = new Uint8Array(Math.max(2 * this.#replies.length, length));
      this.#end = 0;
    }
    copyBytes(bytes, 0, length, this.#replies, this.#end);
    this.add(new NotedReply(this.#replies, this.#end), mark);
    this.#end += length;
    this.#bytes += length;
  }

  /** The run begins anew. */
  handOut(): void {
    this.isNoting = false;
    this.#at = 0;
    this.isHandingOut = this.#notes.length > 0;
  }

  /** The next note. Throws where the call is another one than the one that had it. */
  next(mark: number): Note {
    const at = this.#at++;
    if (this.#marks[at] !== mark) throw new WentAnotherWay();
    const note = this.#notes[at];
    if (this.#at === this.#notes.length) this.forget();
    return note;
  }
}

/** A script that began anew has made another call than before. Nothing that scripts can do leads here; it would be ours. */
export class WentAnotherWay extends Error {
  override name = "WentAnotherWay";

  constructor() {
    super("a script that was begun anew went another way");
  }
}
