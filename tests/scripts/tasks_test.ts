/** Tasks tell what they cannot make sense of, and fail. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";

const RUN = "bun" in process.versions ? [] : ["run", "-A"];

function call(words: string, environment: Record<string, string> = {}): { status: number | null; said: string } {
  const { TREDIS_SERVER: _, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...RUN, ...words.split(" ")], {
    encoding: "utf8",
    env: { ...rest, ...environment },
  });
  return { status, said: stdout + stderr };
}

const MISUSES: readonly (readonly [words: string, said: RegExp, environment?: Record<string, string>])[] = [
  ["scripts/test.ts nosuchtest", /^no test file has 'nosuchtest' in its path\n$/],
  ["scripts/test.ts glob_test", /^no test file over sockets has 'glob_test'/, { TREDIS_SERVER: "redis-server" }],
  ["scripts/test.ts glob hash", /takes one part of a path of the tests, not 'glob hash'/],
  ["scripts/test.ts --watch", /not '--watch'/],
  ["scripts/test.ts", /TREDIS_SERVER names 'redis-servr'/, { TREDIS_SERVER: "redis-servr" }],
  ["scripts/check.ts all", /takes no arguments, not 'all'/],
  ["scripts/bench/main.ts --serverz deno", /Unknown option '--serverz'/],
  ["scripts/bench/main.ts memori", /no section 'memori'; there are throughput, /],
  ["scripts/bench/main.ts idle --rounds many", /--rounds many: that is no number/],
  ["scripts/bench/main.ts idle --servers redsi", /no server 'redsi'; there are redis, /],
  ["scripts/compat.ts", /name the units to run/],
  ["scripts/simulate.ts --seed some", /--seed some: that is no number/],
  ["scripts/simulate.ts --sed 1", /Unknown option '--sed'/],
  ["scripts/fuzz.ts --family list", /no family 'list'; there are strings, /],
  ["scripts/fuzz.ts --commands some", /--commands some: that is no number/],
  ["scripts/fuzz.ts --protocol 4", /--protocol 4: that is neither 2 nor 3/],
  ["scripts/fuzz.ts --servers redis-servr", /no server 'redis-servr'/],
  ["scripts/torture.ts --kills some", /--kills some: that is no whole number/],
  ["scripts/torture.ts --minutes few", /--minutes few: that is no whole number/],
  ["scripts/torture.ts --only kill", /no part 'kill'; there are kills, replicas, chains, /],
  ["scripts/torture.ts --server redis-servr", /no server 'redis-servr'/],
  ["scripts/compat.ts --lisst unit/auth", /Unknown option '--lisst'/],
];

for (const [words, said, environment] of MISUSES) {
  test(`${words.replace("scripts/", "")} is told, and fails`, { skip: process.platform === "win32" }, () => {
    const { status, said: text } = call(words, environment);
    assert.equal(status, 2, text);
    assert.match(text, said);
    assert.doesNotMatch(text, /\n\s+at /);
  });
}

test("npm start and npm test are the tasks of those names, with the README's version of Deno", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const readme = readFileSync("README.md", "utf8");
  for (const name of ["start", "test"]) assert.ok(readme.includes(scripts[name]), `README lacks '${scripts[name]}'`);
});
