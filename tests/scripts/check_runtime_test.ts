/** What asks the system for something that a simulation replaces is found, wherever it stands, and nothing else is. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { usesIn } from "../../scripts/check_runtime.ts";
import { EXCEPTIONS } from "../../scripts/runtime_rules.ts";

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
  ["Atomics.wait(a, 0, 0, 5); AbortSignal.timeout(5);", "Atomics.wait", "AbortSignal.timeout"],
  ["process.hrtime.bigint(); process.uptime();", "process.hrtime", "process.uptime"],
  ["const a = `at ${Date.now()}`;", "Date.now"],
  ["memory.transfer(0); memory?.transferToFixedLength();", "transfer", "transferToFixedLength"],
  ["worker.postMessage(a, { transfer: [b] }); const transfer = 1;", "transfer"],
  ["worker.postMessage(a, [b]); structuredClone(a, options); worker.postMessage(a);", "transfer", "transfer"],
  ["const a = b / Date.now() / c;", "Date.now"],
  ['import { setTimeout as wait } from "node:timers/promises";', "timers/promises.setTimeout"],
  ['const { performance: p } = await import("node:perf_hooks");', "perf_hooks"],
  ['import { createHash, randomBytes as some } from "node:crypto";', "crypto.randomBytes"],
  // files
  ['import { openSync, type Stats } from "node:fs";', "fs.openSync"],
  ['import { readFile } from "fs/promises";', "fs/promises.readFile"],
  ['import disk from "node:fs"; disk.openSync(path); use(disk);', "fs.openSync", "fs"],
  ['import * as disk from "node:fs"; disk["openSync"](path);', "fs.openSync"],
  ['export { openSync } from "node:fs"; export * from "node:fs";', "fs.openSync", "fs"],
  ["Deno.readFileSync(path); await Bun.file(path).text();", "Deno.readFileSync", "Bun.file"],
  ["globalThis.Deno.openSync(path); const { write } = Bun;", "Deno.openSync", "Bun"],
  ["localStorage.getItem(key);", "localStorage.getItem"],
  // threads
  ['const a = new Worker(url, { type: "module" });', "Worker"],
  ['import { Worker as Thread } from "node:worker_threads";', "worker_threads.Worker"],
  ["const { port1 } = new MessageChannel();", "MessageChannel"],
  // other processes, and this one
  ['import { spawn } from "node:child_process"; new Deno.Command("ls");', "child_process.spawn", "Deno.Command"],
  ["process.kill(id); self.process.pid;", "process.kill", "process.pid"],
  ['import { getPriority } from "node:os"; import os from "node:os"; os.uptime();', "os.getPriority", "os.uptime"],
  ["process.memoryUsage(); process.env.HOME;", "process.memoryUsage", "process.env"],
  ["const { cpuUsage } = process;", "process"],
  // the end
  ["process.exit(1); Deno.exit(1);", "process.exit", "Deno.exit"],
  ['import { exit } from "node:process";', "process.exit"],
  ['import end from "node:process"; end.exit();', "process.exit"],
  // the network
  ["await fetch(url); new WebSocket(url); Deno.listen({ port });", "fetch", "WebSocket", "Deno.listen"],
  ['import { connect } from "node:net"; import { lookup } from "dns";', "net.connect", "dns.lookup"],
  // ways around all of it
  ['import { createRequire } from "node:module";', "module.createRequire"],
  ['process.getBuiltinModule("fs"); const all = globalThis;', "process.getBuiltinModule", "globalThis"],
  ['import { dlopen } from "bun:ffi";', "bun:ffi.dlopen"],
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
  "queueMicrotask(f); Atomics.load(a, 0); error instanceof AbortSignal;",
  'import { createHash } from "node:crypto"; import process from "node:process"; a = process.platform;',
  'import type { Stats } from "node:fs"; import { type Socket } from "node:net"; let open: Deno.FsFile;',
  'import { join } from "node:path"; import { Buffer } from "node:buffer"; import os from "node:os"; os.totalmem();',
  'foresight.fetch(keys); const a = "Bun" in globalThis; class File { fetch() {} }',
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
  for (const { file, names: allowed } of EXCEPTIONS) {
    const found = new Set(names(readFileSync(file, "utf8"), "lib/without_exception.ts"));
    assert.deepEqual([...found].sort(), [...allowed].sort(), file);
  }
});
