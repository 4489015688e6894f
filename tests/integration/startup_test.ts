/** Starting: configuration from everywhere, the addresses listened on, and clear refusals. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, test } from "node:test";
import { serverWords } from "../../scripts/server_words.ts";
import { freePort, IS_ORACLE, SERVER_UNDER_TEST, ServerProcess, until } from "./server_process.ts";
import { ReplyError, TestClient } from "./test_client.ts";

let folder: string;
const started: ServerProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tredis-start-"));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(...args: string[]): Promise<{ server: ServerProcess; client: TestClient }> {
  const server = await ServerProcess.start({ args: ["--save", "", ...args] });
  started.push(server);
  return { server, client: await server.connect() };
}

/** Runs the program to its end. */
function run(args: readonly string[], input = ""): { code: number | null; output: string; errors: string } {
  const [program, ...first] = serverWords(SERVER_UNDER_TEST);
  const ended = spawnSync(program, [...first, ...args], { input, timeout: 60_000, encoding: "utf8" });
  return { code: ended.status, output: ended.stdout, errors: ended.stderr };
}

function write(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join("\n") + "\n");
  return path;
}

/** Starts with a file in front of the options, as the file must come first. */
async function startWith(file: string, ...args: string[]): Promise<TestClient> {
  const port = await freePort();
  const server = await ServerProcess.start({ first: [file], port, folder, args });
  started.push(server);
  return await server.connect();
}

test("save lines add up, but for those below an include and the options after it", async () => {
  const more = write("more.conf", "save 7 7", "save 8 8");
  const plain = await startWith(write("plain.conf", "save 60 1", "save 5 5"), "--save", "300", "10");
  await plain.expect("CONFIG GET save", ["save", "60 1 5 5 300 10"]);
  const above = await startWith(write("above.conf", "save 60 1", `include ${more}`), "--loglevel", "notice");
  await above.expect("CONFIG GET save", ["save", "60 1 7 7 8 8"]);
  const below = await startWith(
    write("below.conf", `include ${more}`, "save 60 1"),
    "--save",
    "5",
    "5",
    "--save",
    "6",
    "6",
  );
  await below.expect("CONFIG GET save", ["save", "6 6"]);
});

test("a configuration file, its includes, and the command line over them", async () => {
  const more = write("more.conf", "hz 50", "# a comment", 'requirepass "a b\\x21"');
  const file = write(
    "main.conf",
    "hz 20",
    `include ${more}`,
    "timeout 77",
    "save 100 1 200 2",
    "maxmemory 1gb",
  );
  const client = await startWith(file, "--timeout", "88", "--tcp-keepalive", "99");
  await client.expect(["AUTH", "a b!"], "OK");
  await client.expect("CONFIG GET hz", ["hz", "50"]);
  await client.expect("CONFIG GET timeout", ["timeout", "88"]);
  await client.expect("CONFIG GET tcp-keepalive", ["tcp-keepalive", "99"]);
  await client.expect("CONFIG GET maxmemory", ["maxmemory", "1073741824"]);
  await client.expect("CONFIG GET save", ["save", "100 1 200 2"]);
});

test("standard input is a configuration, too", async () => {
  const port = await freePort();
  const server = await ServerProcess.start({
    first: ["-"],
    input: `hz 33\nport ${port}\n`,
    port,
    args: ["--save", ""],
  });
  started.push(server);
  await (await server.connect()).expect("CONFIG GET hz", ["hz", "33"]);
});

