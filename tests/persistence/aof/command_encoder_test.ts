/** A data set as commands: which ones they are, and that they make the data set again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../../lib/bytes/latin1.ts";
import { digestOfKeyspace } from "../../../lib/commands/digest.ts";
import { CommandEncoder } from "../../../lib/persistence/aof/command_encoder.ts";
import type { Server } from "../../../lib/server/server.ts";
import { startWith } from "../../server/fake_client.ts";
import { INFO, setScore, values, variedKeyspace, wipe } from "../helpers.ts";
import { commandsIn, encode, expectLines, replay, run, tokensOf } from "./encoding.ts";

/** The server whose data is encoded, and the one that loads it: a server takes a GiB of addresses. */
const SOURCE = startWith();
const TARGET = startWith();
const KEYSPACE = wipe(SOURCE.keyspace);
const SELECT_0 = ["SELECT", "0"];
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** An empty server that has done commands. */
function having(...commands: readonly (readonly string[])[]): Server {
  wipe(KEYSPACE);
  run(SOURCE, ...commands);
  return SOURCE;
}

/** The commands that its data becomes, after the one that selects the first database. */
function encoded(server: Server): string[][] {
  const [first, ...others] = commandsIn(encode(tokensOf(server.keyspace)));
  assert.deepEqual(first, SELECT_0);
  return others;
}

/** Fails unless the file makes the same data of nothing. */
function expectBack(server: Server, file: Uint8Array = encode(tokensOf(server.keyspace))): void {
  wipe(TARGET.keyspace);
  replay(TARGET, file);
  expectLines(TARGET.keyspace, server.keyspace);
  assert.equal(digestOfKeyspace(TARGET.keyspace), digestOfKeyspace(server.keyspace));
}

test("a file without keys is empty, or is when it was made", () => {
  wipe(KEYSPACE);
  assert.equal(encode(tokensOf(KEYSPACE)).length, 0);
  assert.deepEqual(encode(tokensOf(KEYSPACE), [1000], 1_700_000_000), encodeLatin1("#TS:1700000000\r\n"));
});

test("a string is set as it is, whatever bytes it has, and its expiry follows it", () => {
  for (const value of ["", "text", "-123456", "\0\xff\r\n*1\r\n", "x".repeat(5000), "y".repeat(300_000)]) {
    assert.deepEqual(encoded(having(["SET", "\r\n\xfe key", value])), [["SET", "\r\n\xfe key", value]]);
  }
  having(["SET", "", "empty"], ["PEXPIREAT", "", "4102444800001"]);
  assert.deepEqual(encoded(SOURCE), [["SET", "", "empty"], ["PEXPIREAT", "", "4102444800001"]]);
  having(["SET", "key", "value"], ["PEXPIREAT", "key", String(2n ** 62n + 1n)]);
  assert.deepEqual(encoded(SOURCE), [["SET", "key", "value"], ["PEXPIREAT", "key", String(2n ** 62n + 1n)]]);
});

test("each database is selected before its keys, once", () => {
  having(["SET", "a", "1"], ["SELECT", "3"], ["SET", "b", "2"], ["SELECT", "15"], ["SET", "c", "3"]);
  assert.deepEqual(
    commandsIn(encode(tokensOf(KEYSPACE))),
    [SELECT_0, ["SET", "a", "1"], ["SELECT", "3"], ["SET", "b", "2"], ["SELECT", "15"], ["SET", "c", "3"]],
  );
});

test("function libraries come first; how keys were used is left out", () => {
  having(["SET", "a", "1"], ["RPUSH", "list", "x"], ["EXPIREAT", "list", "4102444800"]);
  const keys = [["SET", "a", "1"], ["RPUSH", "list", "x"], ["PEXPIREAT", "list", "4102444800000"]].sort();
  const library = "#!lua name=lib\nredis.register_function('f', function() end)";
  for (const use of [{ withIdle: true }, { frequency: () => 255 }]) {
    const tokens = tokensOf(KEYSPACE, { ...INFO, ...use, functions: [encodeLatin1(library)] });
    const [first, second, ...others] = commandsIn(encode(tokens));
    assert.deepEqual([first, second], [["FUNCTION", "LOAD", library], SELECT_0]);
    assert.deepEqual(others.sort(), keys);
  }
});

