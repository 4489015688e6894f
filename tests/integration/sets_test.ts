/**
 * Sets: all commands, their errors, events, encodings and what replicas see of them. Runs against redis-server too, but for
 * the listpack encoding, which Redis has for sets since 7.2.
 */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { NOT_INTEGER, NOT_POSITIVE, SYNTAX, WRONG_TYPE } from "./errors.ts";
import { IS_ORACLE, ServerProcess } from "./server_process.ts";
import { followStream, PROMPT_STREAM, streamedUntil } from "./stream_reader.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

/** Small sets with text: `listpack` since 7.2, which redis-server is not here. */
const SMALL = IS_ORACLE ? "hashtable" : "listpack";

let server: ServerProcess;
let client: TestClient;
/** A replica by hand: shows the stream. */
let stream: TestClient;

before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "yes", ...PROMPT_STREAM] });
  client = await server.connect();
  stream = await followStream(server);
  await client.expect("SET mark begin", "OK");
  await streamedUntil(stream, "begin");
});
after(() => server.stop());
afterEach(async () => {
  await client.expect("FLUSHALL", "OK");
});

/** What the stream has of a command. */
async function propagated(...words: string[]): Promise<string[]> {
  await client.expect("SET mark begin", "OK");
  await streamedUntil(stream, "begin");
  await client.call(...words);
  await client.expect("SET mark end", "OK");
  return streamedUntil(stream, "end");
}

async function sorted(...words: string[]): Promise<string[]> {
  const reply = await client.call(...words);
  assert.ok(Array.isArray(reply), String(reply));
  return reply.map(String).sort();
}

const numbers = (count: number, prefix = ""): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test("SADD, SREM and SCARD count what is new and what was there; a set without members goes", async () => {
  await client.expect("SADD key a b a c", 3);
  await client.expect("SADD key a d", 1);
  await client.expect("SCARD key", 4);
  await client.expect("SREM key a x b", 2);
  await client.expect("SREM key c d e f", 2);
  await client.expect("EXISTS key", 0);
  await client.expect("SREM key a", 0);
  await client.expect("SCARD key", 0);
  await client.expect("SADD key", new ReplyError("ERR wrong number of arguments for 'sadd' command"));
});

test("SISMEMBER, SMISMEMBER and SMEMBERS", async () => {
  await client.expect("SADD key 1 2 three", 3);
  await client.expect("SISMEMBER key 1", 1);
  await client.expect("SISMEMBER key 01", 0);
  await client.expect("SISMEMBER missing 1", 0);
  await client.expect("SMISMEMBER key 1 x three", [1, 0, 1]);
  await client.expect("SMISMEMBER missing 1 x", [0, 0]);
  assert.deepEqual(await sorted("SMEMBERS", "key"), ["1", "2", "three"]);
  await client.expect("SMEMBERS missing", []);
});

test("every command refuses a key of another type", async () => {
  await client.expect("SET string x", "OK");
  await client.expect("SADD set a", 1);
  for (
    const command of [
      ...["SADD string a", "SREM string a", "SISMEMBER string a", "SMISMEMBER string a", "SCARD string"],
      ...["SMEMBERS string", "SPOP string", "SPOP string 3", "SRANDMEMBER string", "SRANDMEMBER string 3"],
      ...["SMOVE string set a", "SMOVE set string a", "SMOVE set string missing", "SSCAN string 0"],
      ...["SINTER set string", "SINTER missing string", "SUNION set string", "SDIFF set string", "SDIFF string set"],
      ...["SINTERSTORE d set string", "SUNIONSTORE d string", "SDIFFSTORE d set string", "SINTERCARD 2 set string"],
    ]
  ) {
    await client.expect(command, WRONG_TYPE);
  }
  await client.expect("SMOVE missing string a", 0);
  await client.expect("SUNIONSTORE string set", 1);
  await client.expect("TYPE string", "set");
});