const FAULTS: readonly (readonly [what: string, lines: readonly string[], line: number, said: RegExp])[] = [
  ["an unknown directive", ["hz 10", "nonsense yes"], 2, /Bad directive or wrong number of arguments/],
  ["a bad number", ["hz ten"], 1, /argument couldn't be parsed into an integer/],
  ["a number out of range", ["port 70000"], 1, /argument must be between 0 and 65535 inclusive/],
  [
    "a bad choice",
    ["", "loglevel loud"],
    2,
    /argument\(s\) must be one of the following: debug, verbose, notice, warning/,
  ],
  ["unbalanced quotes", ['requirepass "abc'], 1, /Unbalanced quotes in configuration line/],
  ["a command that is not there", ["rename-command NOSUCH x"], 1, /No such command in rename-command/],
  ["a name that is taken", ["rename-command GET SET"], 1, /Target command name already exists/],
  ["a sentinel's directive", ["sentinel monitor a 127.0.0.1 1 1"], 1, /sentinel directive while not in sentinel mode/],
];

for (const [what, lines, number, said] of FAULTS) {
  test(`${what} in the configuration ends the start with one message`, () => {
    const file = write("bad.conf", ...lines);
    const { code, output, errors } = run([file, "--port", "0"]);
    assert.equal(code, 1);
    const text = output + errors;
    assert.match(text, /FATAL CONFIG FILE ERROR/);
    assert.match(text, new RegExp(`at line ${number}\\b`));
    assert.ok(text.includes(`>>> '${lines[number - 1]}'`), text);
    assert.match(text, said);
    assert.doesNotMatch(text, /\n\s+at /);
  });
}

/** Lines that ask for a protection that tredis does not have yet. */
const UNPROTECTED = [
  "aclfile users.acl",
  "user default off",
  "user alice on nopass ~app:* +get",
  "tls-port 6380",
  "cluster-enabled yes",
  "loadmodule auth.so",
];

for (const line of UNPROTECTED) {
  test(`'${line}' is refused at start, with file, line, reason and way out`, { skip: IS_ORACLE }, () => {
    const file = write("unsafe.conf", "hz 10", line, "timeout 5");
    const { code, output, errors } = run([file, "--port", "0"]);
    assert.equal(code, 1);
    assert.match(output + errors, /FATAL CONFIG FILE ERROR/);
    assert.ok((output + errors).includes(`at line 2 of ${file}\n>>> '${line}'\n`), output + errors);
    assert.match(output + errors, /Remove the line|Set 'cluster-enabled no'/);
  });
}

test("CONFIG SET of what is not here answers an error and changes nothing", { skip: IS_ORACLE }, async () => {
  const { client } = await start();
  await client.expect("CONFIG SET hz 50 tls-port 7", /^ERR CONFIG SET failed .*'tls-port'\) - .*not supported yet/);
  await client.expect("CONFIG GET hz", ["hz", "10"]);
  await client.expect("CONFIG GET tls-port", ["tls-port", "0"]);
});

test("the file that CONFIG REWRITE leaves is one to start with, with and without a password", async () => {
  const sum = "#2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  const file = write("rewritten.conf", 'requirepass "foo"', 'save ""', `user default on ${sum} ~* &* +@all`);
  const first = await startWith(file);
  await first.expect("PING", new ReplyError("NOAUTH Authentication required."));
  await first.expect("AUTH foo", "OK");
  await first.expect("CONFIG SET requirepass bar", "OK");
  await first.expect("CONFIG REWRITE", "OK");
  const second = await startWith(file);
  await second.expect("AUTH foo", /^WRONGPASS/);
  await second.expect("AUTH bar", "OK");
  await second.expect(["CONFIG", "SET", "requirepass", ""], "OK");
  await second.expect("CONFIG REWRITE", "OK");
  assert.match(readFileSync(file, "utf8"), /^user default on.* nopass .*~\* &\* \+@all$/m);
  await (await startWith(file)).expect("PING", "PONG");
});

test("a bad value on the command line, and a file that is missing", () => {
  const bad = run(["--port", "abc"]);
  assert.equal(bad.code, 1);
  assert.match(bad.output + bad.errors, /port "?abc/);
  const missing = run([join(folder, "missing.conf")]);
  assert.equal(missing.code, 1);
  assert.match(
    missing.output + missing.errors,
    /Fatal error, can't open config file '.*missing\.conf': No such file or directory/,
  );
});

test("--version and --help", () => {
  for (const option of ["--version", "-v"]) {
    const { code, output } = run([option]);
    assert.equal(code, 0);
    assert.match(output, /\b(redis_version|v)=7\.\d+\.\d+/);
  }
  const { code, output, errors } = run(["--help"]);
  assert.equal(code, IS_ORACLE ? 1 : 0);
  assert.match(output + errors, /Usage: /);
});

test("a port in use is a clear refusal", async () => {
  const { server } = await start();
  const { code, output, errors } = run(["--port", String(server.port), "--dir", folder]);
  assert.equal(code, 1);
  assert.match(output + errors, /Could not create server TCP listening socket .*: bind: Address already in use/);
  assert.match(output + errors, /Failed listening on port \d+ \((tcp|TCP)\), aborting\./);
  assert.doesNotMatch(output + errors, /\n\s+at /);
});

test("a Unix socket with permissions, and no port", async () => {
  const socket = join(folder, "the.sock");
  const server = await ServerProcess.start({
    port: 0,
    unixSocket: socket,
    args: ["--save", "", "--unixsocket", socket, "--unixsocketperm", "700"],
  });
  started.push(server);
  const client = await TestClient.connectUnix(socket);
  await client.expect("PING", "PONG");
  assert.equal(statSync(socket).mode & 0o777, 0o700);
  client.send("SHUTDOWN NOSAVE");
  await until("the end", () => server.exited);
  assert.equal(existsSync(socket), false);
});

async function hasIPv6(): Promise<boolean> {
  const probe = (await import("node:net")).createServer();
  return await new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(0, "::1", () => probe.close(() => resolve(true)));
  });
}

