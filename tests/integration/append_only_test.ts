/**
 * The append-only file over sockets: what is written is there after a kill, whatever is turned on, off or rewritten
 * meanwhile; and what a server does with files that are cut, wrong or missing.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { serverWords } from "../../scripts/server_words.ts";
import { lastingData, Random, writeRandomly } from "./data_set.ts";
import { IS_ORACLE, SERVER_UNDER_TEST, ServerProcess, until } from "./server_process.ts";
import { encodeRequest, type TestClient } from "./test_client.ts";

const started: ServerProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const ON = ["--save", "", "--appendonly", "yes", "--enable-debug-command", "yes"];
/** What WAITAOF and the loading of an RDB file need is newer than the oracle, or ours alone. */
const OURS = { skip: IS_ORACLE };

async function start(args: readonly string[], folder?: string): Promise<{ server: ServerProcess; client: TestClient }> {
  const server = await ServerProcess.start({ args, ...(folder === undefined ? {} : { folder }) });
  started.push(server);
  return { server, client: await server.connect() };
}

/** Kills a server, which has handed to the system what it has acknowledged, and starts another one in its folder. */
async function restart(server: ServerProcess, args: readonly string[] = ON): Promise<TestClient> {
  const client = await server.connect();
  // With everysec a write may wait for the sync under way. There is no such field where nothing is written.
  await until("all to be written", async () => /^0?$/.test(await persistence(client, "aof_buffer_length")));
  await server.kill("SIGKILL");
  return (await start(args, server.folder)).client;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tredis-test-"));
  folders.push(folder);
  return folder;
}

/** A folder with an append-only file: the names of its files with what is in them, and the manifest's lines. */
function folderWith(files: Readonly<Record<string, string>>, manifest: readonly string[]): string {
  const folder = newFolder();
  const directory = join(folder, "appendonlydir");
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content, "latin1");
  writeFileSync(join(directory, "appendonly.aof.manifest"), manifest.map((line) => `${line}\n`).join(""));
  return folder;
}

const INCREMENT = "file appendonly.aof.1.incr.aof seq 1 type i";

function commands(...lines: readonly string[]): string {
  return lines.map((line) => encodeRequest(line.split(" "))).join("");
}

/** Starts a server that is to give up by itself, and returns its exit code and what it said. */
function startInVain(folder: string, ...args: string[]): { code: number | null; output: string } {
  const [program, ...first] = serverWords(SERVER_UNDER_TEST);
  const all = [...first, "--port", "0", "--unixsocket", join(folder, "socket"), "--dir", folder, ...ON, ...args];
  const ended = spawnSync(program, all, { timeout: 60_000, encoding: "latin1" });
  return { code: ended.status, output: ended.stdout + ended.stderr };
}

