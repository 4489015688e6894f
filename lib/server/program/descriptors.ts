/**
 * File descriptors: each client takes one. Where the system gives fewer than `maxclients` needs, that is lowered at
 * start, so that there are always some left for saving, for the log, and for telling surplus clients that they are.
 */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import type { Config } from "../../config/config.ts";
import { thisProcess } from "../../runtime/process.ts";
import type { Log } from "./log.ts";
import { processFile } from "./proc.ts";

/** Descriptors kept from clients: at least these, and this many more than the runtime itself has open. */
const LEAST_RESERVED = 32;
const SPARE = 24;
/** Opened to see how many descriptors there are, where the system's limits may not be read. */
const PROBE = "/dev/null";

/** How many descriptors there are for this process. */
interface Descriptors {
  readonly limit: number;
  /** Of them, those kept from clients. */
  readonly reserved: number;
}

/**
 * Lowers `maxclients` to what the system allows, and has CONFIG SET refuse more. Returns why the server cannot start,
 * or null.
 */
export function limitClients(config: Config, log: Log): string | null {
  const wanted = config.number("maxclients");
  const { limit, reserved } = measure(wanted);
  const most = limit - reserved;
  const needed = wanted + reserved;
  if (most <= 0) {
    return `Your current 'ulimit -n' of ${limit} is not enough for the server to start. ` +
      `Please increase your open file limit to at least ${needed}. Exiting.`;
  }
  if (wanted > most) {
    log.warning(`You requested maxclients of ${wanted} requiring at least ${needed} max file descriptors.`);
    log.warning(`Server can't set maximum open files to ${needed} because of OS error: Operation not permitted.`);
    log.warning(
      `Current maximum open files is ${limit}. maxclients has been reduced to ${most} to compensate for low ulimit. ` +
        "If you need higher maxclients increase 'ulimit -n'.",
    );
    config.assign("maxclients", [String(most)]);
  }
  config.onChange("maxclients", ({ number }) => {
    const now = number <= most ? most : measure(number).limit - reserved;
    return number <= now
      ? null
      : `The operating system is not able to handle the specified number of clients, try with ${now}`;
  });
  return null;
}

/** Looks how many descriptors there are, or whether there are enough for `clients`. */
function measure(clients: number): Descriptors {
  const used = firstFree();
  const reserved = Math.max(LEAST_RESERVED, used + SPARE);
  return { limit: systemLimit() ?? probe(clients + reserved), reserved };
}

/** The number that the next descriptor gets: about as many are open. */
function firstFree(): number {
  try {
    const descriptor = openSync(PROBE, "r");
    closeSync(descriptor);
    return descriptor;
  } catch {
    return 0; // no such file here, or none that may be read
  }
}

/** What the system says, or null where it does not, or the runtime may not ask. */
function systemLimit(): number | null {
  const report = (process.report as typeof process.report | undefined)?.getReport?.() as
    | { readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } } }
    | undefined;
  const soft = report?.userLimits?.open_files?.soft ??
    /^Max open files\s+(\w+)/m.exec(processFile(thisProcess().id, "limits"))?.[1];
  return soft === undefined ? null : soft === "unlimited" ? Infinity : Number(soft);
}

/** Opens descriptors until there are no more, or `enough`; how many there are in all. */
function probe(enough: number): number {
  const opened: number[] = [];
  try {
    while ((opened.at(-1) ?? 0) + 1 < enough) opened.push(openSync(PROBE, "r"));
    return Infinity;
  } catch {
    return opened.length === 0 ? Infinity : (opened.at(-1) as number) + 1; // descriptors are given out from below
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
