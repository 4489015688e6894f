/**
 * A server that npm or npx has started with `deno task start` ends with them. They run the task through a shell, and what
 * ends them (a signal to their process, a closed window of an editor) does not reach the server: it would go on unseen,
 * and hold its port. (A server that a script of npm starts in another way may well be meant to outlive it.)
 *
 * Every half second the chain of processes from the server up to npm is compared with what it was at the start: a link
 * whose parent has gone has another parent. Only Linux shows that of other processes; elsewhere nothing is watched.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { thisProcess } from "../../runtime/process.ts";
import { startRepeatingTimer } from "../../runtime/timers.ts";

const LOOK_MS = 500;
/** Longest way up that is looked for npm. */
const MAX_LINKS = 12;

/** The parent of a process, by its id; 0 where the process is gone or nothing is known of it. */
export type ParentOf = (pid: number) => number;

function parentOf(pid: number): number {
  if (pid === thisProcess().id) return process.ppid;
  try {
    // The name, in parentheses, may hold anything; behind it stand the state and the parent.
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(text.slice(text.lastIndexOf(")") + 1).trim().split(" ")[1]);
  } catch {
    return 0;
  }
}

/** The command line of a process, its words joined by spaces; empty where nothing is known of it. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function isNpm(pid: number): boolean {
  return /^np[mx] |np[mx]-cli\.js/.test(commandLineOf(pid));
}

/** The ids of the processes from `pid` up to the topmost npm above it; `pid` alone where there is none. */
export function chainToNpm(pid: number, parent: ParentOf, npm: (pid: number) => boolean): number[] {
  const chain = [pid];
  let length = 1;
  while (chain.length <= MAX_LINKS) {
    const above = parent(chain[chain.length - 1]);
    if (above <= 1) break;
    chain.push(above);
    if (npm(above)) length = chain.length;
  }
  return chain.slice(0, length);
}

/** Whether every process of a chain still has the one after it for its parent. */
export function isWhole(chain: readonly number[], parent: ParentOf): boolean {
  return chain.every((pid, index) => index === chain.length - 1 || parent(pid) === chain[index + 1]);
}

/** Calls `onEnd` once, when the npm or npx that has started this process by a task ends; does nothing where none has. */
export function followLauncher(onEnd: () => void): void {
  if (process.env.npm_command === undefined || !/^\S*deno task /.test(commandLineOf(process.ppid))) return;
  const chain = chainToNpm(thisProcess().id, parentOf, isNpm);
  if (chain.length < 2) return;
  const timer = startRepeatingTimer(() => {
    if (isWhole(chain, parentOf)) return;
    timer.cancel();
    onEnd();
  }, LOOK_MS);
}
