/**
 * Keys that leave for another server: what arrives, what stays, and what meets a migration that takes its time. Runs against
 * redis-server too, but for what happens while it stands still.
 */

import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import type { TestClient } from "./test_client.ts";

const OURS = { skip: IS_ORACLE && "redis-server stands still while it migrates" };

let source: ServerProcess;
let target: ServerProcess;
let here: TestClient;
let there: TestClient;

before(async () => {
  source = await ServerProcess.start();
  target = await ServerProcess.start();
  here = await source.connect();
  there = await target.connect();
});
after(async () => {
  await source.stop();
  await target.stop();
});
afterEach(async () => {
  await here.expect("CLIENT UNPAUSE", "OK");
  await here.expect("FLUSHALL", "OK");
  await there.expect("FLUSHALL", "OK");
});

async function blocked(): Promise<number> {
  return Number(/blocked_clients:(\d+)/.exec(String(await here.call("INFO clients")))?.[1]);
}

/** A server that answers what it is sent when it is told to. */
class SlowTarget {
  readonly sockets: Socket[] = [];
  received = "";
  connections = 0;

  private constructor(readonly server: ReturnType<typeof createServer>) {
    server.on("connection", (socket) => {
      this.connections++;
      this.sockets.push(socket);
      socket.on("data", (chunk) => this.received += chunk.toString("latin1"));
      socket.on("error", () => {});
    });
  }

  static start(): Promise<SlowTarget> {
    return new Promise((resolve) => {
      const server = createServer();
      const slow = new SlowTarget(server);
      server.listen(0, "127.0.0.1", () => resolve(slow));
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Waits until it has been sent so many RESTOREs. */
  async asked(times = 1): Promise<void> {
    await until("a RESTORE", () => this.received.split("RESTORE").length > times);
  }

  answer(text: string): void {
    this.sockets.at(-1)?.write(text);
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

/** Runs `body` with a slow target and a client whose `words` (`PORT` is the target's) it holds up. */
async function slowly(
  words: string,
  body: (slow: SlowTarget, migrating: TestClient) => Promise<void>,
): Promise<void> {
  const slow = await SlowTarget.start();
  const migrating = await source.connect();
  migrating.send(...words.replace("PORT", String(slow.port)).split(" ").map((word) => word === "''" ? "" : word));
  try {
    await slow.asked();
    await body(slow, migrating);
  } finally {
    migrating.close();
    slow.stop();
    await until("nobody to be held up", async () => await blocked() === 0);
  }
}

const VALUES: readonly (readonly [command: string, look: string])[] = [
  ["SET string value", "GET string"],
  ["RPUSH list a b c", "LRANGE list 0 -1"],
  ["SADD set 3 1 2", "SMEMBERS set"],
  ["ZADD zset 1 a 2.5 b", "ZRANGE zset 0 -1 WITHSCORES"],
  ["HSET hash f v", "HGETALL hash"],
  ["XADD stream 1-1 f v", "XRANGE stream - +"],
];

test("values of all types leave in one command, and arrive as they were", async () => {
  const looks = [];
  for (const [command, look] of VALUES) {
    await here.call(command);
    looks.push(await here.call(look));
  }
  const keys = VALUES.map(([command]) => command.split(" ")[1]);
  await here.expect("EXPIRE hash 1000", 1);
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "", 2, 5000, "KEYS", ...keys, "missing"], "OK");
  await here.expect("DBSIZE", 0);
  await there.expect("SELECT 2", "OK");
  for (const [index, [, look]] of VALUES.entries()) assert.deepEqual(await there.call(look), looks[index]);
  assert.ok(Number(await there.call("TTL hash")) > 900);
  await there.expect("TTL list", -1);
  await there.expect("SELECT 0", "OK");
});

test("COPY leaves the key, REPLACE takes the place of what is there, and without it the key stays", async () => {
  await here.expect("SET k new", "OK");
  await there.expect("SET k old", "OK");
  const words = ["MIGRATE", "127.0.0.1", target.port, "k", 0, 5000];
  await here.expect(words, /^ERR Target instance replied with error: BUSYKEY /);
  await here.expect("GET k", "new");
  await here.expect([...words, "COPY", "REPLACE"], "OK");
  await here.expect("GET k", "new");
  await there.expect("GET k", "new");
  await here.expect([...words, "replace"], "OK");
  await here.expect("EXISTS k", 0);
});

test("of several keys those leave that are taken, and the first error is told", async () => {
  for (const key of ["a", "b", "c"]) await here.expect(`SET ${key} new`, "OK");
  await there.expect("SET b old", "OK");
  await here.expect(
    ["MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", "a", "b", "c"],
    /^ERR Target instance replied with error: BUSYKEY /,
  );
  await here.expect("KEYS *", ["b"]);
  await there.expect("DBSIZE", 3);
});

test("what is wrong is told in Redis's words", async () => {
  await here.expect("SET k v", "OK");
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "none", 0, 100], "NOKEY");
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "", 0, 100, "KEYS"], "NOKEY");
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "k", "x", 100], /^ERR value is not an integer/);
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "k", 0, 100, "AUTH"], /^ERR syntax error$/);
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "k", 0, 100, "AUTH2", "a"], /^ERR syntax error$/);
  await here.expect(
    ["MIGRATE", "127.0.0.1", target.port, "k", 0, 100, "KEYS", "k"],
    /^ERR When using MIGRATE KEYS option, the key argument must be set to the empty string$/,
  );
  await here.expect(
    ["MIGRATE", "127.0.0.1", target.port, "k", 99, 5000],
    /^ERR Target instance replied with error: ERR DB index is out of range$/,
  );
  await here.expect(["MIGRATE", "127.0.0.1", 1, "k", 0, 100], /^IOERR error or timeout writing to target instance$/);
  await here.expect("EXISTS k", 1);
});

