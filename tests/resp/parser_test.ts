/**
 * The request parser: however a pipeline is cut, the same requests come out of it; what is malformed is told in Redis's
 * words, and each limit is where it should be.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes } from "../bytes/concat.ts";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { INCOMPLETE, PROTOCOL_ERROR, RequestParser } from "../../lib/resp/parser.ts";
import { rawBytes, Request } from "../../lib/resp/request.ts";
import { below, randomFrom } from "../store/support.ts";

/** What came out of a parser: requests as binary strings, an empty one for a line to be passed over; then an error. */
interface Parsed {
  readonly requests: string[][];
  error: string | null;
}

function textsOf(request: Request): string[] {
  return Array.from({ length: request.argc }, (_, i) => request.text(i));
}

/**
 * Feeds a parser with `bytes` that arrive in pieces, as the server does: what is left of a cut request moves to the
 * start of other memory, unless the parser has said that it would get no further yet.
 */
function feed(bytes: Uint8Array, cuts: readonly number[], parser = new RequestParser()): Parsed {
  const parsed: Parsed = { requests: [], error: null };
  let kept = new Uint8Array(0);
  let arrived = 0;
  for (const cut of [...cuts, bytes.length]) {
    const input = concatBytes([kept, bytes.subarray(arrived, cut)]);
    arrived = cut;
    if (parser.underway) parser.rebase(input, 0);
    kept = input;
    if (parser.underway && input.length < parser.wanted) continue;
    let start = 0;
    while (start < input.length) {
      const next = parser.parse(input, start, input.length);
      if (next === PROTOCOL_ERROR) {
        parsed.error = parser.error;
        return parsed;
      }
      if (next === INCOMPLETE) {
        assert.ok(parser.wanted > input.length, "what is wanted has not come yet");
        break;
      }
      parsed.requests.push(textsOf(parser.request));
      start = next;
    }
    kept = input.slice(start);
    if (parser.underway) parser.rebase(kept, -start);
  }
  return parsed;
}

function everyByte(bytes: Uint8Array): number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
}

/** A random pipeline and the requests in it. */
function randomPipeline(limit: (n: number) => number): { bytes: Uint8Array; requests: string[][] } {
  const requests: string[][] = [];
  const parts: Uint8Array[] = [];
  for (let i = 1 + limit(6); i > 0; i--) {
    const binary = () =>
      Array.from({ length: limit(limit(8) === 0 ? 300 : 12) }, () => String.fromCharCode(limit(256)));
    const args = Array.from({ length: limit(5) === 0 ? limit(40) : 1 + limit(4) }, () => binary().join(""));
    if (limit(4) === 0) {
      const words = args.map((arg) => arg.replace(/[^a-z]/g, "")).filter((word) => word !== "");
      parts.push(encodeLatin1(` ${words.join("  ")} ${limit(2) === 0 ? "\r" : ""}\n`));
      requests.push(words);
    } else {
      parts.push(args.length === 0 ? encodeLatin1("*0\r\n") : Request.of(...args).bytes);
      requests.push(args);
    }
  }
  return { bytes: concatBytes(parts), requests };
}

test("a pipeline cut at any one byte gives the same requests", () => {
  const limit = below(randomFrom(1));
  for (let round = 0; round < 40; round++) {
    const { bytes, requests } = randomPipeline(limit);
    for (const cut of everyByte(bytes)) assert.deepEqual(feed(bytes, [cut]), { requests, error: null });
  }
});

test("a pipeline cut at random places, or at every byte, gives the same requests", () => {
  const limit = below(randomFrom(2));
  for (let round = 0; round < 400; round++) {
    const { bytes, requests } = randomPipeline(limit);
    const cuts = Array.from({ length: limit(8) }, () => limit(bytes.length + 1)).sort((a, b) => a - b);
    assert.deepEqual(feed(bytes, cuts), { requests, error: null }, `cut at ${cuts}`);
    assert.deepEqual(feed(bytes, everyByte(bytes)), { requests, error: null });
  }
});

test("the bytes of a request are those that came in, with the offset after them", () => {
  const parser = new RequestParser();
  const first = Request.of("SET", "key", "a\r\nb").bytes;
  const second = Request.of("PING").bytes;
  const bytes = concatBytes([first, second]);
  assert.equal(parser.parse(bytes, 0, bytes.length), first.length);
  assert.deepEqual(rawBytes(parser.request), first);
  assert.equal(parser.parse(bytes, first.length, bytes.length), bytes.length);
  assert.deepEqual(rawBytes(parser.request), second);
});

test("an inline request becomes RESP, for those who pass it on", () => {
  const parser = new RequestParser();
  const bytes = encodeLatin1("SET key 'a b'\r\n");
  assert.equal(parser.parse(bytes, 0, bytes.length), bytes.length);
  assert.deepEqual(rawBytes(parser.request), Request.of("SET", "key", "a b").bytes);
});

test("a request of many arguments is kept whole", () => {
  const args = Array.from({ length: 5000 }, (_, i) => `argument ${i}`);
  const { bytes } = Request.of(...args);
  assert.deepEqual(feed(bytes, [7, 20_000, 20_001]), { requests: [args], error: null });
});

test("while an argument is coming, its end is what is wanted", () => {
  const parser = new RequestParser();
  const bytes = encodeLatin1(`*2\r\n$3\r\nGET\r\n$1000\r\n${"x".repeat(1000)}\r\n`);
  assert.equal(parser.parse(bytes, 0, 30), INCOMPLETE);
  assert.ok(parser.underway);
  assert.equal(parser.wanted, bytes.length);
  assert.equal(parser.parse(bytes, 0, bytes.length - 1), INCOMPLETE);
  assert.equal(parser.parse(bytes, 0, bytes.length), bytes.length);
  assert.ok(!parser.underway);
});

