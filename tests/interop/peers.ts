/** The programs of others that the interop tests need: where one is missing, CI fails and a user's machine skips. */

import { spawnSync } from "node:child_process";
import process from "node:process";

/** Skips a test, and says why. */
export interface Skippable {
  skip(reason: string): void;
}

function answers(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore", timeout: 30_000 }).status === 0;
}

const CHECKS: Readonly<Record<string, () => boolean>> = {
  "redis-server": () => answers("redis-server", ["--version"]),
  "redis-cli": () => answers("redis-cli", ["--version"]),
  "redis-benchmark": () => answers("redis-benchmark", ["--version"]),
  "redis-sentinel": () => spawnSync("redis-sentinel", ["--version"]).error === undefined,
  "redis-py": () => answers(PYTHON, ["-c", "import redis"]),
};

/** Debian's python3, whose modules are Debian's. */
export const PYTHON = "/usr/bin/python3";

/** Whether all peers are there. Where one is missing, skips the test, or fails it in CI. */
export function havePeers(context: Skippable, ...peers: (keyof typeof CHECKS & string)[]): boolean {
  const missing = peers.filter((peer) => !CHECKS[peer]());
  if (missing.length === 0) return true;
  const reason = `missing here: ${missing.join(", ")}`;
  if (process.env.CI) throw new Error(reason);
  context.skip(reason);
  return false;
}
