/** The configuration against a real redis-server: names, defaults, CONFIG SET's replies, and what each value becomes. */

import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine } from "../../lib/config/command_line.ts";
import { Config } from "../../lib/config/config.ts";
import { ConfigError, loadConfig } from "../../lib/config/load.ts";
import { toBinary } from "../../lib/bytes/paths.ts";
import { hasOracle, Oracle, refusalOf } from "./oracle.ts";
import { fakeEnvironment } from "./fake_environment.ts";

const skip = hasOracle() ? false : "redis-server is not installed";
const ACCESS = { local: true, loading: false };

/** Directives that Redis 7.2 added to 7.0, and one whose default hangs on how the oracle is started. */
const NEW_IN_7_2 = [
  "cluster-announce-human-nodename",
  "locale-collate",
  "set-max-listpack-entries",
  "set-max-listpack-value",
];
/** Directives of our own. */
const OWN = ["repl-sync-max-write-delay", "replica-empty-primary-guard", "replica-empty-primary-percentage"];
const UNKNOWN_THERE = [...NEW_IN_7_2, ...OWN];
const STARTED_WITH = ["port", "bind", "dir", "save", "enable-protected-configs", "enable-debug-command"];

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "tredis-config-"));
}

test("CONFIG GET * names what Redis names, with the same defaults", { skip }, async () => {
  const oracle = await Oracle.start(temporaryDirectory());
  try {
    const reply = await oracle.ask("CONFIG", "GET", "*");
    assert.ok(Array.isArray(reply));
    const theirs = new Map<string, unknown>();
    for (let i = 0; i < reply.length; i += 2) theirs.set(String(reply[i]), reply[i + 1]);
    const ours = new Map<string, unknown>(new Config(fakeEnvironment()).get(["*"]));
    for (const name of UNKNOWN_THERE) assert.ok(ours.delete(name), name);
    for (const name of STARTED_WITH) {
      ours.delete(name);
      theirs.delete(name);
    }
    assert.deepEqual(new Map([...ours].sort()), new Map([...theirs].sort()));
  } finally {
    await oracle.stop();
  }
});

const COMMON = [
  "garbage!",
  "-1",
  "0",
  "1",
  "01",
  "+1",
  " 1",
  "1 ",
  "1.5",
  "0x10",
  "",
  "yes",
  "NO",
  "1 2",
  "99999999999",
];
const LIMITS = ["9223372036854775807", "9223372036854775808", "18446744073709551615", "-9223372036854775808"];
const SIZES = ["1k", "1kb", "1K", "1Mb", "1gB", "1g", "1t", "1b", "1B", "1.5gb", "1 mb", "5%", "101%"];

/** What would change how the oracle is reached, or hangs on the machine it runs on. */
const NOT_SET = ["port", "bind", "requirepass", "maxclients", "dir", "tls-port", "loglevel", "oom-score-adj"];

