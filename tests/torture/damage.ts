/**
 * Data on disk that is damaged in every way that comes to mind: cut at each offset, with bits turned, with something
 * behind it, with files gone. A start must load a state that has been, or refuse, telling the operator what is wrong where
 * and what can be done; and it must do so whatever the bytes are.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../integration/data_set.ts";
import { Host } from "./host.ts";

/** A start on damaged data may take so long, in ms of real time, before it counts as hanging. */
const PATIENCE_MS = 30_000;
const AOF_ARGS = ["--appendonly", "yes", "--appendfsync", "no"];
const DIRECTORY = "appendonlydir";
const MANIFEST = "appendonly.aof.manifest";

/** What the base has: all types, a database beside the first, expiries. */
const BASE_COMMANDS = [
  "SET text some-text-that-is-longer-than-forty-four-bytes-so-that-it-is-raw",
  "SET number 12345",
  "SET lasting 1 PXAT 4102444800000",
  "RPUSH list a b c 1 2 3",
  "HSET hash f 1 g two h three",
  "SADD set a b c d",
  "SADD integers 1 2 3 70000",
  "ZADD scores 1 a 2.5 b -3 c",
  "XADD stream 1-1 f 1 g 2",
  "XADD stream 2-1 f 3",
  "XGROUP CREATE stream group 0",
  "PFADD hyperloglog a b c",
  "SELECT 3",
  "SET elsewhere 1",
];

/** What is done since, some of it in transactions. */
const LATER_COMMANDS = [
  "SET a 1",
  "INCR a",
  "INCRBYFLOAT a 1.5",
  "APPEND text more",
  "SETRANGE text 5 x",
  "SETBIT bits 100 1",
  "SET binary \r\n*1\r\n$4\r\nPING\r\n",
  "MULTI",
  "SET inside 1",
  "SELECT 2",
  "SET elsewhere 2",
  "INCR elsewhere",
  "EXEC",
  "SET two 2 PXAT 4102444800000",
  "MOVE two 3",
  "SWAPDB 3 4",
  "SELECT 0",
  "RPUSH list x y z",
  "LPOP list 2",
  "LSET list 0 changed",
  "LINSERT list BEFORE z w",
  "LMOVE list list2 LEFT RIGHT",
  "HSET hash i 4",
  "HINCRBY hash f 5",
  "HDEL hash g",
  "SADD set e",
  "SPOP set 2",
  "SREM set a",
  "SMOVE set set2 b",
  "MULTI",
  "ZADD scores 5 d",
  "ZINCRBY scores 0.5 a",
  "ZPOPMIN scores",
  "EXEC",
  "ZADD scores GT 9 b",
  "XADD stream 3-1 f 4",
  "XADD stream MAXLEN 2 4-1 f 5",
  "XREADGROUP GROUP group alice COUNT 1 STREAMS stream >",
  "XACK stream group 3-1",
  "XDEL stream 4-1",
  "XSETID stream 9-1",
  "PFADD hyperloglog d",
  "GEOADD geo 13 38 palermo 15 37 catania",
  "COPY list list3",
  "RENAME list3 list4",
  "EXPIRE list4 100000000",
  "PERSIST lasting",
  "SELECT 7",
  "SET seven 7",
  "DEL seven",
  "MULTI",
  "INCR counter",
  "EXEC",
  "BITFIELD bits SET u8 0 200",
  "SORT list STORE sorted ALPHA",
  "SUNIONSTORE both set set2",
  "SELECT 0",
  "UNLINK number",
  "SET last 1",
];

/** Splits a line at its blanks, of which the value of `binary` has none. */
function wordsOf(line: string): string[] {
  return line.split(" ");
}

/** A state that the data has been in: so many bytes of the incremental file make it. */
export interface State {
  readonly bytes: number;
  readonly digest: string;
}

/** An append-only file, and the states that it tells of. */
export interface SampleLog {
  /** The files by name, without a folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly base: string;
  readonly increment: string;
  /** The first is the base's. */
  readonly states: readonly State[];
}

