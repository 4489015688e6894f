/**
 * A server that npm or npx has started with `deno task start` ends with them. They run the task through a shell, and what
 * ends them (a signal to their process, a closed window of an editor) does not reach the server: it would go on unseen,
 * and hold its port. (A server that a script of npm starts in another way may well be meant to outlive it.)
 *
 * At the start the chain of processes from the server up to npm is looked up; every half second, whether all of them are
 * still there. Only Linux shows that of other processes; elsewhere nothing is watched.
 */

import process from "node:process";
import { thisProcess } from "../../runtime/process.ts";
import { startRepeatingTimer } from "../../runtime/timers.ts";
import { processFile } from "./proc.ts";

const LOOK_MS = 500;
/** Longest way up that is looked for npm. */
const MAX_LINKS = 12;

/** The parent of a process, by its number; 0 where nothing is known of it. */
function parentOf(id: number): number {
  if (id === thisProcess().id) return process.ppid;
  // The name, in parentheses, may hold anything; behind it stand the state and the parent.
  const text = processFile(id, "stat");
  return Number(text.slice(text.lastIndexOf(")") + 1).trim().split(" ")[1] ?? 0);
}

/** The command line of a process, its words joined by spaces; empty where nothing is known of it. */
function commandLineOf(id: number): string {
  return processFile(id, "cmdline").replaceAll("\0", " ");
}

function isNpm(id: number): boolean {
  return /^np[mx] |np[mx]-cli\.js/.test(commandLineOf(id));
}

/** The numbers of the processes from `id` up to the topmost npm above it; `id` alone where there is none. */
export function chainToNpm(id: number, parent: (id: number) => number, npm: (id: number) => boolean): number[] {
  const chain = [id];
  let length = 1;
  while (chain.length <= MAX_LINKS) {
    const above = parent(chain[chain.length - 1]);
    if (above <= 1) break;
    chain.push(above);
    if (npm(above)) length = chain.length;
  }
  return chain.slice(0, length);
}

/** Calls `onEnd` once, when the npm or npx that has started this process by a task ends; does nothing where none has. */
export function followLauncher(onEnd: () => void): void {
  if (process.env.npm_command === undefined || !/^\S*deno task /.test(commandLineOf(process.ppid))) return;
  const chain = chainToNpm(thisProcess().id, parentOf, isNpm);
  if (chain.length < 2) return;
  const timer = startRepeatingTimer(() => {
    if (!chain.some((id) => thisProcess().isRunning(id) === false)) return;
    timer.cancel();
    onEnd();
  }, LOOK_MS);
}
