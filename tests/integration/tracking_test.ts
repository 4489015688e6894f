/** Client-side caching: who is told that a key changed, and how. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { Push, type Reply, ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
/** Changes keys, and tracks nothing. */
let writer: TestClient;
before(async () => {
  server = await ServerProcess.start();
  writer = await server.connect();
});
after(() => server.stop());

const CHANNEL = "__redis__:invalidate";

/** A client that speaks RESP3. */
async function resp3(...tracking: string[]): Promise<TestClient> {
  const client = await server.connect();
  await client.call("HELLO 3");
  if (tracking.length > 0) await client.expect(["CLIENT", "TRACKING", ...tracking], "OK");
  return client;
}

/** A RESP2 client that listens for invalidations, with its id. */
async function listener(): Promise<[client: TestClient, id: string]> {
  const client = await server.connect();
  const id = String(await client.call("CLIENT ID"));
  await client.expect(["SUBSCRIBE", CHANNEL], ["subscribe", CHANNEL, 1]);
  return [client, id];
}

function invalidate(...keys: string[]): Push {
  return new Push(["invalidate", keys]);
}

/** The keys of the next invalidation, sorted. */
async function readKeys(client: TestClient): Promise<Reply> {
  const message = await client.read();
  const items = message instanceof Push ? message.items : message as readonly Reply[]; // the two forms of a message
  const keys = items[items.length - 1];
  return Array.isArray(keys) ? [...keys].sort() : keys;
}

test("a change of a key that was read is told once", async () => {
  const client = await resp3("ON");
  await writer.expect("SET once 1", "OK");
  await client.expect("GET once", "1");
  await writer.expect("SET once 2", "OK");
  assert.deepEqual(await client.read(), invalidate("once"));
  await writer.expect("SET once 3", "OK");
  await client.expect("PING", "PONG");
  await client.expect("GET once", "3");
  await writer.expect("DEL once", 1);
  assert.deepEqual(await client.read(), invalidate("once"));
});

test("the client's own changes are told after the reply, unless it asks for no loop", async () => {
  const client = await resp3("ON");
  await client.expect("SET own 1", "OK");
  await client.expect("GET own", "1");
  await client.expect("SET own 2", "OK");
  assert.deepEqual(await client.read(), invalidate("own"));
  await client.expect("CLIENT TRACKING ON NOLOOP", "OK");
  await client.expect("GET own", "2");
  await client.expect("SET own 3", "OK");
  await client.expect("PING", "PONG");
});

test("an invalidation does not stand within the reply to a transaction", async () => {
  const client = await resp3("ON");
  await client.expect("MSET a 1 b 2", "OK");
  await client.expect("GET a", "1");
  await client.expect("MULTI", "OK");
  await client.expect("INCR a", "QUEUED");
  await client.expect("GET b", "QUEUED");
  await client.expect("EXEC", [2, "2"]);
  assert.deepEqual(await client.read(), invalidate("a"));
  await writer.expect("INCR b", 3);
  assert.deepEqual(await client.read(), invalidate("b"));
});

test("what is evicted to make room for a write is told before the reply to it", async () => {
  await writer.expect("FLUSHALL", "OK");
  const client = await resp3("ON");
  for (let i = 0; i < 400; i++) await client.expect(["SET", `key:${i}`, "x".repeat(10_000)], "OK");
  for (let i = 0; i < 400; i++) await client.call("GET", `key:${i}`);
  const used = Number(/used_memory:(\d+)/.exec(String(await client.call("INFO memory")))?.[1]);
  await client.expect(["CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", used + 500_000], "OK");
  client.send("SET", "large", "x".repeat(1_000_000));
  client.send("SET", "small", "1");
  const messages: Reply[] = [];
  while (messages.filter((message) => message === "OK").length < 2) messages.push(await client.read());
  assert.ok(messages.some((message) => message instanceof Push));
  assert.equal(messages.at(-1), "OK");
  await writer.expect("CONFIG SET maxmemory 0 maxmemory-policy noeviction", "OK");
});

