/** What is refused, and when: at EXEC by what was queued; by an instance that is in no cluster; and how it is counted. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freePort, ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

const NO_CLUSTER = new ReplyError("ERR This instance has cluster support disabled");
const MASTERDOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";

async function fields(of: TestClient, section: string): Promise<Map<string, string>> {
  const text = String(await of.call("INFO", section));
  return new Map(
    text.split("\r\n").filter((line) => line.includes(":")).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
}

test("EXEC is refused by what was queued, where that may no longer run", async () => {
  const other = await server.connect();
  const [reader, asker, mixed] = [await server.connect(), await server.connect(), await server.connect()];
  for (const one of [reader, asker, mixed]) await one.expect("MULTI", "OK");
  await reader.expect("GET a", "QUEUED");
  await asker.expect("INFO server", "QUEUED");
  await mixed.expect("INFO server", "QUEUED");
  await mixed.expect("GET a", "QUEUED");
  await other.expect("CONFIG SET replica-serve-stale-data no", "OK");
  await other.expect(["REPLICAOF", "127.0.0.1", await freePort()], "OK");
  const refusal = new ReplyError(`EXECABORT Transaction discarded because of: ${MASTERDOWN}`);
  await reader.expect("EXEC", refusal);
  await mixed.expect("EXEC", refusal);
  await asker.expect("EXEC", /redis_version/);
  await reader.expect("EXEC", new ReplyError("ERR EXEC without MULTI"));
  await other.expect("CONFIG SET replica-serve-stale-data yes", "OK");
  await other.expect("REPLICAOF NO ONE", "OK");
});

test("an error within EXEC is counted once, for the command that made it", async () => {
  await client.expect("SET text abc", "OK");
  await client.expect("CONFIG RESETSTAT", "OK");
  await client.expect("MULTI", "OK");
  await client.expect("INCR text", "QUEUED");
  await client.expect("GET text", "QUEUED");
  await client.expect("INCR text", "QUEUED");
  const error = new ReplyError("ERR value is not an integer or out of range");
  await client.expect("EXEC", [error, "abc", error]);
  assert.equal((await fields(client, "errorstats")).get("errorstat_ERR"), "count=2");
  assert.equal((await fields(client, "stats")).get("total_error_replies"), "2");
  const commands = await fields(client, "commandstats");
  assert.match(commands.get("cmdstat_incr") ?? "", /,rejected_calls=0,failed_calls=2$/);
  assert.match(commands.get("cmdstat_exec") ?? "", /,rejected_calls=0,failed_calls=0$/);
  await client.expect("EXEC", new ReplyError("ERR EXEC without MULTI"));
  assert.equal((await fields(client, "errorstats")).get("errorstat_ERR"), "count=3");
  assert.match((await fields(client, "commandstats")).get("cmdstat_exec") ?? "", /,failed_calls=1$/);
});

test("a client that asks for a cluster is told that there is none, by the words that clients know", async () => {
  for (const line of ["READONLY", "READWRITE", "ASKING", "CLUSTER INFO", "CLUSTER SLOTS", "CLUSTER KEYSLOT a"]) {
    await client.expect(line, NO_CLUSTER);
  }
  await client.expect("CLUSTER MEET 127.0.0.1 7000", NO_CLUSTER);
  await client.expect("CLUSTER HELP", NO_CLUSTER);
  await client.expect("CLUSTER NOPE", new ReplyError("ERR unknown subcommand 'NOPE'. Try CLUSTER HELP."));
  await client.expect("CLUSTER SLOTS x", /^ERR wrong number of arguments for 'cluster\|slots' command/);
  await client.expect("CLUSTER", /^ERR wrong number of arguments for 'cluster' command/);
});

test("MODULE lists no modules, and loads none", async () => {
  await client.expect("MODULE LIST", []);
  await client.expect("MODULE LOAD x.so", /^ERR MODULE command not allowed\. If the enable-module-command option/);
  await client.expect("MULTI", "OK");
  await client.expect("MODULE UNLOAD x", /^ERR MODULE command not allowed/);
  await client.expect("EXEC", /^EXECABORT/);
  const open = await ServerProcess.start({ args: ["--save", "", "--enable-module-command", "yes"] });
  try {
    const one = await open.connect();
    await one.expect("MODULE LOAD /nonexistent.so", /^ERR Error loading the extension/);
    await one.expect("MODULE UNLOAD x", /^ERR Error unloading module: no such module with that name/);
  } finally {
    await open.stop();
  }
});

test("PSYNC with a wrong offset, behind other replies, or without a link to the primary is refused", async () => {
  const wrong = new ReplyError("ERR value is not an integer or out of range");
  for (const offset of ["abc", "1.5", "99999999999999999999", ""]) {
    const one = await server.connect();
    await one.expect(["PSYNC", "?", offset], wrong);
    await one.expect("PING", "PONG");
  }
  const hurried = await server.connect();
  hurried.sendRaw("PING\r\nPSYNC ? -1\r\n");
  assert.equal(await hurried.read(), "PONG");
  assert.deepEqual(await hurried.read(), new ReplyError("ERR SYNC and PSYNC are invalid with pending output"));
  await client.expect(["REPLICAOF", "127.0.0.1", await freePort()], "OK");
  await hurried.expect("PSYNC ? abc", /^NOMASTERLINK /);
  await hurried.expect("SYNC", /^NOMASTERLINK /);
  await client.expect("REPLICAOF NO ONE", "OK");
});

test("errors show an argument up to its first byte of zero", async () => {
  await client.expect("XGROUP CREATE stream group $ MKSTREAM", "OK");
  await client.expect("PFADD key value", 1);
  const calls: readonly (readonly [words: string, error: string])[] = [
    ["EXPIRE key 10 x\0y", "ERR Unsupported option x"],
    ["HELLO 3 x\0y", "ERR Syntax error in HELLO option 'x'"],
    ["CLIENT LIST TYPE x\0y", "ERR Unknown client type 'x'"],
    ["REPLCONF x\0y 1", "ERR Unrecognized REPLCONF option: x"],
    ["XCLAIM stream group anna 0 1 x\0y", "ERR Unrecognized XCLAIM option 'x'"],
    ["XGROUP DELCONSUMER stream x\0y anna", "NOGROUP No such consumer group 'x' for key name 'stream'"],
    ["XINFO CONSUMERS stream x\0y", "NOGROUP No such consumer group 'x' for key name 'stream'"],
    ["PFDEBUG x\0y key", "ERR Unknown PFDEBUG subcommand 'x'"],
    ["XPENDING stream x\0y", "NOGROUP No such key 'stream' or consumer group 'x'"],
    [
      "XREADGROUP GROUP x\0y anna STREAMS stream >",
      "NOGROUP No such key 'stream' or consumer group 'x' in XREADGROUP with GROUP option",
    ],
  ];
  for (const [words, error] of calls) await client.expect(words, new ReplyError(error));
});

test("a protocol's version that no server has is unsupported, however large", async () => {
  for (const version of ["1", "4", "9223372036854775807", "-9223372036854775808"]) {
    await client.expect(`HELLO ${version}`, new ReplyError("NOPROTO unsupported protocol version"));
  }
  for (const version of ["x", "9223372036854775808"]) {
    await client.expect(
      `HELLO ${version}`,
      new ReplyError("ERR Protocol version is not an integer or out of range"),
    );
  }
});

test("integers beyond 53 bits are integers, wherever one may stand", async () => {
  const [large, negative] = ["9007199254740993", "-9007199254740993"];
  await client.expect("SET key value", "OK");
  await client.expect(`CLIENT UNBLOCK ${large}`, 0);
  await client.expect(`CLIENT KILL ID ${large}`, 0);
  await client.expect(`CLIENT LIST ID ${large}`, "");
  const absent = new ReplyError("ERR The client ID you want redirect to does not exist");
  await client.expect(`CLIENT TRACKING ON REDIRECT ${large}`, absent);
  await client.expect(`MEMORY USAGE key SAMPLES ${large}`, /^\d+$/);
  await client.expect(`MEMORY USAGE key SAMPLES ${negative}`, new ReplyError("ERR syntax error"));
  const idle = new ReplyError("ERR Invalid IDLETIME value, must be >= 0");
  await client.expect(`RESTORE x 0 y IDLETIME ${negative}`, idle);
  await client.expect(`RESTORE x 0 y IDLETIME ${large}`, /payload/);
  await client.expect(`RESTORE x 0 y FREQ ${large}`, new ReplyError("ERR Invalid FREQ value, must be >= 0 and <= 255"));
  assert.ok(Array.isArray(await client.call(`SLOWLOG GET ${large}`)));
  await client.expect(`WAIT ${large} 1`, 0);
  await client.expect(`WAIT 0 ${negative}`, new ReplyError("ERR timeout is negative"));
  await client.expect(`SCAN 0 COUNT ${negative}`, new ReplyError("ERR syntax error"));
});
