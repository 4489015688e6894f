/** SLOWLOG and LATENCY: commands that took long. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "./server_process.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

/** Has every command logged, from an empty log. */
async function logAll(): Promise<void> {
  await client.expect("CONFIG SET slowlog-max-len 128 slowlog-log-slower-than -1", "OK");
  await client.expect("SLOWLOG RESET", "OK");
  await client.expect("CONFIG SET slowlog-log-slower-than 0", "OK");
}

type Entry = readonly [number, number, number, readonly string[], string, string];

/** The whole log, newest first, without the command that stopped it. */
async function logged(): Promise<Entry[]> {
  await client.expect("CONFIG SET slowlog-log-slower-than -1", "OK");
  return await client.call("SLOWLOG GET -1") as unknown as Entry[]; // the form is what the test is about
}

test("an entry tells id, time, duration, arguments, address and name", async () => {
  await client.expect("CLIENT SETNAME slow-one", "OK");
  await logAll();
  await client.expect("SET key value", "OK");
  const entries = await logged();
  const [id, time, microseconds, args, address, name] = entries[0];
  assert.deepEqual(args, ["SET", "key", "value"]);
  assert.equal(typeof id, "number");
  assert.ok(Math.abs(time - Date.now() / 1000) < 3600);
  assert.ok(Number.isInteger(microseconds) && microseconds >= 0);
  assert.match(address, /^127\.0\.0\.1:\d+$/);
  assert.equal(name, "slow-one");
  assert.equal(entries[1][0], id - 1);
  assert.equal(entries[1][3][0], "CONFIG");
});

test("many and long arguments are shortened", async () => {
  await logAll();
  const keys = Array.from({ length: 33 }, (_, i) => `k${i}`);
  await client.call("DEL", ...keys);
  await client.call("DEL", ...keys.slice(0, 31));
  await client.call("GET", "A".repeat(129));
  await client.call("GET", "A".repeat(128));
  const [exact, long, all, many] = (await logged()).map((entry) => entry[3]);
  assert.deepEqual(exact, ["GET", "A".repeat(128)]);
  assert.deepEqual(long, ["GET", "A".repeat(128) + "... (1 more bytes)"]);
  assert.deepEqual(all, ["DEL", ...keys.slice(0, 31)]);
  assert.deepEqual(many, ["DEL", ...keys.slice(0, 30), "... (3 more arguments)"]);
});

test("secrets are hidden, and of a transaction the commands are logged, not EXEC", async () => {
  await logAll();
  await client.expect("CONFIG SET masterauth secret", "OK");
  await client.call("AUTH user secret");
  await client.call("MULTI");
  await client.call("GET inside");
  await client.expect("EXEC", [null]);
  const args = (await logged()).map((entry) => entry[3].join(" "));
  assert.deepEqual(args.slice(0, 4), [
    "GET inside",
    "MULTI",
    "AUTH (redacted) (redacted)",
    "CONFIG SET masterauth (redacted)",
  ]);
});

test("the log is as long as configured, and GET shows as much as asked", async () => {
  await logAll();
  await client.expect("CONFIG SET slowlog-max-len 10", "OK");
  for (let i = 0; i < 30; i++) await client.expect("PING", "PONG");
  await client.expect("SLOWLOG LEN", 10);
  await client.expect("CONFIG SET slowlog-log-slower-than -1", "OK");
  const count = async (...args: string[]): Promise<number> =>
    (await client.call("SLOWLOG", "GET", ...args) as readonly Reply[]).length; // an array, or the test fails
  assert.deepEqual([await count(), await count("0"), await count("3"), await count("-1")], [10, 0, 3, 10]);
  await client.expect("CONFIG SET slowlog-max-len 100", "OK");
  await client.expect("SLOWLOG LEN", 10);
  await client.expect("SLOWLOG GET -2", new ReplyError("ERR count should be greater than or equal to -1"));
  await client.expect("SLOWLOG GET x", new ReplyError("ERR count should be greater than or equal to -1"));
  await client.expect("SLOWLOG RESET", "OK");
  await client.expect("SLOWLOG LEN", 0);
  assert.match(String(await client.call("SLOWLOG HELP")), /^SLOWLOG <subcommand>/);
});