test("reset forgets a request under way", () => {
  const parser = new RequestParser();
  const cut = encodeLatin1("*2\r\n$3\r\nGET\r\n$5\r\nab");
  assert.equal(parser.parse(cut, 0, cut.length), INCOMPLETE);
  parser.reset();
  assert.ok(!parser.underway);
  assert.deepEqual(feed(encodeLatin1("*1\r\n$4\r\nPING\r\n"), [], parser).requests, [["PING"]]);
});

const MALFORMED: readonly (readonly [bytes: string, error: string])[] = [
  ["*x\r\n", "invalid multibulk length"],
  ["*\r\n", "invalid multibulk length"],
  ["*-\r\n", "invalid multibulk length"],
  ["*-0\r\n", "invalid multibulk length"],
  ["*01\r\n", "invalid multibulk length"],
  ["*+1\r\n", "invalid multibulk length"],
  ["* 1\r\n", "invalid multibulk length"],
  ["*1 \r\n", "invalid multibulk length"],
  ["*2147483648\r\n", "invalid multibulk length"],
  ["*99999999999999999999\r\n", "invalid multibulk length"],
  ["*1\r\nPING\r\n", "expected '$', got 'P'"],
  ["*1\r\n\r\n\r\n", "expected '$', got ' '"],
  ["*1\r\n*1\r\n", "expected '$', got '*'"],
  ["*1\r\n$x\r\n", "invalid bulk length"],
  ["*1\r\n$-1\r\n", "invalid bulk length"],
  ["*1\r\n$04\r\nPING\r\n", "invalid bulk length"],
  ["*1\r\n$\r\n", "invalid bulk length"],
  ["*1\r\n$9999999999999\r\n", "invalid bulk length"],
  ['PING "a\r\n', "unbalanced quotes in request"],
  ["PING 'a\r\n", "unbalanced quotes in request"],
  ['PING "a"b\r\n', "unbalanced quotes in request"],
  ["PING 'a\\'\r\n", "unbalanced quotes in request"],
];

for (const [text, error] of MALFORMED) {
  test(`malformed: ${JSON.stringify(text)}`, () => {
    const good = Request.of("PING").bytes;
    const bytes = concatBytes([good, encodeLatin1(text)]);
    assert.deepEqual(feed(bytes, []), { requests: [["PING"]], error });
    assert.deepEqual(feed(bytes, everyByte(bytes)), { requests: [["PING"]], error });
  });
}

test("a line is not judged before it has ended", () => {
  for (const text of ["*x", "*x\r", "*1\r\nP", "*1\r\nPING\r", "*1\r\n$x\r", 'PING "a']) {
    assert.deepEqual(feed(encodeLatin1(text), []), { requests: [], error: null }, JSON.stringify(text));
  }
});

test("lines may be 64 KiB long, and no longer", () => {
  const line = "a".repeat(65536);
  assert.deepEqual(feed(encodeLatin1(line), []), { requests: [], error: null });
  assert.deepEqual(feed(encodeLatin1(`${line}\r\n`), []), { requests: [[line]], error: null });
  assert.equal(feed(encodeLatin1(`${line}a`), []).error, "too big inline request");
  const digits = "1".repeat(65536);
  assert.equal(feed(encodeLatin1(`*${digits}`), []).error, "too big mbulk count string");
  assert.equal(feed(encodeLatin1(`*1\r\n$${digits}`), []).error, "too big bulk count string");
});

test("an argument may be as long as proto-max-bulk-len says, and no longer", () => {
  const parser = new RequestParser();
  parser.maxBulkBytes = 100;
  const [longest, longer] = ["x".repeat(100), "x".repeat(101)];
  assert.deepEqual(feed(Request.of("ECHO", longest).bytes, [], parser).requests, [["ECHO", longest]]);
  assert.equal(feed(Request.of("ECHO", longer).bytes, [], parser).error, "invalid bulk length");
});

test("who has not authenticated may send 10 arguments of 16 KiB, and no more", () => {
  const parser = new RequestParser();
  parser.authenticated = false;
  const fits = Array.from({ length: 10 }, () => "x".repeat(16384));
  assert.deepEqual(feed(Request.of(...fits).bytes, [], parser).requests, [fits]);
  assert.equal(feed(Request.of(...fits, "x").bytes, [], parser).error, "unauthenticated multibulk length");
  assert.equal(feed(Request.of("x".repeat(16385)).bytes, [], parser).error, "unauthenticated bulk length");
});

const INLINE: readonly (readonly [line: string, args: readonly string[]])[] = [
  ["", []],
  ["  \t ", []],
  ["PING", ["PING"]],
  ["  SET\ta   b ", ["SET", "a", "b"]],
  ['ECHO "a b"', ["ECHO", "a b"]],
  ['ECHO ""', ["ECHO", ""]],
  ["ECHO ''", ["ECHO", ""]],
  ['ECHO "\\x41\\x0a\\n\\r\\t\\b\\a\\\\\\"\\q"', ["ECHO", 'A\n\n\r\t\b\x07\\"q']],
  ['ECHO "\\x4"', ["ECHO", "x4"]],
  ["ECHO 'it\\'s \\n \"so\"'", ["ECHO", 'it\'s \\n "so"']],
  ["ECHO it's'", ["ECHO", "its"]],
  ["ECHO \xff\x80", ["ECHO", "\xff\x80"]],
  ["GET $5", ["GET", "$5"]],
];

for (const [line, args] of INLINE) {
  test(`inline: ${JSON.stringify(line)}`, () => {
    for (const end of ["\n", "\r\n"]) {
      const bytes = encodeLatin1(line + end);
      assert.deepEqual(feed(bytes, everyByte(bytes)), { requests: [args], error: null });
    }
  });
}