const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  "save": [
    "60 1 300 10",
    "60",
    "60 1 300",
    "0 1",
    "60 -1",
    "60 0",
    " 60  1 ",
    "a b",
    "",
    "60 1 60 2",
    '"60" 1',
    "060 1",
  ],
  "client-output-buffer-limit": [
    "normal 1 2 3",
    "normal 0 0 0 replica 256mb 64mb 60",
    "slave 1gb 2k 3 pubsub 1kb 1m 1",
    "master 0 0 0",
    "foo 0 0 0",
    "normal x 0 0",
    "normal 0 0 x",
    "normal 0 0 -1",
    "normal 0 0",
    "",
    "NORMAL 5 5 5",
    "normal 1 1 1 normal 2 2 2",
    "normal 0 0 1.5",
    "normal 0 0 1kb",
    "normal -1 0 0",
  ],
  "latency-tracking-info-percentiles": [
    ...["", "50", "50 99.5 99.99", "0 100", "100.1", "-1", "1e1", "0.1234567890123456789", "99.999999", "x", "50 50"],
    ...["  50   60 ", "1 2 3 4 5 6 7 8 9 10", "inf", "nan", "50.0", "0.0000001"],
  ],
  "notify-keyspace-events": [
    ...["KEA", "KE", "Elg", "A", "KEAmn", "g$lshzxetd", "KEg$lshzxetdmn", "Kn", "q", "", "AKE", "Ex", "kea", "Am", "n"],
    ...["KEAg", "KEd", "An", "m", "K E"],
  ],
  "oom-score-adj-values": [
    "1 2 3",
    "1 2",
    "1 2 3 4",
    "-2001 0 0",
    "0 0 2001",
    "3 2 1",
    "a b c",
    "-5 0 5",
    " 1  2  3 ",
    "",
  ],
  "shutdown-on-sigterm": [
    ...["nosave now", "now nosave", "save nosave", "default save", "default", "force now", "", "save save", "SAVE"],
    ...[" save  now ", "now save force"],
  ],
  "maxmemory-policy": ["LRU", "allkeys-LRU", "allkeys-lru noeviction", '"allkeys-lru"', ""],
  "maxmemory-clients": ["5%", "100%", "0%", "-5%", "5%%", "%", "1mb", "5.5%", "9%5"],
  "dbfilename": ["a/b", "", ".", "x y"],
  "proc-title-template": ["", "{foo}", "{title", "a b", "{title} {listen-addr} {server-mode}"],
  "cluster-announce-hostname": ["a_b", "A-b.c", "", "x".repeat(255), "x".repeat(256), "x".repeat(300)],
  "repl-backlog-size": ["20mb", "100", "1"],
  "hz": ["600", "500", "1"],
};

/** Where a difference is meant: Redis wraps around, reads nothing as 0, or takes a large size for a percentage. */
function isMeant(name: string, value: string): boolean {
  if (name === "maxmemory-clients") return value === "9223372036854775808" || value === "18446744073709551615";
  if (name === "save") return value.includes("99999999999") || value === "1 ";
  return name === "proc-title-template" && value === "{title}";
}

test("CONFIG SET accepts, refuses and normalizes as Redis does, for every directive", { skip }, async () => {
  const oracle = await Oracle.start(temporaryDirectory(), "--enable-protected-configs", "yes");
  try {
    const config = new Config(fakeEnvironment());
    assert.equal(config.applyLine(["enable-protected-configs", "yes"]), null);
    assert.equal(config.applyLine(["save", ""]), null);
    const names = config.get(["*"]).map(([name]) => name).filter((name) => !UNKNOWN_THERE.includes(name));
    let compared = 0;
    // TLS settings are applied to a TLS context there, and have none here.
    for (const name of names.filter((name) => !NOT_SET.includes(name) && !name.startsWith("tls-"))) {
      for (const value of [...COMMON, ...LIMITS, ...SIZES, ...(SPECIAL[name] ?? [])]) {
        if (isMeant(name, value)) continue;
        const theirs = await oracle.ask("CONFIG", "SET", name, value);
        const ours = config.set([[name, value]], ACCESS);
        assert.equal(ours === null ? "OK" : `-${ours}`, theirs, `${name} '${value}'`);
        const got = await oracle.ask("CONFIG", "GET", name);
        assert.deepEqual(config.get([name]).flat(), got, `${name} '${value}'`);
        compared++;
      }
    }
    assert.ok(compared > 5000, String(compared));
  } finally {
    await oracle.stop();
  }
});

