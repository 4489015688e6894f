/** DEBUG, as Redis's own tests use it; digests are compared with Redis's. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const HAS_ORACLE = spawnSync("redis-server", ["--version"]).status === 0;
const ARGS = ["--save", "", "--enable-debug-command", "yes"];

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start({ args: ARGS });
  client = await server.connect();
});
after(() => server.stop());

/** A small generator of pseudo-random numbers, so that a failure can be repeated (Marsaglia's xorshift). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function randomText(random: (below: number) => number, longest: number): string {
  const kind = random(3);
  if (kind === 0) return String(random(2 ** 31) - 2 ** 30);
  return Array.from({ length: random(longest) }, () => String.fromCharCode((random(kind === 1 ? 256 : 26) + 97) & 255))
    .join(
      "",
    );
}

test("equal data has the digest that Redis gives it", { skip: !HAS_ORACLE || IS_ORACLE }, async () => {
  const oracle = await ServerProcess.start({ kind: "redis-server", args: ARGS });
  try {
    const other = await oracle.connect();
    const random = generator(42);
    await client.expect("FLUSHALL", "OK");
    const keys: string[] = [];
    for (let i = 0; i < 600; i++) {
      const key = `k${i}:${randomText(random, 40)}`;
      keys.push(key);
      let args: string[];
      if (random(2) === 0) args = ["SET", key, randomText(random, i % 50 === 0 ? 20_000 : 120)];
      else {
        args = ["HSET", key];
        const fields = i % 40 === 0 ? 300 : 1 + random(6);
        for (let field = 0; field < fields; field++) args.push(`f${field}`, randomText(random, 90));
      }
      const commands = [["SELECT", String(random(4))], args];
      if (random(3) === 0) commands.push(["PEXPIREAT", key, String(4e12 + random(1000))]);
      for (const command of commands) {
        for (const one of [client, other]) one.send(...command);
        const [ours, theirs] = [await client.read(), await other.read()];
        assert.deepEqual(ours, theirs, command.slice(0, 2).join(" "));
      }
    }
    assert.equal(await client.call("DEBUG", "DIGEST"), await other.call("DEBUG", "DIGEST"));
    for (let database = 0; database < 4; database++) {
      const ask = async (of: TestClient) => {
        await of.call("SELECT", database);
        return of.call("DEBUG", "DIGEST-VALUE", ...keys);
      };
      assert.deepEqual(await ask(client), await ask(other));
    }
    await client.expect("SELECT 0", "OK");
  } finally {
    await oracle.stop();
  }
});

test("the digest of nothing is zero, and of a value is the same wherever it lies", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("DEBUG DIGEST", "0".repeat(40));
  await client.expect("MSET a same b same", "OK");
  const reply = await client.call("DEBUG DIGEST-VALUE a b missing");
  assert.ok(Array.isArray(reply));
  assert.equal(reply[0], reply[1]);
  assert.equal(reply[2], "0".repeat(40));
});

test("RELOAD brings everything back", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("DEBUG POPULATE 1000 key 100", "OK");
  await client.expect("HSET h f v g 1", 2);
  await client.expect("PEXPIREAT key:1 4000000000000", 1);
  const before = await client.call("DEBUG DIGEST");
  await client.expect("DEBUG RELOAD", "OK");
  await client.expect("DEBUG DIGEST", before);
  await client.expect("DBSIZE", 1001);
  await client.expect("SET extra 1", "OK");
  await client.expect("SET key:2 changed", "OK");
  await client.expect("DEBUG RELOAD NOSAVE NOFLUSH MERGE", "OK");
  await client.expect("GET extra", "1");
  await client.expect("STRLEN key:2", 100);
  await client.expect("DEBUG RELOAD NOSAVE", "OK");
  await client.expect("DEBUG DIGEST", before);
  await client.expect("DEBUG RELOAD NOSUCHOPTION", /only supports the MERGE, NOFLUSH and NOSAVE options/);
});

test("POPULATE creates what is missing", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("SET key:1 mine", "OK");
  await client.expect("DEBUG POPULATE 3", "OK");
  await client.expect("MGET key:0 key:1 key:2 key:3", ["value:0", "mine", "value:2", null]);
  await client.expect("DEBUG POPULATE 1 p 10", "OK");
  await client.expect("GET p:0", "value:0\0\0\0");
  await client.expect("DEBUG POPULATE 11 q 3", "OK");
  await client.expect("MGET q:0 q:10", ["val", "val"]);
  await client.expect("DEBUG POPULATE 12 r 8", "OK");
  await client.expect("MGET r:9 r:10 r:11", ["value:9\0", "value:10", "value:11"]);
  await client.expect("DEBUG POPULATE x", new ReplyError("ERR value is out of range, must be positive"));
});

test("OBJECT, SDSLEN, LISTPACK and HTSTATS-KEY look inside", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("MSET n 12345 s hello", "OK");
  await client.expect("HSET h f v", 1);
  await client.expect(
    "DEBUG OBJECT n",
    /^Value at:0x[0-9a-f]+ refcount:\d+ encoding:int serializedlength:3 lru:\d+ lru_seconds_idle:\d+$/,
  );
  await client.expect("DEBUG OBJECT s", /encoding:embstr serializedlength:6 /);
  await client.expect("DEBUG OBJECT h", /encoding:listpack /);
  // What has expired is shown as long as it is there, as on a replica, which waits for its primary's word.
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("SET gone text PXAT 1", "OK");
  await client.expect("DEBUG OBJECT gone", /encoding:embstr /);
  await client.expect("GET gone", null);
  await client.expect("DEBUG OBJECT gone", new ReplyError("ERR no such key"));
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
  await client.expect("DEBUG OBJECT missing", new ReplyError("ERR no such key"));
  await client.expect("DEBUG SDSLEN s", /^key_sds_len:1, key_sds_avail:0, key_zmalloc: \d+, val_sds_len:5, /);
  await client.expect("DEBUG SDSLEN n", new ReplyError("ERR Not an sds encoded string."));
  await client.expect("DEBUG LISTPACK h", "Listpack structure printed on stdout");
  await client.expect("DEBUG LISTPACK s", new ReplyError("ERR Not a listpack encoded object."));
  await client.expect("DEBUG HTSTATS-KEY h", /not represented using an hash table/);
  await client.expect("DEBUG HTSTATS 0", /table size: \d+\n number of elements: \d+/);
  await client.expect("DEBUG HTSTATS 99", new ReplyError("ERR Out of range database"));
});

test("SET-ACTIVE-EXPIRE leaves expired keys where they are", async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 0", "OK");
  await client.expect("PSETEX gone 1 x", "OK");
  await new Promise((resolve) => setTimeout(resolve, 400));
  await client.expect("DBSIZE", 1);
  await client.expect("DEBUG SET-ACTIVE-EXPIRE 1", "OK");
  await until("the key to be removed", async () => await client.call("DBSIZE") === 0);
});

test("SLEEP holds everybody up", async () => {
  const other = await server.connect();
  await other.expect("PING", "PONG");
  const order: unknown[] = [];
  const asleep = client.call("DEBUG", "SLEEP", "0.3").then((reply) => order.push(reply));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([asleep, other.call("PING").then((reply) => order.push(reply))]);
  assert.deepEqual(order, ["OK", "PONG"]);
});

const SAMPLES: readonly (readonly [type: string, resp2: string, resp3: string])[] = [
  ["string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"],
  ["integer", ":12345\r\n", ":12345\r\n"],
  ["double", "$5\r\n3.141\r\n", ",3.141\r\n"],
  ["null", "$-1\r\n", "_\r\n"],
  ["array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"],
  ["set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"],
  ["map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"],
  ["verbatim", "$25\r\nThis is a verbatim\nstring\r\n", "=29\r\ntxt:This is a verbatim\nstring\r\n"],
  ["true", ":1\r\n", "#t\r\n"],
  ["false", ":0\r\n", "#f\r\n"],
  ["bignum", "$37\r\n1234567999999999999999999999999999999\r\n", "(1234567999999999999999999999999999999\r\n"],
  [
    "attrib",
    "$39\r\nSome real reply following the attribute\r\n",
    "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n",
  ],
  [
    "push",
    "-ERR RESP2 is not supported by this command\r\n",
    ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n",
  ],
];

test("PROTOCOL shows each type in both versions", async () => {
  const [two, three] = [await server.connect(), await server.connect()];
  await three.call("HELLO 3");
  for (const [type, resp2, resp3] of SAMPLES) {
    two.sendRaw(`DEBUG PROTOCOL ${type}\r\n`);
    assert.equal(await two.readRaw(resp2.length), resp2);
    three.sendRaw(`DEBUG PROTOCOL ${type}\r\n`);
    assert.equal(await three.readRaw(resp3.length), resp3);
  }
  await two.expect("DEBUG PROTOCOL x", /^ERR Wrong protocol type name/);
});

test("what is accepted, and what is not", async () => {
  for (
    const line of [
      "DEBUG LOG hello",
      "DEBUG QUICKLIST-PACKED-THRESHOLD 100b",
      "DEBUG SET-DISABLE-DENY-SCRIPTS 1",
      "DEBUG SET-DISABLE-DENY-SCRIPTS 0",
      "DEBUG REPLYBUFFER PEAK-RESET-TIME 100",
      "DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER",
      "DEBUG REPLYBUFFER RESIZING 1",
      "DEBUG PAUSE-CRON 1",
      "DEBUG PAUSE-CRON 0",
      "DEBUG REPLICATE SET a 1",
    ]
  ) await client.expect(line, "OK");
  await client.expect("DEBUG ERROR CODE", new ReplyError("CODE"));
  await client.expect("DEBUG QUICKLIST-PACKED-THRESHOLD 5gb", /must be a memory value/);
  await client.expect("DEBUG", /wrong number of arguments for 'debug' command/);
  for (const what of ["NOSUCH", "SLEEP"]) {
    const error = `ERR unknown subcommand or wrong number of arguments for '${what}'. Try DEBUG HELP.`;
    await client.expect(`DEBUG ${what}`, new ReplyError(error));
  }
  assert.ok(server.output.includes("DEBUG LOG: hello"));
});

test("CHANGE-REPL-ID gives the stream another id", async () => {
  const id = async () => /master_replid:(\w+)/.exec(String(await client.call("INFO replication")))?.[1];
  const before = await id();
  await client.expect("DEBUG CHANGE-REPL-ID", "OK");
  assert.notEqual(await id(), before);
});

test("a payload with a wrong checksum is taken when checksums are not looked at", async () => {
  await client.expect("SET a value", "OK");
  const dump = String(await client.call("DUMP a"));
  const spoiled = dump.slice(0, -1) + String.fromCharCode(dump.charCodeAt(dump.length - 1) ^ 1);
  await client.expect(["RESTORE", "b", 0, spoiled], /payload version or checksum are wrong/);
  await client.expect("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "OK");
  await client.expect(["RESTORE", "b", 0, spoiled], "OK");
  await client.expect("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0", "OK");
  await client.expect("GET b", "value");
});

test("DEBUG is refused where it is not allowed, inside MULTI too", async () => {
  const strict = await ServerProcess.start({ args: ["--save", ""] });
  const local = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "local"] });
  try {
    const refused = await strict.connect();
    await refused.expect("DEBUG SLEEP 0", /^ERR DEBUG command not allowed\. If the enable-debug-command option is set/);
    await refused.expect("MULTI", "OK");
    await refused.expect("DEBUG SLEEP 0", /^ERR DEBUG command not allowed/);
    await refused.expect("EXEC", /^EXECABORT/);
    await (await local.connect()).expect("DEBUG SLEEP 0", "OK");
  } finally {
    await Promise.all([strict.stop(), local.stop()]);
  }
});

test("LOADAOF says so where there is none, and leaves the data (Redis ends)", { skip: IS_ORACLE }, async () => {
  await client.expect("SET kept 1", "OK");
  await client.expect("DEBUG LOADAOF", /no append-only file/);
  await client.expect("GET kept", "1");
});

test("CONFIG-REWRITE-FORCE-ALL writes every directive", async () => {
  await client.expect("DEBUG CONFIG-REWRITE-FORCE-ALL", /^ERR CONFIG-REWRITE-FORCE-ALL failed: /);
  const folder = mkdtempSync(join(tmpdir(), "tredis-force-"));
  const file = join(folder, "redis.conf");
  writeFileSync(file, "hz 12\n");
  const configured = await ServerProcess.start({ first: [file], folder, args: ARGS });
  try {
    await (await configured.connect()).expect("DEBUG CONFIG-REWRITE-FORCE-ALL", "OK");
    const lines = readFileSync(file, "utf8").split("\n");
    for (const line of ["hz 12", "timeout 0", "lfu-log-factor 10", "maxmemory-policy noeviction"]) {
      assert.ok(lines.includes(line), line);
    }
  } finally {
    await configured.stop();
  }
});