test("whoever asks for a password is given one, which nobody is shown", async () => {
  await here.expect("SET k v", "OK");
  await there.expect("CONFIG SET requirepass secret", "OK");
  await there.call("CLIENT KILL TYPE normal SKIPME yes"); // connections of before have been let in
  const monitor = await source.connect();
  await monitor.expect("MONITOR", "OK");
  await here.expect("CONFIG SET slowlog-log-slower-than 0", "OK");
  const words = ["MIGRATE", "127.0.0.1", target.port, "k", 0, 5000];
  await here.expect(words, /NOAUTH/);
  await here.expect([...words, "AUTH", "wrong"], /WRONGPASS/);
  await here.expect([...words, "COPY", "AUTH", "secret"], "OK");
  await here.expect([...words, "REPLACE", "AUTH2", "default", "secret"], "OK");
  await here.expect("EXISTS k", 0);
  await here.expect("CONFIG SET slowlog-log-slower-than 10000", "OK");
  const shown = [JSON.stringify(await here.call("SLOWLOG GET 20"))];
  while (!shown.at(-1)?.includes("EXISTS")) shown.push(String(await monitor.read()));
  assert.match(shown[0], /MIGRATE.*redacted/);
  assert.ok(shown.some((line) => line.includes("AUTH2") && line.includes("(redacted)")), shown.join("\n"));
  assert.ok(!shown.some((line) => line.includes("secret") || line.includes("wrong")), shown.join("\n"));
  await there.expect("AUTH secret", "OK");
  await there.expect(["CONFIG", "SET", "requirepass", ""], "OK");
});

test("the keys' leaving is propagated as their deletion, and told to those who listen", async () => {
  await here.expect("CONFIG SET repl-diskless-sync-delay 0", "OK");
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", `127.0.0.1 ${source.port}`] });
  try {
    const below = await replica.connect();
    await here.expect("MSET a 1 b 2", "OK");
    await until("the replica to have both", async () => await below.call("DBSIZE") === 2);
    await here.expect("CONFIG SET notify-keyspace-events Eg", "OK");
    const listener = await source.connect();
    await listener.call("SUBSCRIBE __keyevent@0__:del");
    await here.expect(["MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", "a", "b"], "OK");
    await here.expect("WAIT 1 10000", 1);
    await below.expect("DBSIZE", 0);
    for (const key of ["a", "b"]) assert.deepEqual(await listener.read(), ["message", "__keyevent@0__:del", key]);
  } finally {
    await here.call("CONFIG", "SET", "notify-keyspace-events", "");
    await replica.stop();
  }
});