test("several addresses, IPv6 among them", async (context) => {
  if (!await hasIPv6()) return context.skip("there is no IPv6 here");
  const { server, client } = await start("--bind", "127.0.0.1", "::1", "-192.0.2.250");
  await client.expect("SET a 1", "OK");
  const six = await TestClient.connect(server.port, "::1");
  await six.expect("GET a", "1");
  six.close();
});

/** An IPv4 address of this machine that is not a loopback one. */
function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((one) => !one.internal && one.family === "IPv4")?.address;
}

test("protected mode turns strangers away until there is a password", async (context) => {
  const address = outerAddress();
  if (address === undefined) return context.skip("this machine has loopback addresses only");
  const { server, client } = await start("--bind", "*");
  const stranger = await TestClient.connect(server.port, address);
  assert.match((await stranger.readToEnd()).slice(0, 60), /^-DENIED Redis is running in protected mode/);
  await client.expect("CONFIG SET protected-mode no", "OK");
  const guest = await TestClient.connect(server.port, address);
  await guest.expect("PING", "PONG");
  await client.expect("CONFIG SET protected-mode yes requirepass secret", "OK");
  const known = await TestClient.connect(server.port, address);
  await known.expect("PING", new ReplyError("NOAUTH Authentication required."));
  await known.expect("AUTH secret", "OK");
  await known.expect("PING", "PONG");
  for (const one of [stranger, guest, known]) one.close();
});

test("a pid file and a log file", async () => {
  const [pidFile, logFile] = [join(folder, "the.pid"), join(folder, "the.log")];
  const { server } = await start("--pidfile", pidFile, "--logfile", logFile);
  assert.equal(readFileSync(pidFile, "utf8").trim(), String(server.child.pid));
  await until("the log", () => /Ready to accept connections/.test(readFileSync(logFile, "utf8")));
  assert.match(
    readFileSync(logFile, "utf8"),
    /^\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} [#*] Server initialized$/m,
  );
  await server.kill("SIGTERM");
  assert.equal(existsSync(pidFile), false);
});

test("a log, a pid file and a socket that cannot be written are told with their paths", async () => {
  const path = join(folder, "no", "süch", "folder");
  const named = (words: string) => IS_ORACLE ? words : `${words} ('${path}')`;
  const log = run(["--port", "0", "--logfile", path]);
  assert.equal(log.code, 1);
  assert.ok((log.output + log.errors).includes(named("Can't open the log file: No such file or directory")));
  const socket = run(["--port", "0", "--dir", folder, "--unixsocket", path]);
  assert.equal(socket.code, 1);
  assert.match(socket.output + socket.errors, /Failed opening Unix socket: .*bind: No such file or directory/);
  if (!IS_ORACLE) assert.ok(socket.output.includes(`('${path}')`), socket.output);
  if (IS_ORACLE) return; // tells it since 7.2
  const { server } = await start("--pidfile", path);
  await until("the log", () => server.output.includes(named("Failed to write PID file: No such file or directory")));
});

test(
  "the log names address and port, to a pipe and to a file, and again when they change",
  { skip: IS_ORACLE },
  async () => {
    const logFile = join(folder, "the.log");
    const { server, client } = await start("--bind", "127.0.0.1", "--logfile", logFile);
    const log = () => readFileSync(logFile, "utf8");
    await until("the log", () => log().includes(`Running mode=standalone, port=${server.port}.`));
    await until("the address", () => log().includes(`Listening on 127.0.0.1:${server.port}\n`));
    const next = await freePort();
    await client.expect(["CONFIG", "SET", "port", next], "OK");
    await until("the new address", () => log().includes(`Listening on 127.0.0.1:${next}\n`));
    const { server: piped } = await start("--bind", "127.0.0.1");
    await until("the address", () => piped.output.includes(`Listening on 127.0.0.1:${piped.port}\n`));
  },
);

test("arguments in messages are shown in UTF-8", { skip: IS_ORACLE }, async () => {
  const file = write("müll.conf", "loglevel größer");
  const fromFile = run([file]);
  assert.ok(fromFile.errors.includes(`at line 1 of ${file}\n>>> 'loglevel größer'\n`), fromFile.errors);
  const fromOptions = run(["--loglevel", "größer", "日本"]);
  assert.ok(fromOptions.errors.includes(`>>> 'loglevel "größer" "日本"'\n`), fromOptions.errors);
  const unknown = run(["--user", "jürgen", "on"]);
  assert.ok(unknown.errors.includes("'jürgen' would not be one"), unknown.errors);
  const inner = join(folder, "größe");
  mkdirSync(inner);
  writeFileSync(join(inner, "dump.rdb"), "nothing that loads");
  const bad = run(["--port", String(await freePort()), "--dir", inner]);
  assert.ok(bad.output.includes(`Bad RDB file ${inner}/dump.rdb: Wrong signature`), bad.output);
});

