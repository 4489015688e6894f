/** How a server is started: the words of its command, for benchmarks, tests and Redis's own suite alike. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const MAIN = join(ROOT, "main.ts");

/**
 * Program and first arguments of a kind of server: `deno` (as `deno task start` has it), `bun`, or any program.
 */
export function serverWords(kind: string): string[] {
  if (kind === "deno") {
    const deno = process.execPath.includes("deno") ? process.execPath : "deno";
    return [deno, ...startTask().slice(1, -1), MAIN];
  }
  if (kind === "bun") return [join(ROOT, "node_modules", ".bin", "bun"), MAIN];
  return [kind];
}

/** The words of the task `start`: `deno run`, its options, and `main.ts`. */
function startTask(): string[] {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { tasks: { start: string } };
  return tasks.start.split(" ");
}
