/**
 * `deno task test [FILTER]`: the unit tests on Deno and on Bun, then the tests over real sockets against the server on
 * either; both runtimes side by side. With a filter, only test files whose path contains it.
 *
 * TREDIS_SERVER names one server (`deno`, `bun`, an executable, `redis-server`): then only the tests over sockets run,
 * against that.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DENO, runSteps, type Step } from "./run.ts";
import { misused, serverUnderTest } from "./usage.ts";

const OVER_SOCKETS = ["integration", "interop"];
const BUN = join("node_modules", ".bin", "bun");
/** Time that one test may take on Bun, which has a limit of its own, in ms. */
const BUN_TIMEOUT_MS = "180000";

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  });
}

const [filter = "", ...others] = process.argv.slice(2);
if (others.length > 0 || filter.startsWith("-")) {
  misused(`deno task test takes one part of a path of the tests, not '${[filter, ...others].join(" ")}'`);
}
const files = testFiles("tests").filter((file) => file.includes(filter)).sort();
const overSockets = files.filter((file) => OVER_SOCKETS.some((folder) => file.startsWith(join("tests", folder))));
const units = files.filter((file) => !overSockets.includes(file));

/** Runs tests over sockets against a kind of server. */
function against(server: string): Step {
  return {
    name: `tests over sockets, against ${server}`,
    command: [DENO, "test", "-A", "--no-check", ...overSockets],
    environment: { TREDIS_SERVER: server },
  };
}

const steps: (Step | readonly Step[])[] = [];
const server = serverUnderTest(undefined);
if (server !== undefined) {
  if (overSockets.length > 0) steps.push(against(server));
} else {
  if (units.length > 0) {
    const paths = units.map((file) => `./${file}`);
    steps.push([
      { name: "unit tests on Deno", command: [DENO, "test", "-A", "--no-check", ...units] },
      { name: "unit tests on Bun", command: [BUN, "test", "--timeout", BUN_TIMEOUT_MS, ...paths] },
    ]);
  }
  if (overSockets.length > 0) steps.push([against("deno"), against("bun")]);
}
if (steps.length === 0) {
  misused(`no test file ${server === undefined ? "" : "over sockets "}has '${filter}' in its path`);
}
await runSteps(steps);
