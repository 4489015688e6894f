/** What asks the system for the time or for chance is found, wherever it stands, and nothing else is. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EXCEPTIONS, usesIn } from "../../scripts/check_runtime.ts";

const names = (text: string, path = "lib/server/some.ts") => usesIn(path, text).map(({ name }) => name);

const USES: readonly (readonly [code: string, ...names: string[]])[] = [
  ["const a = Date.now();", "Date.now"],
  ["const a = Date\n  .now();", "Date.now"],
  ['const a = Date["now"]();', "Date.now"],
  ["const read = Date.now;", "Date.now"],
  ["const a = new Date(); const b = Date();", "new Date()", "Date()"],
  ["const a = new Date;", "new Date()"],
  ["const from = Date;", "Date"],
  ["const a = performance.timeOrigin + performance.now();", "performance.timeOrigin", "performance.now"],
  ["const a = globalThis.performance.now();", "performance.now"],
  ["const { now } = performance;", "performance"],
  ["pick(Math.random);", "Math.random"],
  ["const { random } = Math;", "Math"],
  ["const a = crypto.randomUUID() + crypto.getRandomValues(b);", "crypto.randomUUID", "crypto.getRandomValues"],
  ["globalThis.crypto.getRandomValues(b);", "crypto.getRandomValues"],
  ["clearTimeout(setTimeout(f, 1));", "clearTimeout", "setTimeout"],
  ["clearInterval(setInterval(f, 1));", "clearInterval", "setInterval"],
  ["const later = { setTimeout };", "setTimeout"],
  ["setImmediate(f);", "setImmediate"],
  ["Atomics.wait(a, 0, 0, 5);", "Atomics.wait"],
  ["process.hrtime.bigint(); process.uptime();", "process.hrtime", "process.uptime"],
  ["const a = `at ${Date.now()}`;", "Date.now"],
  ["const a = b / Date.now() / c;", "Date.now"],
  ['import { setTimeout as wait } from "node:timers/promises";', "node:timers/promises"],
  ['const { performance: p } = await import("node:perf_hooks");', "node:perf_hooks"],
  ['import { createHash, randomBytes as some } from "node:crypto";', "randomBytes"],
];

for (const [code, ...expected] of USES) {
  test(`found: ${code}`, () => assert.deepEqual(names(code), expected));
}

const INNOCENT: readonly string[] = [
  "// Date.now() and setTimeout(f)",
  "/** Like `performance.now()`, in ms. */",
  'const a = "Math.random() is not asked";',
  "const a = `setTimeout(${f})`;",
  "const a = /Date.now()/;",
  "const a = new Date(unixMs()); const b = Date.UTC(2000, 1); const c = d instanceof Date;",
  "const a = Math.floor(b) + this.random() + tables.random(table, random);",
  "let timer: ReturnType<typeof setTimeout>; let date: Date;",
  "class Clock { setTimeout() {} performance = 1 } clock.setTimeout(); const a = { setInterval: 1 };",
  "queueMicrotask(f); Atomics.load(a, 0); process.exit(0);",
  'import { createHash } from "node:crypto"; import process from "node:process";',
  'import { randomBytes } from "../runtime/random.ts";',
];

for (const code of INNOCENT) {
  test(`passed over: ${code}`, () => assert.deepEqual(names(code), []));
}

test("a use is found at its line", () => {
  const text = "/**\n * Date.now()\n */\nconst a = `\n`;\nconst b = Date.now();\n";
  assert.deepEqual(usesIn("lib/store/some.ts", text), [{ line: 6, name: "Date.now" }]);
});

test("lib/runtime may ask for anything, an exception for what it is named for", () => {
  assert.deepEqual(names("setTimeout(f); Math.random();", "lib/runtime/some.ts"), []);
  assert.deepEqual(names("setImmediate(f); setTimeout(f);", "lib/net/bun.ts"), ["setTimeout"]);
});

test("each exception is still needed", () => {
  for (const [path, allowed] of EXCEPTIONS) {
    const found = new Set(names(readFileSync(path, "utf8"), "lib/without_exception.ts"));
    assert.deepEqual([...found].sort(), [...allowed].sort(), path);
  }
});
