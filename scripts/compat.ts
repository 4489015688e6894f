/**
 * Runs units of Redis's own Tcl test suite (7.0.15, from Debian's source package) against tredis.
 *
 * Usage: deno task compat [--baseport 22000] UNIT…   such as unit/type/string
 *
 * The source package is fetched once into `dist/compat`; nothing of it is kept in the repository. TREDIS_SERVER names
 * the server: `deno` (the default), `bun`, an executable, or `redis-server` to see that the oracle passes.
 *
 * Tests that need what tredis does not have yet are left out, as the tables in tests/compat/left-out.md say: single
 * tests by their names, groups by their tags or by what stands in them. They are counted, and named with the reason.
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { LEFT_OUT, leftOutOf } from "./compat/left_out.ts";
import { fetchSource, FOLDER, prepare, withoutServers } from "./compat/suite.ts";
import { misused, serverUnderTest } from "./usage.ts";

const BASE_PORT = "22000";
/** Has the number of the process that runs the suite in the folder. */
const RUNNING = join(FOLDER, "running");

interface Result {
  ok: number;
  err: number;
  skipped: number;
}

/** Runs one unit and prints what is not ok. */
function runUnit(source: string, unit: string): Promise<Result> {
  const result: Result = { ok: 0, err: 0, skipped: 0 };
  const { tests, tags, servers } = leftOutOf(unit);
  const unseen = new Set(tests.keys());
  const skipFile = join(FOLDER, "skipped");
  writeFileSync(skipFile, [...tests.keys()].join("\n") + "\n");
  const toRun = servers.size === 0 ? unit : withoutServers(source, unit, servers.keys());
  for (const [text, reason] of servers) console.log(`  [skip]: servers with '${text}' (${reason})`);
  result.skipped += servers.size;
  const args = ["tests/test_helper.tcl", "--single", toRun, "--clients", "1", "--skipfile", skipFile];
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

/** A count in its column. */
function pad(count: number): string {
  return String(count).padStart(4);
}

/** Sees to it that nobody else runs the suite in this folder: the server under test stands in a file of it. */
function claimFolder(): void {
  const owner = existsSync(RUNNING) ? Number(readFileSync(RUNNING, "utf8")) : 0;
  if (owner > 0 && existsSync(`/proc/${owner}`)) misused(`the suite is being run in ${FOLDER} by process ${owner}`);
  writeFileSync(RUNNING, String(process.pid));
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
claimFolder();
prepare(source, kind);
const rows: string[] = [];
let failed = 0;
for (const unit of units) {
  console.log(unit);
  const startedMs = performance.now();
  const { ok, err, skipped } = await runUnit(source, unit);
  failed += err;
  const seconds = (performance.now() - startedMs) / 1000;
  const columns = [
    `ok ${pad(ok)}`,
    `err ${pad(err)}`,
    `skipped ${pad(skipped)}`,
    `${seconds.toFixed(0).padStart(4)} s`,
  ];
  rows.push(`${unit.padEnd(39)} ${columns.join("   ")}`);
}
rmSync(RUNNING);
console.log(`\n${rows.join("\n")}`);
process.exit(failed === 0 ? 0 : 1);
