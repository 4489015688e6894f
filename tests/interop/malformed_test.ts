/**
 * Malformed requests: the same spoilt bytes for the server under test and for a real redis-server, each on a connection
 * of its own. All that comes back until the connection ends must be the same, errors word for word.
 *
 * By hand, for longer: `MALFORMED_ROUNDS=20000 MALFORMED_SEED=1 deno test -A tests/interop/malformed_test.ts`
 */

import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, test } from "node:test";
import { Random } from "../integration/data_set.ts";
import { ServerProcess } from "../integration/server_process.ts";
import { encodeRequest, TestClient } from "../integration/test_client.ts";
import { havePeers } from "./peers.ts";

const ROUNDS = Number(process.env.MALFORMED_ROUNDS ?? 300);
const FIRST_SEED = Number(process.env.MALFORMED_SEED ?? 1);

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind?: string): Promise<ServerProcess> {
  const server = await ServerProcess.start(kind === undefined ? {} : { kind });
  started.push(server);
  return server;
}

const REQUESTS = [
  encodeRequest(["PING"]),
  encodeRequest(["ECHO", "lines\r\nof two"]),
  encodeRequest(["ECHO", ""]),
  encodeRequest(["GET", "nothing"]),
  encodeRequest(["NOSUCH", "a b", "\xff"]),
  "PING\r\n",
  "ECHO 'single \\' quoted'\n",
  'ECHO "a\\x41\\n\\"b"\r\n',
  "  ECHO \t spaces  \r\n",
  "\r\n",
  "*0\r\n",
  "*-1\r\n",
  "*-10\r\n",
];

/** What is put in place of a byte, or before it. No NUL: Redis, looking for a line's end, stops there and waits. */
const ODDITIES = ["\r", "\n", "\r\n", " ", '"', "'", "\\", "*", "$", "-", "+", "0", "9", "99999999999", "\xff", "x"];

/** A pipeline of requests, with a few bytes changed, added or left out. */
function spoiltPipeline(random: Random): string {
  let bytes = Array.from({ length: 1 + random.below(5) }, () => random.of(REQUESTS)).join("");
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(bytes.length);
    const odd = random.below(3) === 0 ? "" : random.of(ODDITIES);
    bytes = bytes.slice(0, at) + odd + bytes.slice(at + random.below(2));
  }
  return bytes;
}

/** Sends bytes on a fresh connection, ends it, and returns all that comes back. */
async function answer(port: number, bytes: string): Promise<string> {
  const client = await TestClient.connect(port);
  client.sendRaw(bytes);
  client.socket.end();
  return await client.readToEnd();
}

test("spoilt requests get the answers of redis-server, word for word", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  const [here, redis] = [await start(), await start("redis-server")];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
    const bytes = spoiltPipeline(new Random(seed));
    const [mine, theirs] = await Promise.all([answer(here.port, bytes), answer(redis.port, bytes)]);
    assert.equal(mine, theirs, `seed ${seed}: ${JSON.stringify(bytes)}`);
  }
});