test("encodings follow the limits", async () => {
  const encoding = async (...members: string[]) => {
    await client.call("DEL key");
    await client.call("SADD", "key", ...members);
    return await client.call("OBJECT ENCODING key");
  };
  assert.equal(await encoding("1", "-9223372036854775808", "9223372036854775807"), "intset");
  assert.equal(await encoding("1", "9223372036854775808"), SMALL);
  assert.equal(await encoding("1", "01"), SMALL);
  assert.equal(await encoding("1", ""), SMALL);
  assert.equal(await encoding(...numbers(512)), "intset");
  assert.equal(await encoding(...numbers(513)), "hashtable");
  assert.equal(await encoding(...numbers(128, "m")), SMALL);
  assert.equal(await encoding(...numbers(129, "m")), "hashtable");
  assert.equal(await encoding("1", "x".repeat(64)), SMALL);
  assert.equal(await encoding("1", "x".repeat(65)), "hashtable");
  await client.expect("SREM key 1", 1);
  await client.expect("OBJECT ENCODING key", "hashtable");
  await client.expect("CONFIG SET set-max-intset-entries 3", "OK");
  assert.equal(await encoding("1", "2", "3"), "intset");
  await client.expect("SADD key 4", 1);
  await client.expect("OBJECT ENCODING key", "hashtable");
  await client.expect("CONFIG SET set-max-intset-entries 512", "OK");
});

test("listpacks follow their limits when they are set", { skip: IS_ORACLE }, async () => {
  await client.expect("CONFIG SET set-max-listpack-entries 3", "OK");
  await client.expect("CONFIG SET set-max-listpack-value 5", "OK");
  await client.expect("SADD key a bbbbb c", 3);
  await client.expect("OBJECT ENCODING key", "listpack");
  await client.expect("SADD key c", 0);
  await client.expect("OBJECT ENCODING key", "listpack");
  await client.expect("SADD key d", 1);
  await client.expect("OBJECT ENCODING key", "hashtable");
  await client.expect("SADD long bbbbbb", 1);
  await client.expect("OBJECT ENCODING long", "hashtable");
  await client.expect("SADD hinted a a a a", 1);
  await client.expect("OBJECT ENCODING hinted", "hashtable");
  await client.expect("SADD numbers 1 2 3", 3);
  await client.expect("SADD numbers x", 1);
  await client.expect("OBJECT ENCODING numbers", "hashtable");
  await client.expect("SADD numbers:2 1 123456", 2);
  await client.expect("SADD numbers:2 x", 1);
  await client.expect("OBJECT ENCODING numbers:2", "hashtable");
  await client.expect("CONFIG SET set-max-listpack-entries 128", "OK");
  await client.expect("CONFIG SET set-max-listpack-value 64", "OK");
});

test("SMOVE moves a member, and the key goes with the last", async () => {
  await client.expect("SADD a 1 2 x", 3);
  await client.expect("SADD b 1", 1);
  await client.expect("SMOVE a b 1", 1);
  await client.expect("SMOVE a b 1", 0);
  await client.expect("SMOVE a new x", 1);
  await client.expect("SMOVE a a 2", 1);
  await client.expect("SMOVE a a 7", 0);
  await client.expect("SMOVE a b 2", 1);
  await client.expect("EXISTS a", 0);
  assert.deepEqual(await sorted("SMEMBERS", "b"), ["1", "2"]);
  await client.expect("SMEMBERS new", ["x"]);
  await client.expect("SMOVE missing b 1", 0);
});

test("SPOP takes members at random, one or several, and with all of them the key", async () => {
  for (const members of [numbers(10), numbers(20, "m"), numbers(1000, "m"), numbers(600)]) {
    await client.expect(["SADD", "key", ...members], members.length);
    const left = new Set(members);
    const one = String(await client.call("SPOP key"));
    assert.ok(left.delete(one));
    for (const count of [3, Math.floor(members.length / 2), 0]) {
      const reply = await sorted("SPOP", "key", String(count));
      assert.equal(reply.length, count);
      for (const member of reply) assert.ok(left.delete(member), member);
    }
    assert.deepEqual(await sorted("SMEMBERS", "key"), [...left].sort());
    assert.deepEqual(await sorted("SPOP", "key", "1000000"), [...left].sort());
    await client.expect("EXISTS key", 0);
  }
  await client.expect("SPOP missing", null);
  await client.expect("SPOP missing 3", []);
  await client.expect("SPOP key -1", NOT_POSITIVE);
  await client.expect("SPOP key x", NOT_POSITIVE);
  await client.expect("SPOP key 1 2", SYNTAX);
});

