/** INFO, TIME, LOLWUT: the server about itself. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

/** INFO as a map of fields. */
async function info(...sections: string[]): Promise<Map<string, string>> {
  const text = String(await client.call("INFO", ...sections));
  const lines = text.split("\r\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

async function titles(...sections: string[]): Promise<string[]> {
  const text = String(await client.call("INFO", ...sections));
  return text.split("\r\n").filter((line) => line.startsWith("#")).map((line) => line.slice(2));
}

const DEFAULT = [
  "Server",
  "Clients",
  "Memory",
  "Persistence",
  "Stats",
  "Replication",
  "CPU",
  "Modules",
  "Errorstats",
  "Cluster",
  "Keyspace",
];

test("sections are shown by default, by name, in groups, and unknown ones not at all", async () => {
  assert.deepEqual(await titles(), DEFAULT);
  assert.deepEqual(await titles("default"), DEFAULT);
  assert.deepEqual(await titles("keyspace", "SERVER", "nosuchsection"), ["Server", "Keyspace"]);
  assert.deepEqual(await titles("nosuchsection"), []);
  const withMore = [...DEFAULT.slice(0, 8), "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace"];
  assert.deepEqual(await titles("everything"), withMore);
  assert.deepEqual(await titles("all"), withMore);
  assert.deepEqual(await titles("default", "commandstats"), [
    ...DEFAULT.slice(0, 8),
    "Commandstats",
    ...DEFAULT.slice(8),
  ]);
  assert.equal(await client.call("INFO", "nosuchsection"), "");
});

test("in RESP3 it is verbatim text", async () => {
  const other = await server.connect();
  await other.call("HELLO 3");
  other.sendRaw("INFO cluster\r\n");
  const expected = "=36\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n";
  assert.equal((await other.readRaw(expected.length)).replace(/^=\d+/, "=36"), expected);
});

test("the fields that clients switch on", async () => {
  const fields = await info();
  assert.match(fields.get("redis_version") ?? "", /^7\.\d+\.\d+$/);
  assert.equal(fields.get("redis_mode"), "standalone");
  assert.equal(fields.get("tcp_port"), String(server.port));
  assert.equal(fields.get("process_id"), String(server.child.pid));
  assert.match(fields.get("run_id") ?? "", /^[0-9a-f]{40}$/);
  assert.equal(fields.get("role"), "master");
  assert.match(fields.get("master_replid") ?? "", /^[0-9a-f]{40}$/);
  assert.equal(fields.get("loading"), "0");
  assert.equal(fields.get("rdb_bgsave_in_progress"), "0");
  assert.equal(fields.get("maxmemory_policy"), "noeviction");
  for (
    const field of ["used_memory", "used_memory_rss", "used_memory_peak", "total_system_memory", "hz", "lru_clock"]
  ) {
    assert.ok(Number(fields.get(field)) > 0, `${field}:${fields.get(field)}`);
  }
  assert.ok(Number(fields.get("used_memory_peak")) >= Number(fields.get("used_memory")));
});

test("tredis says what it is (tredis's own)", { skip: IS_ORACLE }, async () => {
  const fields = await info("server");
  assert.equal(fields.get("server_name"), "tredis");
  assert.match(fields.get("tredis_version") ?? "", /^\d+\.\d+\.\d+/);
  assert.equal(fields.get("redis_version"), "7.2.4");
  assert.equal(fields.get("listener0"), `name=tcp,bind=*,bind=-::*,port=${server.port}`);
});

test("the keyspace's fields follow the keys", async () => {
  await client.expect("FLUSHALL", "OK");
  assert.deepEqual([...await info("keyspace")], []);
  await client.expect("MSET a 1 b 2 c 3", "OK");
  await client.expect("PEXPIRE a 100000", 1);
  await client.expect("SELECT 9", "OK");
  await client.expect("SET d 4", "OK");
  await client.expect("SELECT 0", "OK");
  const fields = await info("keyspace");
  assert.match(fields.get("db0") ?? "", /^keys=3,expires=1,avg_ttl=\d+$/);
  assert.match(fields.get("db9") ?? "", /^keys=1,expires=0,avg_ttl=0$/);
  await client.expect("FLUSHALL", "OK");
});

test("calls, errors and hits are counted, and reset", async () => {
  await client.expect("CONFIG RESETSTAT", "OK");
  await client.expect("SET a 1", "OK");
  await client.expect("GET a", "1");
  await client.expect("GET missing", null);
  await client.expect("HGET a f", /^WRONGTYPE/);
  await client.expect("GET", /wrong number of arguments/);
  await client.expect("NOSUCHCOMMAND", /unknown command/);
  const stats = await info("stats");
  assert.equal(stats.get("keyspace_hits"), "2");
  assert.equal(stats.get("keyspace_misses"), "1");
  assert.equal(stats.get("total_error_replies"), "3");
  assert.ok(Number(stats.get("total_net_input_bytes")) > 100);
  const commands = await info("commandstats");
  assert.match(
    commands.get("cmdstat_get") ?? "",
    /^calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=1,failed_calls=0$/,
  );
  assert.match(commands.get("cmdstat_hget") ?? "", /^calls=1,.*,rejected_calls=0,failed_calls=1$/);
  assert.match(commands.get("cmdstat_config|resetstat") ?? "", /^calls=1,/);
  const errors = await info("errorstats");
  assert.equal(errors.get("errorstat_ERR"), "count=2");
  assert.equal(errors.get("errorstat_WRONGTYPE"), "count=1");
  const latency = await info("latencystats");
  assert.match(latency.get("latency_percentiles_usec_get") ?? "", /^p50=[\d.]+,p99=[\d.]+,p99\.9=[\d.]+$/);
  await client.expect("CONFIG RESETSTAT", "OK");
  assert.equal((await info("stats")).get("keyspace_hits"), "0");
  assert.equal((await info("commandstats")).has("cmdstat_get"), false);
});

test("rates rise while commands come", async () => {
  const other = await server.connect();
  await until("a rate above 0", async () => {
    for (let i = 0; i < 200; i++) other.send("PING");
    for (let i = 0; i < 200; i++) await other.read();
    const fields = await info("stats");
    return Number(fields.get("instantaneous_ops_per_sec")) > 0 && Number(fields.get("instantaneous_input_kbps")) > 0;
  });
});

test("clients are counted", async () => {
  const before = Number((await info("clients")).get("connected_clients"));
  const other = await server.connect();
  await other.expect("PING", "PONG");
  assert.equal(Number((await info("clients")).get("connected_clients")), before + 1);
  other.close();
  await until("its end to be seen", async () => Number((await info("clients")).get("connected_clients")) === before);
});

test("a replica and its primary describe each other", async () => {
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", "127.0.0.1", String(server.port)] });
  try {
    const follower = await replica.connect();
    const of = async (who: TestClient) => {
      const lines = String(await who.call("INFO replication")).split("\r\n").map((line) => line.split(/:(.*)/));
      return new Map(lines.map(([name, value]) => [name, value]));
    };
    await until("the link to be up", async () => (await of(follower)).get("master_link_status") === "up");
    await until("the replica to be online", async () => /state=online/.test((await of(client)).get("slave0") ?? ""));
    const [above, below] = [await of(client), await of(follower)];
    assert.equal(above.get("connected_slaves"), "1");
    assert.match(above.get("slave0") ?? "", /^ip=(127\.0\.0\.1|::1),port=\d+,state=online,offset=\d+,lag=[01]$/);
    assert.equal(above.get("repl_backlog_active"), "1");
    assert.equal(below.get("role"), "slave");
    assert.equal(below.get("master_host"), "127.0.0.1");
    assert.equal(below.get("master_port"), String(server.port));
    assert.equal(below.get("master_sync_in_progress"), "0");
    assert.equal(below.get("master_replid"), above.get("master_replid"));
    assert.equal(below.get("slave_priority"), "100");
    assert.equal(below.get("slave_read_only"), "1");
    assert.equal(below.get("replica_announced"), "1");
    assert.ok(Number(below.get("master_last_io_seconds_ago")) >= 0);
    assert.equal(below.has("master_link_down_since_seconds"), false);
    await follower.expect("REPLICAOF 127.0.0.1 1", "OK");
    const lost = await of(follower);
    assert.equal(lost.get("master_link_status"), "down");
    assert.equal(lost.get("master_last_io_seconds_ago"), "-1");
    assert.ok(lost.has("master_link_down_since_seconds"));
  } finally {
    await replica.stop();
  }
});

test("TIME is now", async () => {
  const before = Math.floor(Date.now() / 1000);
  const reply = await client.call("TIME");
  assert.ok(Array.isArray(reply) && reply.length === 2);
  const [seconds, microseconds] = reply.map(Number);
  assert.ok(seconds >= before - 1 && seconds <= Date.now() / 1000 + 1);
  assert.ok(microseconds >= 0 && microseconds < 1e6);
});

test("LOLWUT draws and ends with the version", async () => {
  for (const args of [[], ["VERSION", "5"], ["VERSION", "6", "10", "5"], ["20", "5", "1"]]) {
    const text = String(await client.call("LOLWUT", ...args));
    assert.match(text.trimEnd().split("\n").at(-1) ?? "", /Redis ver\. 7\.\d+\.\d+/);
  }
  await client.expect("LOLWUT VERSION x", new ReplyError("ERR value is not an integer or out of range"));
});

test("the debug section is shown to whoever asks for it by name", { skip: IS_ORACLE }, async () => {
  await client.expect("CONFIG RESETSTAT", "OK");
  client.sendRaw("PING\r\n".repeat(5));
  for (let i = 0; i < 5; i++) assert.equal(await client.read(), "PONG");
  const text = String(await client.call("INFO debug"));
  assert.match(text, /^# Debug\r\neventloop_duration_aof_sum:0\r\neventloop_duration_cron_sum:\d+\r\n/);
  assert.match(text, /eventloop_duration_max:\d+\r\neventloop_cmd_per_cycle_max:[1-9]\d*\r\n$/);
  assert.doesNotMatch(String(await client.call("INFO everything")), /# Debug/);
});

test("a command that has waited counts as called once, when it is answered, and its error as its own", async () => {
  const statistics = async (name: string) =>
    new RegExp(`cmdstat_${name}:calls=(\\d+),.*failed_calls=(\\d+)`).exec(
      String(await client.call("INFO commandstats")),
    )
      ?.slice(1) ?? [];
  const waiting = async (...words: (string | number)[]) => {
    const one = await server.connect();
    const id = Number(await one.call("CLIENT ID"));
    one.send(...words);
    await until("it to wait", async () => /blocked_clients:1\r/.test(String(await client.call("INFO clients"))));
    return { one, id };
  };
  await client.expect("CONFIG RESETSTAT", "OK");
  const served = await waiting("BRPOP", "list", 0);
  await client.expect("RPUSH list x", 1);
  assert.deepEqual(await served.one.read(), ["list", "x"]);
  assert.deepEqual(await statistics("brpop"), ["1", "0"]);
  const unblocked = await waiting("BLPOP", "list", 0);
  await client.expect(`CLIENT UNBLOCK ${unblocked.id} ERROR`, 1);
  assert.match(JSON.stringify(await unblocked.one.read()), /UNBLOCKED/);
  assert.deepEqual(await statistics("blpop"), ["1", "1"]);
  assert.match(String(await client.call("INFO errorstats")), /errorstat_UNBLOCKED:count=1\r/);
  assert.match(String(await client.call("INFO stats")), /total_error_replies:1\r/);
  const inVain = await waiting("BZPOPMIN", "zset", 0.05);
  assert.equal(await inVain.one.read(), null);
  assert.deepEqual(await statistics("bzpopmin"), ["1", "0"]);
});

test("payloads that RESTORE has checked are counted", async () => {
  await client.expect("CONFIG SET sanitize-dump-payload yes", "OK");
  await client.expect("CONFIG RESETSTAT", "OK");
  await client.expect("HSET hash f v", 1);
  const payload = String(await client.call("DUMP hash"));
  await client.expect(["RESTORE", "twin", 0, payload], "OK");
  assert.equal((await info("stats")).get("dump_payload_sanitizations"), "1");
  await client.expect("CONFIG RESETSTAT", "OK");
  assert.equal((await info("stats")).get("dump_payload_sanitizations"), "0");
});