test("a list is pushed in its order, 64 elements at a time", () => {
  assert.deepEqual(
    encoded(having(["RPUSH", "key", "a", "1", "-70000", "", "9007199254740993", "007", "\0\xff"])),
    [["RPUSH", "key", "a", "1", "-70000", "", "9007199254740993", "007", "\0\xff"]],
  );
  for (const [count, sizes] of [[64, [64]], [65, [64, 1]], [128, [64, 64]]] as const) {
    const commands = encoded(having(["RPUSH", "key", ...numbers(count)]));
    assert.deepEqual(commands.map((words) => words.length - 2), sizes);
    assert.deepEqual(commands.flatMap((words) => words.slice(2)), numbers(count));
  }
  const elements = numbers(5000).map((i) => i.padEnd(Number(i) % 40, "x"));
  const commands = encoded(having(["RPUSH", "key", ...elements]));
  assert.deepEqual(commands.flatMap((words) => words.slice(2)), elements);
  assert.ok(commands.every((words) => words.length <= 66 && words[0] === "RPUSH" && words[1] === "key"));
});

test("an element that fills a node of its own is a command of its own", () => {
  const elements = ["x".repeat(20_000), "y", "z".repeat(500_000)];
  assert.deepEqual(
    encoded(having(["RPUSH", "key", ...elements])),
    elements.map((element) => ["RPUSH", "key", element]),
  );
});

test("a set is added 64 members at a time, in each encoding", () => {
  const extremes = ["-9223372036854775808", "-70000", "1", "9223372036854775807"];
  assert.deepEqual(encoded(having(["SADD", "key", ...extremes])), [["SADD", "key", ...extremes]]);
  assert.deepEqual(encoded(having(["SADD", "key", "a", "", "5"])), [["SADD", "key", "a", "", "5"]]);
  for (const members of [numbers(300), numbers(300).map((i) => `member:${i}`), numbers(3000)]) {
    const commands = encoded(having(["SADD", "key", ...members]));
    assert.deepEqual(commands.flatMap((words) => words.slice(2)).sort(), [...members].sort());
    assert.deepEqual(new Set(commands.slice(0, -1).map((words) => words.length)), new Set([66]));
    assert.equal(commands.at(-1)?.length, 2 + members.length % 64);
  }
});

test("a hash is set 64 fields at a time, in each encoding", () => {
  assert.deepEqual(
    encoded(having(["HSET", "key", "a", "1", "", "-70000", "5", "x\r\n"])),
    [["HMSET", "key", "a", "1", "", "-70000", "5", "x\r\n"]],
  );
  for (const padding of ["", "v".repeat(100)]) {
    const fields = numbers(100).map((i) => [`field:${i}`, padding + i]);
    const commands = encoded(having(["HSET", "key", ...fields.flat()]));
    assert.deepEqual(commands.map((words) => words.length), [130, 74]);
    const words = commands.flatMap((command) => command.slice(2));
    const pairs = words.flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1]]] : []);
    assert.deepEqual(Object.fromEntries(pairs), Object.fromEntries(fields));
  }
});

const SCORES = [0, -0, 1, -17, 0.1, -2.5, 1e300, 5e-324, 2 ** 53, -(2 ** 62), 1 / 3, Infinity, -Infinity];

test("a sorted set is added 64 members at a time, each with a score that reads back to the same double", () => {
  const texts = ["0", "-0", "1", "-17", "0.1", "-2.5", "1e+300", "5e-324", "9007199254740992", "-4611686018427387904"];
  texts.push("0.3333333333333333", "inf", "-inf");
  for (const others of [0, 200]) {
    wipe(KEYSPACE);
    for (const i of numbers(others)) setScore(KEYSPACE.databases[0], "key", `other:${i}`, 1000 + Number(i));
    SCORES.forEach((score, i) => setScore(KEYSPACE.databases[0], "key", `m${i}`, score));
    const commands = encoded(SOURCE);
    const words = commands.flatMap((command) => command.slice(2));
    texts.forEach((text, i) => {
      // In a listpack -0 is 0, as in Redis: so it may be 0 when it comes back.
      assert.equal(words[words.indexOf(`m${i}`) - 1], others === 0 && text === "-0" ? "0" : text);
    });
    assert.deepEqual(commands.map((command) => command.length), others === 0 ? [28] : [130, 130, 130, 44]);
    assert.ok(commands.every(([name, key]) => name === "ZADD" && key === "key"));
    run(SOURCE, ["ZREM", "key", "m1"]);
    expectBack(SOURCE);
  }
});

