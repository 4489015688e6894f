/**
 * Keys and their access, compared with Redis 7.0: what COMMAND tells of every command, and the keys that are found in
 * requests. The specs of commands that are still to come are taken from Redis, to see that the same code follows them.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Command, command, MOVABLE_KEYS } from "../../lib/commands/command.ts";
import { findKeys } from "../../lib/commands/find_keys.ts";
import * as specs from "../../lib/commands/key_specs.ts";
import { Request } from "../../lib/resp/request.ts";
import { ServerProcess } from "../integration/server_process.ts";
import { type Reply, ReplyError, type TestClient } from "../integration/test_client.ts";
import { asIn72 } from "./as_in_7_2.ts";
import { havePeers } from "./peers.ts";

/** Finders that are not here yet: Redis's specs of these commands do not say all. */
const NEEDS_FINDER = new Set(["sort", "sort_ro", "migrate", "georadius", "georadiusbymember", "bitfield", "set"]);

let ours: TestClient;
let redis: TestClient;
const servers: ServerProcess[] = [];
before(async () => {
  if (!havePeers({ skip: () => {} }, "redis-server")) return;
  const processes = [await ServerProcess.start(), await ServerProcess.start({ kind: "redis-server" })];
  servers.push(...processes);
  [ours, redis] = await Promise.all(processes.map((one) => one.connect()));
});
after(async () => {
  for (const server of servers) await server.stop();
});

type Fields = readonly Reply[];

/** Commands and subcommands by name; in RESP2. */
async function infos(client: TestClient): Promise<Map<string, Fields>> {
  const all = new Map<string, Fields>();
  const collect = (list: Reply) => {
    assert.ok(Array.isArray(list));
    for (const one of list) {
      assert.ok(Array.isArray(one));
      all.set(String(one[0]), one);
      collect(one[9]);
    }
  };
  collect(await client.call("COMMAND"));
  return all;
}

/** The fields of a map in RESP2. */
function fieldsOf(reply: Reply): Map<string, Reply> {
  assert.ok(Array.isArray(reply));
  const fields = new Map<string, Reply>();
  for (let i = 0; i < reply.length; i += 2) fields.set(String(reply[i]), reply[i + 1]);
  return fields;
}

/** A reply in which the text of notes, which is our own, does not count. */
function withoutNotes(reply: Reply): unknown {
  if (!Array.isArray(reply)) return reply;
  return reply.map((one, i) => reply[i - 1] === "notes" ? "…" : withoutNotes(one));
}

/** Names in both. */
function common(a: Map<string, Fields>, b: Map<string, Fields>): string[] {
  return [...a.keys()].filter((name) => b.has(name));
}

test("arity, flags, first, last and step, categories and key specs of every command are Redis's", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [a, b] = [await infos(ours), await infos(redis)];
  const names = common(a, b);
  assert.ok(names.length > 150);
  const differences: string[] = [];
  for (const name of names) {
    const [mine, theirs] = [a.get(name) ?? [], asIn72(b.get(name) ?? [])].map((fields) => {
      const [, arity, flags, first, last, step, categories, , keySpecs] = fields;
      const sorted = [flags, categories].map((words) => Array.isArray(words) ? words.toSorted() : words);
      return JSON.stringify([arity, ...sorted, first, last, step, withoutNotes(keySpecs)]);
    });
    if (mine !== theirs) differences.push(`${name}:\n  ours    ${mine}\n  Redis's ${theirs}`);
  }
  assert.equal(differences.join("\n"), "");
});

test("in RESP3 key specs are maps, and flags sets, as Redis's", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [bytes, expected] = await Promise.all([servers[0], servers[1]].map(async (server) => {
    const client = await server.connect();
    await client.call("HELLO 3");
    client.send("COMMAND", "INFO", "GET", "MSET", "RENAME", "SSUBSCRIBE", "object|freq", "PING");
    return (await client.readReplyBytes()).replaceAll(/~\d+\r\n(\+(@?[a-z]+)\r\n)+/g, (set) =>
      // The order of a command's flags and categories is nobody's business; that of keys' flags stays.
      set.includes("+RO") || set.includes("+OW") ? set : set.split("\r\n").toSorted().join("\r\n"));
  }));
  assert.equal(bytes, expected);
});

