/**
 * Splitting a line into arguments, with the quoting of the Redis prompt and of redis.conf: `"…"` knows `\n \r \t \b \a
 * \xHH` and `\c` for any other character c; `'…'` knows only `\'`; a closing quote must be followed by white space.
 */

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<number, number>> = { 0x6e: 10, 0x72: 13, 0x74: 9, 0x62: 8, 0x61: 7 };

/** The arguments in `bytes[start, end)`, or null where quotes are not balanced. */
export function splitArguments(bytes: Uint8Array, start: number, end: number): Uint8Array[] | null {
  const args: Uint8Array[] = [];
  let at = start;
  for (;;) {
    while (at < end && isSpace(bytes[at])) at++;
    if (at >= end || bytes[at] === 0) return args;
    const arg: number[] = [];
    while (at < end && !isSpace(bytes[at]) && bytes[at] !== 0) {
      const byte = bytes[at];
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        arg.push(byte);
        at++;
        continue;
      }
      at = byte === QUOTE ? readQuoted(bytes, at + 1, end, arg) : readApostrophed(bytes, at + 1, end, arg);
      if (at < 0 || (at < end && !isSpace(bytes[at]) && bytes[at] !== 0)) return null;
    }
    args.push(Uint8Array.from(arg));
  }
}

/** Reads up to the closing `"`; the offset after it, or -1. */
function readQuoted(bytes: Uint8Array, at: number, end: number, into: number[]): number {
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH || at + 1 >= end) {
      into.push(byte);
      continue;
    }
    const escaped = bytes[++at];
    const high = escaped === 0x78 && at + 2 < end ? hexDigit(bytes[at + 1]) : -1;
    const low = high >= 0 ? hexDigit(bytes[at + 2]) : -1;
    if (low >= 0) {
      into.push(high * 16 + low);
      at += 2;
    } else {
      into.push(ESCAPES[escaped] ?? escaped);
    }
  }
  return -1;
}

/** Reads up to the closing `'`; the offset after it, or -1. */
function readApostrophed(bytes: Uint8Array, at: number, end: number, into: number[]): number {
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === APOSTROPHE) return at + 1;
    if (byte === BACKSLASH && at + 1 < end && bytes[at + 1] === APOSTROPHE) at++;
    into.push(bytes[at]);
  }
  return -1;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/** A binary string in the quotes that `splitArguments` reads: `"…"`, with escapes for all that cannot be printed. */
export function quote(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  const escaped = text.replace(/[\\"\x00-\x1f\x7f-\xff]/g, (char) => {
    return SHORT_ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13);
}

/** The value of a hexadecimal digit; -1 where it is none. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
