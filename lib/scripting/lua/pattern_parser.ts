/**
 * Reads patterns. A pattern has neither alternatives nor groups that repeat: it is a row of nodes, which a match passes one
 * after the other. What is wrong with it a script learns only when a match gets there, so that is a node too, and the last.
 */

import {
  ANY,
  type CharacterSet,
  classNamed,
  endOfSet,
  isDisjoint,
  NONE,
  ONLY_END,
  setBetween,
  singleton,
  union,
  withEnd,
} from "./character_sets.ts";

/** What a node is, and what matches it. */
export const DONE = 0; // nothing more is needed
export const TEXT = 1; // the node's text
export const ONE = 2; // a character of the node's set
export const MOST = 3; // `*`, `+` and `?`: as many of them as there are
export const LEAST = 4; // `-`: as few as will do
export const OPEN = 5; // a capture begins
export const CLOSE = 6; // a capture ends
export const POSITION = 7; // `()`
export const SAME = 8; // `%1`: what was captured
export const BALANCE = 9; // `%b()`: the node's set has the first, its text is both
export const FRONTIER = 10; // `%f[set]`: a character outside of the set, and then one in it
export const END = 11; // `$`
export const FAULT = 12; // the node's text is an error

/** Most captures of a pattern. */
export const MOST_CAPTURES = 32;
/** A pattern with more nodes than this is not for matching; each takes some hundred bytes. */
const MOST_NODES = 10_000;
const COMPLEX = "pattern too complex";

const PERCENT = 0x25;
const ZERO = 0x30;
const DIGITS = 10;
/** More than any text has. */
const UNLIMITED = 2 ** 30 - 1;

/** One of the steps of a pattern. As none repeats, each that leaves a choice can keep its own. */
export class PatternNode {
  /** Where a node that repeats has come to: behind the last character that it has taken. */
  at = 0;
  /** Where it has taken as few as it may. */
  floor = 0;
  /** The place of the last node before this one that leaves a choice; -1 if there is none. */
  back = -1;
  /** What the next character must be for the nodes behind this one, if that is known. */
  follow: CharacterSet | null = null;
  /** The text that must come next, if that is known. */
  followText = "";
  /** Whether a repetition need never give back what it has taken, as what follows could not begin there. */
  isPossessive = false;

  constructor(
    readonly kind: number,
    readonly set: CharacterSet,
    readonly text: string,
    /** The capture of which this is part; of a repetition how many characters there must be. */
    readonly index: number,
    /** How many characters there may be. */
    readonly most: number,
  ) {}
}

/** How a capture of a pattern ends. */
export const WITHOUT_END = 0;
export const WITH_END = 1;
export const IS_POSITION = 2;

/** A pattern as a row of nodes. */
export interface Pattern {
  readonly nodes: readonly PatternNode[];
  /** One of the three kinds for each capture. */
  readonly captures: readonly number[];
  /** Whether it matches at the start only. */
  readonly isAnchored: boolean;
  /** The text that is all of it; null if it is anything else. */
  readonly plain: string | null;
  /** What each match begins with, if that is known: a text, or a character of a set. */
  readonly lead: string;
  readonly first: CharacterSet | null;
  /** A text that is in each match, where it pays to look whether it comes at all; else empty. */
  readonly required: string;
  /** The node before the end, if there is no other, and it takes one character of a set or a run of them. */
  readonly only: PatternNode | null;
}

/** A pattern at whose beginning `^` is an anchor, as all functions but `gmatch` have it. */
export function parsePattern(text: string): Pattern {
  const isAnchored = text.startsWith("^");
  return new PatternParser(text, isAnchored ? 1 : 0).parse(isAnchored);
}

/** A pattern in which `^` is a character like others. */
export function parseWithoutAnchor(text: string): Pattern {
  return new PatternParser(text, 0).parse(false);
}

