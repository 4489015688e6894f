/**
 * Matches Lua's patterns. A match goes from node to node of its pattern, and where one does not match, back to the last one
 * that leaves a choice. Each node comes but once in that row and keeps its own place, so there is neither a stack nor
 * recursion, however long pattern and subject are; and what was captured behind a choice is captured anew from there on.
 */

import { ANY, AT_END, type CharacterSet } from "./character_sets.ts";
import { LibraryError } from "./errors.ts";
import {
  BALANCE,
  CLOSE,
  DONE,
  END,
  FAULT,
  FRONTIER,
  IS_POSITION,
  LEAST,
  MOST,
  MOST_CAPTURES,
  ONE,
  OPEN,
  parsePattern,
  parseWithoutAnchor,
  type Pattern,
  type PatternNode,
  POSITION,
  SAME,
  TEXT,
  WITHOUT_END,
} from "./pattern_parser.ts";
import { TextCache } from "./text_cache.ts";
import type { LuaValue } from "./values.ts";

/**
 * Steps that a search may take, be they nodes or characters, before it is given up. With several repetitions a pattern takes
 * the length of its subject to the power of their number, and while it is matched nobody else is served, nor can the script
 * be killed. As many steps as these take some tenths of a second.
 */
const MOST_STEPS = 50_000_000;
/** To these come so many for each byte of the subject: what takes the same steps for each is as long as it must be. */
const STEPS_PER_BYTE = 8;
/** Bytes that the runtime looks through in the time of a step, when it looks for a text. */
const BYTES_PER_STEP_BITS = 3;

const ANCHORED = new TextCache(parsePattern);
const UNANCHORED = new TextCache(parseWithoutAnchor);

/** Where the captures of the last match begin and end: there is one match at a time. */
const starts = new Int32Array(MOST_CAPTURES);
const ends = new Int32Array(MOST_CAPTURES);

/** The pattern that a text is. What is wrong with it comes to light when it is matched. */
export function patternOf(text: string): Pattern {
  return ANCHORED.get(text);
}

/** The same for `gmatch`, to which `^` means nothing. */
export function patternWithoutAnchor(text: string): Pattern {
  return text.startsWith("^") ? UNANCHORED.get(text) : ANCHORED.get(text);
}

/** Looks for matches of a pattern in a subject. What it says of one is to be read before the next match of any pattern. */
export class Search {
  /** Where the match begins, and where it ends, from 0. */
  start = 0;
  end = 0;
  #stepsLeft: number;

  constructor(readonly pattern: Pattern, readonly subject: string) {
    this.#stepsLeft = MOST_STEPS + STEPS_PER_BYTE * subject.length;
  }

  /** Allows the next matches as many steps as if none had been taken. */
  renew(): void {
    this.#stepsLeft = MOST_STEPS + STEPS_PER_BYTE * this.subject.length;
  }

  /** Finds the first match at a place or behind it; if the pattern is anchored, only there. Behind the end there is none. */
  next(from: number): boolean {
    const { pattern, subject } = this;
    if (from > subject.length) return false;
    if (pattern.isAnchored) return this.#matches(0, from, from);
    if (pattern.only !== null) return this.#only(pattern.only, from);
    if (pattern.required !== "" && !subject.includes(pattern.required, from)) return false;
    if (pattern.lead !== "") return this.#nextText(pattern.lead, from);
    const { first } = pattern;
    const { length } = subject;
    for (let at = from; at <= length; at++) {
      if (first !== null) {
        while (at < length && first[subject.charCodeAt(at)] === 0) at++;
        if (at === length && first[AT_END] === 0) return false;
      }
      if (this.#matches(0, at, at)) return true;
    }
    return false;
  }

  /** The text of the match. */
  whole(): string {
    return this.subject.slice(this.start, this.end);
  }

  /** What was captured, by its index from 0; without captures the match is the first one. */
  capture(index: number): string | number {
    const { captures } = this.pattern;
    if (index >= captures.length) {
      if (index > 0) throw new LibraryError("invalid capture index");
      return this.whole();
    }
    const kind = captures[index];
    if (kind === WITHOUT_END) throw new LibraryError("unfinished capture");
    return kind === IS_POSITION ? starts[index] + 1 : this.subject.slice(starts[index], ends[index]);
  }

  /** Appends all captures to a list, or the match, if there are none. */
  captures(values: LuaValue[]): LuaValue[] {
    const count = this.pattern.captures.length;
    if (count === 0) values.push(this.whole());
    for (let index = 0; index < count; index++) values.push(this.capture(index));
    return values;
  }

  /** The next match of a pattern that begins with a text. */
  #nextText(lead: string, from: number): boolean {
    const { subject } = this;
    const steps = lead.length >> BYTES_PER_STEP_BITS;
    for (let at = subject.indexOf(lead, from); at >= 0; at = subject.indexOf(lead, at + 1)) {
      this.#stepsLeft -= steps;
      if (this.#matches(1, at, at + lead.length)) return true;
    }
    return false;
  }

  /** The next match of a pattern that is nothing but characters of a set. */
  #only(node: PatternNode, from: number): boolean {
    const { subject } = this;
    const { set } = node;
    const { length } = subject;
    let at = from;
    while (at < length && set[subject.charCodeAt(at)] === 0) at++;
    if (at === length) return false;
    this.start = at++;
    if (node.kind === MOST) { while (at < length && set[subject.charCodeAt(at)] !== 0) at++; }
    this.end = at;
    return true;
  }

