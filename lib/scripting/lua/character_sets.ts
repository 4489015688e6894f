/** Sets of characters, as patterns name them: the classes of C's `ctype.h` in the C locale, and what stands in brackets. */

/** One byte for each character, and for the end of the subject: 1 if it is in the set. */
export type CharacterSet = Uint8Array;

const CHARACTERS = 256;
/** What stands for the end of the subject in sets that say how something may begin. */
export const AT_END = CHARACTERS;
const PERCENT = 0x25;
const DASH = 0x2d;
const UPPER_CASE = 0x20;

const isLower = (c: number): boolean => c >= 0x61 && c <= 0x7a;
const isUpper = (c: number): boolean => c >= 0x41 && c <= 0x5a;
const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isLetter = (c: number): boolean => isLower(c) || isUpper(c);

const CLASSES: Readonly<Record<string, CharacterSet>> = {
  a: setOf(isLetter),
  c: setOf((c) => c < 0x20 || c === 0x7f),
  d: setOf(isDigit),
  l: setOf(isLower),
  p: setOf((c) => c > 0x20 && c < 0x7f && !isLetter(c) && !isDigit(c)),
  s: setOf((c) => c === 0x20 || (c >= 0x09 && c <= 0x0d)),
  u: setOf(isUpper),
  w: setOf((c) => isLetter(c) || isDigit(c)),
  x: setOf((c) => isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66)),
  z: setOf((c) => c === 0),
};

/** What stands behind a `%`, by its character: the classes, and their complements as upper case. */
const NAMED: readonly (CharacterSet | undefined)[] = Array.from({ length: CHARACTERS }, (_, code) => {
  const set = CLASSES[String.fromCharCode(code | UPPER_CASE)];
  if (set === undefined || !isLetter(code)) return undefined;
  return isUpper(code) ? complementOf(set) : set;
});

const SINGLES: (CharacterSet | undefined)[] = [];

/** All characters. */
export const ANY: CharacterSet = setOf(() => true);

/** No characters. */
export const NONE: CharacterSet = setOf(() => false);

/** The end alone. */
export const ONLY_END: CharacterSet = withEnd(NONE);

/** The class whose name is a character, as `%a` has it; undefined where it is none, and `%.` means the character itself. */
export function classNamed(code: number): CharacterSet | undefined {
  return NAMED[code];
}

/** The set of one character. */
export function singleton(code: number): CharacterSet {
  return SINGLES[code] ??= setOf((c) => c === code);
}

/** The characters of both sets. */
export function union(one: CharacterSet, other: CharacterSet): CharacterSet {
  const set = one.slice();
  addAll(set, other);
  return set;
}

/** A set and the end of the subject. */
export function withEnd(one: CharacterSet): CharacterSet {
  const set = one.slice();
  set[AT_END] = 1;
  return set;
}

export function isDisjoint(one: CharacterSet, other: CharacterSet): boolean {
  for (let c = 0; c <= AT_END; c++) if ((one[c] & other[c]) !== 0) return false;
  return true;
}

/** Where the set that `[` opens at `open` ends: the place of its `]`, or -1. */
export function endOfSet(text: string, open: number): number {
  let at = text[open + 1] === "^" ? open + 2 : open + 1;
  // The first character is never the end.
  do {
    if (at >= text.length) return -1;
    at += text[at] === "%" && at + 1 < text.length ? 2 : 1;
  } while (text[at] !== "]");
  return at;
}

/** The set between `[` at `open` and `]` at `end`. */
export function setBetween(text: string, open: number, end: number): CharacterSet {
  const set = new Uint8Array(CHARACTERS + 1);
  const isComplement = text[open + 1] === "^";
  for (let at = isComplement ? open + 2 : open + 1; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === PERCENT) {
      // It may stand right before the end, as what ends a range does not escape: `[a-%%]`. Then the set has a `]`.
      const named = text.charCodeAt(++at);
      addAll(set, classNamed(named) ?? singleton(named));
    } else if (text.charCodeAt(at + 1) === DASH && at + 2 < end) {
      at += 2;
      const last = text.charCodeAt(at);
      if (code <= last) set.fill(1, code, last + 1);
    } else {
      set[code] = 1;
    }
  }
  return isComplement ? complementOf(set) : set;
}

function setOf(contains: (code: number) => boolean): CharacterSet {
  const set = new Uint8Array(CHARACTERS + 1);
  for (let c = 0; c < CHARACTERS; c++) if (contains(c)) set[c] = 1;
  return set;
}

function complementOf(set: CharacterSet): CharacterSet {
  return setOf((code) => set[code] === 0);
}

function addAll(set: Uint8Array, other: CharacterSet): void {
  for (let c = 0; c <= AT_END; c++) set[c] |= other[c];
}