class PatternParser {
  readonly #text: string;
  readonly #nodes: PatternNode[] = [];
  readonly #captures: number[] = [];
  /** Characters that stand for themselves, of which no node has been made so far. */
  #literal = "";
  #at: number;

  constructor(text: string, at: number) {
    // To Redis's Lua a pattern is a string of C.
    const nul = text.indexOf("\0");
    this.#text = nul < 0 ? text : text.slice(0, nul);
    this.#at = at;
  }

  parse(isAnchored: boolean): Pattern {
    let isSound = true;
    while (isSound && this.#at < this.#text.length) {
      isSound = this.#nodes.length < MOST_NODES ? this.#item() : this.#fault(COMPLEX);
    }
    if (isSound) this.#add(DONE);
    const nodes = this.#nodes;
    link(nodes);
    return {
      nodes,
      captures: this.#captures,
      isAnchored,
      plain: !isAnchored && nodes.length === 2 && nodes[0].kind === TEXT && isSound ? nodes[0].text : null,
      lead: nodes[0].kind === TEXT ? nodes[0].text : "",
      first: leadOf(nodes[0]),
      required: isSound ? requiredOf(nodes) : "",
      only: isOnly(nodes) ? nodes[0] : null,
    };
  }

  /** Reads one item; false if the pattern is of no use from there on. */
  #item(): boolean {
    const text = this.#text;
    const at = this.#at;
    switch (text[at]) {
      case "(":
        return this.#openCapture(text[at + 1] === ")");
      case ")":
        return this.#closeCapture();
      case "$":
        if (at + 1 < text.length) return this.#character();
        this.#at++;
        return this.#add(END);
      case "%":
        return this.#escape();
      default:
        return this.#character();
    }
  }

  #escape(): boolean {
    const text = this.#text;
    const name = text[this.#at + 1];
    if (name === "b") return this.#balance();
    if (name === "f") return this.#frontier();
    const digit = text.charCodeAt(this.#at + 1) - ZERO;
    if (!(digit >= 0 && digit < DIGITS)) return this.#character();
    const index = digit - 1;
    const kind = this.#captures[index] ?? WITHOUT_END; // there is none with index -1
    if (kind === WITHOUT_END) return this.#fault("invalid capture index");
    this.#at += 2;
    // A position is of a length that no text has, so it never comes again.
    return kind === IS_POSITION ? this.#add(ONE, NONE) : this.#add(SAME, ANY, "", index);
  }

  #openCapture(isPosition: boolean): boolean {
    const index = this.#captures.length;
    if (index === MOST_CAPTURES) return this.#fault("too many captures");
    this.#captures.push(isPosition ? IS_POSITION : WITHOUT_END);
    this.#at += isPosition ? 2 : 1;
    return this.#add(isPosition ? POSITION : OPEN, ANY, "", index);
  }

  #closeCapture(): boolean {
    const index = this.#captures.lastIndexOf(WITHOUT_END);
    if (index < 0) return this.#fault("invalid pattern capture");
    this.#captures[index] = WITH_END;
    this.#at++;
    return this.#add(CLOSE, ANY, "", index);
  }

  #balance(): boolean {
    const pair = this.#text.slice(this.#at + 2, this.#at + 4);
    if (pair.length < 2) return this.#fault("unbalanced pattern");
    this.#at += 4;
    return this.#add(BALANCE, singleton(pair.charCodeAt(0)), pair);
  }

  #frontier(): boolean {
    const open = this.#at + 2;
    if (this.#text[open] !== "[") return this.#fault("missing '[' after '%f' in pattern");
    const end = endOfSet(this.#text, open);
    if (end < 0) return this.#fault("malformed pattern (missing ']')");
    this.#at = end + 1;
    return this.#add(FRONTIER, setBetween(this.#text, open, end));
  }

  /** A character, class or set, and how often it comes. */
  #character(): boolean {
    const text = this.#text;
    let at = this.#at;
    let code = text.charCodeAt(at);
    let set: CharacterSet | undefined;
    if (code === PERCENT) {
      if (++at === text.length) return this.#fault("malformed pattern (ends with '%')");
      code = text.charCodeAt(at);
      set = classNamed(code);
    } else if (text[at] === ".") {
      set = ANY;
    } else if (text[at] === "[") {
      const open = at;
      at = endOfSet(text, open);
      if (at < 0) return this.#fault("malformed pattern (missing ']')");
      set = setBetween(text, open, at);
    }
    this.#at = at + 1;
    return this.#repeated(code, set);
  }

  #repeated(code: number, set: CharacterSet | undefined): boolean {
    const suffix = this.#text[this.#at];
    if (suffix === "*" || suffix === "+" || suffix === "?" || suffix === "-") {
      this.#at++;
      const most = suffix === "?" ? 1 : UNLIMITED;
      return this.#add(suffix === "-" ? LEAST : MOST, set ?? singleton(code), "", suffix === "+" ? 1 : 0, most);
    }
    if (set !== undefined) return this.#add(ONE, set);
    this.#literal += String.fromCharCode(code);
    return true;
  }

  #fault(message: string): false {
    this.#add(FAULT, ANY, message);
    return false;
  }

  #add(kind: number, set: CharacterSet = ANY, text = "", index = 0, most = 1): true {
    if (this.#literal !== "") this.#nodes.push(new PatternNode(TEXT, ANY, this.#literal, 0, 1));
    this.#literal = "";
    this.#nodes.push(new PatternNode(kind, set, text, index, most));
    return true;
  }
}

