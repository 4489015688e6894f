/**
 * The differential test of Lua: the same random programs for the server under test and for a real redis-server, whose replies
 * and errors must be the same. `deno task fuzz-lua` does it for longer, with other seeds.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "../integration/server_process.ts";
import { Servers } from "./differential/servers.ts";
import { havePeers } from "./peers.ts";
import { sameReply } from "./programs/compare.ts";
import { makeProgram, sourceOf } from "./programs/program.ts";
import { runPrograms } from "./programs/round.ts";
import { fixed, smallerTrees, statement, textOf } from "./programs/tree.ts";

const PROGRAMS = 300;

const started: ServerProcess[] = [];
let servers: Servers;

before(async () => {
  if (!havePeers({ skip: () => {} }, "redis-server")) return;
  const args = ["--save", "", "--enable-debug-command", "yes"];
  started.push(await ServerProcess.start({ args }), await ServerProcess.start({ kind: "redis-server", args }));
  servers = new Servers([started[0].port, started[1].port]);
});
after(async () => {
  servers?.close();
  for (const server of started) await server.stop();
});

for (const protocol of [2, 3] as const) {
  test(`random programs get the replies of redis-server in RESP${protocol}`, async (context) => {
    if (!havePeers(context, "redis-server")) return;
    const report = await runPrograms(servers, { seed: protocol * PROGRAMS, programs: PROGRAMS, protocol });
    if (report !== null) assert.fail(report);
  });
}

test("a program follows from its seed", () => {
  assert.equal(sourceOf(makeProgram(7)), sourceOf(makeProgram(7)));
  assert.notEqual(sourceOf(makeProgram(7)), sourceOf(makeProgram(8)));
});

test("a program becomes smaller by its statements and expressions", () => {
  const program = fixed`${statement`if a then ${statement`b()`} end`}`;
  assert.deepEqual([...smallerTrees(program)].map(textOf), ["", "b()", "if a then  end"]);
});

test("replies that mean the same are told from those that do not", () => {
  const cases: readonly (readonly [isSame: boolean, here: string, redis: string])[] = [
    [true, "$3\r\nnan\r\n", "$4\r\n-nan\r\n"],
    [true, "+table: 0x1\r\n", "+table: 0x2f\r\n"],
    [false, "+table: 0x1\r\n", "+function: 0x1\r\n"],
    [true, ",0.1\r\n", ",0.10000000000000001\r\n"],
    [false, ",0.1\r\n", ",0.2\r\n"],
    [false, "$1\r\n1\r\n", "$3\r\n1.0\r\n"],
    [false, "$1\r\na\r\n", "$1\r\nb\r\n"],
    [true, "-ERR x script: 0, on @user_script:3.\r\n", "-ERR x script: 0, on =[C]:-1.\r\n"],
    [false, "-ERR x script: 0, on @user_script:3.\r\n", "-ERR x script: 0, on @user_script:4.\r\n"],
  ];
  for (const [isSame, here, redis] of cases) {
    assert.equal(sameReply(here, redis), isSame, JSON.stringify([here, redis]));
  }
});