async function persistence(client: TestClient, field: string): Promise<string> {
  const text = String(await client.call("INFO", "persistence"));
  return new RegExp(`^${field}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}

async function rewritten(client: TestClient): Promise<void> {
  await until("the end of the rewrite", async () => {
    const text = String(await client.call("INFO", "persistence")); // of one moment: what is scheduled may begin
    return /^aof_rewrite_in_progress:0\r$/m.test(text) && /^aof_rewrite_scheduled:0\r$/m.test(text);
  });
  assert.equal(await persistence(client, "aof_last_bgrewrite_status"), "ok");
}

function manifestOf(folder: string): string[] {
  const path = join(folder, "appendonlydir", "appendonly.aof.manifest");
  return readFileSync(path, "latin1").trimEnd().split("\n");
}

/** The commands of an incremental file, but for what selects databases. */
function logOf(folder: string, sequence: number): string[] {
  const text = readFileSync(join(folder, "appendonlydir", `appendonly.aof.${sequence}.incr.aof`), "latin1");
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const words: string[] = [];
    const count = Number(text.slice(at + 1, end));
    at = end + 2;
    for (let i = 0; i < count; i++) {
      const line = text.indexOf("\r\n", at);
      const length = Number(text.slice(at + 1, line));
      words.push(text.slice(line + 2, line + 2 + length));
      at = line + 2 + length + 2;
    }
    found.push(words.join(" "));
  }
  return found.filter((command) => !/^select /i.test(command));
}

for (const policy of ["always", "everysec", "no"]) {
  test(`what was acknowledged is there after a kill, with appendfsync ${policy}`, async () => {
    const args = [...ON, "--appendfsync", policy];
    const { server, client } = await start(args);
    await writeRandomly(client, new Random(7), 2000);
    await client.call("SELECT", 3);
    await client.expect("RPUSH list a b c", 3);
    await client.call("SELECT", 0);
    const before = await lastingData(client);
    const after = await restart(server, args);
    assert.deepEqual(await lastingData(after), before);
    await after.call("SELECT", 3);
    await after.expect("LRANGE list 0 -1", ["a", "b", "c"]);
  });
}

test("turned on while it runs, it has all the data there is; turned off, nothing more", async () => {
  const { server, client } = await start(["--save", "", "--enable-debug-command", "yes"]);
  await writeRandomly(client, new Random(3), 1000);
  await client.expect("CONFIG SET appendonly yes", "OK");
  await rewritten(client);
  await client.expect("SET since 1", "OK");
  const before = await lastingData(client);
  await client.expect("CONFIG SET appendonly no", "OK");
  await client.expect("SET later 1", "OK");
  assert.equal(await persistence(client, "aof_enabled"), "0");
  const after = await restart(server);
  assert.deepEqual(await lastingData(after), before);
});

test("turned on in the middle of a transaction, it has each command of that once", async () => {
  const { server, client } = await start(["--save", "", "--enable-debug-command", "yes"]);
  await client.expect("MULTI", "OK");
  await client.expect("INCR counter", "QUEUED");
  await client.expect("CONFIG SET appendonly yes", "QUEUED");
  await client.expect("INCR counter", "QUEUED");
  await client.expect("EXEC", [1, "OK", 2]);
  await rewritten(client);
  await server.logged(/AOF was enabled during a transaction/);
  await client.expect("MULTI", "OK");
  await client.expect("INCR counter", "QUEUED");
  await client.expect("CONFIG SET appendonly no", "QUEUED");
  await client.expect("INCR counter", "QUEUED");
  await client.expect("CONFIG SET appendonly yes", "QUEUED");
  await client.expect("INCR counter", "QUEUED");
  await client.expect("EXEC", [3, "OK", 4, "OK", 5]);
  await rewritten(client);
  await client.expect("INCR counter", 6);
  const after = await restart(server);
  await after.expect("GET counter", "6");
});

test("turned off and on again, it begins with a base of the data as it is by then", async () => {
  const { server, client } = await start(ON);
  await client.expect("SET a 1", "OK");
  for (let round = 0; round < 3; round++) {
    await client.expect("CONFIG SET appendonly no", "OK");
    await client.expect("INCR a", 2 + round);
    await client.expect("CONFIG SET appendonly yes", "OK");
  }
  await rewritten(client);
  const after = await restart(server);
  await after.expect("GET a", "4");
});

for (const preamble of ["yes", "no"]) {
  test(`a rewrite under writes loses nothing, and leaves a base and what came since: RDB ${preamble}`, async () => {
    const args = [...ON, "--aof-use-rdb-preamble", preamble];
    const { server, client } = await start(args);
    await writeRandomly(client, new Random(11), 3000);
    const writer = await server.connect();
    for (let round = 0; round < 3; round++) {
      await client.expect("BGREWRITEAOF", "Background append only file rewriting started");
      do await writeRandomly(writer, new Random(20 + round), 300); while (
        await persistence(client, "aof_rewrite_in_progress") === "1"
      );
      await rewritten(client);
    }
    const extension = preamble === "yes" ? "rdb" : "aof";
    await until("what the base replaces to go", () => manifestOf(server.folder).length === 2);
    assert.deepEqual(manifestOf(server.folder), [
      `file appendonly.aof.4.base.${extension} seq 4 type b`,
      "file appendonly.aof.4.incr.aof seq 4 type i",
    ]);
    await until("the old files to go", () => readdirSync(join(server.folder, "appendonlydir")).length === 3);
    const before = await lastingData(client);
    assert.deepEqual(await lastingData(await restart(server, args)), before);
  });
}

test("a rewrite that fails leaves one more file, and nothing is lost", OURS, async () => {
  const { server, client } = await start(ON);
  await client.expect("SET a 1", "OK");
  await client.expect("CONFIG SET rdb-key-save-delay 10000000", "OK");
  for (let i = 0; i < 3; i++) {
    await client.expect("BGREWRITEAOF", "Background append only file rewriting started");
    await client.expect("DEBUG ABORT-SNAPSHOT", "OK");
    await until("the end", async () => await persistence(client, "aof_rewrite_in_progress") === "0");
    assert.equal(await persistence(client, "aof_last_bgrewrite_status"), "err");
    await client.expect("INCR a", 2 + i);
  }
  assert.equal(await persistence(client, "aof_rewrites_consecutive_failures"), "3");
  assert.equal(manifestOf(server.folder).length, 5);
  const after = await restart(server);
  await after.expect("GET a", "4");
  await after.expect("BGREWRITEAOF", "Background append only file rewriting started");
  await rewritten(after);
  await until("the old files to go", () => manifestOf(server.folder).length === 2);
});

test("what is logged is what was done, so that it comes to the same at any time", async () => {
  const { server, client } = await start([...ON, "--appendfsync", "always"]);
  await client.expect("SET a 10 EX 1000", "OK");
  await client.expect("INCRBYFLOAT f 1.5", "1.5");
  await client.expect("SADD s only", 1);
  await client.expect("SPOP s", "only");
  await client.expect("GET a", "10");
  await client.expect("MULTI", "OK");
  await client.expect("SET b 1", "QUEUED");
  await client.expect("INCR b", "QUEUED");
  await client.expect("EXEC", ["OK", 2]);
  await client.expect("SET gone 1 PX 1", "OK");
  await until("the key to expire", async () => await client.call("EXISTS", "gone") === 0);
  await client.expect("FLUSHALL", "OK");
  const log = logOf(server.folder, 1).map((command) => command.replace(/\d{13}/g, "<time>"));
  assert.deepEqual(log.map((command) => command.toLowerCase()), [
    "set a 10 pxat <time>",
    "set f 1.5 keepttl",
    "sadd s only",
    "srem s only",
    "multi",
    "set b 1",
    "incr b",
    "exec",
    "set gone 1 pxat <time>",
    "del gone",
    "flushall",
  ]);
});

test("a file that a crash has cut loses the command that was cut, and goes on behind the others", async () => {
  const content = commands("SET a 1", "SET b 2");
  const folder = folderWith({ "appendonly.aof.1.incr.aof": content + commands("SET c 3").slice(0, -1) }, [INCREMENT]);
  const { server, client } = await start(ON, folder);
  await client.expect("MGET a b c", ["1", "2", null]);
  await server.logged(/Truncating the AOF appendonly\.aof\.1\.incr\.aof at offset \d+/);
  await client.expect("SET d 4", "OK");
  const after = await restart(server);
  await after.expect("MGET a b c d", ["1", "2", null, "4"]);
});

test("zeros that a power failure has left at the end are no commands", OURS, async () => {
  const content = commands("SET a 1", "MULTI", "SET b 2") + commands("SET c 3").slice(0, -4) + "\0".repeat(5000);
  const folder = folderWith({ "appendonly.aof.1.incr.aof": content }, [INCREMENT]);
  const { server, client } = await start(ON, folder);
  await client.expect("MGET a b c", ["1", null, null]);
  await client.expect("SET b 3", "OK");
  await (await restart(server)).expect("MGET a b", ["1", "3"]);
  const wrong = commands("SET a 1") + "!" + "\0".repeat(5000);
  assert.equal(startInVain(folderWith({ "appendonly.aof.1.incr.aof": wrong }, [INCREMENT])).code, 1);
});

test("a transaction that a crash has cut is none", async () => {
  const content = commands("SET a 1", "MULTI", "SET a 2", "SET b 2");
  const folder = folderWith({ "appendonly.aof.1.incr.aof": content }, [INCREMENT]);
  const { server, client } = await start(ON, folder);
  await client.expect("MGET a b", ["1", null]);
  await client.expect("SET b 3", "OK");
  await (await restart(server)).expect("MGET a b", ["1", "3"]);
});

test("a cut file is refused where that is wished, with its place and the way out", () => {
  const content = commands("SET a 1") + commands("SET b 2").slice(0, -3);
  const folder = folderWith({ "appendonly.aof.1.incr.aof": content }, [INCREMENT]);
  const { code, output } = startInVain(folder, "--aof-load-truncated", "no");
  assert.equal(code, 1);
  assert.match(output, /Unexpected end of file reading the append only file appendonly\.aof\.1\.incr\.aof/);
  if (IS_ORACLE) return;
  assert.match(output, /at offset 27\b.*tredis check-aof --fix appendonly\.aof\.manifest.*aof-load-truncated/);
});

test("a file that is cut is refused where others follow it", () => {
  const folder = folderWith({
    "appendonly.aof.1.incr.aof": commands("SET a 1").slice(0, -1),
    "appendonly.aof.2.incr.aof": commands("SET b 1"),
  }, [INCREMENT, "file appendonly.aof.2.incr.aof seq 2 type i"]);
  const { code, output } = startInVain(folder);
  assert.equal(code, 1);
  assert.match(output, /appendonly\.aof\.1\.incr\.aof/);
});

test("a cut file is taken where those that follow it are empty, as a crash in a rewrite leaves it", OURS, async () => {
  const folder = folderWith({
    "appendonly.aof.1.incr.aof": commands("SET a 1") + commands("SET b 1").slice(0, -1),
    "appendonly.aof.2.incr.aof": "",
  }, [INCREMENT, "file appendonly.aof.2.incr.aof seq 2 type i"]);
  const { server, client } = await start(ON, folder);
  await client.expect("MGET a b", ["1", null]);
  await client.expect("SET c 3", "OK");
  await (await restart(server)).expect("MGET a b c", ["1", null, "3"]);
});

test("what is no command is refused, with its place and the way out", () => {
  const folder = folderWith({ "appendonly.aof.1.incr.aof": commands("SET a 1") + "!!!" + commands("SET b 1") }, [
    INCREMENT,
  ]);
  const { code, output } = startInVain(folder);
  assert.equal(code, 1);
  assert.match(output, /Bad file format reading the append only file appendonly\.aof\.1\.incr\.aof/);
  if (!IS_ORACLE) assert.match(output, /at offset 27: expected '\*', got '!'\. .*check-aof --fix/);
});

test("a command that no server here knows is refused by its name", () => {
  const folder = folderWith({ "appendonly.aof.1.incr.aof": commands("SET a 1", "NOSUCH b") }, [INCREMENT]);
  const { code, output } = startInVain(folder);
  assert.equal(code, 1);
  assert.match(output, /Unknown command 'NOSUCH' reading the append only file appendonly\.aof\.1\.incr\.aof/);
});

test("a manifest that names a file that is not there, or cannot be right, is refused", () => {
  const missing = startInVain(folderWith({}, [INCREMENT]));
  assert.equal(missing.code, 1);
  assert.match(missing.output, /appendonly\.aof\.1\.incr\.aof.*No such file or directory/);
  const wrong = startInVain(folderWith({}, ["file appendonly.aof.1.incr.aof seq 1"]));
  assert.equal(wrong.code, 1);
  assert.match(wrong.output, /Invalid AOF manifest file format/);
});

test("the one file of servers before Redis 7 is taken over, and kept as the base", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "appendonly.aof"), commands("SET a 1", "SELECT 2", "SET b 2"));
  const { server, client } = await start(ON, folder);
  await client.expect("GET a", "1");
  await client.expect("SET c 3", "OK");
  assert.equal(existsSync(join(folder, "appendonly.aof")), false);
  assert.deepEqual(manifestOf(folder), ["file appendonly.aof seq 1 type b", INCREMENT]);
  const after = await restart(server);
  await after.expect("MGET a c", ["1", "3"]);
  await after.call("SELECT", 2);
  await after.expect("GET b", "2");
});

test("turned on in the configuration, it begins with what the RDB file has", OURS, async () => {
  const first = await start(["--save", "3600 1"]);
  await first.client.expect("SET a 1", "OK");
  await first.client.expect("SAVE", "OK");
  await first.client.expect("SET b 1", "OK");
  const second = await restart(first.server, ON);
  await second.expect("MGET a b", ["1", null]);
  await second.expect("SET c 1", "OK");
  const third = await restart(started.at(-1) as ServerProcess, ON); // the one that `restart` has started
  await third.expect("MGET a b c", ["1", null, "1"]);
});

test("the time of what was done can be noted, and is no matter when it is loaded", async () => {
  const args = [...ON, "--aof-timestamp-enabled", "yes"];
  const { server, client } = await start(args);
  await client.expect("SET a 1", "OK");
  await client.expect("INCR a", 2);
  const path = join(server.folder, "appendonlydir", "appendonly.aof.1.incr.aof");
  // A write may wait for the sync under way, as policy is everysec.
  await until("the time in the file", () => /^#TS:\d{10}\r\n\*2\r\n/.test(readFileSync(path, "latin1")));
  await (await restart(server, args)).expect("GET a", "2");
});

test("it is rewritten by itself when it has grown by so much", async () => {
  const { server, client } = await start([
    ...ON,
    ...["--auto-aof-rewrite-percentage", "100", "--auto-aof-rewrite-min-size", "10kb"],
  ]);
  for (let i = 0; i < 1000; i++) client.send("INCR", "counter");
  for (let i = 0; i < 1000; i++) await client.read();
  await server.logged(/Starting automatic rewriting of AOF on \d+% growth/);
  await rewritten(client);
  await until("it to be short", async () => Number(await persistence(client, "aof_current_size")) < 10_000);
  await (await restart(server)).expect("GET counter", "1000");
});

test("a rewrite waits for a save that is under way, and a save for a rewrite", OURS, async () => {
  const { client } = await start(ON);
  await client.expect("SET a 1", "OK");
  await client.expect("CONFIG SET rdb-key-save-delay 10000000", "OK");
  await client.expect("BGSAVE", "Background saving started");
  await client.expect("BGREWRITEAOF", "Background append only file rewriting scheduled");
  assert.equal(await persistence(client, "aof_rewrite_scheduled"), "1");
  await client.expect("DEBUG ABORT-SNAPSHOT", "OK");
  await until("the rewrite", async () => await persistence(client, "aof_rewrite_in_progress") === "1");
  await client.expect("BGSAVE", /ReplyError|An AOF log rewriting in progress/);
  await client.expect("BGREWRITEAOF", /already in progress/);
  await client.expect("BGSAVE SCHEDULE", "Background saving scheduled");
  await client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
  await rewritten(client);
  await until("the save", async () => Number(await persistence(client, "rdb_saves")) === 1);
});

test("FLUSHALL in the middle of a rewrite leaves nothing of what was there", async () => {
  const { server, client } = await start(ON);
  for (let i = 0; i < 100; i++) await client.call("SET", `old:${i}`, "1");
  await client.expect("CONFIG SET rdb-key-save-delay 10000", "OK");
  await client.expect("BGREWRITEAOF", "Background append only file rewriting started");
  await client.expect("FLUSHALL", "OK");
  await client.expect("SET new 1", "OK");
  await client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
  await rewritten(client);
  const after = await restart(server);
  await after.expect("KEYS *", ["new"]);
});

test("WAITAOF waits until what was written is on disk here", OURS, async () => {
  const { client } = await start([...ON, "--appendfsync", "everysec"]);
  await client.expect("SET a 1", "OK");
  await client.expect("WAITAOF 1 0 0", [1, 0]);
  await client.expect("CONFIG SET appendfsync no", "OK");
  await client.expect("SET a 2", "OK");
  await client.expect("WAITAOF 1 0 50", [0, 0]);
  await client.expect("CONFIG SET appendonly no", "OK");
  await client.expect("WAITAOF 1 0 0", /appendonly is disabled/);
});

test("those who wait for an append-only file that is turned off are told", OURS, async () => {
  const { server, client } = await start([...ON, "--appendfsync", "no"]);
  const other = await server.connect();
  await client.expect("SET a 1", "OK");
  client.send("WAITAOF", 1, 0, 0);
  await until("it to wait", async () => /blocked_clients:1/.test(String(await other.call("INFO", "clients"))));
  await other.expect("CONFIG SET appendonly no", "OK");
  assert.match(String(await client.read().then((reply) => (reply as { message: string }).message)), /is disabled/);
});

test(
  "a replica keeps an append-only file of what its primary does, and tells how far that is on disk",
  OURS,
  async () => {
    const primary = await start(["--save", ""]);
    await writeRandomly(primary.client, new Random(5), 500);
    const replica = await start([...ON, "--replicaof", `127.0.0.1 ${primary.server.port}`]);
    await until("the link", async () => /master_link_status:up/.test(String(await replica.client.call("INFO"))));
    await rewritten(replica.client);
    await primary.client.expect("INCR since", 1);
    await primary.client.expect("WAITAOF 0 1 0", [0, 1]);
    const before = await lastingData(replica.client);
    await primary.server.kill("SIGKILL");
    const after = await restart(replica.server);
    assert.deepEqual(await lastingData(after), before);
    await after.expect("GET since", "1");
  },
);

test("the server does not end by itself while its first base is being written", OURS, async () => {
  const { client, server } = await start(["--save", "", "--enable-debug-command", "yes"]);
  await client.expect("SET a 1", "OK");
  await client.expect("CONFIG SET rdb-key-save-delay 10000000", "OK");
  await client.expect("CONFIG SET appendonly yes", "OK");
  await client.expect("SHUTDOWN", /Errors trying to SHUTDOWN/);
  await server.logged(/Writing initial AOF, can't exit/);
  await client.expect("CONFIG SET rdb-key-save-delay 0", "OK");
});

test("DEBUG LOADAOF loads what there is on disk, in the middle of other requests", async () => {
  const { client } = await start(ON);
  for (const line of ["SET a 1", "DEBUG LOADAOF", "INCR a", "DEBUG LOADAOF", "GET a"]) client.send(...line.split(" "));
  for (const reply of ["OK", "OK", 2, "OK", "2"]) assert.deepEqual(await client.read(), reply);
});

test("where the directory of the server becomes another one, the append-only file goes along", OURS, async () => {
  const { client } = await start([...ON, "--enable-protected-configs", "yes"]);
  await client.expect("SET a 1", "OK");
  const folder = newFolder();
  await client.expect(["CONFIG", "SET", "dir", folder], "OK");
  await rewritten(client);
  await client.expect("INCR a", 2);
  const { server } = await start(ON, copyOf(folder));
  await (await server.connect()).expect("GET a", "2");
});

/** What stands in a folder that another server writes to. */
function copyOf(folder: string): string {
  const copy = newFolder();
  spawnSync("cp", ["-r", join(folder, "appendonlydir"), copy]);
  return copy;
}

test("a file that was made longer by something else, or taken away, is refused", () => {
  const folder = folderWith({ "appendonly.aof.1.incr.aof": commands("SET a 1") }, [INCREMENT]);
  const path = join(folder, "appendonlydir", "appendonly.aof.1.incr.aof");
  const bytes = statSync(path).size;
  appendFileSync(path, "end");
  assert.equal(startInVain(folder).code, 1);
  truncateSync(path, bytes);
  renameSync(path, `${path}.kept`);
  assert.equal(startInVain(folder).code, 1);
});