/** Requests, each behind a semicolon. */
function requests(text: string): string[] {
  return text.trim().split(/;\s+/);
}

/** Requests of every family, and odd ones. */
const REQUESTS = requests(`
  SET a 1; set a 1 get; SET a 1 GET; SET a 1 EX 10 gEt NX; SET a get; SET get get; SET a 1 getx; SET; SET a;
  SET a 1 EX get; GET a; get a b; GETEX a; GETEX a PERSIST; GETDEL a; GETSET a b; MSET a 1 b 2; MSET a 1 b; MSET a;
  MSETNX a 1; MGET a b a; MGET a; LCS a b; LCS a b LEN; LCS a; APPEND a x; STRLEN a; SETRANGE a 1 x; SUBSTR a 0 1;
  GETRANGE a 0 1; SETNX a 1; SETEX a 1 b; INCR a; INCRBYFLOAT a 1; SETBIT a 1 1; GETBIT a 1; HSET h f v g w;
  HSET h f; HSETNX h f v; HDEL h f g; HMGET h f; HSCAN h 0; HRANDFIELD h; HLEN h; DEL a b c; DEL; UNLINK a;
  EXISTS a a; TOUCH a b; TYPE a; RENAME a b; RENAMENX a b; RENAME a; COPY a b DB 1; COPY a; MOVE a 1;
  EXPIRE a 10 NX; PERSIST a; TTL a; DUMP a; RESTORE a 0 x REPLACE; RESTORE-ASKING a 0 x; WATCH a b; UNWATCH; MULTI;
  EXEC; KEYS *; SCAN 0; RANDOMKEY; OBJECT ENCODING a; OBJECT HELP; OBJECT FREQ; OBJECT; OBJECT NOSUCH a;
  OBJECT|ENCODING x a; MEMORY USAGE a SAMPLES 1; MEMORY USAGE; MEMORY DOCTOR; CONFIG GET a; CLIENT ID;
  DEBUG OBJECT a; SUBSCRIBE a; SSUBSCRIBE a b; SUNSUBSCRIBE; SPUBLISH a b; PUBLISH a b; PING a; NOSUCH a b;
  COMMAND GETKEYS GET a; INFO x; SELECT 1; FLUSHALL x; SWAPDB 0 1; SHUTDOWN x; WAIT 1 1
`);

async function compareRequests(all: readonly string[]): Promise<void> {
  const differences: string[] = [];
  for (const request of all) {
    // Redis 7.0 refuses a command without arguments for COMMAND GETKEYS' own arity; 7.2 asks what the command takes.
    if (!request.includes(" ")) continue;
    for (const how of ["GETKEYS", "GETKEYSANDFLAGS"]) {
      const [mine, theirs] = await Promise.all(
        [ours, redis].map((one) => one.call("COMMAND", how, ...request.split(" "))),
      );
      const [a, b] = [JSON.stringify(mine), JSON.stringify(theirs)];
      if (a !== b) differences.push(`${how} ${request}\n  ours    ${a}\n  Redis's ${b}`);
    }
  }
  assert.equal(differences.join("\n"), "");
}

test("GETKEYS and GETKEYSANDFLAGS of requests of all families are Redis's", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  await compareRequests(REQUESTS);
});

test("GETKEYS and GETKEYSANDFLAGS of every command, with any number of arguments, are Redis's", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [a, b] = [await infos(ours), await infos(redis)];
  const sweep: string[] = [];
  for (const name of [...a.keys()].filter((one) => b.has(one) && !one.endsWith("rank"))) {
    const words = name.split("|");
    const most = Math.abs(Number(a.get(name)?.[1])) + 3;
    // The arity of these two is not 7.0's.
    for (let argc = name.startsWith("command|") ? 4 : words.length; argc <= most; argc++) {
      sweep.push([...words, ...["a", "b", "c", "d", "e", "f", "g", "h"].slice(0, argc - words.length)].join(" "));
    }
  }
  await compareRequests(sweep);
});

