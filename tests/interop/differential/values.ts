/** Random arguments: keys, fields, integers, floats and bytes, with a liking for the edges of what is allowed. */

import type { Random } from "../../integration/data_set.ts";

const INTEGERS = [
  ..."0 -0 00 1 -1 127 128 -128 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608 -8388608".split(" "),
  ..."-8388609 2147483647 2147483648 -2147483648 -2147483649 4294967296 9007199254740991 9007199254740992".split(" "),
  ..."-9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809".split(" "),
  ..."+1 1.0 01 - 1e3 0x10 inf 12345678901234567890 18446744073709551615 18446744073709551616".split(" "),
  "",
  " 1",
  "1 ",
  "1\0",
];

const FLOATS = "nan -inf 1e400 1e-400 .5 5. 1e4931 0x1.8p-3 1e 0x 3.0e+2 1e5000 infinity -0.0 1_0".split(" ");

/** Lengths at which an encoding, a header or a size class changes. */
const LENGTHS = [0, 1, 11, 12, 20, 21, 43, 44, 45, 63, 64, 65, 127, 128, 255, 256, 4095, 4096, 16383, 16384, 20_000];

const PATTERNS = ["*", "f*", "?", "[a-c]", "[^a]*", "\\*", "*\\", "field:[0-4]", "[", "[a", "", "a", "**n*", "[z-a]"];

/** What keys are for. */
export const KINDS = ["string", "hash", "list", "set", "zset", "stream", "hll", "bits", "geo"] as const;
export type Kind = typeof KINDS[number];

/** The key with points at the same place, which goes under no other name. */
export const SAME_PLACES_KEY = "same";

const KEYS: Readonly<Record<Kind, readonly string[]>> = {
  string: ["a", "b", "c", "", "bin\0\r\n\xff", "n1", "n2", "f1", "f2", "k".repeat(300)],
  hash: ["h1", "h2", "h3", "{h}4"],
  list: ["l1", "l2", "l3"],
  set: ["s1", "s2", "s3", "s4"],
  zset: ["z1", "z2", "z3", "z4"],
  stream: ["x1", "x2", "x3"],
  hll: ["p1", "p2", "p3"],
  bits: ["b1", "b2", "b3"],
  geo: ["g1", "g2", SAME_PLACES_KEY],
};

const MIXED_KEYS = ["k1", "k2", "k3", "k4", "k5", "k6"];

export class Values {
  /** How many different fields, members and elements there are. */
  fieldSpace = 8;
  /** Whether a key may at times be of another kind than it is asked for. */
  hasStrangers = true;
  /**
   * Most elements that a command gives at once: 7.2 makes a table at once where more are given than a listpack may have,
   * be they the same or not, and 7.0 only where they are more in the end.
   */
  mostElements = 60;
  /** Whether all kinds of values have the same few keys. */
  isMixed = false;
  #relative = 0;

  constructor(readonly random: Random) {}

  below(limit: number): number {
    return this.random.below(limit);
  }

  of<T>(choices: readonly T[]): T {
    return this.random.of(choices);
  }

