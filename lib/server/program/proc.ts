/**
 * What Linux tells of processes, as files of `/proc`. Asked at the start, by descriptors.ts and launcher.ts.
 *
 * Deno shows these to no program that may not do everything, whatever it may read. It lets a program run `cat`, if that
 * was allowed by name (the task `start`), and `cat` may see them.
 */

import { readFileSync } from "node:fs";
import process from "node:process";

/** A file about a process, by its number; empty where nothing is known. Its bytes are the codes of the string. */
export function processFile(id: number, name: "cmdline" | "limits" | "stat"): string {
  if (process.platform !== "linux") return "";
  const path = `/proc/${id}/${name}`;
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "Deno" in globalThis ? shownByCat(path) : "";
  }
}

function shownByCat(path: string): string {
  const { state } = Deno.permissions.querySync({ name: "run", command: "cat" });
  if (state !== "granted") return ""; // nobody is to be asked for this
  try {
    const { stdout } = new Deno.Command("cat", { args: [path], stderr: "null" }).outputSync();
    return new TextDecoder("latin1").decode(stdout);
  } catch {
    return ""; // no such program
  }
}
