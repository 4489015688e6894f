/**
 * Redis's own suite: fetched, and adapted to a server that does not have everything yet.
 */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { serverWords } from "../server_words.ts";

export const FOLDER: string = resolve("dist", "compat");

/** Debian's source package, unpacked; fetched with apt from the sources that this machine has. */
export function fetchSource(): string {
  const found = existsSync(FOLDER) ? readdirSync(FOLDER).find((name) => /^redis-\d/.test(name)) : undefined;
  if (found !== undefined) return join(FOLDER, found);
  const lists = join(FOLDER, "lists", "partial");
  mkdirSync(lists, { recursive: true });
  const sources = join(FOLDER, "sources");
  mkdirSync(sources, { recursive: true });
  let number = 0;
  for (const name of readdirSync("/etc/apt/sources.list.d")) {
    const text = readFileSync(join("/etc/apt/sources.list.d", name), "utf8");
    if (!name.endsWith(".sources") || !text.includes("debian")) continue;
    writeFileSync(join(sources, `${number++}.sources`), text.replace(/^Types:.*$/gm, "Types: deb-src"));
  }
  if (existsSync("/etc/apt/sources.list")) {
    const text = readFileSync("/etc/apt/sources.list", "utf8");
    writeFileSync(join(sources, `${number++}.list`), text.replace(/^deb /gm, "deb-src "));
  }
  const apt = [
    "-q",
    "-o",
    "Dir::Etc::sourcelist=/dev/null",
    "-o",
    `Dir::Etc::sourceparts=${sources}`,
    "-o",
    `Dir::State::lists=${join(FOLDER, "lists")}`,
    "-o",
    "APT::Sandbox::User=root",
  ];
  const stdio = ["ignore", "ignore", "inherit"] as const;
  execFileSync("apt-get", [...apt, "update"], { stdio: [...stdio] });
  execFileSync("apt-get", [...apt, "source", "redis"], { cwd: FOLDER, stdio: [...stdio] });
  const unpacked = readdirSync(FOLDER).find((name) => /^redis-\d/.test(name));
  if (unpacked === undefined) throw new Error(`no source of redis in ${FOLDER}`);
  return join(FOLDER, unpacked);
}

/** The server as a shell's words. */
function shellWords(kind: string): string {
  const words = serverWords(kind.includes("/") ? resolve(kind) : kind);
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

const ENCODING_CHECK = "    assert_match $enc $val\n";
const LISTPACK_SINCE_7_2 = "    if {$val eq {listpack} && [r type $key] in {list set}} {return}\n";

/** Has the suite, which is of Redis 7.0, take small lists and sets as listpacks, which they are since Redis 7.2. */
function acceptListpacks(source: string): void {
  const path = join(source, "tests", "support", "test.tcl");
  const text = readFileSync(path, "utf8");
  if (text.includes(LISTPACK_SINCE_7_2)) return;
  if (!text.includes(ENCODING_CHECK)) throw new Error(`${path} does not check encodings as it did`);
  writeFileSync(path, text.replace(ENCODING_CHECK, (check) => LISTPACK_SINCE_7_2 + check));
}

const CHILD = "proc get_child_pid {idx} {\n";
const SNAPSHOT_AS_CHILD = `${CHILD}    return "snapshot-$idx"\n`;
const KILLS_SNAPSHOTS = `
rename exec exec_program
proc exec {args} {
    if {[lindex $args 0] eq {kill} && [regexp {^snapshot-(\\d+)$} [lindex $args end] _ idx]} {
        return [[srv -$idx client] debug abort-snapshot]
    }
    uplevel 1 [list exec_program {*}$args]
}
`;

/** Has the suite, when it kills the child process that takes a snapshot, end the snapshot: there is no such process. */
function endSnapshotsAsChildren(source: string): void {
  const path = join(source, "tests", "support", "util.tcl");
  const text = readFileSync(path, "utf8");
  if (text.includes(SNAPSHOT_AS_CHILD)) return;
  if (!text.includes(CHILD)) throw new Error(`${path} does not look for child processes as it did`);
  writeFileSync(path, text.replace(CHILD, () => SNAPSHOT_AS_CHILD) + KILLS_SNAPSHOTS);
}

/** Puts the server, `kind`, and Redis's own tools where the suite looks for them. */
export function prepare(source: string, kind: string): void {
  acceptListpacks(source);
  endSnapshotsAsChildren(source);
  const programs = join(source, "src");
  writeProgram(join(programs, "redis-server"), shellWords(kind));
  const checks = kind !== "redis-server";
  for (const tool of ["check-rdb", "check-aof"]) {
    writeProgram(join(programs, `redis-${tool}`), checks ? `${shellWords(kind)} ${tool}` : `/usr/bin/redis-${tool}`);
  }
  for (const tool of ["redis-cli", "redis-benchmark"]) {
    rmSync(join(programs, tool), { force: true });
    symlinkSync(`/usr/bin/${tool}`, join(programs, tool));
  }
}

/** Writes a program of the shell, that runs `command`. */
function writeProgram(path: string, command: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(path, 0o755);
}

/** How many braces a line opens more than it closes. */
function bracesOpened(line: string): number {
  return (line.match(/\{/g)?.length ?? 0) - (line.match(/\}/g)?.length ?? 0);
}

/**
 * Writes a copy of a unit without the groups of servers in which one of `texts` stands.
 *
 * @returns the name of the copy, as a unit
 */
export function withoutServers(source: string, unit: string, texts: Iterable<string>): string {
  const wanted = [...texts];
  const unseen = new Set(wanted);
  const lines = readFileSync(join(source, "tests", `${unit}.tcl`), "utf8").split("\n");
  const kept = withoutGroups(lines, wanted, unseen);
  if (unseen.size > 0) throw new Error(`no servers of ${unit} have '${[...unseen].join("', '")}'`);
  const copy = join("trimmed", unit);
  const path = join(source, "tests", `${copy}.tcl`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, kept.join("\n"));
  return copy;
}

/** Where a group of servers begins. */
const GROUP = /^(start_server|foreach) /;

/** Lines without the groups of servers in which a text stands: the smallest that begin where lines do. */
function withoutGroups(lines: readonly string[], wanted: readonly string[], unseen: Set<string>): string[] {
  const kept: string[] = [];
  let group: string[] = [];
  let depth = 0;
  for (const line of lines) {
    if (group.length === 0 && !GROUP.test(line)) {
      kept.push(line);
      continue;
    }
    group.push(line);
    depth += bracesOpened(line);
    if (depth > 0) continue;
    const text = group.join("\n");
    const found = wanted.filter((one) => text.includes(one));
    const inner = group.slice(1, -1);
    if (found.length === 0) {
      kept.push(text);
    } else if (group[0].startsWith("foreach ") && inner.some((one) => one.startsWith("start_server "))) {
      kept.push(group[0], ...withoutGroups(inner, wanted, unseen), group[group.length - 1]);
    } else {
      for (const one of found) unseen.delete(one);
    }
    group = [];
  }
  return kept;
}