test("CONFIG SET of several pairs fails as Redis does", { skip }, async () => {
  const oracle = await Oracle.start(temporaryDirectory());
  const config = new Config(fakeEnvironment());
  const asked = [
    ["a", "b"],
    ["hz", "20", "nope", "2"],
    ["hz", "20", "hz", "30"],
    ["hz", "20", "HZ", "30"],
    ["hash-max-ziplist-entries", "5", "hash-max-listpack-entries", "6"],
    ["slave-priority", "1", "replica-priority", "2"],
    ["hz", "5", "daemonize", "yes", "nope", "1"],
    ["hz", "bad", "daemonize", "yes"],
    ["nope", "1", "daemonize", "yes"],
    ["hz", "7", "maxmemory", "x"],
    ["dir", "/tmp", "hz", "5"],
    ["HZ", "9"],
    ["hz", "x\ny"],
    ["a\nb", "5"],
    ["maxmemory", "10000001", "maxmemory-clients", "200%", "client-query-buffer-limit", "invalid"],
    ["rename-command", "a b"],
    ["user", "a b"],
    ["include", "x"],
  ];
  try {
    for (const pairs of asked) {
      const theirs = await oracle.ask("CONFIG", "SET", ...pairs);
      const named: [string, string][] = [];
      for (let i = 0; i < pairs.length; i += 2) named.push([pairs[i], pairs[i + 1]]);
      const ours = config.set(named, ACCESS);
      // The reply writer turns line breaks into spaces.
      assert.equal(ours === null ? "OK" : `-${ours}`.replace(/\n/g, " "), theirs, pairs.join(" "));
      for (const name of ["hz", "maxmemory", "slave-priority", "hash-max-listpack-entries"]) {
        assert.deepEqual(config.get([name]).flat(), await oracle.ask("CONFIG", "GET", name), pairs.join(" "));
      }
    }
    for (
      const patterns of [["PORT*"], ["HZ"], ["SLAVEO?", "maxmemor[y]"], ["a", "b"], ["*ziplist-entries", "hz", "Hz"]]
    ) {
      const theirs = await oracle.ask("CONFIG", "GET", ...patterns);
      assert.ok(Array.isArray(theirs));
      const ours = config.get(patterns).filter(([name]) => name !== "port").flat();
      const portless = theirs.filter((_, i) => theirs[i - (i % 2)] !== "port");
      assert.deepEqual(ours.sort(), portless.sort(), patterns.join(" "));
    }
  } finally {
    await oracle.stop();
  }
});