test("a limit that was lowered is told before the reply to the next command, a queued one's too", async () => {
  const client = await resp3("ON");
  await writer.expect("FLUSHALL", "OK");
  assert.deepEqual(await client.read(), new Push(["invalidate", null]));
  await client.expect("MGET one two three", [null, null, null]);
  await client.expect("MULTI", "OK");
  await writer.expect("CONFIG SET tracking-table-max-keys 2", "OK");
  client.send("PING");
  assert.ok(await client.read() instanceof Push);
  assert.equal(await client.read(), "QUEUED");
  await client.expect("EXEC", ["PONG"]);
  await writer.expect("CONFIG SET tracking-table-max-keys 1000000", "OK");
});

test("reads of any type are tracked, by their keys", async () => {
  const client = await resp3("ON");
  await writer.expect("HSET hash f 1", 1);
  await writer.expect("MSET s1 1 s2 2", "OK");
  await client.expect("HGET hash f", "1");
  await client.expect("MGET s1 s2 s3", ["1", "2", null]);
  await client.expect("OBJECT ENCODING s1", "int");
  await writer.expect("HDEL hash f", 1);
  assert.deepEqual(await client.read(), invalidate("hash"));
  await writer.expect("SET s3 now", "OK");
  assert.deepEqual(await client.read(), invalidate("s3"));
  await writer.expect("EXPIRE s2 100", 1);
  assert.deepEqual(await client.read(), invalidate("s2"));
  await writer.expect("RENAME s1 s4", "OK");
  assert.deepEqual(await client.read(), invalidate("s1"));
});

test("a key that expires is told", async () => {
  const client = await resp3("ON", "NOLOOP");
  await client.expect("SET brief 1 PX 30", "OK");
  await client.expect("GET brief", "1");
  assert.deepEqual(await client.read(), invalidate("brief"));
});

test("invalidations are redirected to a RESP2 client by a message", async () => {
  const [redirected, id] = await listener();
  const client = await server.connect();
  await client.expect(["CLIENT", "TRACKING", "on", "REDIRECT", id], "OK");
  await client.expect("CLIENT GETREDIR", Number(id));
  await writer.expect("MSET r1 1 r2 2", "OK");
  await client.expect("GET r1", "1");
  await writer.expect("INCR r2", 3);
  await writer.expect("INCR r1", 2);
  assert.deepEqual(await redirected.read(), ["message", CHANNEL, ["r1"]]);
  await client.expect("CLIENT TRACKING off", "OK");
  await client.expect("CLIENT GETREDIR", -1);
});

test("invalidations are redirected to a RESP3 client by a push", async () => {
  const redirected = await resp3();
  const id = String(await redirected.call("CLIENT ID"));
  const client = await server.connect();
  await client.expect(["CLIENT", "TRACKING", "ON", "REDIRECT", id], "OK");
  await writer.expect("SET pushed 1", "OK");
  await client.expect("GET pushed", "1");
  await writer.expect("SET pushed 2", "OK");
  assert.deepEqual(await redirected.read(), invalidate("pushed"));
});

test("a redirection whose target is gone is reported", async () => {
  const [redirected, id] = await listener();
  const client = await resp3("ON", "REDIRECT", id);
  await writer.expect("SET broken 1", "OK");
  await client.expect("GET broken", "1");
  redirected.close();
  await until("the target to be gone", async () => await writer.call("CLIENT", "LIST", "ID", id) === "");
  await writer.expect("SET broken 2", "OK");
  assert.deepEqual(await client.read(), new Push(["tracking-redir-broken", Number(id)]));
  const info = await client.call("CLIENT TRACKINGINFO") as Map<Reply, Reply>; // RESP3 has maps
  assert.deepEqual(info.get("flags"), new Set(["on", "broken_redirect"]));
  assert.equal(info.get("redirect"), Number(id));
  assert.match(String(await client.call("CLIENT INFO")), / flags=tR /);
});

