/**
 * The differential test: the same random commands for the server under test and for a real redis-server, whose replies
 * must be the same, in RESP2 and in RESP3, and who must have the same data in the end. `deno task fuzz` does it for longer,
 * with other seeds.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "../integration/server_process.ts";
import { Follower } from "./differential/follower.ts";
import { FAMILIES } from "./differential/families.ts";
import { encodeRequest } from "../integration/test_client.ts";
import { runRound } from "./differential/round.ts";
import { runCase } from "./differential/run.ts";
import { Servers } from "./differential/servers.ts";
import { shrink } from "./differential/shrink.ts";
import type { Case, Step } from "./differential/steps.ts";
import { havePeers } from "./peers.ts";

const ROUNDS = 4;
const COMMANDS = 1000;

const started: ServerProcess[] = [];
let servers: Servers;

before(async () => {
  if (!havePeers({ skip: () => {} }, "redis-server")) return;
  const args = ["--save", "", "--enable-debug-command", "yes", "--hz", "500"];
  started.push(await ServerProcess.start({ args }), await ServerProcess.start({ kind: "redis-server", args }));
  servers = new Servers([started[0].port, started[1].port]);
});
after(async () => {
  servers?.close();
  for (const server of started) await server.stop();
});

for (const family of FAMILIES) {
  test(`random commands get the replies of redis-server: ${family.name}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const protocol = seed % 2 === 0 ? 2 : 3;
      const report = await runRound(servers, { family, seed, commands: COMMANDS, protocol });
      if (report !== null) assert.fail(report);
    }
  });
}

const SETTING = {
  protocol: 3,
  config: {},
  connections: 1,
  sorts: false,
  damages: false,
  waits: false,
  events: true,
} as const;

/** A case in which the servers differ: behind the tester's back, one of them was given a key. */
async function differing(steps: readonly Step[]): Promise<Case> {
  const [here] = servers.wires(0);
  here.send(encodeRequest(["CONFIG", "SET", "hash-max-listpack-entries", "2"]));
  await here.take(1);
  return { setting: SETTING, steps };
}

test("what differs is found and made small", async (context) => {
  if (!havePeers(context, "redis-server")) return;
  await runCase(servers, { setting: { ...SETTING, config: { "hash-max-listpack-entries": "128" } }, steps: [] });
  const filler = Array.from(
    { length: 300 },
    (_, i): Step => ({ connection: 0, commands: [["SET", `k${i}`, "value"]] }),
  );
  const made = await differing([
    ...filler,
    { connection: 0, commands: [["HSET", "hash", "a", "1", "b", "2", "c", "3", "d", "4"]] },
    ...filler,
    { connection: 0, commands: [["OBJECT", "ENCODING", "hash"]] },
    ...filler,
  ]);
  const difference = await runCase(servers, made);
  assert.deepEqual(difference?.args, ["OBJECT", "ENCODING", "hash"]);
  const smaller = await shrink(servers, made, difference);
  const commands = smaller?.smallest.steps.map((step) => "commands" in step ? step.commands[0].length : 0);
  // HSET with three fields, and the question.
  assert.deepEqual(commands, [8, 3]);
});

/** Replies to commands one after the other, here and there; whether the last are the same. */
function sameAtLast(...calls: (readonly [args: string, here: string, redis: string])[]): boolean {
  const follower = new Follower(false);
  return calls.map(([args, here, redis]) => follower.same(args.split(" "), here, redis)).at(-1) ?? false;
}

test("replies that mean the same are told from those that do not", () => {
  const cases: readonly (readonly [isSame: boolean, args: string, here: string, redis: string])[] = [
    [true, "SMEMBERS s", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"],
    [false, "SMEMBERS s", "*2\r\n$1\r\na\r\n$1\r\na\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"],
    [false, "LRANGE l 0 -1", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"],
    [true, "ZSCORE z m", "$3\r\n1.1\r\n", "$18\r\n1.1000000000000001\r\n"],
    [false, "ZSCORE z m", "$18\r\n1.1000000000000001\r\n", "$3\r\n1.1\r\n"],
    [false, "ZSCORE z m", "$3\r\n1.1\r\n", "$3\r\n1.2\r\n"],
    [true, "TTL k", ":100\r\n", ":101\r\n"],
    [false, "TTL k", ":100\r\n", ":-1\r\n"],
    [true, "OBJECT ENCODING k", "$8\r\nlistpack\r\n", "$9\r\nquicklist\r\n"],
    [false, "OBJECT ENCODING k", "$9\r\nquicklist\r\n", "$8\r\nlistpack\r\n"],
    [false, "OBJECT ENCODING k", "$8\r\nlistpack\r\n", "$8\r\nskiplist\r\n"],
    [false, "HGETALL k x", "-ERR one\r\n", "-ERR other\r\n"],
    [
      true,
      "XINFO CONSUMERS x g",
      "*1\r\n*8\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:7\r\n$8\r\ninactive\r\n:-1\r\n",
      "*1\r\n*6\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:9\r\n",
    ],
    [
      false,
      "XINFO CONSUMERS x g",
      "*1\r\n*8\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:1\r\n$4\r\nidle\r\n:7\r\n$8\r\ninactive\r\n:-1\r\n",
      "*1\r\n*6\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:2\r\n$4\r\nidle\r\n:9\r\n",
    ],
  ];
  for (const [isSame, args, here, redis] of cases) {
    assert.equal(sameAtLast([args, here, redis]), isSame, `${args}: ${JSON.stringify([here, redis])}`);
  }
});

test("what was drawn has to be there", () => {
  const drawn = ["SRANDMEMBER s 1", "*1\r\n$1\r\na\r\n", "*1\r\n$1\r\nb\r\n"] as const;
  const all = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";
  assert.equal(sameAtLast(drawn, ["SMEMBERS s", all, all]), true);
  const others = "*2\r\n$1\r\nx\r\n$1\r\nb\r\n";
  assert.equal(sameAtLast(drawn, ["SMEMBERS s", others, others]), false);
  const twice = ["SRANDMEMBER s 2", "*2\r\n$1\r\na\r\n$1\r\na\r\n", all] as const;
  assert.equal(sameAtLast(twice), false);
});

test("WITHSCORE, which 7.0 does not know, has the rank and the score that were asked for before", () => {
  const refused = "-ERR wrong number of arguments for 'zrank' command\r\n";
  const before = [["ZRANK z m", ":3\r\n", ":3\r\n"], ["ZSCORE z m", "$1\r\n5\r\n", "$1\r\n5\r\n"]] as const;
  assert.equal(sameAtLast(...before, ["ZRANK z m WITHSCORE", "*2\r\n:3\r\n$1\r\n5\r\n", refused]), true);
  assert.equal(sameAtLast(...before, ["ZRANK z m WITHSCORE", "*2\r\n:4\r\n$1\r\n5\r\n", refused]), false);
  assert.equal(sameAtLast(...before, ["ZRANK z m WITHSCORE", "*-1\r\n", refused]), false);
});