/** Runs our loader as redis-server is run, and returns what it would print. */
function ourRefusal(args: readonly string[], input: string): string {
  try {
    loadConfig(new Config(fakeEnvironment()), parseCommandLine(args.map(toBinary)), {
      version: "7.0.15",
      readStandardInput: () => new TextEncoder().encode(input),
    });
    return "started";
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
}

/** The rejected line and the reason, which must be alike; the line's number and place differ on purpose. */
function lineAndReason(text: string): string {
  const at = text.indexOf(">>>");
  // Redis 7.2 added the level `nothing`.
  return (at < 0 ? text : text.slice(at)).trim().replace("warning, nothing", "warning");
}

test("a bad option or line is refused with Redis's words", { skip }, () => {
  const directory = temporaryDirectory();
  const options = [
    ...["--unixsocketperm 778", "--unixsocketperm 1000", "--unixsocketperm -1", "--unixsocketperm abc", "--hz"],
    ...[
      "--socket-mark-id 4294967296",
      "--socket-mark-id -1",
      "--socket-mark-id abc",
      "--socket-mark-id 08",
      "--hz 1 2",
    ],
    ...["--replicaof", "--replicaof a b c", "--replicaof h 70000", "--user", "--rename-command get", "--save 1"],
    ...[
      "--save 0 1",
      "--save a b",
      "--include",
      "--loadmodule",
      "--dir",
      "--dir /nonexistent",
      "--foo",
      "--foo bar baz",
    ],
    ...["--client-output-buffer-limit normal 0 0", "--notify-keyspace-events q", "--databases 0", "--maxclients 0"],
    ...["--appendfilename a/b", "--appenddirname a/b", "--appenddirname", "--dbfilename a/b", "--cluster-config-file"],
    ...["--latency-tracking-info-percentiles x", "--shutdown-on-sigterm save nosave", "--syslog-facility x"],
    ...[
      "--oom-score-adj-values 1",
      "--requirepass a b",
      "--maxmemory-clients 200%",
      "--always-show-logo x",
      "--pidfile",
    ],
    ...["--slaveof localhost", "--proc-title-template {foo}", "--cluster-announce-hostname a_b", "--supervised x"],
    ...["--enable-debug-command maybe", "--io-threads 0", "--io-threads 129", "--tcp-backlog -1", "--key-load-delay x"],
    ...["--loading-process-events-interval-bytes 5", "--watchdog-period -1", "--port", "--port x --hz y"],
    ...["--port 6380 --loglevel", "--port 6379 6380", "--port --loglevel verbose", "--port --bla --loglevel verbose"],
    ...["--logfile --my--log--file --loglevel --bla", "--shutdown-on-sigint", "--replicaof 127.0.0.1 abc"],
    ...["--replicaof --127.0.0.1 abc", "--replicaof --127.0.0.1 --abc", "-x", "--hz 1 -x", "-- port", "--port 0 -v"],
    ...["--port 0 - --loglevel warning", "--hz a\\b"],
  ].map((line) => line.split(" "));
  options.push(["--hz", 'a b "c'], ['--hz "x'], ["--hz", "x\ny"], ["--hz", "\x01\t"], ["--port 0", "--hz x"]);
  options.push(["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"], ["--save", "60 1 2"], ["--hz", ""]);
  for (const args of options) {
    const theirs = lineAndReason(refusalOf(directory, args));
    assert.equal(lineAndReason(ourRefusal(args, "")), theirs, args.join(" "));
  }
  const files = [
    ...[
      'port 0\nhz "a',
      'port 0\nhz a"b"',
      "port 0\n  # c\n\n hz x",
      "port 0\nhz 5 # trailing",
      'port 0\n"hz" x',
      "HZ x",
    ],
    ...["hz\tx", "port 0\r\nhz x\r\n", '"" x\nfoo', "hz 'x'", 'hz "x\\n"', 'save 60 1\nsave ""\nsave 5 5\nhz x'],
    ...["sentinel monitor a", "save\nport x", "bind\nhz x", 'bind ""\nhz x', "client-output-buffer-limit\nhz x"],
    ...['client-output-buffer-limit ""\nhz x', 'hz ""', "oom-score-adj-values", 'replicaof "a 5"\nhz x'],
    ...["notify-keyspace-events K E\nhz x", "latency-tracking-info-percentiles\nhz x", "user a\nhz x"],
    ...['latency-tracking-info-percentiles ""\nhz x', "rename-command a b c", "loadmodule x\nhz x", "include a b"],
    ...[
      'hz "5" "6"',
      "hz x   ",
      "hz x\t # y",
      "save 1 1 2\nhz x",
      'save "60 1" "2 2"',
      "list-max-ziplist-entries\nhz x",
    ],
    ...[
      "list-max-ziplist-entries 5\nhz x",
      "list-max-ziplist-value 1 2",
      "replicaof no one\nhz x",
      'user "a b" on\nhz x',
    ],
    ...["user a on\nuser b on\nhz x"],
  ];
  for (const text of files) {
    writeFileSync(join(directory, "redis.conf"), text, "latin1");
    const args = [join(directory, "redis.conf")];
    const number = (report: string): string => /at line (\d+)/.exec(report)?.[1] ?? report;
    const theirs = refusalOf(directory, args);
    const ours = ourRefusal(args, "");
    assert.equal(lineAndReason(ours), lineAndReason(theirs), text);
    assert.equal(number(ours), number(theirs), text);
  }
  const fromInput = refusalOf(directory, ["-", "--hz", "1"], "hz bad");
  assert.equal(lineAndReason(ourRefusal(["-", "--hz", "1"], "hz bad")), lineAndReason(fromInput));
});
