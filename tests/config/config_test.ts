import { test } from "node:test";
import assert from "node:assert/strict";
import { Config } from "../../lib/config/config.ts";
import { EVENT_KEYEVENT, EVENT_KEYSPACE, EVENT_NEW, EVENT_STRING } from "../../lib/commands/events.ts";
import * as events from "../../lib/commands/events.ts";
import { fakeEnvironment } from "./fake_environment.ts";

const ACCESS = { local: true, loading: false };

function configOf(...lines: string[][]): Config {
  const config = new Config(fakeEnvironment("/start"));
  for (const line of lines) assert.equal(config.applyLine(line), null, line.join(" "));
  config.loaded();
  return config;
}

test("values are read by type", () => {
  const config = configOf(["maxmemory", "1gb"], ["unixsocketperm", "700"], ["appendfsync", "ALWAYS"]);
  assert.equal(config.number("maxmemory"), 1073741824);
  assert.equal(config.number("unixsocketperm"), 0o700);
  assert.equal(config.flag("protected-mode"), true);
  assert.equal(config.choice("appendfsync"), "always");
  assert.equal(config.text("dbfilename"), "dump.rdb");
  assert.deepEqual(config.list("bind"), ["*", "-::*"]);
});

test("a setting kept follows the value", () => {
  const config = configOf();
  const setting = config.setting("maxclients");
  assert.equal(config.set([["maxclients", "7"]], ACCESS), null);
  assert.equal(setting.number, 7);
});

test("save lines add up, the first replacing the default and an empty one clearing", () => {
  assert.deepEqual(configOf().savePoints, [
    { seconds: 3600, changes: 1 },
    { seconds: 300, changes: 100 },
    { seconds: 60, changes: 10000 },
  ]);
  const points = configOf(["save", "900", "1"], ["save", "100", "100"]).savePoints;
  assert.deepEqual(points, [{ seconds: 900, changes: 1 }, { seconds: 100, changes: 100 }]);
  assert.deepEqual(configOf(["save", "900", "1"], ["save", ""]).savePoints, []);
  assert.deepEqual(configOf(["save", "900 1 5 5"]).list("save"), ["900", "1", "5", "5"]);
});

test("a class of clients not named keeps its output buffer limits", () => {
  const config = configOf(["client-output-buffer-limit", "replica", "512mb", "64mb", "30"]);
  assert.equal(config.set([["client-output-buffer-limit", "pubsub 1kb 1k 1"]], ACCESS), null);
  assert.deepEqual(config.outputBufferLimits, {
    normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
    slave: { hardBytes: 536870912, softBytes: 67108864, softSeconds: 30 },
    pubsub: { hardBytes: 1024, softBytes: 1000, softSeconds: 1 },
  });
});

test("keyspace event classes are the bits that commands notify with", () => {
  const config = configOf(["notify-keyspace-events", "KE$n"]);
  const bits = EVENT_KEYSPACE | EVENT_KEYEVENT | EVENT_STRING | EVENT_NEW;
  assert.equal(config.setting("notify-keyspace-events").number, bits);
  const letters: Record<string, number> = {
    K: events.EVENT_KEYSPACE,
    E: events.EVENT_KEYEVENT,
    g: events.EVENT_GENERIC,
    $: events.EVENT_STRING,
    l: events.EVENT_LIST,
    s: events.EVENT_SET,
    h: events.EVENT_HASH,
    z: events.EVENT_ZSET,
    x: events.EVENT_EXPIRED,
    e: events.EVENT_EVICTED,
    t: events.EVENT_STREAM,
    m: events.EVENT_KEY_MISS,
    d: events.EVENT_MODULE,
    n: events.EVENT_NEW,
  };
  for (const [letter, bit] of Object.entries(letters)) {
    assert.equal(configOf(["notify-keyspace-events", letter]).setting("notify-keyspace-events").number, bit, letter);
  }
});

test("replicaof holds host and port, and nothing after 'no one'", () => {
  assert.deepEqual(configOf(["slaveof", "example.com", "6379"]).list("replicaof"), ["example.com", "6379"]);
  assert.deepEqual(configOf(["replicaof", "h", "1"], ["replicaof", "No", "One"]).list("replicaof"), []);
});

test("CONFIG SET applies what changed, once, after all values were checked", () => {
  const config = configOf();
  const calls: string[] = [];
  config.onChange("hz", (value) => void calls.push(`hz ${value.number}`));
  config.onChange("timeout", (value) => void calls.push(`timeout ${value.number}`));
  assert.equal(config.set([["hz", "20"], ["timeout", "0"]], ACCESS), null);
  assert.deepEqual(calls, ["hz 20"]);
  assert.match(config.set([["hz", "30"], ["timeout", "x"]], ACCESS) ?? "", /argument 'timeout'/);
  assert.deepEqual(calls, ["hz 20"]);
  assert.equal(config.number("hz"), 20);
});