test("a stream is added entry by entry, without what was deleted, and then told what it knows of itself", () => {
  having(
    ["XADD", "key", "5-1", "a", "1", "b", "two"],
    ["XADD", "key", "5-2", "a", "-70000", "b", ""],
    ["XADD", "key", "5-3", "a", "3", "b", "gone"],
    ["XADD", "key", "18446744073709551615-7", "other", "\r\n"],
    ["XDEL", "key", "5-3"],
  );
  assert.deepEqual(encoded(SOURCE), [
    ["XADD", "key", "5-1", "a", "1", "b", "two"],
    ["XADD", "key", "5-2", "a", "-70000", "b", ""],
    ["XADD", "key", "18446744073709551615-7", "other", "\r\n"],
    ["XSETID", "key", "18446744073709551615-7", "ENTRIESADDED", "4", "MAXDELETEDID", "5-3"],
  ]);
  expectBack(SOURCE);
});

test("a stream without entries is made by one that goes at once", () => {
  having(["XGROUP", "CREATE", "key", "group", "$", "MKSTREAM"]);
  const made = ["XADD", "key", "MAXLEN", "0", "0-1", "x", "y"];
  assert.deepEqual(encoded(SOURCE), [
    made,
    ["XSETID", "key", "0-0", "ENTRIESADDED", "0", "MAXDELETEDID", "0-0"],
    ["XGROUP", "CREATE", "key", "group", "0-0", "ENTRIESREAD", "-1"],
  ]);
  expectBack(SOURCE);
  having(["XADD", "key", "5-3", "a", "b"], ["XADD", "key", "6-0", "a", "b"], ["XDEL", "key", "5-3", "6-0"]);
  assert.deepEqual(encoded(SOURCE), [
    made,
    ["XSETID", "key", "6-0", "ENTRIESADDED", "2", "MAXDELETEDID", "6-0"],
  ]);
  expectBack(SOURCE);
});

test("groups come with how far they have read, all consumers, and what is pending, when and how often delivered", () => {
  having(
    ...numbers(4).map((i) => ["XADD", "key", `${i}-1`, "field", i]),
    ["XGROUP", "CREATE", "key", "unread", "0"],
    ["XGROUP", "CREATE", "key", "group", "0"],
    ["XGROUP", "CREATECONSUMER", "key", "group", "idle"],
    ["XREADGROUP", "GROUP", "group", "bob", "COUNT", "3", "STREAMS", "key", ">"],
    ["XCLAIM", "key", "group", "alice", "0", "2-1", "TIME", "1600000000123", "RETRYCOUNT", "7"],
    ["XCLAIM", "key", "group", "bob", "0", "0-1", "1-1", "TIME", "1600000000456", "RETRYCOUNT", "1"],
  );
  const claim = (
    consumer: string,
    id: string,
    time: string,
    count: string,
  ) => ["XCLAIM", "key", "group", consumer, "0", id, "TIME", time, "RETRYCOUNT", count, "JUSTID", "FORCE"];
  assert.deepEqual(encoded(SOURCE).slice(4), [
    ["XSETID", "key", "3-1", "ENTRIESADDED", "4", "MAXDELETEDID", "0-0"],
    ["XGROUP", "CREATE", "key", "group", "2-1", "ENTRIESREAD", "3"],
    ["XGROUP", "CREATECONSUMER", "key", "group", "alice"],
    claim("alice", "2-1", "1600000000123", "7"),
    ["XGROUP", "CREATECONSUMER", "key", "group", "bob"],
    claim("bob", "0-1", "1600000000456", "1"),
    claim("bob", "1-1", "1600000000456", "1"),
    ["XGROUP", "CREATECONSUMER", "key", "group", "idle"],
    ["XGROUP", "CREATE", "key", "unread", "0-0", "ENTRIESREAD", "-1"],
  ]);
  expectBack(SOURCE);
});

test("what is pending of a deleted entry is lost, and nothing else", () => {
  having(
    ["XADD", "key", "1-1", "a", "1"],
    ["XADD", "key", "2-1", "a", "2"],
    ["XGROUP", "CREATE", "key", "group", "0"],
    ["XREADGROUP", "GROUP", "group", "one", "COUNT", "1", "STREAMS", "key", ">"],
    ["XREADGROUP", "GROUP", "group", "two", "COUNT", "1", "STREAMS", "key", ">"],
    ["XDEL", "key", "1-1"],
  );
  const file = encode(tokensOf(KEYSPACE));
  run(SOURCE, ["XACK", "key", "group", "1-1"]);
  expectBack(SOURCE, file);
});

