/**
 * The pid file: written at start, removed at exit. Best effort, as a server without one serves as well. Written at the
 * start, removed at the end.
 */

import { unlinkSync, writeFileSync } from "node:fs";
import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorText } from "../../bytes/system_errors.ts";
import { thisProcess } from "../../runtime/process.ts";

/** Where the pid file goes if the server is daemonized and none is configured. */
const DEFAULT_PATH = "/var/run/redis.pid";

/** The path of the pid file, a binary string, or null if there is to be none. */
export function pidFilePath(configured: string, daemonized: boolean): string | null {
  if (configured !== "") return configured;
  return daemonized ? DEFAULT_PATH : null;
}

/** Writes the pid file. Returns why it could not, for the log, or null. */
export function writePidFile(path: string): string | null {
  try {
    writeFileSync(fromBinary(path), `${thisProcess().id}\n`);
    return null;
  } catch (error) {
    return `Failed to write PID file: ${systemErrorText(error)} ('${path}')`;
  }
}

/** Removes the pid file, if it is there. Whether it was. */
export function removePidFile(path: string): boolean {
  try {
    unlinkSync(fromBinary(path));
    return true;
  } catch {
    return false;
  }
}