test("what SPOP took is propagated as SREM, or DEL with the last", async () => {
  await client.expect(["SADD", "key", ...numbers(10)], 10);
  const [line, ...more] = await propagated("SPOP", "key");
  assert.match(line, /^SREM key \d$/);
  assert.deepEqual(more, []);
  const lines = (await propagated("SPOP", "key", "4")).filter((line) => line !== "MULTI" && line !== "EXEC");
  const gone = lines.flatMap((line) => line.replace("SREM key ", "").split(" "));
  assert.equal(new Set(gone).size, 4);
  assert.deepEqual(await sorted("SMISMEMBER", "key", ...gone), ["0", "0", "0", "0"]);
  assert.deepEqual(await propagated("SPOP", "key", "5"), ["DEL key"]);
  await client.expect("SADD key a", 1);
  assert.deepEqual(await propagated("SPOP", "key"), ["SREM key a"]);
  assert.deepEqual(await propagated("SPOP", "key"), []);
  if (IS_ORACLE) return; // which propagates it as DEL, whatever the setting, before 7.2
  await client.expect("CONFIG SET lazyfree-lazy-server-del yes", "OK");
  await client.expect("SADD key a", 1);
  assert.deepEqual(await propagated("SPOP", "key", "1"), ["UNLINK key"]);
  await client.expect("CONFIG SET lazyfree-lazy-server-del no", "OK");
});

test("nothing is propagated of what changes nothing", async () => {
  await client.expect("SADD key a", 1);
  assert.deepEqual(await propagated("SADD", "key", "a"), []);
  assert.deepEqual(await propagated("SREM", "key", "b"), []);
  assert.deepEqual(await propagated("SMOVE", "key", "other", "b"), []);
  assert.deepEqual(await propagated("SMOVE", "key", "key", "a"), []);
  assert.deepEqual(await propagated("SINTERSTORE", "d", "key", "missing"), []);
  assert.deepEqual(await propagated("SUNIONSTORE", "d", "key"), ["SUNIONSTORE d key"]);
  assert.deepEqual(await propagated("SDIFFSTORE", "d", "key", "key"), ["SDIFFSTORE d key key"]);
});

test("SRANDMEMBER gives members without taking them: different ones, or with a negative count any", async () => {
  for (const members of [numbers(10), numbers(20, "m"), numbers(1000, "m")]) {
    await client.expect(["SADD", "key", ...members], members.length);
    const all = new Set(members);
    assert.ok(all.has(String(await client.call("SRANDMEMBER key"))));
    for (const count of [1, 5, members.length - 1, members.length, members.length + 1]) {
      const reply = await sorted("SRANDMEMBER", "key", String(count));
      assert.equal(reply.length, Math.min(count, members.length));
      assert.equal(new Set(reply).size, reply.length);
      assert.ok(reply.every((member) => all.has(member)));
      const any = await sorted("SRANDMEMBER", "key", String(-count));
      assert.equal(any.length, count);
      assert.ok(any.every((member) => all.has(member)));
    }
    await client.expect("SCARD key", members.length);
    await client.expect("DEL key", 1);
  }
  await client.expect("SRANDMEMBER missing", null);
  await client.expect("SRANDMEMBER missing 3", []);
  await client.expect("SRANDMEMBER missing -3", []);
  await client.expect("SRANDMEMBER key x", NOT_INTEGER);
  await client.expect("SRANDMEMBER key 1 2", SYNTAX);
  const outOfRange = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
  await client.expect("SRANDMEMBER key -9223372036854775808", new ReplyError(outOfRange));
});

