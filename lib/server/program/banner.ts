/**
 * What the program says of itself: its version, its usage, and the banner at start. main.ts prints them. Read by the
 * start, and by INFO for the versions.
 */

import { versions } from "node:process";
import { REDIS_VERSION, TREDIS_VERSION } from "../../commands/connection.ts";

/** The versions, as clients are told them. */
export { REDIS_VERSION, TREDIS_VERSION };

/** Name and version of the runtime, such as `deno-2.9.6`. */
export function runtimeName(): string {
  const { deno, bun } = versions;
  return deno !== undefined ? `deno-${deno}` : `bun-${bun ?? "unknown"}`;
}

/** The line that `--version` prints. */
export function versionLine(): string {
  return `tredis server v=${TREDIS_VERSION} redis_version=${REDIS_VERSION} malloc=arena bits=64 runtime=${runtimeName()}`;
}

/** What `--help` prints. */
export const USAGE = `Usage: tredis [/path/to/redis.conf] [options] [-]
       tredis -                     read the configuration from standard input
       tredis check-rdb FILE        check an RDB file, as redis-check-rdb does
       tredis check-aof [--fix] FILE    check an append-only file, as redis-check-aof does
       tredis -v | --version
       tredis -h | --help

Every directive of redis.conf is an option, and options override the file:

       tredis                                        serve on port 6379
       tredis --port 7777
       tredis --port 7777 --replicaof 127.0.0.1 6379
       tredis --save 60 1 --save 300 10 --dir /var/lib/tredis
       tredis /etc/redis/redis.conf --loglevel verbose
       echo 'maxmemory 128mb' | tredis -
`;

/** Why an action of redis-server's command line is refused. */
export const REFUSALS: Readonly<Record<"test-memory" | "check-system" | "sentinel", string>> = {
  "test-memory": "tredis does not test memory: a program in a managed runtime cannot choose the memory it tests. " +
    "Use memtest86+ or memtester.",
  "check-system": "tredis does not check the system: it needs no particular settings of the kernel.",
  "sentinel": "tredis is not a sentinel yet; redis-sentinel can watch over tredis servers.",
};

/** What the banner shows of the server. */
export interface BannerFacts {
  readonly port: number;
  readonly pid: number;
  readonly mode: "standalone" | "cluster" | "sentinel";
}

/** The banner of an interactive start. */
export function banner(facts: BannerFacts): string {
  return `
      ____
     /   /|     tredis ${TREDIS_VERSION} on ${runtimeName()}, speaks as Redis ${REDIS_VERSION}
    /___/ |     Running in ${facts.mode} mode
    |   | /     Port: ${facts.port}
    |___|/      PID: ${facts.pid}

`;
}

/** Whether the banner is shown: where somebody watches the start, or always if so configured. */
export function showsBanner(always: boolean, logsToFile: boolean, isTerminal: boolean): boolean {
  return always || (!logsToFile && isTerminal);
}
