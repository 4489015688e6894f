/** Running the programs of a script, with a line on each. */

import { spawn } from "node:child_process";
import process from "node:process";

/** The Deno that runs this script. */
export const DENO: string = process.execPath;

/** A program, its arguments, and what is set in its environment. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program, and shows what it says as it says it, or once it has ended; whether it did well. */
function run({ command, environment }: Step, isShown: boolean): Promise<{ passed: boolean; show: () => void }> {
  const [program, ...args] = command;
  const said: Uint8Array[] = [];
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", isShown ? "inherit" : "pipe", isShown ? "inherit" : "pipe"],
      env: { ...process.env, ...environment },
    });
    child.stdout?.on("data", (bytes: Uint8Array) => said.push(bytes));
    child.stderr?.on("data", (bytes: Uint8Array) => said.push(bytes));
    const end = (passed: boolean) =>
      resolve({ passed, show: () => said.forEach((bytes) => process.stdout.write(bytes)) });
    child.on("error", (error) => {
      console.error(`${program}: ${error.message}`);
      end(false);
    });
    child.on("close", (status) => end(status === 0));
  });
}

/**
 * Runs the steps in order, all of them; those of an inner array side by side, of which the first is shown as it goes on and
 * the others after it. Exits with 1 if any failed.
 */
export async function runSteps(steps: readonly (Step | readonly Step[])[]): Promise<void> {
  const failed: string[] = [];
  for (const one of steps) {
    const group = "command" in one ? [one] : one;
    const running = group.map((step, index) => {
      if (index === 0) console.log(`\n== ${step.name}`);
      return run(step, index === 0);
    });
    for (const [index, outcome] of running.entries()) {
      const { passed, show } = await outcome;
      if (index > 0) console.log(`\n== ${group[index].name}`);
      show();
      if (!passed) failed.push(group[index].name);
    }
  }
  if (failed.length === 0) return console.log(`\nall ${steps.flat().length} steps passed`);
  console.error(`\nfailed: ${failed.join("; ")}`);
  process.exit(1);
}
