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

const TAGS_CHECK = "    # We skip unwanted tags\n";
const TAG_OF_AOF = `    if {![catch {dict get $overrides appendonly} appendonly] && $appendonly eq "yes"} {
        lappend tags needs:aof
        lappend ::tags needs:aof
    }
`;

/**
 * Has the suite give servers with an append-only file a tag, so that they can be left out: one that refuses to start is
 * waited for for two minutes.
 */
function tagServersWithAof(source: string): void {
  const path = join(source, "tests", "support", "server.tcl");
  const text = readFileSync(path, "utf8");
  if (text.includes(TAG_OF_AOF)) return;
  if (!text.includes(TAGS_CHECK)) throw new Error(`${path} does not check tags where it did`);
  writeFileSync(path, text.replace(TAGS_CHECK, TAG_OF_AOF.replaceAll("$", "$$$$") + TAGS_CHECK));
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

/** Puts the server, `kind`, and Redis's own tools where the suite looks for them. */
export function prepare(source: string, kind: string): void {
  tagServersWithAof(source);
  acceptListpacks(source);
  const server = join(source, "src", "redis-server");
  rmSync(server, { force: true });
  writeFileSync(server, `#!/bin/sh\nexec ${shellWords(kind)} "$@"\n`);
  chmodSync(server, 0o755);
  for (const tool of ["redis-cli", "redis-benchmark", "redis-check-rdb", "redis-check-aof"]) {
    rmSync(join(source, "src", tool), { force: true });
    symlinkSync(`/usr/bin/${tool}`, join(source, "src", tool));
  }
}

/** How many braces a line opens more than it closes. */
function bracesOpened(line: string): number {
  return (line.match(/\{/g)?.length ?? 0) - (line.match(/\}/g)?.length ?? 0);
}

/**
 * Writes a copy of a unit without the outermost groups of servers in which one of `texts` stands.
 *
 * @returns the name of the copy, as a unit
 */
export function withoutServers(source: string, unit: string, texts: Iterable<string>): string {
  const wanted = [...texts];
  const unseen = new Set(wanted);
  const kept: string[] = [];
  let group: string[] = [];
  let depth = 0;
  for (const line of readFileSync(join(source, "tests", `${unit}.tcl`), "utf8").split("\n")) {
    if (group.length === 0 && !/^(start_server|foreach) /.test(line)) {
      kept.push(line);
      continue;
    }
    group.push(line);
    depth += bracesOpened(line);
    if (depth > 0) continue;
    const text = group.join("\n");
    const found = wanted.find((one) => text.includes(one));
    if (found === undefined) kept.push(text);
    else unseen.delete(found);
    group = [];
  }
  if (unseen.size > 0) throw new Error(`no servers of ${unit} have '${[...unseen].join("', '")}'`);
  const copy = join("trimmed", unit);
  const path = join(source, "tests", `${copy}.tcl`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, kept.join("\n"));
  return copy;
}
