/**
 * Runs units of Redis's own Tcl test suite (7.0.15, from Debian's source package) against tredis.
 *
 * Usage: deno task compat [--baseport 22000] UNIT…   such as unit/type/string
 *
 * The source package is fetched once into `dist/compat`; nothing of it is kept in the repository. TREDIS_SERVER names
 * the server: `deno` (the default), `bun`, an executable, or `redis-server` to see that the oracle passes.
 *
 * Tests that need what tredis does not have yet are left out, as the tables in tests/compat/left-out.md say: single
 * tests by their names, groups by their tags. They are counted, and named with the reason.
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
import { parseArgs } from "node:util";
import { serverWords } from "./server_words.ts";
import { misused, serverUnderTest } from "./usage.ts";

const FOLDER = resolve("dist", "compat");
/** The tests that are left out, by unit, with the reasons. */
const LEFT_OUT = join("tests", "compat", "left-out.md");
const BASE_PORT = "22000";

/** What of a unit is left out. */
interface LeftOut {
  /** Reasons by the test's exact name. */
  readonly tests: Map<string, string>;
  /** Reasons by the tag of a group of tests: for those whose preparations fail outside of any test. */
  readonly tags: Map<string, string>;
}

/** What the table says of a unit: rows of unit, test or tag, and reason. */
function leftOutOf(unit: string): LeftOut {
  const leftOut: LeftOut = { tests: new Map(), tags: new Map() };
  for (const line of readFileSync(LEFT_OUT, "utf8").split("\n")) {
    const row = /^\| *(\S+) *\| *(tag )?`(.+)` *\| *(.+?) *\|$/.exec(line);
    if (row === null || row[1] !== unit) continue;
    (row[2] === undefined ? leftOut.tests : leftOut.tags).set(row[3].replaceAll("\\|", "|"), row[4]);
  }
  return leftOut;
}

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
  const words = serverWords(kind.includes("/") ? resolve(kind) : kind);
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

const TAGS_CHECK = "    # We skip unwanted tags\n";
const TAG_OF_AOF = `    if {![catch {dict get $overrides appendonly} appendonly] && $appendonly eq "yes"} {
        lappend tags needs:aof
        lappend ::tags needs:aof
    }
`;

/**
 * Has the suite give servers with an append-only file a tag, so that they can be left out: one that refuses to start is
 * waited for for two minutes.
 */
function tagServersWithAof(source: string): void {
  const path = join(source, "tests", "support", "server.tcl");
  const text = readFileSync(path, "utf8");
  if (text.includes(TAG_OF_AOF)) return;
  if (!text.includes(TAGS_CHECK)) throw new Error(`${path} does not check tags where it did`);
  writeFileSync(path, text.replace(TAGS_CHECK, TAG_OF_AOF.replaceAll("$", "$$$$") + TAGS_CHECK));
}

/** Puts the server and Redis's own tools where the suite looks for them. */
function prepare(source: string): void {
  tagServersWithAof(source);
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
  const { tests, tags } = leftOutOf(unit);
  const unseen = new Set(tests.keys());
  const skipFile = join(FOLDER, "skipped");
  writeFileSync(skipFile, [...tests.keys()].join("\n") + "\n");
  const args = ["tests/test_helper.tcl", "--single", unit, "--clients", "1", "--skipfile", skipFile];
  if (tags.size > 0) args.push("--tags", [...tags.keys()].map((tag) => `-${tag}`).join(" "));
  const child = spawn("tclsh", [...args, "--baseport", baseport], {
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
        const name = line.slice(line.indexOf(":") + 2);
        unseen.delete(name);
        const reason = tests.get(name) ?? tags.get(/Tag: (\S+) denied/.exec(name)?.[1] ?? "");
        console.log(`  ${line}${reason === undefined ? "" : ` (${reason})`}`);
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
      for (const name of unseen) console.log(`  ${LEFT_OUT} names '${name}', which did not come up`);
      resolve(result);
    })
  );
}

/** The arguments, or the end of the script where they make no sense. */
function readArguments(): { units: string[]; baseport: string } {
  try {
    const options = { baseport: { type: "string", default: BASE_PORT } } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    return { units: positionals, baseport: values.baseport };
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

const { units, baseport } = readArguments();
if (units.length === 0) misused("name the units to run, such as unit/type/string");
if (!/^\d+$/.test(baseport)) misused(`--baseport ${baseport}: that is no number`);
const kind = serverUnderTest("deno");
const source = fetchSource();
for (const unit of units) {
  if (!existsSync(join(source, "tests", `${unit}.tcl`))) misused(`Redis's suite has no unit '${unit}'`);
}
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
