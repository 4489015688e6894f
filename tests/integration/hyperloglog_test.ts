/**
 * HyperLogLogs: PFADD, PFCOUNT, PFMERGE and what looks into them, to the byte. Runs against redis-server too; and where that
 * is installed, the same is done to both and compared.
 */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { havePeers } from "../interop/peers.ts";
import { below, randomFrom } from "../store/support.ts";
import { ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const NOT_ONE = new ReplyError("WRONGTYPE Key is not a valid HyperLogLog string value.");
const UNSOUND = new ReplyError("INVALIDOBJ Corrupted HLL object detected");
const HEADER = "HYLL\x01\0\0\0";
const OUTDATED = "\0\0\0\0\0\0\0\x80";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", "--enable-debug-command", "yes"] });
  client = await server.connect();
});
after(() => server.stop());
afterEach(async () => {
  await client.expect("FLUSHALL", "OK");
  await client.expect("CONFIG SET hll-sparse-max-bytes 3000", "OK");
});

const numbers = (count: number, prefix = ""): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test("PFADD says whether anything has changed, PFCOUNT how many there are", async () => {
  await client.expect("PFADD key", 1);
  await client.expect("PFADD key", 0);
  await client.expect("PFCOUNT key", 0);
  await client.expect("PFADD key a b c", 1);
  await client.expect("PFADD key a b c", 0);
  await client.expect("PFCOUNT key", 3);
  await client.expect("PFCOUNT missing", 0);
  await client.expect("PFADD other c d", 1);
  await client.expect("PFCOUNT key other missing", 4);
  await client.expect("TYPE key", "string");
});

test("the bytes are Redis's: runs, header, and the estimate that is kept", async () => {
  await client.expect("PFADD key", 1);
  await client.expect("GET key", `${HEADER}${OUTDATED}\x7f\xff`);
  await client.expect(["PFADD", "key", "1", "2", "3", "foo", "barbarbarbar", ""], 1);
  const runs = "\x4a\xae\x84\x4c\x81\x84\x45\x80\x90\x40\xb1\x80\x4d\x74\x80\x51\x2c\x8c\x43\xf3";
  await client.expect("GET key", `${HEADER}${OUTDATED}${runs}`);
  await client.expect(
    "PFDEBUG DECODE key",
    "Z:2735 v:2,1 Z:3202 v:2,1 Z:1409 v:5,1 Z:178 v:1,1 Z:3445 v:1,1 Z:4397 v:4,1 Z:1012",
  );
  await client.expect("PFCOUNT key", 6);
  await client.expect("GET key", `${HEADER}\x06\0\0\0\0\0\0\0${runs}`);
  await client.expect("PFADD key 1", 0);
  await client.expect("GET key", `${HEADER}\x06\0\0\0\0\0\0\0${runs}`);
});

test("a sparse one becomes dense when it is too long, or when it is asked to", async () => {
  await client.expect(["PFADD", "key", ...numbers(500)], 1);
  await client.expect("PFDEBUG ENCODING key", "sparse");
  await client.expect(["PFADD", "key", ...numbers(5000)], 1);
  await client.expect("PFDEBUG ENCODING key", "dense");
  await client.expect("STRLEN key", 12304);
  await client.expect(["PFADD", "small", ...numbers(20)], 1);
  const before = await client.call("PFCOUNT small");
  await client.expect("PFDEBUG TODENSE small", 1);
  await client.expect("PFDEBUG TODENSE small", 0);
  await client.expect("PFCOUNT small", before);
  await client.expect("PFADD small 19", 0);
  await client.expect("PFADD small x", 1);
  await client.expect("CONFIG SET hll-sparse-max-bytes 30", "OK");
  await client.expect(["PFADD", "other", ...numbers(20)], 1);
  await client.expect("PFDEBUG ENCODING other", "dense");
});

test("the estimate is as good as it should be, and that of both forms is the same", async () => {
  await client.expect("CONFIG SET hll-sparse-max-bytes 20000", "OK");
  for (let count = 1000; count <= 10_000; count += 1000) {
    await client.call("PFADD", "sparse", ...numbers(1000, `${count}:`));
    const estimate = Number(await client.call("PFCOUNT sparse"));
    assert.ok(Math.abs(estimate - count) < count * 0.05, `${estimate} for ${count}`);
    await client.expect("COPY sparse dense REPLACE", 1);
    await client.call("PFDEBUG TODENSE dense");
    await client.expect("PFCOUNT dense missing", estimate);
  }
});

