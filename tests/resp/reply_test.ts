/** The reply writer: each type in the form that RESP2 and RESP3 have for it, and a buffer that grows under it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ReplyWriter } from "../../lib/resp/reply.ts";
import { below, randomFrom } from "../store/support.ts";

const PROTOCOLS = [2, 3] as const;
/** Size of a new writer's buffer; what is below is kept from one reply to the next. */
const INITIAL_BYTES = 64 * 1024;
const LARGE_BYTES = 2 * 1024 * 1024;

function writer(protocol: 2 | 3): ReplyWriter {
  const reply = new ReplyWriter();
  reply.protocol = protocol;
  return reply;
}

function written(reply: ReplyWriter): string {
  return decodeLatin1(reply.buffer, 0, reply.length);
}

type Write = (reply: ReplyWriter) => void;

/** What is written, and how it looks in RESP2 and RESP3 (the same, where only one form is given). */
const FORMS: readonly (readonly [name: string, write: Write, resp2: string, resp3?: string])[] = [
  ["OK", (r) => r.ok(), "+OK\r\n"],
  ["a simple string", (r) => r.simple("PONG"), "+PONG\r\n"],
  ["an error", (r) => r.error("ERR no"), "-ERR no\r\n"],
  ["an error with line breaks", (r) => r.error("ERR a\r\nb\nc"), "-ERR a  b c\r\n"],
  ["zero", (r) => r.integer(0), ":0\r\n"],
  ["one digit", (r) => r.integer(9), ":9\r\n"],
  ["two digits", (r) => r.integer(10), ":10\r\n"],
  ["a negative integer", (r) => r.integer(-1), ":-1\r\n"],
  ["the largest safe integer", (r) => r.integer(Number.MAX_SAFE_INTEGER), ":9007199254740991\r\n"],
  ["the smallest safe integer", (r) => r.integer(Number.MIN_SAFE_INTEGER), ":-9007199254740991\r\n"],
  ["an int64", (r) => r.bigInteger(-(2n ** 63n)), ":-9223372036854775808\r\n"],
  ["an integer's digits", (r) => r.integerDigits(encodeLatin1("xx-123x"), 2, 4), ":-123\r\n"],
  ["an empty bulk string", (r) => r.bulkString(""), "$0\r\n\r\n"],
  ["a bulk string", (r) => r.bulkString("a\r\n\0\xff"), "$5\r\na\r\n\0\xff\r\n"],
  ["a bulk string of bytes", (r) => r.bulkBytes(encodeLatin1("hello")), "$5\r\nhello\r\n"],
  ["a range of bytes", (r) => r.bulk(encodeLatin1("hello there"), 6, 5), "$5\r\nthere\r\n"],
  ["a bulk string of 10 bytes", (r) => r.bulk(encodeLatin1("0123456789"), 0, 10), "$10\r\n0123456789\r\n"],
  ["an integer as a bulk string", (r) => r.bulkInteger(-1234), "$5\r\n-1234\r\n"],
  ["no value", (r) => r.nil(), "$-1\r\n", "_\r\n"],
  ["no array", (r) => r.nilArray(), "*-1\r\n", "_\r\n"],
  ["an array", (r) => r.array(12), "*12\r\n"],
  ["a map", (r) => r.map(5), "*10\r\n", "%5\r\n"],
  ["a set", (r) => r.set(3), "*3\r\n", "~3\r\n"],
  ["a push", (r) => r.push(3), "*3\r\n", ">3\r\n"],
  ["a double", (r) => r.double(3.25), "$4\r\n3.25\r\n", ",3.25\r\n"],
  ["a whole double", (r) => r.double(-3), "$2\r\n-3\r\n", ",-3\r\n"],
  ["infinity", (r) => r.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["true", (r) => r.boolean(true), ":1\r\n", "#t\r\n"],
  ["false", (r) => r.boolean(false), ":0\r\n", "#f\r\n"],
  [
    "a big number",
    (r) => r.bigNumber("12345678901234567890"),
    "$20\r\n12345678901234567890\r\n",
    "(12345678901234567890\r\n",
  ],
  ["verbatim text", (r) => r.verbatim("txt", "a\nb"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"],
  ["RESP as it is", (r) => r.raw(encodeLatin1("x+OK\r\nx"), 1, 6), "+OK\r\n"],
];

for (const [name, write, resp2, resp3] of FORMS) {
  test(`${name}, in both protocols`, () => {
    for (const protocol of PROTOCOLS) {
      const reply = writer(protocol);
      write(reply);
      assert.equal(written(reply), protocol === 3 ? resp3 ?? resp2 : resp2);
    }
  });

  test(`${name}, where the buffer is all but full`, () => {
    for (let room = 0; room <= 40; room++) {
      const reply = writer(2);
      reply.raw(new Uint8Array(INITIAL_BYTES - room).fill(0x78));
      write(reply);
      assert.equal(decodeLatin1(reply.buffer, INITIAL_BYTES - room, reply.length), resp2);
    }
  });
}

test("attributes go before a reply of RESP3", () => {
  const reply = writer(3);
  reply.attribute(1);
  reply.bulkString("ttl");
  reply.integer(10);
  reply.ok();
  assert.equal(written(reply), "|1\r\n$3\r\nttl\r\n:10\r\n+OK\r\n");
});

test("errors are counted, and the last one is known", () => {
  const reply = writer(2);
  reply.error("ERR first");
  reply.ok();
  reply.error("WRONGTYPE second");
  assert.equal(reply.errorCount, 2);
  assert.equal(reply.lastError, "WRONGTYPE second");
  reply.clear();
  assert.equal(reply.errorCount, 2, "what was written is forgotten, not that there were errors");
});

test("a header is put before what was written since its mark", () => {
  for (const count of [0, 1, 9, 10, 99, 100, 12_345]) {
    const reply = writer(3);
    reply.simple("before");
    const mark = reply.open();
    for (let i = 0; i < count; i++) reply.integer(i % 10);
    reply.closeArray(mark, count);
    reply.simple("after");
    const items = Array.from({ length: count }, (_, i) => `:${i % 10}\r\n`).join("");
    assert.equal(written(reply), `+before\r\n*${count}\r\n${items}+after\r\n`);
  }
});

test("maps and sets get their headers when they are closed", () => {
  for (
    const [protocol, expected] of [[2, "*4\r\n+k\r\n*1\r\n+m\r\n+l\r\n*0\r\n"], [
      3,
      "%2\r\n+k\r\n~1\r\n+m\r\n+l\r\n*0\r\n",
    ]] as const
  ) {
    const reply = writer(protocol);
    const map = reply.open();
    reply.simple("k");
    const set = reply.open();
    reply.simple("m");
    reply.closeSet(set, 1);
    reply.simple("l");
    reply.closeArray(reply.open(), 0);
    reply.closeMap(map, 2);
    assert.equal(written(reply), expected);
  }
});

test("a header finds room in a buffer that is full", () => {
  for (let room = 0; room < 10; room++) {
    const reply = writer(2);
    const mark = reply.open();
    reply.raw(new Uint8Array(INITIAL_BYTES - room).fill(0x78));
    reply.closeArray(mark, 1234);
    assert.equal(written(reply), `*1234\r\n${"x".repeat(INITIAL_BYTES - room)}`);
  }
});

test("rewinding takes back what was written", () => {
  const reply = writer(2);
  reply.ok();
  const mark = reply.open();
  reply.bulkString("not to be");
  reply.rewind(mark);
  reply.integer(1);
  assert.equal(written(reply), "+OK\r\n:1\r\n");
});

test("a buffer that one reply made large is let go, others are kept", () => {
  const reply = writer(2);
  reply.bulkBytes(new Uint8Array(100_000));
  const grown = reply.buffer;
  reply.clear();
  assert.equal(reply.buffer, grown);
  assert.equal(reply.length, 0);
  reply.bulkBytes(new Uint8Array(LARGE_BYTES));
  reply.clear();
  assert.equal(reply.buffer.length, INITIAL_BYTES);
  reply.ok();
  assert.equal(written(reply), "+OK\r\n");
});

test("random replies one after the other are what they are alone", () => {
  const limit = below(randomFrom(5));
  for (const protocol of PROTOCOLS) {
    const reply = writer(protocol);
    let expected = "";
    for (let i = 0; i < 20_000; i++) {
      const [, write, resp2, resp3] = FORMS[limit(FORMS.length)];
      write(reply);
      expected += protocol === 3 ? resp3 ?? resp2 : resp2;
      if (limit(500) === 0) {
        const text = "y".repeat(limit(20_000));
        reply.bulkString(text);
        expected += `$${text.length}\r\n${text}\r\n`;
      }
    }
    assert.equal(written(reply), expected);
  }
});
