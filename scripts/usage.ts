/** Telling whoever calls a task that its arguments make no sense, in one line and with the exit code for that. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { serverWords } from "./server_words.ts";

const MISUSE = 2;

/** Ends the script. */
export function misused(message: string): never {
  console.error(message);
  process.exit(MISUSE);
}

/** The whole number that an argument is; ends the script where it is none, or less than it may be. */
export function wholeNumberOf(name: string, text: string, least: number): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (!Number.isInteger(number) || number < least) misused(`--${name} ${text}: that is no number from ${least} on`);
  return number;
}

/** The version of RESP that an argument names, if there is one; ends the script where that is none. */
export function protocolOf(text: string | undefined): 2 | 3 | undefined {
  if (text === undefined) return undefined;
  if (text !== "2" && text !== "3") misused(`--protocol ${text}: that is neither 2 nor 3`);
  return text === "2" ? 2 : 3;
}

/** The kind of server that TREDIS_SERVER names, or `otherwise`; ends the script where there is no such program. */
export function serverUnderTest<T extends string | undefined>(otherwise: T): string | T {
  const kind = process.env.TREDIS_SERVER;
  if (kind === undefined) return otherwise;
  if (!canRun(kind)) misused(`TREDIS_SERVER names '${kind}': that is neither deno, bun nor a program that can be run`);
  return kind;
}

/** Whether a kind of server can be started. */
export function canRun(kind: string): boolean {
  const [program] = serverWords(kind);
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}