test("a refusal while applying rolls everything back", () => {
  const config = configOf(["maxmemory", "100"]);
  const applied: number[] = [];
  config.onChange("maxmemory", (value) => void applied.push(value.number));
  config.onChange("port", () => "Unable to listen on this port. Check server logs.");
  const error = config.set([["maxmemory", "200"], ["port", "1"], ["client-query-buffer-limit", "10m"]], ACCESS);
  assert.equal(
    error,
    "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
  );
  assert.deepEqual(applied, [200, 100]);
  assert.equal(config.number("maxmemory"), 100);
  assert.equal(config.number("port"), 6379);
  assert.equal(config.number("client-query-buffer-limit"), 1073741824);
});

test("several may act on one value, and none keeps what another refused", () => {
  const config = configOf();
  let first = NaN;
  config.onChange("maxclients", (value) => void (first = value.number));
  config.onChange("maxclients", (value) => value.number > 100 && value.number !== 10000 ? "too many" : null);
  assert.match(config.set([["maxclients", "200"]], ACCESS) ?? "", / - too many$/);
  assert.equal(first, 10000);
  assert.equal(config.assign("maxclients", ["300"]), "too many");
  assert.equal(first, 10000);
  assert.equal(config.assign("maxclients", ["50"]), null);
  assert.equal(first, 50);
});

test("dir is the directory entered, and left again when CONFIG SET fails", () => {
  const config = configOf(["enable-protected-configs", "yes"]);
  assert.equal(config.text("dir"), "/start");
  assert.match(config.set([["dir", "/nonexistent"]], ACCESS) ?? "", /No such file or directory/);
  assert.match(config.set([["dir", "/elsewhere"], ["hz", "x"]], ACCESS) ?? "", /'hz'/);
  assert.equal(config.text("dir"), "/start");
  assert.equal(config.set([["dir", "/elsewhere"]], ACCESS), null);
  assert.equal(config.text("dir"), "/elsewhere");
});

test("protected directives change only for those whom the configuration allows", () => {
  const remote = { local: false, loading: false };
  const refused = "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config";
  assert.equal(configOf().set([["dbfilename", "x"]], ACCESS), refused);
  const forLocal = configOf(["enable-protected-configs", "local"]);
  assert.equal(forLocal.set([["dbfilename", "x"]], remote), refused);
  assert.equal(forLocal.set([["dbfilename", "x"]], ACCESS), null);
  assert.equal(configOf(["enable-protected-configs", "yes"]).set([["dbfilename", "x"]], remote), null);
});

test("while loading, only what does not touch the load may change", () => {
  const loading = { local: true, loading: true };
  const config = configOf(["enable-protected-configs", "yes"]);
  assert.equal(config.set([["loglevel", "debug"]], loading), null);
  assert.equal(config.set([["dir", "/x"]], loading), "LOADING Redis is loading the dataset in memory");
});

test("hidden directives show only by their name", () => {
  const config = configOf();
  assert.ok(!config.get(["*"]).some(([name]) => name === "key-load-delay"));
  assert.deepEqual(config.get(["key-load-delay"]), [["key-load-delay", "0"]]);
});

test("CONFIG GET answers with the names asked for, each once", () => {
  const config = configOf();
  assert.deepEqual(config.get(["slaveof"]), [["slaveof", ""]]);
  assert.deepEqual(config.get(["MaxClients", "maxclients"]), [["MaxClients", "10000"]]);
  const names = config.get(["maxmemory", "maxmemory*", "bind", "*of"]).map(([name]) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of ["slaveof", "replicaof", "maxmemory", "maxmemory-samples", "maxmemory-clients", "bind"]) {
    assert.ok(names.includes(name), name);
  }
});

test("every value can be set to itself", () => {
  const config = configOf(["enable-protected-configs", "yes"]);
  let set = 0;
  for (const [name, value] of config.get(["*"])) {
    const error = config.set([[name, value]], ACCESS);
    if (error === null) set++;
    else assert.match(error, /can't set immutable config|oom-score-adj-values/, name);
    assert.deepEqual(config.get([name]), [[name, value]]);
  }
  assert.ok(set > 120, String(set));
});

test("lines that are no values are handed on, in order, and can be refused", () => {
  const config = new Config(fakeEnvironment());
  config.onLine("rename-command", ([from]) => from === "nope" ? "No such command in rename-command" : null);
  assert.equal(config.applyLine(["rename-command", "get", "fetch"]), null);
  assert.equal(config.applyLine(["rename-command", "nope", "x"]), "No such command in rename-command");
  assert.equal(config.applyLine(["rename-command", "get"]), "Bad directive or wrong number of arguments");
  assert.equal(config.applyLine(["user", "alice", "on", ">pw"]), null);
  assert.deepEqual(config.lines("rename-command"), [["get", "fetch"]]);
  assert.deepEqual(config.lines("user"), [["alice", "on", ">pw"]]);
});

test("what has no effect is told, once each", () => {
  const config = configOf(["daemonize", "yes"], ["io-threads", "1"], ["hz", "20"]);
  const warnings = config.inertWarnings();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^'daemonize yes' has no effect: /);
  const told: string[] = [];
  config.warn = (message) => void told.push(message);
  assert.equal(config.set([["oom-score-adj", "yes"]], ACCESS), null);
  assert.equal(told.length, 1);
  assert.equal(config.set([["oom-score-adj", "no"]], ACCESS), null);
  assert.equal(told.length, 1);
});