  /** Whether there is a match that begins at `start`; the nodes before `place` are passed, up to `at`. */
  #matches(place: number, start: number, at: number): boolean {
    const { nodes } = this.pattern;
    for (;;) {
      const node = nodes[place];
      if (node.kind === DONE) {
        this.start = start;
        this.end = at;
        return true;
      }
      at = this.#enter(node, at);
      if (at < 0) {
        let back = node.back;
        while (back >= 0 && (at = this.#retry(nodes[back])) < 0) back = nodes[back].back;
        if (back < 0) return false;
        place = back;
      }
      place++;
    }
  }

  /** Where a node ends that begins at a place; -1 where it does not match. */
  #enter(node: PatternNode, at: number): number {
    if (--this.#stepsLeft < 0) throw new LibraryError("pattern too complex");
    const { subject } = this;
    switch (node.kind) {
      case TEXT:
        return this.#text(node.text, at);
      case ONE:
        return at < subject.length && node.set[subject.charCodeAt(at)] !== 0 ? at + 1 : -1;
      case MOST:
        return this.#most(node, at);
      case LEAST:
        node.at = at;
        return this.#rise(node);
      case OPEN:
        starts[node.index] = at;
        return at;
      case CLOSE:
        ends[node.index] = at;
        return at;
      case POSITION:
        starts[node.index] = at;
        return at;
      case END:
        return at === subject.length ? at : -1;
      default:
        return this.#enterRare(node, at);
    }
  }

  #enterRare(node: PatternNode, at: number): number {
    switch (node.kind) {
      case SAME:
        return this.#same(starts[node.index], ends[node.index], at);
      case BALANCE:
        return this.#balance(node.text, at);
      case FRONTIER:
        return isFrontier(node.set, this.subject, at) ? at : -1;
      case FAULT:
        throw new LibraryError(node.text);
      default:
        throw new TypeError(`a pattern has no nodes of kind ${node.kind}`);
    }
  }

  /** The next choice of a node: where it ends then, or -1 if there is none left. */
  #retry(node: PatternNode): number {
    if (--this.#stepsLeft < 0) throw new LibraryError("pattern too complex");
    if (node.kind === MOST) {
      node.at--;
      return this.#fall(node);
    }
    const { subject } = this;
    if (node.at >= subject.length || node.set[subject.charCodeAt(node.at)] === 0) return -1;
    node.at++;
    return this.#rise(node);
  }

  #text(text: string, at: number): number {
    const { subject } = this;
    const { length } = text;
    if (at + length > subject.length) return -1;
    let i = 0;
    while (i < length && subject.charCodeAt(at + i) === text.charCodeAt(i)) i++;
    this.#stepsLeft -= i;
    return i === length ? at + length : -1;
  }

  #most(node: PatternNode, start: number): number {
    const { subject } = this;
    const { set } = node;
    const limit = Math.min(start + node.most, subject.length);
    let at = start;
    if (set === ANY) at = limit;
    else while (at < limit && set[subject.charCodeAt(at)] !== 0) at++;
    this.#stepsLeft -= at - start;
    const floor = start + node.index;
    if (node.isPossessive || at < floor) return at < floor ? -1 : at;
    node.at = at;
    node.floor = floor;
    return this.#fall(node);
  }

  /** Gives back what a repetition has taken, until what follows can begin there. */
  #fall(node: PatternNode): number {
    const { subject } = this;
    const { follow, floor } = node;
    let { at } = node;
    if (follow !== null) {
      if (at === subject.length && follow[AT_END] === 0) at--;
      if (at < subject.length) { while (at >= floor && follow[subject.charCodeAt(at)] === 0) at--; }
      this.#stepsLeft -= node.at - at;
      node.at = at;
    }
    return at >= floor ? at : -1;
  }

  /** Lets a repetition take more, until what follows can begin there. */
  #rise(node: PatternNode): number {
    const { follow } = node;
    if (follow === null) return node.at;
    const { subject } = this;
    const { set } = node;
    const { length } = subject;
    const start = node.at;
    let at = start;
    if (set === ANY && node.followText !== "") {
      at = subject.indexOf(node.followText, start);
      node.at = at < 0 ? length : at;
      this.#stepsLeft -= (node.at - start) >> BYTES_PER_STEP_BITS;
      return at;
    }
    let isTaken = true;
    while (at < length && follow[subject.charCodeAt(at)] === 0 && isTaken) {
      isTaken = set[subject.charCodeAt(at)] !== 0;
      at++;
    }
    this.#stepsLeft -= at - start;
    node.at = at;
    return isTaken && (at < length || follow[AT_END] !== 0) ? at : -1;
  }

  #same(from: number, to: number, at: number): number {
    const { subject } = this;
    const length = to - from;
    if (at + length > subject.length) return -1;
    let i = 0;
    while (i < length && subject.charCodeAt(at + i) === subject.charCodeAt(from + i)) i++;
    this.#stepsLeft -= i;
    return i === length ? at + length : -1;
  }

  #balance(pair: string, start: number): number {
    const { subject } = this;
    const { length } = subject;
    const opening = pair.charCodeAt(0);
    const closing = pair.charCodeAt(1);
    if (start >= length || subject.charCodeAt(start) !== opening) return -1;
    let depth = 1;
    let at = start + 1;
    for (; at < length; at++) {
      const code = subject.charCodeAt(at);
      // Where both are the same, it closes.
      if (code === closing) {
        if (--depth === 0) break;
      } else if (code === opening) {
        depth++;
      }
    }
    this.#stepsLeft -= at - start;
    return at < length ? at + 1 : -1;
  }
}

/** Whether a set begins at a place; around the subject there are characters 0. */
function isFrontier(set: CharacterSet, subject: string, at: number): boolean {
  const before = at === 0 ? 0 : subject.charCodeAt(at - 1);
  const after = at === subject.length ? 0 : subject.charCodeAt(at);
  return set[before] === 0 && set[after] !== 0;
}
