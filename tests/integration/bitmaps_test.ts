/** Strings as bitmaps: every command and option. Runs against redis-server too. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { NOT_INTEGER, SYNTAX, WRONG_TYPE } from "./errors.ts";
import { ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const BAD_OFFSET = new ReplyError("ERR bit offset is not an integer or out of range");
const BAD_TYPE = new ReplyError(
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start({ args: ["--save", ""] });
  client = await server.connect();
});
after(() => server.stop());
afterEach(async () => {
  await client.expect("FLUSHALL", "OK");
});

test("SETBIT and GETBIT; a string grows by zeros", async () => {
  await client.expect("SETBIT key 7 1", 0);
  await client.expect("SETBIT key 7 0", 1);
  await client.expect("SETBIT key 100 1", 0);
  await client.expect("STRLEN key", 13);
  await client.expect("GETBIT key 100", 1);
  await client.expect("GETBIT key 99", 0);
  await client.expect("GETBIT key 100000", 0);
  await client.expect("SETBIT key 4294967296 1", BAD_OFFSET);
  await client.expect("SETBIT key -1 1", BAD_OFFSET);
  await client.expect("SETBIT key 1 2", new ReplyError("ERR bit is not an integer or out of range"));
  await client.expect("OBJECT ENCODING key", "raw");
});

test("BITCOUNT counts in all, in bytes and in bits", async () => {
  await client.expect("SET key foobar", "OK");
  for (
    const [range, count] of [
      ["", 26],
      ["0 0", 4],
      ["1 1", 6],
      ["0 -5", 10],
      ["1 1 BYTE", 6],
      ["5 30 BIT", 17],
      ["5 30 bit", 17],
      ["-3 -1 BIT", 1],
      ["0 -1 BIT", 26],
      ["5 2", 0],
      ["-2 -5", 0],
      ["-100 100", 26],
      ["10 20", 0],
      ["-2 -5 foo", 0],
    ] as const
  ) {
    await client.expect(`BITCOUNT key ${range}`.trim(), count);
  }
  await client.expect("BITCOUNT missing 0", 0);
  await client.expect("BITCOUNT key 0", SYNTAX);
  await client.expect("BITCOUNT key 0 1 foo", SYNTAX);
  await client.expect("BITCOUNT key 0 1 BIT x", SYNTAX);
  await client.expect("BITCOUNT key a b", NOT_INTEGER);
  await client.expect("SET key 12345", "OK");
  await client.expect("BITCOUNT key", 17);
  await client.expect("SADD set a", 1);
  await client.expect("BITCOUNT set", WRONG_TYPE);
});

test("BITPOS finds the first bit; beyond the end there are zeros, unless an end is given", async () => {
  await client.expect(["SET", "key", "\xff\xf0\x00"], "OK");
  await client.expect("BITPOS key 0", 12);
  await client.expect("BITPOS key 1", 0);
  await client.expect("BITPOS key 1 2", -1);
  await client.expect("BITPOS key 0 0 0", -1);
  await client.expect("BITPOS key 0 1 -1", 12);
  await client.expect("BITPOS key 1 7 15 BIT", 7);
  await client.expect("BITPOS key 0 13 15 BIT", 13);
  await client.expect("BITPOS key 1 13 -1 BIT", -1);
  await client.expect("BITPOS key 1 2 1", -1);
  await client.expect(["SET", "ones", "\xff".repeat(300)], "OK");
  await client.expect("BITPOS ones 0", 2400);
  await client.expect("BITPOS ones 0 5", 2400);
  await client.expect("BITPOS ones 0 5 -1", -1);
  await client.expect(["SET", "zeros", "\0".repeat(300) + "\x10"], "OK");
  await client.expect("BITPOS zeros 1", 2403);
  await client.expect("BITPOS zeros 1 10 299", -1);
  await client.expect("BITPOS missing 0", 0);
  await client.expect("BITPOS missing 1 a b", -1);
  await client.expect("BITPOS key 2", new ReplyError("ERR The bit argument must be 1 or 0."));
  await client.expect("BITPOS key x", NOT_INTEGER);
  await client.expect("BITPOS key 1 a", NOT_INTEGER);
  await client.expect("BITPOS key 1 0 1 foo", SYNTAX);
  await client.expect("BITPOS key 1 0 1 BIT x", SYNTAX);
});

test("BITOP combines strings of any length, and removes the key where all are empty", async () => {
  await client.expect(["SET", "a", "\xf0\x0f\xff"], "OK");
  await client.expect(["SET", "b", "\xff\x01"], "OK");
  for (
    const [operation, expected] of [["AND", "\xf0\x01\x00"], ["OR", "\xff\x0f\xff"], ["xor", "\x0f\x0e\xff"]] as const
  ) {
    await client.expect(["BITOP", operation, "d", "a", "b"], 3);
    await client.expect("GET d", expected);
  }
  await client.expect("BITOP NOT d a", 3);
  await client.expect("GET d", "\x0f\xf0\x00");
  await client.expect("BITOP AND d a missing", 3);
  await client.expect("GET d", "\0\0\0");
  await client.expect("BITOP OR a a b", 3);
  await client.expect("GET a", "\xff\x0f\xff");
  await client.expect("BITOP OR d missing", 0);
  await client.expect("EXISTS d", 0);
  const long = "\x5a\x01\xff".repeat(50_000);
  await client.expect(["SET", "long", long], "OK");
  await client.expect("BITOP XOR d long long", 150_000);
  await client.expect("BITCOUNT d", 0);
  await client.expect("BITOP NOT d long", 150_000);
  await client.expect("BITOP OR d long d", 150_000);
  await client.expect("BITCOUNT d", 1_200_000);
  await client.expect("OBJECT ENCODING d", "raw");
  await client.expect("EXPIRE d 1000", 1);
  await client.expect("BITOP OR d a", 3);
  await client.expect("TTL d", -1);
  await client.expect("BITOP NOT d a b", new ReplyError("ERR BITOP NOT must be called with a single source key."));
  await client.expect("BITOP NAND d a b", SYNTAX);
  await client.expect("SADD set a", 1);
  await client.expect("BITOP OR d a set", WRONG_TYPE);
  await client.expect("BITOP OR set a", 3);
  await client.expect("TYPE set", "string");
});

test("BITFIELD reads and writes integers of all widths", async () => {
  await client.expect("BITFIELD key SET u8 0 255 GET u8 0 GET i8 0 GET u4 2", [0, 255, -1, 15]);
  await client.expect("BITFIELD key SET i64 #1 -9223372036854775808 GET i64 #1", [0, -9223372036854775808n]);
  await client.expect("BITFIELD key SET u63 3 9223372036854775807 GET u63 3 GET u1 66", [
    8935141660703064066n,
    9223372036854775807n,
    0,
  ]);
  await client.expect("BITFIELD key INCRBY i5 100 1 GET u4 0", [1, 15]);
  await client.expect("BITFIELD key SET u17 13 99999 GET u17 13", [131071, 99999]);
  await client.expect("BITFIELD key", []);
  await client.expect("BITFIELD missing GET u8 0 GET i64 10", [0, 0]);
  await client.expect("EXISTS missing", 0);
  await client.expect("BITFIELD_RO key GET u17 13", [99999]);
  await client.expect("BITFIELD_RO key SET u8 0 1", new ReplyError("ERR BITFIELD_RO only supports the GET subcommand"));
  await client.expect("BITFIELD_RO key OVERFLOW SAT GET u8 0", [255]);
});

test("BITFIELD overflows as it is told: around, to the limit, or not at all", async () => {
  await client.expect("BITFIELD a SET i8 0 127 INCRBY i8 0 1 INCRBY i8 0 -1", [0, -128, 127]);
  await client.expect("BITFIELD a OVERFLOW SAT INCRBY i8 0 1 INCRBY i8 0 -300 INCRBY i8 0 -1", [127, -128, -128]);
  await client.expect("BITFIELD a OVERFLOW FAIL INCRBY i8 0 -1 INCRBY i8 0 1 OVERFLOW WRAP INCRBY i8 0 -2", [
    null,
    -127,
    127,
  ]);
  await client.expect("BITFIELD b OVERFLOW SAT SET u8 0 300 SET u8 0 -1 SET i8 8 -300", [0, 255, 0]);
  await client.expect("BITFIELD b GET u8 0 GET i8 8", [255, -128]);
  await client.expect("BITFIELD b OVERFLOW FAIL SET u4 0 16 SET u4 0 7", [null, 15]);
  await client.expect("BITFIELD c SET i64 0 9223372036854775807 INCRBY i64 0 1", [0, -9223372036854775808n]);
  await client.expect("BITFIELD c OVERFLOW SAT INCRBY i64 0 -1 INCRBY i64 0 9223372036854775807", [
    -9223372036854775808n,
    -1,
  ]);
  await client.expect("BITFIELD c SET u63 0 9223372036854775807 INCRBY u63 0 3", [9223372036854775807n, 2]);
  // What is set so far below a field's range is taken for far above it.
  await client.expect("BITFIELD d OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0", [0, 127]);
});

test("BITFIELD's arguments", async () => {
  for (const type of ["u64", "i65", "u0", "i0", "x8", "U8", "i", "u-1", "8"]) {
    await client.expect(["BITFIELD", "key", "GET", type, "0"], BAD_TYPE);
  }
  for (const offset of ["-1", "#-1", "x", "#", "4294967296", "#536870912"]) {
    await client.expect(["BITFIELD", "key", "GET", "u8", offset], BAD_OFFSET);
  }
  await client.expect("BITFIELD key SET u8 0 x", NOT_INTEGER);
  await client.expect("BITFIELD key SET u8 0", SYNTAX);
  await client.expect("BITFIELD key GET u8", SYNTAX);
  await client.expect("BITFIELD key FOO u8 0", SYNTAX);
  await client.expect("BITFIELD key OVERFLOW", SYNTAX);
  await client.expect("BITFIELD key OVERFLOW foo", new ReplyError("ERR Invalid OVERFLOW type specified"));
  await client.expect("SADD set a", 1);
  await client.expect("BITFIELD set GET u8 0", WRONG_TYPE);
  await client.expect("BITFIELD set SET u8 0 1", WRONG_TYPE);
  await client.expect("EXISTS key", 0);
});

test("what writes is told from what only reads", async () => {
  await client.expect("COMMAND GETKEYSANDFLAGS BITFIELD key GET u8 0", [["key", ["RO", "access"]]]);
  await client.expect("COMMAND GETKEYSANDFLAGS BITFIELD key GET u8 0 SET u8 0 1", [["key", [
    "RW",
    "access",
    "update",
  ]]]);
  const changes = async () =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(String(await client.call("INFO persistence")))?.[1]);
  const before = await changes();
  await client.call("BITFIELD key GET u8 0");
  await client.call("BITCOUNT key");
  await client.call("BITPOS key 1");
  assert.equal(await changes(), before);
  await client.call("BITFIELD key SET u8 0 1 GET u8 0 INCRBY u8 8 1");
  assert.equal(await changes(), before + 2);
});