test("the server itself may change what clients may not", () => {
  const config = configOf();
  const seen: string[] = [];
  config.onChange("replicaof", (value) => void seen.push(value.text));
  assert.equal(config.assign("replicaof", ["10.0.0.1", "6379"]), null);
  assert.deepEqual(config.get(["slaveof"]), [["slaveof", "10.0.0.1 6379"]]);
  assert.equal(config.assign("replicaof", ["h", "99999"]), "Invalid master port");
  assert.deepEqual(config.list("replicaof"), ["10.0.0.1", "6379"]);
  assert.deepEqual(seen, ["10.0.0.1 6379"]);
});

/** Lines of which each asks for something that is not here, and what the reason names. */
const REFUSED: readonly (readonly [line: string, reason: RegExp])[] = [
  ["aclfile /etc/redis/users.acl", /no users but 'default'.*'requirepass'/],
  ["cluster-enabled yes", /cluster mode is not supported yet.*'cluster-enabled no'/],
  ["tls-port 6380", /TLS is not supported yet/],
  ["tls-replication yes", /TLS is not supported yet/],
  ["tls-cluster yes", /TLS is not supported yet/],
  ["tls-cert-file a.crt", /TLS is not supported yet/],
  ["tls-auth-clients no", /TLS is not supported yet/],
  ["socket-mark-id 7", /cannot mark sockets/],
  ["loadmodule auth.so", /modules written for Redis cannot be loaded/],
  ["user default off", /cannot be switched off/],
  ["user default on nopass ~* &* +@all -flushall", /cannot be restricted/],
  ["user default on nopass ~app:* &* +@all", /cannot be restricted/],
  ["user default on nopass ~* +@all", /without '&\*'/],
  ["user default on nopass", /without '\+@all'/],
  ["user default on ~* &* +@all", /'requirepass'/],
  ["user default on >secret ~* &* +@all", /'requirepass'/],
  ["user default on nopass resetpass >secret ~* &* +@all", /'requirepass'/],
  ["user alice on >secret ~* &* +@all", /'alice'/],
  ["user Default on nopass ~* &* +@all", /'Default'/],
];

for (const [line, reason] of REFUSED) {
  test(`a configuration with '${line}' is refused, with the reason and the way out`, () => {
    const refused = configOf(["hz", "20"], line.split(" ")).refused();
    assert.match(refused?.reason ?? "", reason);
    assert.ok(!refused?.reason.includes("secret"));
  });
}

const HASH_OF_FOO = "#2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

test("what asks for nothing is taken: the defaults, and a default user who is as he would be anyway", () => {
  const taken = [
    ["appendonly yes", 'aclfile ""', "cluster-enabled no", "tls-port 0", "tls-auth-clients yes", "socket-mark-id 0"],
    ["user default on nopass ~* &* +@all"],
    ["user default on nopass sanitize-payload ~* &* +@all"],
    ["user default reset on nopass allkeys allchannels allcommands"],
    ["requirepass foo", `user default on ${HASH_OF_FOO} ~* &* +@all`],
    [`user default on ${HASH_OF_FOO} sanitize-payload ~* &* +@all`, "requirepass foo"],
    ["requirepass foo", "user default on >foo ~* &* +@all"],
  ];
  for (const lines of taken) {
    const config = configOf(...lines.map((line) => line.split(" ").map((word) => word === '""' ? "" : word)));
    assert.equal(config.refused(), null, lines.join("; "));
  }
  const other = configOf(["requirepass", "bar"], ["user", "default", "on", HASH_OF_FOO, "~*", "&*", "+@all"]);
  assert.match(other.refused()?.reason ?? "", /'requirepass'/);
});

test("CONFIG SET of what cannot be given answers an error, and changes nothing", () => {
  const config = configOf();
  assert.match(
    config.set([["hz", "50"], ["tls-port", "7"]], ACCESS) ?? "",
    /^ERR CONFIG SET failed \(possibly related to argument 'tls-port'\) - TLS is not supported yet/,
  );
  assert.deepEqual(config.get(["hz", "tls-port"]), [["hz", "10"], ["tls-port", "0"]]);
  assert.match(config.set([["tls-session-cache-size", "7"]], ACCESS) ?? "", /TLS is not supported yet/);
  assert.equal(config.set([["appendonly", "yes"], ["tls-port", "0"]], ACCESS), null);
});
