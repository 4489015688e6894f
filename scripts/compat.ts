/**
 * Runs units of Redis's own Tcl test suite (7.0.15, from Debian's source package) against tredis.
 *
 * Usage: deno task compat [--list] UNIT…   such as unit/type/string
 *
 * The source package is fetched once into `dist/compat`; nothing of it is kept in the repository. TREDIS_SERVER names
 * the server: `deno` (the default), `bun`, an executable, or `redis-server` to see that the oracle passes.
 *
 * Tests in SKIPPED need what tredis does not have yet; they are counted, and named with the reason.
 */

import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { serverWords } from "./server_words.ts";

const FOLDER = resolve("dist", "compat");
/** Tests that make a value of a type that tredis does not have yet, and the commands they use. */
const SKIPPED: Readonly<Record<string, string>> = {
  "raw protocol response": "SRANDMEMBER",
  "raw protocol response - deferred": "SRANDMEMBER",
  "raw protocol response - multiline": "SADD, SRANDMEMBER",
  "Regression for a crash with blocking ops and pipelining": "BLPOP, RPUSH",
  "MGET against non-string key": "SADD",
  "SETBIT against key with wrong type": "LPUSH",
  "SETRANGE against key with wrong type": "LPUSH",
  "Extended SET GET with incorrect type should result in wrong type error": "RPUSH, RPOP",
  "INCR fails against a key holding a list": "RPUSH, RPOP",
  "INCRBYFLOAT fails against a key holding a list": "RPUSH",
};
const BASE_PORT = 22000;

/** Debian's source package, unpacked; fetched with apt from the sources that this machine has. */
function fetchSource(): string {
  const found = existsSync(FOLDER) ? readdirSync(FOLDER).find((name) => /^redis-\d/.test(name)) : undefined;
  if (found !== undefined) return join(FOLDER, found);
  const lists = join(FOLDER, "lists", "partial");
  mkdirSync(lists, { recursive: true });
  const sources = join(FOLDER, "sources");
  mkdirSync(sources, { recursive: true });
  let number = 0;
  for (const name of readdirSync("/etc/apt/sources.list.d")) {
    const text = readFileSync(join("/etc/apt/sources.list.d", name), "utf8");
    if (!name.endsWith(".sources") || !text.includes("debian")) continue;
    writeFileSync(join(sources, `${number++}.sources`), text.replace(/^Types:.*$/gm, "Types: deb-src"));
  }
  if (existsSync("/etc/apt/sources.list")) {
    const text = readFileSync("/etc/apt/sources.list", "utf8");
    writeFileSync(join(sources, `${number++}.list`), text.replace(/^deb /gm, "deb-src "));
  }
  const apt = [
    "-q",
    "-o",
    "Dir::Etc::sourcelist=/dev/null",
    "-o",
    `Dir::Etc::sourceparts=${sources}`,
    "-o",
    `Dir::State::lists=${join(FOLDER, "lists")}`,
    "-o",
    "APT::Sandbox::User=root",
  ];
  const stdio = ["ignore", "ignore", "inherit"] as const;
  execFileSync("apt-get", [...apt, "update"], { stdio: [...stdio] });
  execFileSync("apt-get", [...apt, "source", "redis"], { cwd: FOLDER, stdio: [...stdio] });
  const unpacked = readdirSync(FOLDER).find((name) => /^redis-\d/.test(name));
  if (unpacked === undefined) throw new Error(`no source of redis in ${FOLDER}`);
  return join(FOLDER, unpacked);
}

/** The server as a shell's words. */
function shellWords(): string {
  const server = process.env.TREDIS_SERVER ?? "deno";
  const words = serverWords(server.includes("/") ? resolve(server) : server);
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Puts the server and Redis's own tools where the suite looks for them. */
function prepare(source: string): void {
  const server = join(source, "src", "redis-server");
  rmSync(server, { force: true });
  writeFileSync(server, `#!/bin/sh\nexec ${shellWords()} "$@"\n`);
  chmodSync(server, 0o755);
  for (const tool of ["redis-cli", "redis-benchmark", "redis-check-rdb", "redis-check-aof"]) {
    rmSync(join(source, "src", tool), { force: true });
    symlinkSync(`/usr/bin/${tool}`, join(source, "src", tool));
  }
}

interface Result {
  ok: number;
  err: number;
  skipped: number;
}

/** Runs one unit and prints what is not ok. */
function runUnit(source: string, unit: string): Promise<Result> {
  const result: Result = { ok: 0, err: 0, skipped: 0 };
  const skipFile = join(FOLDER, "skipped");
  writeFileSync(skipFile, Object.keys(SKIPPED).join("\n") + "\n");
  const args = ["tests/test_helper.tcl", "--single", unit, "--clients", "1", "--skipfile", skipFile];
  const child = spawn("tclsh", [...args, "--baseport", String(BASE_PORT)], {
    cwd: source,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let rest = "";
  let details = false;
  const take = (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const coloured of lines) {
      // deno-lint-ignore no-control-regex
      const line = coloured.replace(/\x1b\[[0-9;]*m/g, "");
      if (line.startsWith("[ok]")) result.ok++;
      else if (line.startsWith("[err]") || line.startsWith("[exception]")) result.err++;
      else if (line.startsWith("[skip]") || line.startsWith("[ignore]")) {
        result.skipped++;
        const name = Object.keys(SKIPPED).find((skipped) => line.includes(`: ${skipped}`));
        console.log(`  ${line}${name === undefined ? "" : `: needs ${SKIPPED[name]}`}`);
      }
      if (line.startsWith("[") && !line.startsWith("[err]") && !line.startsWith("[exc")) details = false;
      if (line.startsWith("[err]") || line.startsWith("[exc")) details = true;
      if (details) console.log(`  ${line}`);
    }
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  return new Promise((resolve) =>
    child.on("close", (code) => {
      if (code !== 0 && result.err === 0) {
        console.log(`  the suite ended with ${code}: ${rest}`);
        result.err++;
      }
      resolve(result);
    })
  );
}

const units = process.argv.slice(2);
if (units.length === 0) {
  console.error("name the units to run, such as unit/type/string");
  process.exit(2);
}
const source = fetchSource();
prepare(source);
const rows: string[] = [];
let failed = 0;
for (const unit of units) {
  console.log(unit);
  const { ok, err, skipped } = await runUnit(source, unit);
  failed += err;
  rows.push(
    `${unit.padEnd(24)} ok ${String(ok).padStart(4)}   err ${String(err).padStart(4)}   skipped ${
      String(skipped).padStart(4)
    }`,
  );
}
console.log(`\n${rows.join("\n")}`);
process.exit(failed === 0 ? 0 : 1);
