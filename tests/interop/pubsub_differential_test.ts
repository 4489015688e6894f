/**
 * Pub/Sub compared with a real redis-server: random subscriptions and messages on several connections, and after each
 * command all that every connection has received. Only the order in which Redis goes through its tables is left open.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { afterEach, test } from "node:test";
import { Random } from "../integration/data_set.ts";
import { ServerProcess } from "../integration/server_process.ts";
import { TestClient } from "../integration/test_client.ts";
import { frameOf } from "./differential/frames.ts";
import { havePeers } from "./peers.ts";

const FIRST_SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const ROUNDS = Number(process.env.DIFFERENTIAL_ROUNDS ?? 3);
const STEPS = 200;
const CONNECTIONS = 3;

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(kind?: string): Promise<ServerProcess> {
  const server = await ServerProcess.start(kind === undefined ? {} : { kind });
  started.push(server);
  return server;
}

const CHANNELS = ["a", "b", "ab", "", "news:1", "\0\xff\r\n"];
const PATTERNS = ["*", "a*", "?", "news:*", "[ab]", "nothing"];

function anyCommand(random: Random): string[] {
  const some = (names: readonly string[], least: number) =>
    Array.from({ length: least + random.below(3) }, () => random.of(names));
  const shard = random.below(3) === 0 ? "S" : "";
  switch (random.below(9)) {
    case 0:
      return [`${shard}SUBSCRIBE`, ...some(CHANNELS, random.below(10) === 0 ? 0 : 1)];
    case 1:
      return [`${shard}UNSUBSCRIBE`, ...some(CHANNELS, random.below(3))];
    case 2:
      return ["PSUBSCRIBE", ...some(PATTERNS, 1)];
    case 3:
      return ["PUNSUBSCRIBE", ...some(PATTERNS, random.below(3))];
    case 4:
    case 5:
      return [`${shard}PUBLISH`, random.of(CHANNELS), random.of(["hello", "", "\r\n", "x".repeat(500)])];
    case 6:
      return ["PUBSUB", random.of(["CHANNELS", "SHARDCHANNELS"]), ...some(PATTERNS, 0)];
    case 7:
      return ["PUBSUB", random.of(["NUMSUB", "SHARDNUMSUB", "NUMPAT"]), ...some(CHANNELS, 0)];
    default:
      return random.of([["GET", "key"], ["PING"], ["ECHO", "x"], ["SET", "key", "1"], ["RESET"], ["PING", "a", "b"]]);
  }
}

/** All that a connection has received: up to the answer to a PING that comes after it. */
async function received(client: TestClient): Promise<string[]> {
  const marker = "this is the marker";
  client.send("PING", marker);
  for (const frames: string[] = [];;) {
    const bytes = await client.readReplyBytes();
    const frame = frameOf(bytes);
    if (frame.content === marker || (frame.items[0]?.content === "pong" && frame.items[1].content === marker)) {
      return frames;
    }
    frames.push(bytes);
  }
}

/** Frames without the order of channels, patterns and the counts that go with them. */
function unordered(frames: readonly string[]): string[] {
  return frames.flatMap((frame) => frame.split("\r\n")).sort();
}

for (const protocol of [2, 3]) {
  test(`subscribers receive what those of redis-server do, in RESP${protocol}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const servers = [await start(), await start("redis-server")];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const pairs: TestClient[][] = [];
      for (let i = 0; i < CONNECTIONS; i++) {
        const pair = await Promise.all(servers.map((server) => TestClient.connect(server.port)));
        await Promise.all(pair.map((client) => client.call("HELLO", protocol)));
        pairs.push(pair);
      }
      for (let step = 0; step < STEPS; step++) {
        const sender = random.below(CONNECTIONS);
        const command = anyCommand(random);
        for (const client of pairs[sender]) client.send(...command);
        // The sender first: what others receive was sent by the time that it has its reply.
        for (const pair of [pairs[sender], ...pairs.filter((_, i) => i !== sender)]) {
          const [mine, theirs] = await Promise.all(pair.map(received));
          const what = `seed ${seed}, step ${step}: ${JSON.stringify(command)}`;
          if (mine.join("") !== theirs.join("")) assert.deepEqual(unordered(mine), unordered(theirs), what);
        }
      }
      for (const client of pairs.flat()) client.close();
    }
  });
}