test("SINTER, SUNION and SDIFF of sets in all encodings", async () => {
  const sets: Record<string, string[]> = {
    few: numbers(10),
    many: numbers(1000),
    small: [...numbers(5), "a", "b", "c"],
    large: [...numbers(300, "m"), ...numbers(7), "a"],
    other: ["b", "x", "3", "m7"],
    huge: ["9223372036854775807", "3", "-9223372036854775808"],
    text: ["9223372036854775807", "9223372036854775808", "03", "3"],
  };
  for (const [key, members] of Object.entries(sets)) await client.expect(["SADD", key, ...members], members.length);
  const names = [...Object.keys(sets), "missing"];
  const membersOf = (name: string) => new Set(sets[name] ?? []);
  for (const a of names) {
    for (const b of names) {
      for (const c of ["", ...names]) {
        const keys = c === "" ? [a, b] : [a, b, c];
        const [first, ...others] = keys.map(membersOf);
        const inter = [...first].filter((member) => others.every((other) => other.has(member))).sort();
        const union = [...new Set([first, ...others].flatMap((set) => [...set]))].sort();
        const diff = [...first].filter((member) => !others.some((other) => other.has(member))).sort();
        assert.deepEqual(await sorted("SINTER", ...keys), inter, `SINTER ${keys}`);
        assert.deepEqual(await sorted("SUNION", ...keys), union, `SUNION ${keys}`);
        assert.deepEqual(await sorted("SDIFF", ...keys), diff, `SDIFF ${keys}`);
        await client.expect(["SINTERCARD", String(keys.length), ...keys], inter.length);
        await client.expect(["SINTERCARD", String(keys.length), ...keys, "LIMIT", "2"], Math.min(2, inter.length));
        for (
          const [command, expected] of [["SINTERSTORE", inter], ["SUNIONSTORE", union], ["SDIFFSTORE", diff]] as const
        ) {
          await client.expect([command, "result", ...keys], expected.length);
          assert.deepEqual(await sorted("SMEMBERS", "result"), expected, `${command} ${keys}`);
          assert.equal(await client.call("EXISTS result"), expected.length > 0 ? 1 : 0);
        }
      }
    }
  }
});

test("many sets at once: the difference and union are found in the cheaper way", async () => {
  const keys = numbers(30, "key:");
  for (const key of keys) await client.call("SADD", key, ...numbers(50, `${key}:`), ...numbers(50));
  await client.call("SADD", "first", ...numbers(3000), "left");
  const union = new Set(keys.flatMap((key) => numbers(50, `${key}:`)).concat(numbers(50)));
  assert.deepEqual(await sorted("SUNION", ...keys), [...union].sort());
  const left = numbers(3000).slice(50).concat("left").sort();
  assert.deepEqual(await sorted("SDIFF", "first", ...keys), left);
  await client.expect(["SDIFFSTORE", "result", "first", ...keys], left.length);
  assert.deepEqual(await sorted("SMEMBERS", "result"), left);
  await client.expect(["SDIFFSTORE", "first", "key:0", "first", ...keys], 0);
  await client.expect("EXISTS first", 0);
});

test("a result takes the place of what was there, its expiry too; an empty one removes it", async () => {
  await client.expect("SADD a 1 2 3", 3);
  await client.expect("SADD b 2 3 4", 3);
  for (const command of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]) {
    await client.expect("SET d string EX 1000", "OK");
    assert.ok(Number(await client.call(command, "d", "a", "b")) > 0);
    await client.expect("TTL d", -1);
    await client.expect("TYPE d", "set");
    await client.expect("SET d string EX 1000", "OK");
    await client.expect([command, "d", "missing"], 0);
    await client.expect("EXISTS d", 0);
  }
  await client.expect("SUNIONSTORE a a b", 4);
  assert.deepEqual(await sorted("SMEMBERS", "a"), ["1", "2", "3", "4"]);
  await client.expect("SINTERSTORE a a b", 3);
  await client.expect("SDIFFSTORE a b a", 0);
  await client.expect("EXISTS a", 0);
});

test("a stored result has the encoding of what is in it", async () => {
  await client.call("SADD", "integers", ...numbers(600));
  await client.call("SADD", "few", ...numbers(20));
  await client.call("SADD", "mixed", ...numbers(20), "x");
  await client.call("SADD", "texts", ...numbers(300, "m"), "x", "7");
  const encoding = async (...words: string[]) => {
    await client.call("DEL d");
    await client.call(...words);
    return await client.call("OBJECT ENCODING d");
  };
  assert.equal(await encoding("SUNIONSTORE", "d", "few"), "intset");
  assert.equal(await encoding("SUNIONSTORE", "d", "integers"), "hashtable");
  assert.equal(await encoding("SUNIONSTORE", "d", "few", "mixed"), SMALL);
  assert.equal(await encoding("SUNIONSTORE", "d", "few", "texts"), "hashtable");
  assert.equal(await encoding("SINTERSTORE", "d", "few", "integers"), "intset");
  assert.equal(await encoding("SINTERSTORE", "d", "integers", "integers"), "hashtable");
  assert.equal(await encoding("SDIFFSTORE", "d", "mixed", "few"), SMALL);
  assert.equal(await encoding("SDIFFSTORE", "d", "few", "texts"), "intset");
});

