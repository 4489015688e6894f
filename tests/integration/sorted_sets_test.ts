/** The sorted set commands, one by one. Runs against redis-server too, but for what Redis 7.2 does otherwise than 7.0. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { NOT_INTEGER, NOT_POSITIVE, SYNTAX, WRONG_TYPE } from "./errors.ts";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

const NOT_FLOAT = new ReplyError("ERR value is not a valid float");
const NOT_SCORE = new ReplyError("ERR min or max is not a float");
const NOT_LEX = new ReplyError("ERR min or max not valid string range item");
const SINCE_7_2 = { skip: IS_ORACLE && "new in Redis 7.2" };

let server: ServerProcess;
let client: TestClient;

before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());
afterEach(async () => {
  await client.expect(["CONFIG", "SET", "zset-max-listpack-entries", "128"], "OK");
  await client.expect("FLUSHALL", "OK");
});

async function resp3(): Promise<TestClient> {
  const one = await server.connect();
  await one.call("HELLO 3");
  return one;
}

test("ZADD adds, changes, and counts what is asked for", async () => {
  await client.expect("ZADD z 1 a 2 b 3 c", 3);
  await client.expect("ZADD z 1 a 5 b 4 d", 1);
  await client.expect("ZADD z CH 2 a 5 b 9 e", 2);
  await client.expect("ZADD z NX 100 a 6 f", 1);
  await client.expect("ZADD z XX CH 3 a 7 g", 1);
  await client.expect("ZADD z GT CH 1 a 6 b 8 h", 2);
  await client.expect("ZADD z LT CH 9 a 5 b 10 i", 2);
  await client.expect("ZADD z XX GT CH 4 a 1 nobody", 1);
  await client.expect("ZRANGE z 0 -1 WITHSCORES", [
    ..."c 3 a 4 d 4 b 5 f 6 h 8 e 9 i 10".split(" "),
  ]);
  await client.expect("TYPE z", "zset");
  await client.expect("ZCARD z", 8);
  await client.expect("ZCARD none", 0);
});

test("ZADD INCR and ZINCRBY reply with the score, or nil where the conditions are not met", async () => {
  await client.expect("ZADD z INCR 1.5 a", "1.5");
  await client.expect("ZADD z XX INCR 1 b", null);
  await client.expect("ZADD z NX INCR 1 a", null);
  await client.expect("ZADD z GT INCR -1 a", null);
  await client.expect("ZADD z LT INCR -1 a", "0.5");
  await client.expect("ZADD none XX INCR 1 a", null);
  await client.expect("ZINCRBY z 2 a", "2.5");
  await client.expect("ZINCRBY z -inf b", "-inf");
  await client.expect("ZINCRBY z 0 a", "2.5");
  await client.expect("EXISTS none", 0);
});

test("ZADD refuses what makes no sense, and changes nothing then", async () => {
  await client.expect("ZADD z 1 a 2", SYNTAX);
  await client.expect("ZADD z NX", /^ERR wrong number of arguments/);
  await client.expect("ZADD z NX CH", SYNTAX);
  await client.expect("ZADD z x a", NOT_FLOAT);
  await client.expect("ZADD z nan a", NOT_FLOAT);
  await client.expect("ZADD z 1 a x b", NOT_FLOAT);
  await client.expect(["ZADD", "z", " 1", "a"], NOT_FLOAT);
  await client.expect("ZADD z NX XX 1 a", new ReplyError("ERR XX and NX options at the same time are not compatible"));
  for (const pair of ["GT LT", "NX GT", "LT NX"]) {
    await client.expect(
      `ZADD z ${pair} 1 a`,
      new ReplyError("ERR GT, LT, and/or NX options at the same time are not compatible"),
    );
  }
  await client.expect(
    "ZADD z INCR 1 a 2 b",
    new ReplyError("ERR INCR option supports a single increment-element pair"),
  );
  await client.expect("EXISTS z", 0);
  await client.expect("ZADD z inf a", 1);
  await client.expect("ZINCRBY z -inf a", new ReplyError("ERR resulting score is not a number (NaN)"));
  await client.expect("ZINCRBY z x a", NOT_FLOAT);
  await client.expect("ZSCORE z a", "inf");
});

test("scores are replied in the shortest form, as in Redis 7.2", SINCE_7_2, async () => {
  const cases = [
    ["0.1", "0.1"],
    ["3", "3"],
    ["1e17", "100000000000000000"],
    ["1e300", "1e+300"],
    ["0.0000001", "1e-7"],
    ["123456.1234567", "1.234561234567e+5"],
    ["-inf", "-inf"],
    ["0x1p3", "8"],
  ];
  for (const [given, shown] of cases) {
    await client.call("ZADD", "z", given, "a");
    await client.expect("ZSCORE z a", shown);
  }
  await client.expect("ZADD z 0.1 a", 1 - 1);
  await client.expect("ZSCAN z 0", ["0", ["a", "0.1"]]);
  await client.expect("CONFIG SET zset-max-listpack-entries 0", "OK");
  await client.expect("ZADD large 0.1 a", 1);
  await client.expect("ZSCAN large 0", ["0", ["a", "0.10000000000000001"]]);
});

test("scores, ranks and removals", async () => {
  await client.expect("ZADD z 1 a 2 b 2 c 3 d", 4);
  await client.expect("ZSCORE z b", "2");
  await client.expect("ZSCORE z none", null);
  await client.expect("ZSCORE none a", null);
  await client.expect("ZMSCORE z a none d", ["1", null, "3"]);
  await client.expect("ZMSCORE none a b", [null, null]);
  await client.expect("ZRANK z a", 0);
  await client.expect("ZRANK z c", 2);
  await client.expect("ZREVRANK z c", 1);
  await client.expect("ZRANK z none", null);
  await client.expect("ZREVRANK none a", null);
  await client.expect("ZREM z a none c", 2);
  await client.expect("ZREM none a", 0);
  await client.expect("ZREM z b d d", 2);
  await client.expect("EXISTS z", 0);
});

test("ZRANK and ZREVRANK reply with the score as well", SINCE_7_2, async () => {
  await client.expect("ZADD z 1 a 2.5 b", 2);
  await client.expect("ZRANK z b WITHSCORE", [1, "2.5"]);
  await client.expect("ZREVRANK z b withscore", [0, "2.5"]);
  await client.expect("ZRANK z none WITHSCORE", null);
  await client.expect("ZRANK none a WITHSCORE", null);
  await client.expect("ZRANK z a WITHSCORES", SYNTAX);
  await client.expect("ZRANK z a WITHSCORE x", new ReplyError("ERR wrong number of arguments for 'zrank' command"));
});

for (const entries of ["128", "0"]) {
  test(`ranges by rank, score and bytes, with at most ${entries} members in a listpack`, async () => {
    await client.expect(["CONFIG", "SET", "zset-max-listpack-entries", entries], "OK");
    await client.expect("ZADD z 1 a 2 b 2 c 3 d 4 e", 5);
    await client.expect("ZRANGE z 1 2", ["b", "c"]);
    await client.expect("ZRANGE z -2 -1 WITHSCORES", ["d", "3", "e", "4"]);
    await client.expect("ZRANGE z 0 1 REV", ["e", "d"]);
    await client.expect("ZREVRANGE z 1 2 WITHSCORES", ["d", "3", "c", "2"]);
    await client.expect("ZRANGE z 3 1", []);
    await client.expect("ZRANGE z 7 9", []);
    await client.expect("ZRANGE z (1 3 BYSCORE", ["b", "c", "d"]);
    await client.expect("ZRANGE z 3 (1 BYSCORE REV LIMIT 1 1", ["c"]);
    await client.expect("ZRANGEBYSCORE z -inf +inf LIMIT 1 2 WITHSCORES", ["b", "2", "c", "2"]);
    await client.expect("ZRANGEBYSCORE z 2 2 LIMIT 0 -1", ["b", "c"]);
    await client.expect("ZRANGEBYSCORE z 0 9 LIMIT -1 2", []);
    await client.expect("ZRANGEBYSCORE z 0 9 LIMIT 9 2", []);
    await client.expect("ZRANGEBYSCORE z 0 9 LIMIT 0 0", []);
    await client.expect("ZREVRANGEBYSCORE z 3 (2", ["d"]);
    await client.expect("ZREVRANGEBYSCORE z +inf -inf LIMIT 3 9", ["b", "a"]);
    await client.expect("ZCOUNT z (1 3", 3);
    await client.expect("ZCOUNT z 3 1", 0);
    await client.expect("ZCOUNT z (2 (2", 0);
    await client.expect("ZADD lex 0 a 0 b 0 bb 0 c 0 d", 5);
    await client.expect("ZRANGE lex [b (c BYLEX", ["b", "bb"]);
    await client.expect("ZRANGEBYLEX lex - [bb", ["a", "b", "bb"]);
    await client.expect("ZRANGEBYLEX lex (bb + LIMIT 1 5", ["d"]);
    await client.expect("ZREVRANGEBYLEX lex + (b LIMIT 0 2", ["d", "c"]);
    await client.expect("ZRANGE lex + - BYLEX REV", ["d", "c", "bb", "b", "a"]);
    await client.expect("ZRANGEBYLEX lex + -", []);
    await client.expect("ZLEXCOUNT lex [b [c", 3);
    await client.expect("ZREMRANGEBYLEX lex (a (c", 2);
    await client.expect("ZRANGE lex 0 -1", ["a", "c", "d"]);
    await client.expect("ZREMRANGEBYRANK z 0 1", 2);
    await client.expect("ZREMRANGEBYSCORE z (2 3", 1);
    await client.expect("ZRANGE z 0 -1", ["c", "e"]);
    await client.expect("ZREMRANGEBYRANK z -1 0", 0);
    await client.expect("ZREMRANGEBYSCORE z -inf inf", 2);
    await client.expect("EXISTS z", 0);
    await client.expect("ZREMRANGEBYRANK z 0 -1", 0);
  });
}

test("ranges that make no sense are refused", async () => {
  await client.expect("ZADD z 1 a", 1);
  await client.expect("ZRANGE z x 1", NOT_INTEGER);
  await client.expect("ZRANGE z 0 1.5", NOT_INTEGER);
  await client.expect("ZRANGE z x 1 BYSCORE", NOT_SCORE);
  await client.expect("ZCOUNT z nan 1", NOT_SCORE);
  await client.expect("ZRANGEBYLEX z a [b", NOT_LEX);
  await client.expect("ZRANGEBYLEX z [a +x", NOT_LEX);
  await client.expect("ZRANGE z 0 1 BYSCORE BYLEX", SYNTAX);
  await client.expect("ZRANGE z 0 1 REV REV", SYNTAX);
  await client.expect("ZREVRANGE z 0 1 REV", SYNTAX);
  await client.expect("ZRANGEBYSCORE z 0 1 LIMIT 0", SYNTAX);
  await client.expect("ZRANGEBYSCORE z 0 1 LIMIT x 1", NOT_INTEGER);
  await client.expect(
    "ZRANGE z 0 1 LIMIT 0 1",
    /^ERR syntax error, LIMIT is only supported in combination with either/,
  );
  await client.expect("ZRANGE z 0 1 LIMIT 0 -1", ["a"]);
  await client.expect("ZRANGE z - + BYLEX WITHSCORES", /^ERR syntax error, WITHSCORES not supported in combination/);
  await client.expect("ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX);
  await client.expect(["ZRANGEBYSCORE", "z", "", " 1"], ["a"]);
});

test("ZRANGESTORE stores a range in place of what is there, or removes that", async () => {
  await client.expect("ZADD z 1 a 2 b 3 c 4 d", 4);
  await client.expect("ZRANGESTORE d z 1 2", 2);
  await client.expect("ZRANGE d 0 -1 WITHSCORES", ["b", "2", "c", "3"]);
  await client.expect("EXPIRE d 1000", 1);
  await client.expect("ZRANGESTORE d z (2 +inf BYSCORE LIMIT 0 1", 1);
  await client.expect("TTL d", -1);
  await client.expect("ZRANGESTORE z z 0 1 REV", 2);
  await client.expect("ZRANGE z 0 -1", ["c", "d"]);
  await client.expect("ZRANGESTORE d z 5 6", 0);
  await client.expect("EXISTS d", 0);
  await client.expect("SET d string", "OK");
  await client.expect("ZRANGESTORE d none 0 -1", 0);
  await client.expect("EXISTS d", 0);
});

test("members are taken from both ends", async () => {
  await client.expect("ZADD z 1 a 2 b 3 c 4 d", 4);
  await client.expect("ZPOPMIN z", ["a", "1"]);
  await client.expect("ZPOPMAX z 2", ["d", "4", "c", "3"]);
  await client.expect("ZPOPMIN z 0", []);
  await client.expect("ZPOPMIN z -1", NOT_POSITIVE);
  await client.expect("ZPOPMAX z x", NOT_POSITIVE);
  await client.expect("ZPOPMAX z 1 2", SYNTAX);
  await client.expect("ZPOPMAX z 9", ["b", "2"]);
  await client.expect("EXISTS z", 0);
  await client.expect("ZPOPMIN z", []);
  await client.expect("ZADD y 1 a 2 b 3 c", 3);
  await client.expect("ZMPOP 2 z y MIN", ["y", [["a", "1"]]]);
  await client.expect("ZMPOP 2 z y MAX COUNT 9", ["y", [["c", "3"], ["b", "2"]]]);
  await client.expect("ZMPOP 2 z y MIN", null);
  await client.expect("ZMPOP 0 z MIN", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("ZMPOP 1 z MIN COUNT 0", new ReplyError("ERR count should be greater than 0"));
  await client.expect("ZMPOP 1 z BOTH", SYNTAX);
  await client.expect("ZMPOP 1 z MIN COUNT 1 COUNT 1", SYNTAX);
});

test("unions, intersections and differences, with weights and aggregates, of sets as well", async () => {
  await client.expect("ZADD a 1 x 2 y 3 z", 3);
  await client.expect("ZADD b 10 y 20 z 30 w", 3);
  await client.expect("SADD s x z", 2);
  await client.expect("ZUNION 2 a b WITHSCORES", ["x", "1", "y", "12", "z", "23", "w", "30"]);
  await client.expect("ZUNION 3 a b s WEIGHTS 2 1 -1 WITHSCORES", ["x", "1", "y", "14", "z", "25", "w", "30"]);
  await client.expect("ZINTER 2 a b WITHSCORES AGGREGATE MAX", ["y", "10", "z", "20"]);
  await client.expect("ZINTER 2 a s", ["x", "z"]);
  await client.expect("ZINTER 2 a a WITHSCORES", ["x", "2", "y", "4", "z", "6"]);
  await client.expect("ZINTER 2 a none", []);
  await client.expect("ZDIFF 2 a b WITHSCORES", ["x", "1"]);
  await client.expect("ZDIFF 2 a s", ["y"]);
  await client.expect("ZDIFF 2 a a", []);
  await client.expect("ZINTERCARD 2 a b", 2);
  await client.expect("ZINTERCARD 2 a b LIMIT 1", 1);
  await client.expect("ZINTERCARD 2 a b LIMIT 0", 2);
  await client.expect("ZUNIONSTORE a 2 a b AGGREGATE MIN", 4);
  await client.expect("ZRANGE a 0 -1 WITHSCORES", ["x", "1", "y", "2", "z", "3", "w", "30"]);
  await client.expect("ZINTERSTORE d 2 a s WEIGHTS 2 0.5", 2);
  await client.expect("ZRANGE d 0 -1 WITHSCORES", ["x", "2.5", "z", "6.5"]);
  await client.expect("ZDIFFSTORE d 2 a b", 1);
  await client.expect("ZDIFFSTORE d 2 a a", 0);
  await client.expect("EXISTS d", 0);
});

test("two infinities, and infinity times nothing, make 0", async () => {
  await client.expect("ZADD a inf x 1 y", 2);
  await client.expect("ZADD b -inf x 1 y", 2);
  await client.expect("ZUNION 2 a b WITHSCORES", ["x", "0", "y", "2"]);
  await client.expect("ZUNION 1 a WEIGHTS 0 WITHSCORES", ["x", "0", "y", "0"]);
  await client.expect("ZINTER 2 a b WEIGHTS 0 1 WITHSCORES", ["x", "-inf", "y", "1"]);
  await client.expect("ZUNION 2 a b AGGREGATE MIN WITHSCORES", ["x", "-inf", "y", "1"]);
});

test("what is wrong with the inputs is said as Redis says it", async () => {
  await client.expect("ZADD a 1 x", 1);
  await client.expect("SET string x", "OK");
  await client.expect("ZUNION 0 a", new ReplyError("ERR at least 1 input key is needed for 'zunion' command"));
  await client.expect(
    "ZINTERSTORE d 0 a",
    new ReplyError("ERR at least 1 input key is needed for 'zinterstore' command"),
  );
  await client.expect("ZUNION x a", NOT_INTEGER);
  await client.expect("ZUNION 3 a b", SYNTAX);
  await client.expect("ZUNION 2 a string", WRONG_TYPE);
  await client.expect("ZUNION 1 a WEIGHTS x", new ReplyError("ERR weight value is not a float"));
  await client.expect("ZUNION 2 a b WEIGHTS 1", SYNTAX);
  await client.expect("ZUNION 1 a AGGREGATE AVG", SYNTAX);
  await client.expect("ZUNIONSTORE d 1 a WITHSCORES", SYNTAX);
  await client.expect("ZDIFF 1 a WEIGHTS 1", SYNTAX);
  await client.expect("ZINTERCARD 1 a LIMIT -1", new ReplyError("ERR LIMIT can't be negative"));
  await client.expect("ZINTERCARD 1 a WEIGHTS 1", SYNTAX);
});

test("ZRANDMEMBER draws members, the same ones again only where the count is negative", async () => {
  await client.expect("ZRANDMEMBER none", null);
  await client.expect("ZRANDMEMBER none 5", []);
  for (const size of [5, 300]) {
    const pairs = Array.from({ length: size }, (_, i) => [i, `m${i}`]).flat();
    await client.expect(["ZADD", "z", ...pairs], size - Number(await client.call("ZCARD z")));
    assert.match(String(await client.call("ZRANDMEMBER z")), /^m\d+$/);
    for (const count of [1, 3, size, size + 10]) {
      const drawn = await client.call("ZRANDMEMBER", "z", count) as string[];
      assert.equal(new Set(drawn).size, Math.min(count, size));
      assert.equal(drawn.length, Math.min(count, size));
    }
    assert.equal((await client.call("ZRANDMEMBER", "z", -1000) as string[]).length, 1000);
    const scored = await client.call("ZRANDMEMBER z -20 WITHSCORES") as string[];
    for (let i = 0; i < 40; i += 2) assert.equal(scored[i], `m${scored[i + 1]}`);
  }
  await client.expect("ZRANDMEMBER z x", NOT_INTEGER);
  await client.expect("ZRANDMEMBER z 1 x", SYNTAX);
  await client.expect("ZRANDMEMBER z -9223372036854775808", /^ERR value is out of range/);
  await client.expect("ZRANDMEMBER z 9223372036854775807 WITHSCORES", new ReplyError("ERR value is out of range"));
});

test("ZSCAN comes to every member", async () => {
  await client.expect("ZADD z 1 a 2 b", 2);
  await client.expect("ZSCAN z 0 MATCH b", ["0", ["b", "2"]]);
  await client.expect("ZSCAN none 0", ["0", []]);
  await client.expect("ZSCAN z x", new ReplyError("ERR invalid cursor"));
  await client.expect("ZSCAN z 0 COUNT 0", SYNTAX);
  const pairs = Array.from({ length: 1000 }, (_, i) => [i, `m${i}`]).flat();
  await client.expect(["ZADD", "large", ...pairs], 1000);
  const seen = new Map<string, string>();
  let cursor = "0";
  do {
    const [next, found] = await client.call("ZSCAN", "large", cursor, "COUNT", 50) as [string, string[]];
    for (let i = 0; i < found.length; i += 2) seen.set(found[i], found[i + 1]);
    cursor = next;
  } while (cursor !== "0");
  assert.equal(seen.size, 1000);
  for (const [member, score] of seen) assert.equal(member, `m${score}`);
});

test("in RESP3 scores are doubles, and members with scores pairs", async () => {
  const one = await resp3();
  await one.expect("ZADD z 1 a 2.5 b inf c", 3);
  await one.expect("ZSCORE z b", 2.5);
  await one.expect("ZMSCORE z a none c", [1, null, Infinity]);
  await one.expect("ZADD z INCR 1 a", 2);
  await one.expect("ZRANGE z 0 1 WITHSCORES", [["a", 2], ["b", 2.5]]);
  await one.expect("ZRANGEBYSCORE z 2 3 WITHSCORES", [["a", 2], ["b", 2.5]]);
  await one.expect("ZUNION 1 z WITHSCORES", [["a", 2], ["b", 2.5], ["c", Infinity]]);
  await one.expect("ZRANDMEMBER z 3 WITHSCORES", /(?=.*a,2)(?=.*b,2\.5)/);
  await one.expect("ZPOPMIN z", ["a", 2]);
  await one.expect("ZPOPMIN z 1", [["b", 2.5]]);
  await one.expect("BZPOPMAX z 1", ["z", "c", Infinity]);
  await one.expect("ZADD z 1 a", 1);
  await one.expect("ZMPOP 1 z MIN", ["z", [["a", 1]]]);
  await one.expect("ZMPOP 1 z MIN", null);
});

test("a sorted set is a listpack until it outgrows its limits; results are what they are by their size", async () => {
  await client.expect("CONFIG SET zset-max-listpack-entries 4", "OK");
  await client.expect("ZADD z 1 a 2 b 3 c 4 d", 4);
  await client.expect("OBJECT ENCODING z", "listpack");
  await client.expect("ZADD z 5 e", 1);
  await client.expect("OBJECT ENCODING z", "skiplist");
  await client.expect("ZREM z a b c", 3);
  await client.expect("OBJECT ENCODING z", "skiplist");
  await client.expect("ZUNIONSTORE u 1 z", 2);
  await client.expect("OBJECT ENCODING u", "listpack");
  await client.expect("ZRANGESTORE u z 0 -1", 2);
  await client.expect("OBJECT ENCODING u", "listpack");
  await client.expect(["ZADD", "long", "1", "x".repeat(65)], 1);
  await client.expect("OBJECT ENCODING long", "skiplist");
  await client.expect("ZUNIONSTORE u 2 z long", 3);
  await client.expect("OBJECT ENCODING u", "skiplist");
});

test("keys of other types are refused by every command", async () => {
  await client.expect("SET string x", "OK");
  const commands = [
    "ZADD string 1 a",
    "ZINCRBY string 1 a",
    "ZREM string a",
    "ZCARD string",
    "ZCOUNT string 1 2",
    "ZLEXCOUNT string - +",
    "ZSCORE string a",
    "ZMSCORE string a",
    "ZRANK string a",
    "ZRANGE string 0 1",
    "ZRANGESTORE d string 0 1",
    "ZREVRANGEBYLEX string + -",
    "ZREMRANGEBYRANK string 0 1",
    "ZREMRANGEBYSCORE string 0 1",
    "ZREMRANGEBYLEX string - +",
    "ZPOPMIN string",
    "ZMPOP 2 none string MIN",
    "BZPOPMIN none string 1",
    "BZMPOP 1 2 none string MIN",
    "ZRANDMEMBER string",
    "ZRANDMEMBER string 1",
    "ZSCAN string 0",
    "ZUNIONSTORE d 1 string",
    "ZINTERCARD 1 string",
  ];
  for (const command of commands) await client.expect(command, WRONG_TYPE);
  await client.expect("GET string", "x");
});

test("events tell what happened to a sorted set", async () => {
  await client.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  const listener = await server.connect();
  await listener.call("PSUBSCRIBE", "__keyevent@0__:*");
  const commands = [
    "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f",
    "ZADD z 1 a",
    "ZINCRBY z 1 a",
    "ZREM z a none",
    "ZREM z none",
    "ZPOPMIN z",
    "ZPOPMAX z 1",
    "ZREMRANGEBYRANK z 0 0",
    "ZREMRANGEBYSCORE z 9 9",
    "ZRANGESTORE copy z 0 -1",
    "ZUNIONSTORE copy 1 z",
    "ZINTERSTORE copy 1 none",
    "ZREMRANGEBYSCORE z 4 4",
    "ZREMRANGEBYLEX z - +",
  ];
  for (const command of commands) await client.call(command);
  const expected = ["zadd z", "zincr z", "zrem z", "zpopmin z", "zpopmax z", "zremrangebyrank z", "zrangestore copy"];
  expected.push("zunionstore copy", "del copy", "zremrangebyscore z", "zremrangebylex z", "del z");
  const events: string[] = [];
  while (events.length < expected.length) {
    const [, , channel, key] = await listener.read() as string[];
    events.push(`${channel.replace("__keyevent@0__:", "")} ${key}`);
  }
  await client.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
  assert.deepEqual(events, expected);
});

test("changes are counted by the member", async () => {
  const changes = async () =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(String(await client.call("INFO persistence")))?.[1]);
  const cases: [string, number][] = [
    ["ZADD z 1 a 2 b 3 c 4 d 5 e", 5],
    ["ZADD z 1 a 3 b", 1],
    ["ZINCRBY z 1 a", 1],
    ["ZREM z a b x", 2],
    ["ZPOPMIN z 2", 2],
    ["ZRANGESTORE y z 0 -1", 1],
    ["ZUNIONSTORE y 2 z y", 1],
    ["ZREMRANGEBYRANK z 0 -1", 1],
    ["ZUNIONSTORE y 1 none", 1],
    ["ZUNIONSTORE y 1 none", 0],
  ];
  for (const [command, count] of cases) {
    const before = await changes();
    await client.call(command);
    assert.equal(await changes() - before, count, command);
  }
});

test("a replica sees what was taken, and not from which keys it might have been", async () => {
  await client.expect("CONFIG SET repl-diskless-sync-delay 0", "OK");
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", `127.0.0.1 ${server.port}`] });
  try {
    const reader = await replica.connect();
    await until("the link", async () => /master_link_status:up/.test(String(await reader.call("INFO replication"))));
    const monitor = await replica.connect();
    await monitor.expect("MONITOR", "OK");
    await client.expect("ZADD z 1 a 2 b 3 c 4 d", 4);
    await client.expect("ZMPOP 2 none z MIN COUNT 2", ["z", [["a", "1"], ["b", "2"]]]);
    await client.expect("BZPOPMAX none z 1", ["z", "d", "4"]);
    await client.expect("BZMPOP 1 2 none z MIN COUNT 9", ["z", [["c", "3"]]]);
    await client.expect("SET end 1", "OK");
    const lines: string[] = [];
    while (!lines.some((line) => line.includes('"end"'))) {
      const line = String(await monitor.read() as Reply).replace(/^.*?\] /, "").toLowerCase();
      if (!/"(select|ping|replconf)"/.test(line)) lines.push(line);
    }
    assert.deepEqual(lines, [
      '"zadd" "z" "1" "a" "2" "b" "3" "c" "4" "d"',
      '"zpopmin" "z" "2"',
      '"zpopmax" "z"',
      '"zpopmin" "z" "1"',
      '"set" "end" "1"',
    ]);
  } finally {
    await replica.stop();
  }
});

test("a score of -0 in a large sorted set is one again when it is restored", async () => {
  await client.expect("DEL signed restored", /[0-2]/);
  const members = Array.from({ length: 300 }, (_, i) => ["1", `m${i}`]).flat();
  await client.expect(["ZADD", "signed", ...members, "-0", "zero"], 301);
  await client.expect("ZSCORE signed zero", "-0");
  client.send("DUMP", "signed");
  const payload = String(await client.read());
  await client.expect(["RESTORE", "restored", 0, payload], "OK");
  await client.expect("ZSCORE restored zero", "-0");
  await client.expect("ZRANK restored zero", 0);
  await client.expect("DEL signed restored", 2);
});