test("several clients may redirect to one, and read the same key", async () => {
  const [redirected, id] = await listener();
  const [a, b] = [await server.connect(), await resp3("ON")];
  await a.expect(["CLIENT", "TRACKING", "ON", "REDIRECT", id], "OK");
  await writer.expect("SET shared 1", "OK");
  await a.expect("GET shared", "1");
  await b.expect("GET shared", "1");
  await writer.expect("INCR shared", 2);
  assert.deepEqual(await readKeys(redirected), ["shared"]);
  assert.deepEqual(await b.read(), invalidate("shared"));
});

test("opting in, and out", async () => {
  const client = await resp3("ON", "OPTIN");
  await writer.expect("MSET opt1 1 opt2 1", "OK");
  await client.expect("GET opt1", "1");
  await client.expect("CLIENT CACHING YES", "OK");
  await client.expect("GET opt2", "1");
  await client.expect("GET opt1", "1");
  await writer.expect("MSET opt1 2 opt2 2", "OK");
  assert.deepEqual(await client.read(), invalidate("opt2"));
  await client.expect("PING", "PONG");
  await client.expect("CLIENT CACHING YES", "OK");
  await client.expect("MULTI", "OK");
  await client.expect("GET opt1", "QUEUED");
  await client.expect("GET opt2", "QUEUED");
  await client.expect("EXEC", ["2", "2"]);
  await writer.expect("SET opt1 3", "OK");
  assert.deepEqual(await client.read(), invalidate("opt1"));
  await writer.expect("SET opt2 3", "OK");
  assert.deepEqual(await client.read(), invalidate("opt2"));

  const out = await resp3("ON", "OPTOUT");
  await out.expect("CLIENT CACHING NO", "OK");
  await out.expect("GET opt1", "3");
  await out.expect("GET opt2", "3");
  await writer.expect("MSET opt1 4 opt2 4", "OK");
  assert.deepEqual(await out.read(), invalidate("opt2"));
  await out.expect("PING", "PONG");
});

test("broadcasting tells of all keys with a prefix, of each command or transaction at once", async () => {
  const [redirected, id] = await listener();
  const client = await server.connect();
  await client.expect(["CLIENT", "TRACKING", "on", "BCAST", "REDIRECT", id], "OK");
  await writer.expect("MSET b1 1 b2 2 b3 3", "OK");
  assert.deepEqual(await readKeys(redirected), ["b1", "b2", "b3"]);
  await client.expect("CLIENT TRACKING off", "OK");
  await client.expect(["CLIENT", "TRACKING", "on", "BCAST", "REDIRECT", id, "PREFIX", "a:", "PREFIX", "b:"], "OK");
  writer.sendRaw("MULTI\r\nINCR a:1\r\nINCR a:2\r\nINCR b:1\r\nINCR c:1\r\nINCR b:2\r\nEXEC\r\n");
  for (let i = 0; i < 7; i++) await writer.read();
  const first = await readKeys(redirected);
  const second = await readKeys(redirected);
  assert.deepEqual([first, second].sort(), [["a:1", "a:2"], ["b:1", "b:2"]]);
  await client.expect(["CLIENT", "TRACKING", "on", "BCAST", "REDIRECT", id, "PREFIX", "c:"], "OK");
  await writer.expect("INCR c:1", 2);
  assert.deepEqual(await readKeys(redirected), ["c:1"]);
});

test("broadcasting without loop leaves out the client's own changes", async () => {
  const client = await resp3("ON", "BCAST", "NOLOOP", "PREFIX", "loop");
  await client.expect("SET loop1 1", "OK");
  await writer.expect("SET loop2 1", "OK");
  assert.deepEqual(await client.read(), invalidate("loop2"));
  await client.expect("SET loop3 1 PX 1", "OK");
  assert.deepEqual(await client.read(), invalidate("loop3"));
});