test("a command without arguments is asked what it takes, as in Redis 7.2", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const wrong = new ReplyError("ERR Invalid number of arguments specified for command");
  await ours.expect("COMMAND GETKEYS SET", wrong);
  await ours.expect("COMMAND GETKEYSANDFLAGS DEL", wrong);
  await ours.expect("COMMAND GETKEYS PING", new ReplyError("ERR The command has no key arguments"));
  await ours.expect("COMMAND GETKEYS NOSUCH", new ReplyError("ERR Invalid command specified"));
});

/** A spec of ours from Redis's description of it. */
function specOf(reply: Reply): specs.KeySpec {
  const fields = fieldsOf(reply);
  const words = fields.get("flags");
  assert.ok(Array.isArray(words));
  let flags = 0;
  for (let bit = 1; bit <= specs.VARIABLE_FLAGS; bit *= 2) if (words.includes(specs.flagNames(bit)[0])) flags |= bit;
  const [begin, find] = ["begin_search", "find_keys"].map((name) => fieldsOf(fields.get(name) ?? null));
  const [from, by] = [begin, find].map((one) => fieldsOf(one.get("spec") ?? null));
  const number = (of: Map<string, Reply>, name: string) => Number(of.get(name));
  const beginSearch = begin.get("type") === "index"
    ? specs.index(number(from, "index"))
    : begin.get("type") === "keyword"
    ? specs.keyword(String(from.get("keyword")), number(from, "startfrom"))
    : specs.UNKNOWN;
  const finds = find.get("type") === "range"
    ? specs.range(number(by, "lastkey"), number(by, "keystep"), number(by, "limit"))
    : find.get("type") === "keynum"
    ? specs.keynum(number(by, "keynumidx"), number(by, "firstkey"), number(by, "keystep"))
    : specs.UNKNOWN;
  return specs.keySpec(flags, beginSearch, finds);
}

/** Redis's commands, declared with its specs. */
async function declared(): Promise<Map<string, Command>> {
  const all = new Map<string, Command>();
  for (const [name, fields] of await infos(redis)) {
    assert.ok(Array.isArray(fields[8]));
    all.set(name, command(name, Number(fields[1]), 0, () => {}, { keys: fields[8].map(specOf) }));
  }
  return all;
}

test("first, last, step and movablekeys follow from the specs as in Redis, for every command of Redis", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const all = await declared();
  for (const [name, fields] of await infos(redis)) {
    const of = all.get(name);
    assert.ok(of !== undefined && Array.isArray(fields[2]));
    const movable = (of.flags & MOVABLE_KEYS) !== 0;
    assert.deepEqual([name, ...of.keyRange, movable], [name, ...fields.slice(3, 6), fields[2].includes("movablekeys")]);
  }
});

/** What keys are found, in the form of GETKEYSANDFLAGS; [] if they cannot be. */
function found(of: Command, words: readonly string[]): unknown {
  const keys = new specs.FoundKeys();
  findKeys(of, Request.of(...words), keys);
  return keys.indices.map((index, i) => [words[index], specs.flagNames(keys.flags[i])]);
}

/**
 * Requests whose keys are found by a number of keys, behind a word, or by halves. Not among them is a number such as 01,
 * which Redis's specs refuse, as EVAL does, but what they fall back to reads.
 */
const MOVABLE = requests(`
  EVAL x 2 a b c; EVAL x 0; EVAL x 0 a; EVAL x 9 a; EVAL x -1 a; EVAL x y a; EVAL x 1 a; FCALL f 1 a b;
  EVALSHA s 2 a; EVAL_RO x 1 a; ZUNIONSTORE d 2 a b WEIGHTS 1 2; ZUNIONSTORE d 0 a; ZINTERSTORE d 2 a;
  ZDIFF 1 a WITHSCORES; ZINTERCARD 2 a b LIMIT 1; LMPOP 2 a b LEFT; BLMPOP 0 1 a LEFT; BZMPOP 1 2 a b MIN;
  SINTERCARD 3 a b; XREAD STREAMS a b 0 0; XREAD COUNT 2 BLOCK 0 streams a 0; XREAD COUNT 2 a 0;
  XREAD STREAMS a b 0; XREAD COUNT 1 STREAMS; XREADGROUP GROUP g c STREAMS a b > >;
  XREADGROUP GROUP STREAMS c COUNT 1 STREAMS a >; XREADGROUP GROUP g c NOACK a b; SINTERSTORE d a b; SUNION a b;
  BLPOP a b 0; BLMOVE a b LEFT LEFT 0; LMOVE a b LEFT LEFT; PFMERGE d a b; PFMERGE d; BITOP AND d a b;
  GEOSEARCHSTORE d a x y z q w; XGROUP CREATE a g 0; SMOVE a b c; ZRANGESTORE d a 0 1
`);

