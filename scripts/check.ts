/**
 * `deno task check`: format, lint, types on both runtimes, imports that run downwards, nothing but `lib/runtime/` that asks
 * the system for what a simulation replaces, and nothing that detaches a buffer.
 */

import process from "node:process";
import { DENO, runSteps } from "./run.ts";
import { misused } from "./usage.ts";

if (process.argv.length > 2) misused(`deno task check takes no arguments, not '${process.argv.slice(2).join(" ")}'`);

await runSteps([
  { name: "format", command: [DENO, "fmt", "--check"] },
  { name: "lint", command: [DENO, "lint"] },
  {
    // deno.json leaves node_modules to `deno task setup`, so that serving fetches nothing; for the types of "bun", which
    // its package does not hold, Deno has to look after it.
    name: "types, as Deno sees them",
    command: [DENO, "check", "--node-modules-dir=auto", "main.ts", "scripts/", "tests/"],
  },
  { name: "types of the Bun adapter, as Bun sees them", command: ["node_modules/.bin/tsc", "-p", "tsconfig.json"] },
  {
    name: "imports run downwards, without a circle",
    command: ["node_modules/.bin/depcruise", "--config", ".dependency-cruiser.cjs", "main.ts", "lib"],
  },
  {
    name: "time, chance, files, threads and the end come from lib/runtime/, and no buffer is detached",
    command: [DENO, "run", "--allow-read", "--allow-env", "--allow-sys", "scripts/check_runtime.ts"],
  },
]);