test("after a change of the mode, keys read before are not told", async () => {
  const client = await resp3("ON");
  await writer.expect("SET mode 1", "OK");
  await client.expect("GET mode", "1");
  await client.expect("CLIENT TRACKING OFF", "OK");
  await client.expect("CLIENT TRACKING ON BCAST PREFIX other", "OK");
  await writer.expect("INCR mode", 2);
  await writer.expect("SET other 1", "OK");
  assert.deepEqual(await client.read(), invalidate("other"));
});

for (const flush of ["FLUSHALL", "FLUSHDB"]) {
  test(`${flush} tells to forget everything`, async () => {
    const [redirected, id] = await listener();
    const [client, other] = [await resp3("ON"), await server.connect()];
    await other.expect(["CLIENT", "TRACKING", "ON", "REDIRECT", id], "OK");
    await writer.expect(flush, "OK");
    assert.deepEqual(await client.read(), new Push(["invalidate", null]));
    assert.deepEqual(await redirected.read(), ["message", CHANNEL, null]);
    await client.expect("MULTI", "OK");
    await client.expect(flush, "QUEUED");
    await client.expect("EXEC", ["OK"]);
    assert.deepEqual(await client.read(), new Push(["invalidate", null]));
  });
}

test("SWAPDB tells to forget everything", { skip: IS_ORACLE && "Redis leaves the cache stale" }, async () => {
  const client = await resp3("ON");
  await writer.expect("SWAPDB 0 1", "OK");
  assert.deepEqual(await client.read(), new Push(["invalidate", null]));
  await writer.expect("SWAPDB 0 1", "OK");
});

test("a full table forgets keys, and says so", async () => {
  await writer.expect("FLUSHALL", "OK");
  const client = await resp3("ON");
  const count = 50;
  for (let i = 0; i < count; i++) await client.expect(`GET full:${i}`, null);
  await writer.expect("CONFIG SET tracking-table-max-keys 10", "OK");
  const told = new Set<Reply>();
  while (told.size < count - 10) told.add(String(await readKeys(client)));
  await client.expect("PING", "PONG");
  await writer.expect("CONFIG SET tracking-table-max-keys 1000000", "OK");
});

test("invalidations come through although replies are off", async () => {
  const client = await resp3("ON");
  await writer.expect("SET quiet 1", "OK");
  await client.expect("GET quiet", "1");
  client.send("CLIENT REPLY OFF");
  await writer.expect("SET quiet 2", "OK");
  assert.deepEqual(await client.read(), invalidate("quiet"));
  client.sendRaw("GET quiet\r\nSET quiet 3\r\n");
  assert.deepEqual(await client.read(), invalidate("quiet"));
  await client.expect("CLIENT REPLY ON", "OK");
  await client.expect("PING", "PONG");
});

test("what is tracked, and how", async () => {
  const client = await resp3();
  const info = async (): Promise<Map<Reply, Reply>> => await client.call("CLIENT TRACKINGINFO") as Map<Reply, Reply>; // RESP3 has maps
  const map = (flags: string[], redirect: number, prefixes: string[]): Map<Reply, Reply> =>
    new Map<Reply, Reply>([["flags", new Set(flags)], ["redirect", redirect], ["prefixes", prefixes]]);
  assert.deepEqual(await info(), map(["off"], -1, []));
  await client.expect("CLIENT TRACKING ON NOLOOP", "OK");
  assert.deepEqual(await info(), map(["on", "noloop"], 0, []));
  await client.expect("CLIENT TRACKING OFF", "OK");
  await client.expect("CLIENT TRACKING ON OPTIN", "OK");
  await client.expect("CLIENT CACHING YES", "OK");
  assert.deepEqual(await info(), map(["on", "optin", "caching-yes"], 0, []));
  await client.expect("CLIENT TRACKING OFF", "OK");
  await client.expect("CLIENT TRACKING ON OPTOUT", "OK");
  await client.expect("CLIENT CACHING NO", "OK");
  assert.deepEqual(await info(), map(["on", "optout", "caching-no"], 0, []));
  await client.expect("CLIENT TRACKING OFF", "OK");
  await client.expect("CLIENT TRACKING ON BCAST", "OK");
  assert.deepEqual(await info(), map(["on", "bcast"], 0, [""]));
  await client.expect("CLIENT TRACKING OFF", "OK");
  const plain = await server.connect();
  await plain.expect("CLIENT TRACKINGINFO", ["flags", ["off"], "redirect", -1, "prefixes", []]);
});