/** Tells each node what follows it, and where to go back to. */
function link(nodes: readonly PatternNode[]): void {
  for (let i = nodes.length - 2; i >= 0; i--) {
    const node = nodes[i];
    const next = nodes[i + 1];
    node.follow = leadOf(next);
    node.followText = next.kind === TEXT ? next.text : isTransparent(next) ? next.followText : "";
    node.isPossessive = node.kind === MOST && node.follow !== null && isDisjoint(node.set, node.follow);
  }
  let back = -1;
  for (const [i, node] of nodes.entries()) {
    node.back = back;
    if (node.kind === LEAST || (node.kind === MOST && !node.isPossessive)) back = i;
  }
}

/** Whether a node takes no characters, and is passed always. */
function isTransparent(node: PatternNode): boolean {
  return node.kind === OPEN || node.kind === CLOSE || node.kind === POSITION;
}

/** What must come next for a node, and those behind it, to be passed; null if that is not known. */
function leadOf(node: PatternNode): CharacterSet | null {
  switch (node.kind) {
    case TEXT:
      return singleton(node.text.charCodeAt(0));
    case ONE:
    case BALANCE:
      return node.set;
    case MOST:
    case LEAST:
      if (node.index > 0) return node.set;
      return node.follow === null ? null : union(node.set, node.follow);
    case OPEN:
    case CLOSE:
    case POSITION:
      return node.follow;
    case FRONTIER:
      return node.set[0] === 0 ? node.set : withEnd(node.set); // the end is a character 0 to it
    case END:
      return ONLY_END;
    default:
      return null;
  }
}

/** The longest text behind a repetition: where it comes nowhere, none of the ways to repeat need be tried. */
function requiredOf(nodes: readonly PatternNode[]): string {
  let required = "";
  let isRepeating = false;
  for (const { kind, text } of nodes) {
    if (kind === MOST || kind === LEAST) isRepeating = true;
    else if (kind === TEXT && isRepeating && text.length > required.length) required = text;
  }
  return required;
}

/** Whether a pattern is nothing but a set, be it of one character or of a run. */
function isOnly(nodes: readonly PatternNode[]): boolean {
  const [{ kind, index, most }, next] = nodes;
  return next?.kind === DONE && (kind === ONE || (kind === MOST && index === 1 && most > 1));
}
