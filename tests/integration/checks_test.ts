/** `tredis check-rdb` and `tredis check-aof`, beside redis-check-rdb and redis-check-aof, which must say the same. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { serverWords } from "../../scripts/server_words.ts";
import { IS_ORACLE, SERVER_UNDER_TEST, ServerProcess } from "./server_process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tredis-checks-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(program: string, args: readonly string[], input: string): Ended {
  const ended = spawnSync(program, args, { input, timeout: 60_000, encoding: "utf8", cwd: folder });
  return { code: ended.status, output: ended.stdout, errors: ended.stderr };
}

/** Runs a checker in the folder to its end. */
function check(kind: "rdb" | "aof", args: readonly string[], input = ""): Ended {
  if (IS_ORACLE) return run(`redis-check-${kind}`, args, input);
  const [program, ...first] = serverWords(SERVER_UNDER_TEST);
  return run(program, [...first, `check-${kind}`, ...args], input);
}

const write = (name: string, content: string | Uint8Array) =>
  writeFileSync(join(folder, name), content, typeof content === "string" ? "latin1" : undefined);
const contentOf = (name: string) => readFileSync(join(folder, name), "latin1");
const resp = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** An RDB file with keys of all types in two databases. */
async function makeRdb(): Promise<Uint8Array> {
  const server = await ServerProcess.start({ args: ["--save", ""] });
  try {
    const client = await server.connect();
    for (
      const command of [
        "SET a 1",
        "SET lasting 1 PX 100000000",
        "RPUSH list a b c",
        "SADD set a b c",
        "ZADD zset 1 a 2 b",
        "HSET hash f v",
        "XADD stream 1-1 f v",
        "SELECT 3",
        "SET b 2",
        "SAVE",
      ]
    ) await client.call(command);
    return readFileSync(join(server.folder, "dump.rdb"));
  } finally {
    await server.stop();
  }
}

test("an RDB file that is right is told what it has", async () => {
  write("dump.rdb", await makeRdb());
  const { code, output } = check("rdb", ["dump.rdb"]);
  assert.match(output, /^\[offset 0\] Checking RDB file dump\.rdb$/m);
  assert.match(output, /^\[offset \d+\] AUX FIELD redis-ver = '[\d.]+'$/m);
  assert.match(output, /^\[offset \d+\] Selecting DB ID 0$/m);
  assert.match(output, /^\[offset \d+\] Selecting DB ID 3$/m);
  assert.match(output, /^\[offset \d+\] Checksum OK$/m);
  assert.match(output, /^\[offset \d+\] \\o\/ RDB looks OK! \\o\/$/m);
  assert.match(output, /^\[info\] 8 keys read\n\[info\] 1 expires\n\[info\] 0 already expired$/m);
  assert.equal(code, 0);
});

test("an RDB file that is cut, or changed, is wrong, and so is none", async () => {
  const bytes = await makeRdb();
  write("cut.rdb", bytes.subarray(0, bytes.length - 20));
  const changed = bytes.slice();
  changed[bytes.length - 1] ^= 1;
  write("changed.rdb", changed);
  write("none.rdb", "REDIS0010xxxxxxxx");
  for (
    const [name, reason] of [["cut.rdb", /Unexpected EOF/], ["changed.rdb", /RDB CRC error/], ["none.rdb", /type/]]
  ) {
    const { code, output } = check("rdb", [String(name)]);
    assert.match(output, /^--- RDB ERROR DETECTED ---\n\[offset \d+\] /m);
    assert.match(output, reason as RegExp);
    assert.match(output, /^\[info\] \d+ keys read$/m);
    assert.equal(code, 1);
  }
  for (const args of [["nothere.rdb"], [], ["a", "b"]]) assert.equal(check("rdb", args).code, 1);
});

const BEGINNING = resp("SELECT", "0") + resp("SET", "a", "1");
const COMMANDS = BEGINNING + resp("MULTI") + resp("SET", "b", "2") + resp("EXEC");
/** Without its last bytes, it is whole up to the transaction. */
const CUT = COMMANDS.slice(0, -5);

/** The line that tells how much of a file is whole. */
function analyzed(name: string, bytes: number, whole: number, line: number): RegExp {
  const places = `size=${bytes}, ok_up_to=${whole}, ok_up_to_line=${line}, diff=${bytes - whole}`;
  return new RegExp(`^AOF analyzed: filename=${name}, ${places}$`, "m");
}

test("a file of commands is right, or is told how much of it is", () => {
  write("right.aof", COMMANDS);
  const right = check("aof", ["right.aof"]);
  assert.match(right.output, /^Start checking Old-Style AOF$/m);
  assert.match(right.output, analyzed("right.aof", COMMANDS.length, COMMANDS.length, 26));
  assert.match(right.output, /^AOF right\.aof is valid$/m);
  assert.equal(right.code, 0);

  write("cut.aof", CUT);
  const cut = check("aof", ["cut.aof"]);
  assert.match(cut.output, analyzed("cut.aof", CUT.length, BEGINNING.length, 25));
  assert.match(cut.output, /^AOF cut\.aof is not valid\. Use the --fix option to try fixing it\.$/m);
  assert.equal(cut.code, 1);
  assert.equal(contentOf("cut.aof"), CUT);
  for (const args of [["nothere.aof"], [], ["--fix"], ["--truncate-to-timestamp", "1"]]) {
    assert.equal(check("aof", args).code, 1);
  }
});