test("without a name for the RDB file the server starts empty, and cannot save", async () => {
  const { client } = await start("--dbfilename", "");
  await client.expect("CONFIG GET dbfilename", ["dbfilename", ""]);
  await client.expect("SET a 1", "OK");
  await client.expect("SAVE", /^ERR/);
  await client.expect("GET a", "1");
});

function canConnect(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

test("CONFIG SET port and bind move the server", async () => {
  const { server, client } = await start("--bind", "127.0.0.1");
  const next = await freePort();
  await client.expect(["CONFIG", "SET", "port", next], "OK");
  await until("the new port", () => canConnect(next));
  await until("the old port to be given up", async () => !await canConnect(server.port));
  await client.expect("PING", "PONG");
  const taken = await ServerProcess.start();
  started.push(taken);
  await client.expect(["CONFIG", "SET", "port", taken.port], /Unable to listen on this port/);
  await client.expect("CONFIG GET port", ["port", String(next)]);
  assert.ok(await canConnect(next));
  await client.expect("CONFIG SET bind 192.0.2.251", /Failed to bind to specified addresses/);
  await client.expect("CONFIG GET bind", ["bind", "127.0.0.1"]);
  assert.ok(await canConnect(next));
  await client.expect(["CONFIG", "SET", "bind", "0.0.0.0"], "OK");
  const outer = outerAddress();
  if (outer !== undefined) await until("the wildcard", () => canConnect(next, outer));
  await client.expect(["CONFIG", "SET", "bind", "127.0.0.1"], "OK");
  await until("the loopback", () => canConnect(next));
  if (outer !== undefined) await until("the wildcard's end", async () => !await canConnect(next, outer));
  await client.expect("CONFIG SET port 0", "OK");
  await until("no port", async () => !await canConnect(next));
  await client.expect("PING", "PONG");
});

test("a configuration that renames commands that are still to come is taken, as far as the names are free", async () => {
  const lines = ["BGREWRITEAOF", "SPOP", "EVAL", "SORT"].map((name) => `rename-command ${name} ""`);
  const file = write("hardened.conf", ...lines, "rename-command LPUSH push");
  const client = await startWith(file, "--save", "");
  await client.expect("SPOP a", /^ERR unknown command 'SPOP'/);
  await client.expect("SORT a", /^ERR unknown command 'SORT'/);
  await client.expect("LPUSH a 1", /^ERR unknown command 'LPUSH'/);
  const { code, output, errors } = run([write("taken.conf", "rename-command SPOP get"), "--port", "0"]);
  assert.equal(code, 1);
  assert.match(output + errors, /Target command name already exists/);
});

test("rename-command renames and removes", async () => {
  const file = write("renamed.conf", "rename-command SET store", 'rename-command FLUSHALL ""');
  const client = await startWith(file, "--save", "");
  await client.expect("SET a 1", /^ERR unknown command 'SET'/);
  await client.expect("STORE a 1", "OK");
  await client.expect("FLUSHALL", /^ERR unknown command 'FLUSHALL'/);
});

test("maxclients", async () => {
  const { server, client } = await start("--maxclients", "3");
  const place = () =>
    until("a free place", async () => {
      const one = await server.connect();
      if (await one.call("PING").catch(() => null) === "PONG") return one;
      one.close();
      return null;
    });
  const [second] = [await place(), await place()];
  const fourth = await TestClient.connect(server.port);
  assert.equal(await fourth.readToEnd(), "-ERR max number of clients reached\r\n");
  second?.close();
  await place();
  await client.expect("PING", "PONG");
});

/** Has what follows be the first process of a container. */
const AS_FIRST = ["--pid", "--fork", "--mount-proc", "--kill-child"];
const HAS_CONTAINERS = spawnSync("unshare", [...AS_FIRST, "true"]).status === 0;

// The system keeps from the first process of a container every signal that it has no handler for.
test(
  "the first process of a container ends by SIGTERM, however early that comes",
  { skip: !HAS_CONTAINERS },
  async () => {
    for (const line of [/tredis is starting|Redis is starting/, /Ready to accept connections/]) {
      const words = [...serverWords(SERVER_UNDER_TEST), "--port", String(await freePort()), "--dir", folder];
      const outer = spawn("unshare", [...AS_FIRST, ...words], { stdio: ["ignore", "pipe", "pipe"] });
      let output = "";
      outer.stdout.on("data", (chunk) => output += chunk);
      outer.stderr.on("data", (chunk) => output += chunk);
      const ended = new Promise<number | null>((resolve) => outer.on("close", resolve));
      await until("the line", () => line.test(output));
      const inner = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8").trim();
      process.kill(Number(inner), "SIGTERM");
      assert.equal(await ended, 0, output);
      assert.match(output, /^1:[CM] /m);
    }
  },
);
