/** Running the programs of a script one after the other, with a line on each. */

import { spawnSync } from "node:child_process";
import process from "node:process";

/** The Deno that runs this script. */
export const DENO: string = process.execPath;

/** A program, its arguments, and what is set in its environment. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs the steps in order, all of them; exits with 1 if any failed. */
export function runSteps(steps: readonly Step[]): void {
  const failed: string[] = [];
  for (const { name, command, environment } of steps) {
    console.log(`\n== ${name}`);
    const [program, ...args] = command;
    const { status, error } = spawnSync(program, args, {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...environment },
    });
    if (error !== undefined) console.error(`${program}: ${error.message}`);
    if (status !== 0) failed.push(name);
  }
  if (failed.length === 0) return console.log(`\nall ${steps.length} steps passed`);
  console.error(`\nfailed: ${failed.join("; ")}`);
  process.exit(1);
}