test("keys that move are found by Redis's specs as Redis finds them", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const all = await declared();
  for (const request of MOVABLE) {
    const words = request.split(" ");
    const of = all.get(`${words[0]}|${words[1]}`.toLowerCase()) ?? all.get(words[0].toLowerCase());
    assert.ok(of !== undefined, request);
    const expected = await redis.call("COMMAND", "GETKEYSANDFLAGS", ...words);
    assert.deepEqual([request, found(of, words)], [request, expected instanceof ReplyError ? [] : expected]);
  }
  for (const [name, of] of all) {
    const first = name.split("|");
    if (NEEDS_FINDER.has(name) || of.keys.every((spec) => (spec.flags & specs.NOT_KEY) !== 0)) continue;
    const words = [...first, ..."a b c d e f g h i j".split(" ")].slice(
      0,
      Math.max(Math.abs(of.arity), first.length + 1),
    );
    const expected = await redis.call("COMMAND", "GETKEYSANDFLAGS", ...words);
    assert.deepEqual([name, found(of, words)], [name, expected instanceof ReplyError ? [] : expected]);
  }
});

/** What BITFIELD does with its key, once it is here. */
function findBitfieldKey(request: Request, keys: specs.FoundKeys): boolean {
  let flags = specs.RO | specs.ACCESS;
  for (let i = 2; i < request.argc; i += 3) {
    if (!request.is(i, "get") || i + 2 >= request.argc) flags = specs.RW | specs.ACCESS | specs.UPDATE;
  }
  keys.add(1, flags);
  return true;
}

test("a finder tells what varies, or what specs cannot say", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const keys = [specs.oneKey(specs.RW | specs.ACCESS | specs.UPDATE | specs.VARIABLE_FLAGS)];
  const bitfield = command("bitfield", -2, 0, () => {}, { keys, keyFinder: findBitfieldKey });
  for (const request of ["BITFIELD a GET u8 0", "BITFIELD a GET u8 0 SET u8 0 1", "BITFIELD a", "BITFIELD a GET u8"]) {
    const words = request.split(" ");
    assert.deepEqual(found(bitfield, words), await redis.call("COMMAND", "GETKEYSANDFLAGS", ...words), request);
  }
  const either = [specs.oneKey(specs.RO), specs.keySpec(specs.RO, specs.UNKNOWN, specs.UNKNOWN)];
  const without = command("sorts", -2, 0, () => {}, { keys: either });
  assert.deepEqual(found(without, ["sorts", "a"]), [], "what cannot be found whole is not found in part");
});

test("channels are found where they are asked for, and only there", () => {
  const of = command("spublish", 3, 0, () => {}, { keys: [specs.oneKey(specs.NOT_KEY)] });
  const keys = new specs.FoundKeys();
  assert.ok(findKeys(of, Request.of("spublish", "c", "m"), keys) && keys.count === 0);
  assert.ok(findKeys(of, Request.of("spublish", "c", "m"), keys, 0));
  assert.deepEqual([keys.indices, keys.flags], [[1], [specs.NOT_KEY]]);
});

test("a word is looked for backwards from the end where a spec says so", () => {
  const keys = [specs.keySpec(specs.RO, specs.keyword("KEYS", -2), specs.range(-1))];
  const of = command("moves", -2, 0, () => {}, { keys });
  assert.deepEqual(found(of, ["moves", "keys", "x", "KEYS", "a", "b"]), [["a", ["RO"]], ["b", ["RO"]]]);
  assert.deepEqual(found(of, ["moves", "x", "keys"]), []);
});
