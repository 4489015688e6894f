/** Programs of `clients/`, which use a server by a library and print `done` once they have come to their end. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { DENO } from "../../scripts/run.ts";

const FOLDER = join("tests", "interop", "clients");

/** Runs a program, given as a file of the folder and what runs it, to its end, and checks that it came there. */
export function finishes(runner: readonly string[], file: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const [program, ...first] = runner;
    const child = spawn(program, [...first, join(FOLDER, file), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    child.stderr.on("data", (chunk) => output += chunk);
    child.on("error", reject);
    child.on("close", (code) => code === 0 && output.endsWith("done\n") ? resolve() : reject(new Error(output)));
  });
}

/** What runs a program in TypeScript on Deno. */
export const ON_DENO: readonly string[] = [DENO, "run", "-A", "--no-check"];
