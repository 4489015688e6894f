/**
 * Primaries and replicas that break the rules of replication: whatever they say, the server under test stays up, keeps
 * its data, says in its log what was wrong and tries again.
 */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { linkState } from "./data_set.ts";
import { FakePrimary } from "./fake_primary.ts";
import { ServerProcess, until } from "./server_process.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function startPrimary(answer: string, greeting = "+PONG\r\n", staysOpen = false): Promise<FakePrimary> {
  const primary = await FakePrimary.start({ answer, greeting, staysOpen });
  started.push(primary);
  return primary;
}

const ID = "0123456789abcdef0123456789abcdef01234567";

const FULL = `+FULLRESYNC ${ID} 100\r\n`;

const NONSENSE: readonly (readonly [what: string, answer: string, keepsData: boolean])[] = [
  ["a malformed +FULLRESYNC", "+FULLRESYNC nonsense\r\n", true],
  ["a +FULLRESYNC and then no bulk", `${FULL}hello there\r\n`, true],
  ["an impossible length", `${FULL}$-5\r\n`, true],
  ["an RDB file that is none", `${FULL}$20\r\nthis is not RDB data`, false],
  ["an RDB file that is cut", `${FULL}$1000\r\nREDIS0010`, true],
  ["an empty RDB of the future", `${FULL}$18\r\nREDIS9999\xff\0\0\0\0\0\0\0\0`, false],
  ["a marked snapshot of garbage", `${FULL}$EOF:${ID}\r\n${"garbage ".repeat(100)}${ID}`, false],
  ["an endless line", "x".repeat(100_000), true],
  ["binary garbage", "\0\xff\r\n\x01\x02$*!\r\n", true],
  ["an error", "-ERR go away\r\n", true],
];

for (const load of ["disabled", "swapdb"]) {
  for (const [what, answer, keepsData] of NONSENSE) {
    test(`a primary that sends ${what}; load: ${load}`, async () => {
      const primary = await startPrimary(answer);
      const server = await ServerProcess.start({ args: ["--save", "", "--repl-diskless-load", load] });
      started.push(server);
      const client = await server.connect();
      await client.expect("SET a 1", "OK");
      await client.expect(["REPLICAOF", "127.0.0.1", primary.port], "OK");
      await until("another try", () => primary.connections >= 2);
      assert.notEqual(await linkState(client), "connected");
      // It loads for a moment at each try.
      if (keepsData) await until("the old data", async () => await client.call("GET a") === "1");
      assert.equal(server.exited, false);
      assert.doesNotMatch(server.output, /TypeError|RangeError|\n\s+at /);
    });
  }
}

test("a primary whose stream turns into garbage is left and asked again", async () => {
  const empty = "REDIS0010\xff\0\0\0\0\0\0\0\0";
  const set = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n";
  const answer = `${FULL}$${empty.length}\r\n${empty}${set}*9\r\nnonsense\r\n`;
  const primary = await startPrimary(answer, "+PONG\r\n", true);
  const server = await ServerProcess.start();
  started.push(server);
  const client = await server.connect();
  await client.expect(["REPLICAOF", "127.0.0.1", primary.port], "OK");
  await until("another try", () => primary.connections >= 2);
  await until("the data to be there again", async () => await client.call("GET b") === "2");
  assert.doesNotMatch(server.output, /TypeError|RangeError|\n\s+at /);
});

test("something that is no primary at all", async () => {
  const primary = await startPrimary("", "HTTP/1.1 400 Bad Request\r\n\r\n");
  const server = await ServerProcess.start();
  started.push(server);
  const client = await server.connect();
  await client.expect("SET a 1", "OK");
  await client.expect(["REPLICAOF", "127.0.0.1", primary.port], "OK");
  await until("another try", () => primary.connections >= 2);
  await server.logged(/Error reply to PING from master/);
  await client.expect("GET a", "1");
});

test("a replica that sends nonsense harms nobody but itself", async () => {
  const server = await ServerProcess.start({ args: ["--save", "", "--repl-diskless-sync-delay", "0"] });
  started.push(server);
  const client = await server.connect();
  const noise: readonly string[] = [
    "PSYNC ? x\r\n",
    "PSYNC\r\n",
    `PSYNC ${ID} 99999999999999999999\r\n`,
    `PSYNC ${ID} -7\r\nPSYNC ? -1\r\nPSYNC ? -1\r\n`,
    "REPLCONF\r\nREPLCONF a\r\nREPLCONF listening-port x\r\n",
    "REPLCONF ack 99999999\r\nREPLCONF getack *\r\n",
    "SYNC\r\nSYNC\r\nSET a 1\r\nREPLCONF ACK x\r\n\0\0\0\0\r\n*1\r\nnonsense\r\n",
    "PSYNC ? -1\r\nREPLCONF ACK 99999999999\r\n\n\n\n*3\r\n$-9\r\n",
  ];
  for (const one of noise) {
    const raw = await server.connect();
    raw.sendRaw(one);
    await client.expect(["SET", "key", one.length], "OK");
  }
  for (const one of noise) {
    const raw = await server.connect();
    raw.sendRaw(one);
    raw.close();
  }
  await client.expect("PING", "PONG");
  assert.equal(server.exited, false);
  assert.doesNotMatch(server.output, /TypeError|RangeError|\n\s+at /);
});