test("PFMERGE joins several into one, the destination among them", async () => {
  await client.call("PFADD", "a", ...numbers(100, "a"));
  await client.call("PFADD", "b", ...numbers(100, "b"));
  await client.call("PFADD", "all", ...numbers(100, "a"), ...numbers(100, "b"));
  await client.expect("PFMERGE d a b missing", "OK");
  const count = await client.call("PFCOUNT all");
  await client.expect("PFCOUNT d", count);
  await client.expect("PFCOUNT a b", count);
  await client.expect("PFMERGE a b", "OK");
  await client.expect("PFCOUNT a", count);
  assert.deepEqual(await client.call("PFDEBUG GETREG a"), await client.call("PFDEBUG GETREG all"));
  await client.expect("PFMERGE new", "OK");
  await client.expect("PFCOUNT new", 0);
  await client.call("PFDEBUG TODENSE b");
  await client.expect("PFMERGE e b", "OK");
  await client.expect("PFDEBUG ENCODING e", "dense");
});

test("what is no HyperLogLog, or an unsound one, is refused", async () => {
  const commands = [["PFADD", "key", "a"], ["PFCOUNT", "key"], ["PFCOUNT", "key", "x"], ["PFMERGE", "d", "key"]];
  for (
    const value of ["", "HYLL", "HYLX\x01".padEnd(18, "\0"), "HYLL\x02".padEnd(18, "\0"), "HYLL\0".padEnd(18, "\0")]
  ) {
    await client.expect(["SET", "key", value], "OK");
    for (const command of commands) await client.expect(command, NOT_ONE);
    await client.expect("GET key", value);
  }
  await client.expect(["SET", "key", `${HEADER}${OUTDATED}`], "OK");
  for (const command of commands) await client.expect(command, UNSOUND);
  await client.expect(["SET", "key", `${HEADER}${OUTDATED}\x7f\xff\x7f\xff`], "OK");
  for (const command of commands.slice(1)) await client.expect(command, UNSOUND);
  await client.expect("PFDEBUG TODENSE key", UNSOUND);
  await client.expect("SADD set a", 1);
  await client.expect(
    "PFADD set a",
    new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  await client.expect("PFDEBUG ENCODING missing", new ReplyError("ERR The specified key does not exist"));
  await client.expect("PFADD good a", 1);
  await client.expect("PFDEBUG FOO good", new ReplyError("ERR Unknown PFDEBUG subcommand 'FOO'"));
  await client.expect("PFDEBUG TODENSE good", 1);
  await client.expect("PFDEBUG DECODE good", new ReplyError("ERR HLL encoding is not sparse"));
});

test("PFSELFTEST finds no fault", async () => {
  await client.expect("PFSELFTEST", "OK");
});

test("the same is done to redis-server, and every byte agrees", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const redis = await ServerProcess.start({ kind: "redis-server", args: ["--save", ""] });
  try {
    const other = await redis.connect();
    const upTo = below(randomFrom(3));
    for (const most of ["3000", "100", "20000"]) {
      for (const one of [client, other]) await one.expect(["CONFIG", "SET", "hll-sparse-max-bytes", most], "OK");
      for (let i = 0; i < 300; i++) {
        const key = `key:${upTo(4)}`;
        const elements = Array.from(
          { length: upTo(upTo(5) === 0 ? 500 : 6) },
          () => `${"e".repeat(upTo(20))}${upTo(5000)}`,
        );
        const command = upTo(4) > 0
          ? ["PFADD", key, ...elements]
          : ["PFMERGE", key, `key:${upTo(4)}`, `key:${upTo(4)}`];
        for (const words of [command, ["GET", key], ["PFCOUNT", key], ["GET", key], ["PFCOUNT", key, "key:0"]]) {
          assert.deepEqual(await client.call(...words), await other.call(...words), words.join(" ").slice(0, 200));
        }
        if (upTo(30) === 0) { for (const one of [client, other]) await one.call("DEL", key); }
      }
    }
  } finally {
    await redis.stop();
  }
});