test("only what takes long enough is logged", async () => {
  await client.expect("CONFIG SET slowlog-log-slower-than 3600000000", "OK");
  await client.expect("SLOWLOG RESET", "OK");
  await client.expect("PING", "PONG");
  await client.expect("SLOWLOG LEN", 0);
});

/** Runs a command that takes some milliseconds. */
async function beSlow(): Promise<void> {
  await client.expect("LCS long1 long2 LEN", /^\d+$/);
}

test("the latency monitor notes spikes", async () => {
  let [one, two] = ["", ""];
  for (let i = 0; i < 8000; i++) {
    one += String.fromCharCode(97 + ((i * 7) % 26));
    two += String.fromCharCode(97 + ((i * 11 + (i >> 4)) % 26));
  }
  await client.expect(["MSET", "long1", one, "long2", two], "OK");
  await client.expect("LATENCY RESET", /^\d+$/);
  await client.expect("CONFIG SET latency-monitor-threshold 0", "OK");
  await beSlow();
  await client.expect("LATENCY LATEST", []);
  await client.expect("CONFIG SET latency-monitor-threshold 1", "OK");
  await beSlow();
  const history = await client.call("LATENCY HISTORY command") as readonly (readonly [number, number])[]; // pairs
  assert.equal(history.length >= 1, true);
  const longest = Math.max(...history.map(([, milliseconds]) => milliseconds));
  assert.ok(longest >= 1);
  const latest = await client.call("LATENCY LATEST") as readonly (readonly Reply[])[]; // arrays of four
  const command = latest.find(([event]) => event === "command") ?? [];
  assert.deepEqual(command, ["command", ...history[history.length - 1], longest]);
  const graph = String(await client.call("LATENCY GRAPH command"));
  assert.match(graph, /^command - high \d+ ms, low \d+ ms \(all time high \d+ ms\)\n-{80}\n/);
  assert.match(String(await client.call("LATENCY DOCTOR")), /command: \d+ latency spikes/);
  await client.expect("LATENCY HISTORY nothing", []);
  await client.expect("LATENCY GRAPH nothing", new ReplyError("ERR No samples available for event 'nothing'"));
  await client.expect("LATENCY RESET nothing", 0);
  await client.expect("CONFIG SET latency-monitor-threshold 100000", "OK");
  await client.expect("LATENCY RESET command", 1);
  await client.expect("LATENCY HISTORY command", []);
  await client.expect("CONFIG SET latency-monitor-threshold 0", "OK");
  await client.expect("LATENCY RESET", /^\d+$/);
  assert.ok(String(await client.call("LATENCY DOCTOR")).length > 0);
  await client.expect("LATENCY HELP x", new ReplyError("ERR wrong number of arguments for 'latency|help' command"));
});

/** What LATENCY HISTOGRAM tells, by command: calls, and the highest count of its steps. */
async function histogram(of: TestClient, ...commands: string[]): Promise<Map<Reply, { calls: Reply; last: Reply }>> {
  const reply = await of.call("LATENCY", "HISTOGRAM", ...commands) as Map<Reply, Map<Reply, Reply>>; // RESP3 has maps
  const found = new Map<Reply, { calls: Reply; last: Reply }>();
  for (const [name, figures] of reply) {
    const steps = figures.get("histogram_usec") as Map<Reply, Reply>; // as above
    found.set(name, { calls: figures.get("calls") ?? null, last: [...steps.values()].pop() ?? null });
  }
  return found;
}

test("durations are told by command", async () => {
  const other = await server.connect();
  await other.call("HELLO 3");
  await other.expect("CONFIG RESETSTAT", "OK");
  for (const line of ["SET a b", "SET c d", "CLIENT ID", "CLIENT GETNAME", "CLIENT ID"]) await other.call(line);
  const found = await histogram(other, "set", "client|id", "get", "nosuchcommand");
  assert.deepEqual([...found.keys()].sort(), ["client|id", "set"]);
  assert.deepEqual(found.get("set"), { calls: 2, last: 2 });
  assert.deepEqual([...(await histogram(other, "CLIENT")).keys()].sort(), ["client|getname", "client|id"]);
  assert.deepEqual((await histogram(other)).get("client|id"), { calls: 2, last: 2 });
  await other.call("HELLO 2");
  const flat = await other.call("LATENCY HISTOGRAM set") as readonly Reply[]; // an array in RESP2
  assert.equal(flat.length, 2);
  assert.deepEqual(flat[0], "set");
});