test("the line is told in which a file is cut, whatever stands in its arguments", () => {
  const file = resp("SET", "a", "x\r\ny\r\n") + resp("SET", "key", "1");
  const lines: [number, number][] = [
    [file.length, 15],
    [file.length - 1, 14],
    [file.length - 3, 14],
    [36, 9],
    [38, 9],
    [40, 10],
  ];
  for (const [bytes, line] of lines) {
    write("lines.aof", file.slice(0, bytes));
    assert.match(check("aof", ["lines.aof"]).output, new RegExp(`ok_up_to_line=${line},`), `of ${bytes} bytes`);
  }
});

test("--fix leaves what is whole, if that is what is wanted", () => {
  for (const damaged of [CUT, `${BEGINNING}garbage`, COMMANDS.slice(0, BEGINNING.length + 3)]) {
    write("damaged.aof", damaged);
    const refused = check("aof", ["--fix", "damaged.aof"], "n\n");
    assert.match(refused.output, /Continue\? \[y\/N\]: Aborting\.\.\./);
    assert.equal(refused.code, 1);
    assert.equal(contentOf("damaged.aof"), damaged);
    const fixed = check("aof", ["--fix", "damaged.aof"], "y\n");
    assert.match(fixed.output, /Successfully truncated AOF damaged\.aof/);
    assert.equal(fixed.code, 0);
    assert.equal(contentOf("damaged.aof"), BEGINNING);
  }
});

test("an RDB preamble is checked with what follows it", async () => {
  const rdb = decodeLatin1(await makeRdb());
  write("both.aof", rdb + COMMANDS);
  const both = check("aof", ["both.aof"]);
  assert.match(both.output, /^RDB preamble is OK, proceeding with AOF tail\.\.\.$/m);
  assert.match(both.output, analyzed("both.aof", rdb.length + COMMANDS.length, rdb.length + COMMANDS.length, 26));
  assert.equal(both.code, 0);
  write("both.aof", rdb + COMMANDS.slice(0, -1));
  assert.match(check("aof", ["both.aof"]).output, new RegExp(`ok_up_to=${rdb.length + BEGINNING.length},`));
  write("both.aof", `${rdb.slice(0, -1)}${String.fromCharCode(rdb.charCodeAt(rdb.length - 1) ^ 1)}${COMMANDS}`);
  assert.equal(check("aof", ["both.aof"]).code, 1);
});

test("all files of a manifest are checked, and only the last can be made shorter", async () => {
  mkdirSync(join(folder, "dir"));
  write("dir/a.aof.1.base.rdb", await makeRdb());
  write("dir/a.aof.1.incr.aof", COMMANDS);
  write("dir/a.aof.2.incr.aof", COMMANDS);
  write(
    "dir/a.aof.manifest",
    "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n",
  );
  const right = check("aof", ["dir/a.aof.manifest"]);
  assert.match(right.output, /^Start checking Multi Part AOF\nStart to check BASE AOF \(RDB format\)\.$/m);
  assert.match(right.output, /^BASE AOF a\.aof\.1\.base\.rdb is valid\nStart to check INCR files\.$/m);
  assert.match(right.output, /^INCR AOF a\.aof\.2\.incr\.aof is valid\nAll AOF files and manifest are valid$/m);
  assert.equal(right.code, 0);

  write("dir/a.aof.2.incr.aof", CUT);
  assert.equal(check("aof", ["dir/a.aof.manifest"]).code, 1);
  assert.equal(check("aof", ["--fix", "dir/a.aof.manifest"], "y\n").code, 0);
  assert.equal(contentOf("dir/a.aof.2.incr.aof"), BEGINNING);

  write("dir/a.aof.1.incr.aof", CUT);
  const first = check("aof", ["--fix", "dir/a.aof.manifest"], "y\n");
  assert.match(first.output, /Failed to truncate AOF a\.aof\.1\.incr\.aof because it is not the last file/);
  assert.equal(first.code, 1);
  assert.equal(contentOf("dir/a.aof.1.incr.aof"), CUT);

  rmSync(join(folder, "dir/a.aof.1.incr.aof"));
  assert.equal(check("aof", ["dir/a.aof.manifest"]).code, 1);
  write("dir/a.aof.manifest", "file a.aof.1.base.rdb seq 1 type b\nnonsense\n");
  assert.equal(check("aof", ["dir/a.aof.manifest"]).code, 1);
});

test("a file goes back to a time", () => {
  const stamped = `#TS:100\r\n${resp("SET", "a", "1")}#TS:200\r\n${resp("SET", "a", "2")}`;
  write("stamped.aof", stamped);
  const before = check("aof", ["--truncate-to-timestamp", "50", "stamped.aof"]);
  assert.match(before.output, /AOF stamped\.aof has nothing before timestamp 50, aborting\.\.\./);
  assert.equal(before.code, 1);
  assert.equal(check("aof", ["--truncate-to-timestamp", "200", "stamped.aof"]).code, 0);
  assert.equal(contentOf("stamped.aof"), stamped);
  const back = check("aof", ["--truncate-to-timestamp", "150", "stamped.aof"]);
  assert.match(back.output, /Successfully truncated AOF stamped\.aof to timestamp 150/);
  assert.equal(back.code, 0);
  assert.equal(contentOf("stamped.aof"), stamped.slice(0, stamped.indexOf("#TS:200")));
});

test("the executable is a checker by its name", { skip: !SERVER_UNDER_TEST.endsWith("tredis") }, () => {
  for (const name of ["redis-check-rdb", "redis-check-aof"]) symlinkSync(SERVER_UNDER_TEST, join(folder, name));
  write("right.aof", COMMANDS);
  assert.match(run(join(folder, "redis-check-aof"), ["right.aof"], "").output, /AOF right\.aof is valid/);
  write("none.rdb", "REDIS0010xxxxxxxx");
  assert.match(run(join(folder, "redis-check-rdb"), ["none.rdb"], "").output, /RDB ERROR DETECTED/);
});