test("what CLIENT TRACKING and CACHING refuse", async () => {
  const client = await server.connect();
  const refused = async (line: string, error: string) => await client.expect(line, new ReplyError(`ERR ${error}`));
  await refused(
    "CLIENT CACHING YES",
    "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
  );
  await refused("CLIENT TRACKING PERHAPS", "syntax error");
  await refused("CLIENT TRACKING ON NONSENSE", "syntax error");
  await refused("CLIENT TRACKING ON PREFIX a", "PREFIX option requires BCAST mode to be enabled");
  await refused("CLIENT TRACKING ON REDIRECT 999999", "The client ID you want redirect to does not exist");
  await refused("CLIENT TRACKING ON REDIRECT x", "value is not an integer or out of range");
  await refused("CLIENT TRACKING ON BCAST OPTIN", "OPTIN and OPTOUT are not compatible with BCAST");
  await refused("CLIENT TRACKING ON OPTIN OPTOUT", "You can't specify both OPTIN mode and OPTOUT mode");
  await client.expect("CLIENT TRACKING ON BCAST PREFIX foo", "OK");
  const end = "Prefixes for a single client must not overlap.";
  await refused(
    "CLIENT TRACKING ON BCAST PREFIX foobar",
    `Prefix 'foobar' overlaps with an existing prefix 'foo'. ${end}`,
  );
  await refused(
    "CLIENT TRACKING ON BCAST PREFIX yy PREFIX y",
    `Prefix 'yy' overlaps with another provided prefix 'y'. ${end}`,
  );
  const mode = "before disabling tracking for this client, and then re-enabling it with a different mode.";
  await refused("CLIENT TRACKING ON", `You can't switch BCAST mode on/off ${mode}`);
  await refused("CLIENT CACHING YES", "CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  await client.expect("CLIENT TRACKING OFF", "OK");
  await client.expect("CLIENT TRACKING ON OPTIN", "OK");
  await refused("CLIENT TRACKING ON OPTOUT", `You can't switch OPTIN/OPTOUT mode ${mode}`);
  await refused("CLIENT CACHING NO", "CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
});

test("INFO tells what is tracked", async () => {
  const own = await ServerProcess.start();
  try {
    const [client, other, changing] = [await own.connect(), await own.connect(), await own.connect()];
    await client.expect("CLIENT TRACKING ON", "OK");
    await other.expect("CLIENT TRACKING ON BCAST PREFIX a PREFIX b", "OK");
    await client.expect("MGET one two", [null, null]);
    const figures = async (): Promise<string[]> =>
      String(await changing.call("INFO everything")).split("\r\n").filter((line) => line.startsWith("tracking_"))
        .sort();
    const expected = (keys: number): string[] => [
      "tracking_clients:2",
      `tracking_total_items:${keys}`,
      `tracking_total_keys:${keys}`,
      "tracking_total_prefixes:2",
    ];
    assert.deepEqual(await figures(), expected(2));
    await changing.expect("SET one 1", "OK");
    assert.deepEqual(await figures(), expected(1));
    await changing.expect("FLUSHALL ASYNC", "OK");
    assert.deepEqual(await figures(), expected(0));
  } finally {
    await own.stop();
  }
});
