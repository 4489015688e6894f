/** Runs redis-benchmark against a server. */

import { execFileSync } from "node:child_process";
import { cpuMicrosecondsSince, cpuOf, type Target } from "./targets.ts";

/** Keys, fields or counters that requests draw from. */
export const KEYS = 100_000;
const CLIENTS = 50;

export interface Run {
  readonly perSecond: number;
  /** CPU time of the server, in µs. */
  readonly cpuPerRequest: number;
}

/** Sends `requests` requests in pipelines of `depth`. `what`: options that name a test, or the words of a command. */
export function benchmark(target: Target, what: readonly string[], depth: number, requests: number): Run {
  const before = cpuOf(target.pid);
  const args = ["-p", String(target.port), "-c", String(CLIENTS), "-P", String(depth), "-n", String(requests)];
  const output = execFileSync("redis-benchmark", [...args, "-r", String(KEYS), "--csv", ...what], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 300_000,
  });
  const perSecond = Number(output.trim().split("\n").at(-1)?.split(",").at(1)?.replaceAll('"', ""));
  if (Number.isNaN(perSecond)) throw new Error(`${what.join(" ")}: no figure in '${output}'`);
  return { perSecond, cpuPerRequest: cpuMicrosecondsSince(before, target.pid) / requests };
}