  /** Whether something that happens once in `times` happens. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One to `most` of something. */
  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }

  /** Elements to be added: few, at times as many as may be. */
  elements<T>(make: () => T): T[] {
    return this.some(this.once(8) ? this.mostElements : Math.min(4, this.mostElements), make);
  }

  /** Words that are there once in `times`. */
  maybe(times: number, ...words: string[]): string[] {
    return this.once(times) ? words : [];
  }

  /** Those of the words that are there once in four, in some mixture of cases. */
  options(...words: string[]): string[] {
    return words.filter(() => this.once(4)).map((word) => this.anyCase(word));
  }

  /** A key for values of a kind; now and then of another. */
  key(kind: Kind): string {
    if (this.isMixed) return this.of(MIXED_KEYS);
    return this.of(KEYS[this.hasStrangers && this.once(20) ? this.of(KINDS) : kind]);
  }

  /** A key of any kind. */
  anyKey(): string {
    const key = this.key(this.of(KINDS));
    return key === SAME_PLACES_KEY ? "g1" : key;
  }

  keys(kind: Kind, most: number): string[] {
    return this.some(most, () => this.key(kind));
  }

  anyKeys(): string[] {
    return this.some(4, () => this.anyKey());
  }

  /** An index, mostly near an end, at times far out or none. */
  index(): string {
    if (this.once(20)) return this.integer();
    return String(this.below(this.once(3) ? 300 : 14) * (this.once(2) ? -1 : 1));
  }

  /** A count, mostly small, at times zero, negative, huge or none. */
  count(): string {
    return this.once(12) ? this.integer() : String(this.below(this.once(6) ? 200 : 6));
  }

  binary(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.below(256));
    return text;
  }

  integer(): string {
    switch (this.below(3)) {
      case 0:
        return String(this.below(300) - 150);
      case 1:
        return this.of(INTEGERS);
      default:
        return String(this.below(2 ** 32) - 2 ** 31);
    }
  }

  float(): string {
    switch (this.below(6)) {
      case 0:
        return String(this.below(20_000) / 100 - 100);
      case 1:
        return `${this.below(1e9)}.${this.below(1e6)}`;
      case 2:
        return `${this.below(1000) - 500}e${this.below(40) - 20}`;
      case 3:
        return `${this.below(2 ** 31)}${this.below(2 ** 31)}.${this.below(2 ** 31)}`;
      case 4:
        return this.of(INTEGERS);
      default:
        return this.of(FLOATS);
    }
  }

  field(): string {
    switch (this.below(5)) {
      case 0:
        return this.integer();
      case 1:
        return this.binary(this.below(4));
      case 2:
        return this.of(["n1", "n2", "f1", "f2", "f3"]);
      case 3:
        return String(this.below(this.fieldSpace));
      default:
        return `field:${this.below(this.fieldSpace)}`;
    }
  }

  value(): string {
    switch (this.below(6)) {
      case 0:
        return this.integer();
      case 1:
        return this.float();
      case 2:
        return this.binary(this.below(20));
      case 3:
        return "v".repeat(this.below(70));
      case 4:
        return this.once(10) ? this.of(["w", "ab", "\xff\0"]).repeat(this.of(LENGTHS)) : "x";
      default:
        return this.of(["", "hello world", "ohmytext", "mynewtext"]);
    }
  }

  pattern(): string {
    if (this.once(2)) return this.of(PATTERNS);
    const letters = [..."abcfhn12*?[]^-\\"];
    return Array.from({ length: this.below(7) }, () => this.of(letters)).join("");
  }

  /** A word in some mixture of cases. */
  anyCase(word: string): string {
    if (this.once(2)) return word;
    return [...word].map((letter) => this.once(2) ? letter.toLowerCase() : letter.toUpperCase()).join("");
  }

  /**
   * Seconds to live that none before had nearly, as the two servers do not run the same command in the same
   * millisecond; long enough that nothing expires meanwhile.
   */
  seconds(): number {
    return 10_000 + 200 * ((this.#relative++ * 7919) % 100_003);
  }

  /** A relative expiry in units of 1/`perSecond` s, or one that cannot be. */
  relative(perSecond: number): string {
    if (!this.once(4)) return String(this.seconds() * perSecond);
    return this.of(["0", "-1", "-0", "x", "", " 1", "1e3", "9223372036854775807", "9223372036854775", "-10000000"]);
  }

  /** An absolute expiry: past, far ahead, or one that cannot be. */
  absolute(perSecond: number): string {
    if (!this.once(4)) return String((4_000_000_000 + this.below(1000)) * perSecond);
    return this.of(["0", "1", "-1", "x", "", "1000", "9223372036854775807", "9223372036854775808", "92233720368547"]);
  }
}