test("an intersection of integers becomes an intset, whatever it came from", { skip: IS_ORACLE }, async () => {
  await client.call("SADD", "integers", ...numbers(600));
  await client.call("SADD", "mixed", ...numbers(20), "x");
  await client.call("SADD", "texts", ...numbers(300, "m"), "x", "7");
  for (
    const [keys, expected] of [[["integers", "mixed"], "intset"], [["texts", "integers"], "intset"], [[
      "texts",
      "mixed",
    ], "listpack"], [["texts", "texts"], "hashtable"]] as const
  ) {
    await client.call("SINTERSTORE", "d", ...keys);
    await client.expect("OBJECT ENCODING d", expected);
  }
});

test("a difference by removal keeps the encoding that all of the first set needed", async () => {
  await client.call("SADD", "first", ...numbers(300, "m"));
  const keys = numbers(10, "key:");
  for (const [i, key] of keys.entries()) {
    await client.call("SADD", key, ...numbers(300, "m").slice(i * 29, i * 29 + 29));
  }
  await client.expect(["SDIFFSTORE", "d", "first", ...keys], 10);
  await client.expect("OBJECT ENCODING d", "hashtable");
});

test("SINTERCARD's arguments", async () => {
  await client.expect("SADD a 1 2 3", 3);
  await client.expect("SADD b 2 3 4", 3);
  await client.expect("SINTERCARD 2 a b", 2);
  await client.expect("SINTERCARD 1 a", 3);
  await client.expect("SINTERCARD 2 a missing", 0);
  await client.expect("SINTERCARD 2 a b LIMIT 0", 2);
  await client.expect("SINTERCARD 2 a b LIMIT 1", 1);
  await client.expect("SINTERCARD 2 a b limit 10 LIMIT 1", 1);
  await client.expect("SINTERCARD 0 a", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("SINTERCARD x a", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("SINTERCARD 3 a b", new ReplyError("ERR Number of keys can't be greater than number of args"));
  await client.expect("SINTERCARD 1 a b", SYNTAX);
  await client.expect("SINTERCARD 1 a LIMIT", SYNTAX);
  await client.expect("SINTERCARD 1 a LIMIT -1", new ReplyError("ERR LIMIT can't be negative"));
  await client.expect("SINTERCARD 1 a LIMIT x", new ReplyError("ERR LIMIT can't be negative"));
});

test("SSCAN visits all, a small set in one call, and filters", async () => {
  for (const members of [numbers(100), numbers(100, "m"), numbers(3000, "m")]) {
    await client.expect(["SADD", "key", ...members], members.length);
    const seen = new Set<string>();
    let cursor = "0";
    do {
      const [next, found] = await client.call("SSCAN", "key", cursor, "COUNT", "50") as [string, string[]];
      if (members.length === 100 && members[0] === "0") assert.equal(found.length, 100);
      for (const member of found) seen.add(member);
      cursor = next;
    } while (cursor !== "0");
    assert.deepEqual([...seen].sort(), [...members].sort());
    const [, found] = await client.call("SSCAN", "key", "0", "MATCH", "*99", "COUNT", "100000") as [string, string[]];
    assert.deepEqual(found.sort(), members.filter((member) => member.endsWith("99")).sort());
    await client.expect("DEL key", 1);
  }
  await client.expect("SSCAN missing 0", ["0", []]);
  await client.expect("SSCAN missing x", new ReplyError("ERR invalid cursor"));
  await client.expect("SADD key 1", 1);
  await client.expect("SSCAN key 0 COUNT 0", SYNTAX);
  await client.expect("SSCAN key 0 NOVALUES", SYNTAX);
});

test("RESP3 has sets where order means nothing", async () => {
  const three = await server.connect();
  await three.call("HELLO 3");
  await three.expect("SADD key 1 2", 2);
  await three.expect("SADD other 2 3", 2);
  for (
    const [command, expected] of [
      ["SMEMBERS key", ["1", "2"]],
      ["SINTER key other", ["2"]],
      ["SINTER key missing", []],
      ["SUNION key other", ["1", "2", "3"]],
      ["SUNION missing", []],
      ["SDIFF key other", ["1"]],
      ["SDIFF missing key", []],
      ["SPOP missing 2", []],
      ["SPOP other 5", ["2", "3"]],
    ] as const
  ) {
    const reply = await three.call(command);
    assert.ok(reply instanceof Set, command);
    assert.deepEqual([...reply].map(String).sort(), expected);
  }
  assert.ok(await three.call("SPOP key 1") instanceof Set);
  assert.ok(Array.isArray(await three.call("SRANDMEMBER key 1")));
  assert.ok(Array.isArray(await three.call("SRANDMEMBER missing 1")));
  await three.expect("SRANDMEMBER missing", null);
  three.close();
});

test("events tell of every change, and of the key that goes with the last member", async () => {
  const listener = await server.connect();
  await client.expect("CONFIG SET notify-keyspace-events Esg", "OK");
  await listener.call("PSUBSCRIBE __keyevent@0__:*");
  const expectEvents = async (command: string, ...expected: string[]) => {
    await client.call(command);
    await client.call("SET", "end", "x");
    await client.call("DEL", "end");
    const seen: string[] = [];
    for (;;) {
      const [, , channel, key] = await listener.read() as string[];
      const event = `${channel.replace("__keyevent@0__:", "")} ${key}`;
      if (event === "del end") break;
      seen.push(event);
    }
    assert.deepEqual(seen, expected, command);
  };
  await expectEvents("SADD a 1 2", "sadd a");
  await expectEvents("SADD a 1 2");
  await expectEvents("SREM a 1 7", "srem a");
  await expectEvents("SREM a 2", "srem a", "del a");
  await expectEvents("SADD a 1 2", "sadd a");
  await expectEvents("SMOVE a b 1", "srem a", "sadd b");
  await expectEvents("SMOVE a b 2", "srem a", "del a", "sadd b");
  await expectEvents("SADD a 1 5", "sadd a");
  await expectEvents("SMOVE a b 1", "srem a");
  await expectEvents("SUNIONSTORE c a b", "sunionstore c");
  await expectEvents("SINTERSTORE c a b", "del c");
  await expectEvents("SINTERSTORE c a b");
  await expectEvents("SINTERSTORE c a a", "sinterstore c");
  await expectEvents("SDIFFSTORE c b a", "sdiffstore c");
  await expectEvents("SDIFFSTORE c b b", "del c");
  await expectEvents("SPOP a", "spop a", "del a");
  await expectEvents("SPOP b 1", "spop b");
  await expectEvents("SPOP b 5", "spop b", "del b");
  await client.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
  listener.close();
});

test("changes are counted by the member", async () => {
  const made = async (command: string) => {
    const dirty = async () =>
      Number(/rdb_changes_since_last_save:(\d+)/.exec(String(await client.call("INFO persistence")))?.[1]);
    const before = await dirty();
    await client.call(command);
    return await dirty() - before;
  };
  assert.equal(await made("SADD a 1 2 3 4 5 1"), 5);
  assert.equal(await made("SREM a 1 2 9"), 2);
  assert.equal(await made("SADD b 3"), 1);
  assert.equal(await made("SMOVE a b 3"), 1);
  assert.equal(await made("SMOVE a b 4"), 2);
  assert.equal(await made("SUNIONSTORE c a b"), 1);
  assert.equal(await made("SPOP c"), 1);
  assert.equal(await made("SPOP b 1"), 1);
  assert.equal(await made("SPOP b 5"), 1);
  assert.equal(await made("SINTERSTORE c missing"), 1);
  assert.equal(await made("SINTERSTORE c missing"), 0);
});

test("SMOVE without a source finds its destination expired all the same", async () => {
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("SET gone x EXAT 1", "OK");
  await client.expect("DBSIZE", 1);
  await client.expect("SMOVE missing gone 1", 0);
  await client.expect("DBSIZE", 0);
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
});