test("a connection is kept for the next migration, and renewed where the other end has closed it", async () => {
  await here.expect("MSET a 1 b 2 c 3", "OK");
  const words = (key: string) => ["MIGRATE", "127.0.0.1", target.port, key, 0, 5000];
  await here.expect(words("a"), "OK");
  assert.match(String(await here.call("INFO stats")), /migrate_cached_sockets:[12]\r/);
  await here.expect(words("b"), "OK");
  await there.call("CLIENT KILL TYPE normal SKIPME yes");
  await here.expect(words("c"), "OK");
  await there.expect("DBSIZE", 3);
  await until("it to be closed", async () => /migrate_cached_sockets:0\r/.test(String(await here.call("INFO stats"))));
});

test("a transaction cannot wait for another server", OURS, async () => {
  await here.expect("SET k v", "OK");
  await here.expect("MULTI", "OK");
  await here.expect(["MIGRATE", "127.0.0.1", target.port, "k", 0, 5000], "QUEUED");
  const [reply] = await here.call("EXEC") as unknown[];
  assert.match(JSON.stringify(reply), /MIGRATE waits/);
  await here.expect("EXISTS k", 1);
});

test("while keys are under way reads go on, and writes wait, so that none is lost", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000", async (slow, migrating) => {
    await here.expect("GET k", "v");
    const writer = await source.connect();
    writer.send("APPEND", "k", "more");
    await until("the write to wait", async () => await blocked() === 2);
    slow.answer("+OK\r\n");
    assert.equal(await migrating.read(), "OK");
    assert.equal(await writer.read(), 4); // of what is here now: the key had left
  });
});

test("a copy under way keeps nobody waiting", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000 COPY", async (slow, migrating) => {
    await here.expect("SET k other", "OK");
    slow.answer("+OK\r\n");
    assert.equal(await migrating.read(), "OK");
    await here.expect("GET k", "other");
  });
});

test("a target that does not answer in time keeps the keys here", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 200", async (_slow, migrating) => {
    assert.match(JSON.stringify(await migrating.read()), /IOERR error or timeout reading/);
    await here.expect("APPEND k w", 2);
  });
});

test("of the keys, those are gone that were taken before the target left", OURS, async () => {
  await here.expect("MSET a 1 b 2", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT '' 0 60000 KEYS a b", async (slow, migrating) => {
    slow.answer("+OK\r\n");
    slow.sockets.at(-1)?.end();
    assert.match(JSON.stringify(await migrating.read()), /IOERR/);
    await here.expect("KEYS *", ["b"]);
  });
});

test("a client that leaves in the middle leaves the migration to go on", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000", async (slow, migrating) => {
    migrating.close();
    await until("the client to be gone", async () => await blocked() === 0);
    slow.answer("+OK\r\n");
    await until("the key to be gone", async () => await here.call("EXISTS k") === 0);
    await here.expect("SET k again", "OK");
  });
});

test("during a pause nothing is removed: the key goes when it is over", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000", async (slow, migrating) => {
    await here.expect("CLIENT PAUSE 100000 WRITE", "OK");
    slow.answer("+OK\r\n");
    for (let i = 0; i < 20; i++) await here.expect("EXISTS k", 1);
    await here.expect("CLIENT UNPAUSE", "OK");
    assert.equal(await migrating.read(), "OK");
    await here.expect("EXISTS k", 0);
  });
});

test("a server that becomes a replica in the middle removes nothing of its primary's", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000", async (slow, migrating) => {
    await here.expect("REPLICAOF 127.0.0.1 1", "OK");
    slow.answer("+OK\r\n");
    assert.match(JSON.stringify(await migrating.read()), /UNBLOCKED/);
    await here.expect("EXISTS k", 1);
    await here.expect("REPLICAOF NO ONE", "OK");
  });
});

test("a target that answers nonsense is given up", OURS, async () => {
  await here.expect("SET k v", "OK");
  await slowly("MIGRATE 127.0.0.1 PORT k 0 60000", async (slow, migrating) => {
    slow.answer("x".repeat(100_000));
    assert.match(JSON.stringify(await migrating.read()), /IOERR/);
    await here.expect("EXISTS k", 1);
  });
});