/** Makes an append-only file whose base is RDB, or commands. `stamped`: whether it tells the time. */
export async function makeLog(format: "rdb" | "aof", stamped: "yes" | "no" = "yes"): Promise<SampleLog> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-damage-"));
  const args = [
    ...AOF_ARGS,
    "--aof-timestamp-enabled",
    stamped,
    "--aof-use-rdb-preamble",
    format === "rdb" ? "yes" : "no",
  ];
  const host = await Host.start(folder, { args });
  try {
    const client = host.client();
    for (const line of BASE_COMMANDS) await client.do(...wordsOf(line));
    await client.do("BGREWRITEAOF");
    await host.until(async () => /aof_rewrite_in_progress:0/.test(await host.ask("INFO", "persistence") ?? ""));
    const directory = join(folder, DIRECTORY);
    const names = readFileSync(join(directory, MANIFEST), "latin1").split("\n").flatMap((line) =>
      line.split(" ")[1] ?? []
    );
    const [base, increment] = names;
    const path = join(directory, increment);
    const states: State[] = [{ bytes: statSync(path).size, digest: host.digest }];
    let isInside = false;
    for (const line of LATER_COMMANDS) {
      await client.do(...wordsOf(line));
      isInside = line === "MULTI" || (isInside && line !== "EXEC");
      if (!isInside) states.push({ bytes: statSync(path).size, digest: host.digest });
    }
    const files = new Map(
      [MANIFEST, base, increment].map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))]),
    );
    return { files, base, increment, states };
  } finally {
    await host.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Makes an RDB file of the same data, and tells its digest. */
export async function makeRdb(): Promise<{ readonly bytes: Uint8Array; readonly digest: string }> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-damage-"));
  const host = await Host.start(folder);
  try {
    const client = host.client();
    for (const line of BASE_COMMANDS) await client.do(...wordsOf(line));
    await client.do("SAVE");
    return { bytes: new Uint8Array(readFileSync(join(folder, "dump.rdb"))), digest: host.digest };
  } finally {
    await host.kill();
    rmSync(folder, { recursive: true });
  }
}

/** What a start has come to. */
export interface Outcome {
  readonly isUp: boolean;
  readonly digest: string;
  readonly warnings: readonly string[];
}

/** A directory in which damaged data is laid out, and on which servers are started. */
export class Damaged {
  readonly folder = mkdtempSync(join(tmpdir(), "tredis-damage-"));
  /** Starts that have loaded something, and that have refused. */
  loaded = 0;
  refused = 0;

  /** Lays the files of an append-only file out, some of them changed, some (null) left out. */
  layLog(log: SampleLog, changed: Readonly<Record<string, Uint8Array | null>>): void {
    const directory = join(this.folder, DIRECTORY);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    for (const [name, bytes] of log.files) {
      const now = name in changed ? changed[name] : bytes;
      if (now !== null) writeFileSync(join(directory, name), now);
    }
    for (const [name, bytes] of Object.entries(changed)) {
      if (!log.files.has(name) && bytes !== null) writeFileSync(join(directory, name), bytes);
    }
  }

  pathOf(name: string): string {
    return join(this.folder, DIRECTORY, name);
  }

  /** Starts a server on the append-only file. Rejects where it neither loads nor refuses as it should. */
  startLog(what: string, args: readonly string[] = []): Promise<Outcome> {
    return this.#start(what, [...AOF_ARGS, ...args], clearAboutLog);
  }

  /** Starts a server on an RDB file. */
  startRdb(what: string, bytes: Uint8Array): Promise<Outcome> {
    writeFileSync(join(this.folder, "dump.rdb"), bytes);
    return this.#start(what, [], clearAboutRdb);
  }

  async #start(
    what: string,
    args: readonly string[],
    isClear: (warnings: readonly string[]) => boolean,
  ): Promise<Outcome> {
    const host = await inTime(what, Host.start(this.folder, { args }));
    const { isUp, digest, warnings, faults, code } = host;
    await host.kill();
    const said = [...warnings, ...faults.map((fault) => fault instanceof Error ? fault.stack : fault)].join("\n");
    if (faults.length > 0) throw new Error(`${what}: the server has thrown:\n${said}`);
    if (isUp) this.loaded++;
    else this.refused++;
    if (!isUp && code !== 1) throw new Error(`${what}: the server ends with ${code}:\n${said}`);
    if (!isUp && !isClear(warnings)) throw new Error(`${what}: the refusal does not tell enough:\n${said}`);
    return { isUp, digest, warnings };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether the operator is told which file is wrong, where, and what to do; or that it is not there. */
function clearAboutLog(warnings: readonly string[]): boolean {
  return warnings.some((line) =>
    /AOF file .* cannot be read: .* The manifest .* names it/.test(line) ||
    (/append only file .* at offset \d+/.test(line) &&
      /check-aof --fix|written by a server that knows more|aof-load-truncated/.test(line))
  ) || warnings.some((line) => /Reading the AOF manifest file/.test(line));
}

function clearAboutRdb(warnings: readonly string[]): boolean {
  return warnings.some((line) => /dump\.rdb.*byte \d+/.test(line));
}

async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: the start hangs`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The state of which the first so many bytes of the incremental file tell. */
export function stateAt({ states }: SampleLog, bytes: number): State {
  return states.findLast((state) => state.bytes <= bytes) ?? states[0];
}

export function withBitTurned(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] ^= 1 << bit;
  return copy;
}

export function withTail(bytes: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(bytes.length + tail.length);
  joined.set(bytes);
  joined.set(tail, bytes.length);
  return joined;
}

export function garbage(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}