/** Some of all types and encodings, in two databases. */
function varied(): Server {
  return having(
    ["SET", "string", "value"],
    ["SET", "expiring", "12345", "PXAT", "4102444800001"],
    ["SET", "long", "x".repeat(300)],
    ["RPUSH", "list", "a", "1", "-70000", "", "y".repeat(200)],
    ["SADD", "intset", "1", "-5", "70000", "9007199254740993"],
    ["SADD", "set", "a", "1", ""],
    ["SADD", "table", ...numbers(140).map((i) => `m${i}`)],
    ["PEXPIREAT", "table", "4102444800002"],
    ["ZADD", "zset", "1", "a", "-2.5", "17", "inf", "", "1e300", "b"],
    ["ZADD", "skiplist", "0.25", "z".repeat(100), "-1", "b"],
    ["SELECT", "9"],
    ["HSET", "hash", "a", "1", "b", "two"],
    ["HSET", "fields", "a", "v".repeat(100), "", ""],
    ...numbers(5).map((i) => ["XADD", "stream", `${i}-1`, "field", i, "other", "text"]),
    ["XDEL", "stream", "3-1"],
    ["XGROUP", "CREATE", "stream", "group", "0"],
    ["XGROUP", "CREATECONSUMER", "stream", "group", "idle"],
    ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", "2", "STREAMS", "stream", ">"],
    ["XGROUP", "CREATE", "stream", "other", "2-1"],
  );
}

test("chunks may end anywhere", () => {
  const tokens = tokensOf(varied().keyspace);
  const file = encode(tokens);
  expectBack(SOURCE, file);
  for (let at = 1; at < tokens.length; at++) {
    assert.deepEqual(encode(tokens, [at, tokens.length - at]), file, `cut at ${at}`);
  }
  for (const sizes of [[1], [2], [3], [1, 2, 3, 5, 7, 11, 13], [64], [1000, 1]]) {
    assert.deepEqual(encode(tokens, sizes), file, `chunks of ${sizes} bytes`);
  }
});

test("a data set with every encoding comes back the same", () => {
  const keyspace = variedKeyspace();
  const tokens = tokensOf(keyspace);
  for (const sizes of [[4096], [100_000], [10_000_000]]) {
    wipe(TARGET.keyspace);
    replay(TARGET, encode(tokens, sizes));
    assert.deepEqual(values(TARGET.keyspace), values(keyspace));
  }
});

test("large values of all types come back the same", () => {
  const many = numbers(5000);
  having(
    ["SET", "string", "0123456789".repeat(500_000)],
    ["RPUSH", "list", ...many.map((i) => `element:${i}`), "x".repeat(3_000_000)],
    ["SADD", "set", ...many.map((i) => `member:${i}`), "y".repeat(1_000_000)],
    ["SADD", "integers", ...many],
    ["ZADD", "zset", ...many.flatMap((i) => [String(Number(i) / 7), `member:${i}`]), "7", "z".repeat(1_000_000)],
    ["HSET", "hash", ...many.flatMap((i) => [`field:${i}`, `value:${i}`]), "large", "v".repeat(1_000_000)],
    ...many.map((i) => ["XADD", "stream", `1-${Number(i) + 1}`, "field", `value:${i}`]),
    ["XGROUP", "CREATE", "stream", "group", "0"],
    ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", "3000", "STREAMS", "stream", ">"],
    ["XREADGROUP", "GROUP", "group", "other", "COUNT", "1000", "STREAMS", "stream", ">"],
  );
  expectBack(SOURCE);
});

test("what has come of a value has gone to the file, but for an element, and less than a buffer", () => {
  for (
    const commands of [
      [["SET", "key", "x".repeat(4_000_000)]],
      [["RPUSH", "key", ...numbers(300_000)]],
      [["SADD", "key", ...numbers(300_000)]],
      [["HSET", "key", "field", "x".repeat(4_000_000)]],
    ]
  ) {
    const tokens = tokensOf(having(...commands).keyspace);
    const encoder = new CommandEncoder({ timestamp: null }, () => {});
    for (let at = 0; at < tokens.length; at += 100_000) {
      const part = tokens.subarray(at, at + 100_000);
      encoder.push(part, part.length);
      assert.ok(encoder.bytesOut > at - 300_000, `${encoder.bytesOut} of ${at}`);
    }
    encoder.finish();
  }
});

test("tokens that end too soon, or are none of RDB, are no file", () => {
  const tokens = tokensOf(varied().keyspace);
  for (const end of [0, 1, 100, tokens.length - 1]) assert.throws(() => encode(tokens.subarray(0, end)), /end before/);
  const unknown = Uint8Array.of(9 << 1, ...encodeLatin1("REDIS0010"), 1 << 1, 99, 1 << 1 | 1, 0x61);
  assert.throws(() => encode(unknown), /no commands for the RDB type 99/);
  assert.throws(() => encode(Uint8Array.of(1 << 1 | 1, 0x61)), /a string that is none of RDB/);
});
