/** Commands that wait for a key: who is served, when, in which order, and what replicas see of it. Runs against redis-server too. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;

before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());
afterEach(async () => {
  await client.expect("CLIENT UNPAUSE", "OK");
  await client.expect("FLUSHALL", "OK");
});

/** A connection that has sent a command which waits. */
async function waiting(...words: (string | number)[]): Promise<TestClient> {
  const before = await blocked();
  const one = await server.connect();
  one.send(...words);
  await until("the client to wait", async () => await blocked() > before);
  return one;
}

async function blocked(): Promise<number> {
  return Number(/blocked_clients:(\d+)/.exec(String(await client.call("INFO clients")))?.[1]);
}

test("what is there already is taken without waiting, from the first key that has something", async () => {
  await client.expect("RPUSH b 1 2 3", 3);
  await client.expect("BLPOP a b c 1", ["b", "1"]);
  await client.expect("BRPOP a b c 0.5", ["b", "3"]);
  await client.expect("BLMPOP 1 2 a b LEFT COUNT 10", ["b", ["2"]]);
  await client.expect("EXISTS b", 0);
});

test("members are taken without waiting, too, and clients that wait for one are served", async () => {
  await client.expect("ZADD b 1 x 2 y 3 z", 3);
  await client.expect("BZPOPMIN a b c 1", ["b", "x", "1"]);
  await client.expect("BZPOPMAX a b 1", ["b", "z", "3"]);
  await client.expect("BZMPOP 1 2 a b MIN COUNT 9", ["b", [["y", "2"]]]);
  const lowest = await waiting("BZPOPMIN", "a", "b", 0);
  const highest = await waiting("BZPOPMAX", "b", 0);
  const several = await waiting("BZMPOP", 0, 2, "c", "b", "MAX", "COUNT", 2);
  await client.expect("ZADD b 1 x 2 y 3 z 4 w", 4);
  assert.deepEqual(await lowest.read(), ["b", "x", "1"]);
  assert.deepEqual(await highest.read(), ["b", "w", "4"]);
  assert.deepEqual(await several.read(), ["b", [["z", "3"], ["y", "2"]]]);
  await client.expect("EXISTS b", 0);
});

for (
  const [how, commands] of [
    ["ZINCRBY", ["ZINCRBY key 1 x"]],
    ["GEOADD", ["GEOADD key 0 0 x"]],
    ["ZUNIONSTORE", ["ZADD other 1 x", "ZUNIONSTORE key 1 other"]],
    ["ZRANGESTORE", ["ZADD other 1 x", "ZRANGESTORE key other 0 -1"]],
    ["GEOSEARCHSTORE", ["GEOADD other 0 0 x", "GEOSEARCHSTORE key other FROMLONLAT 0 0 BYRADIUS 1 m"]],
    ["RENAME", ["ZADD other 1 x", "RENAME other key"]],
  ] as const
) {
  test(`a client that waits for a sorted set is served when it comes by ${how}`, async () => {
    const one = await waiting("BZPOPMIN", "key", 0);
    for (const command of commands) await client.call(command);
    assert.deepEqual((await one.read() as string[]).slice(0, 2), ["key", "x"]);
    await client.expect("EXISTS key", 0);
  });
}

test("a client that waits for a list is served by what SORT stores", async () => {
  const one = await waiting("BLPOP", "key", 0);
  await client.expect("RPUSH other 2 1", 2);
  await client.expect("SORT other STORE key", 2);
  assert.deepEqual(await one.read(), ["key", "1"]);
  await client.expect("LRANGE key 0 -1", ["2"]);
});

test("a list and a sorted set under the same key serve only those who wait for them", async () => {
  const forMember = await waiting("BZPOPMIN", "key", 0);
  const forElement = await waiting("BLPOP", "key", 0);
  await client.expect("RPUSH key x", 1);
  assert.deepEqual(await forElement.read(), ["key", "x"]);
  await client.expect("ZADD key 1 y", 1);
  assert.deepEqual(await forMember.read(), ["key", "y", "1"]);
});

test("time is up after a fraction of a second, too", async () => {
  await client.expect("BLPOP a 0.01", null);
  await client.expect("BRPOP a b 0.01", null);
  await client.expect("BLMOVE a b LEFT RIGHT 0.01", null);
  await client.expect("BRPOPLPUSH a b 0.01", null);
  await client.expect("BLMPOP 0.01 1 a LEFT", null);
  await client.expect("BZPOPMIN a b 0.01", null);
  await client.expect("BZPOPMAX a 0.01", null);
  await client.expect("BZMPOP 0.01 1 a MIN", null);
});

test("a move whose time is up has the reply of all that wait, and that of a move where nothing may wait", async () => {
  for (const command of ["BLMOVE a b LEFT RIGHT 0.01", "BRPOPLPUSH a b 0.01"]) {
    client.send(command);
    assert.equal(await client.readReplyBytes(), "*-1\r\n");
    client.sendRaw(`MULTI\r\n${command}\r\nEXEC\r\n`);
    await client.read();
    await client.read();
    assert.equal(await client.readReplyBytes(), "*1\r\n$-1\r\n");
  }
});

test("of several things that are wrong, those behind the timeout are told first where it stands in front", async () => {
  await client.expect("BLMPOP x 0 a LEFT", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("BLMPOP -1 1 a BOTH", new ReplyError("ERR syntax error"));
  await client.expect("BZMPOP x 0 a MIN", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("BZMPOP -1 1 a MID", new ReplyError("ERR syntax error"));
  await client.expect("BZMPOP -1 1 a MIN", new ReplyError("ERR timeout is negative"));
});

test("a timeout that makes no sense is refused", async () => {
  await client.expect("BLPOP a -1", new ReplyError("ERR timeout is negative"));
  await client.expect("BLPOP a x", new ReplyError("ERR timeout is not a float or out of range"));
  await client.expect("BLPOP a inf", /^ERR timeout is /);
  await client.expect("BLPOP a 1e300", new ReplyError("ERR timeout is out of range"));
  await client.expect("BLMPOP 1 0 a LEFT", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("BLMPOP 1 1 a LEFT COUNT 0", new ReplyError("ERR count should be greater than 0"));
  await client.expect("BLMPOP 1 1 a BOTH", new ReplyError("ERR syntax error"));
});

test("a timeout beyond what a timer takes is waited for all the same", async () => {
  const one = await waiting("BLPOP", "a", 1e10);
  await client.expect("PING", "PONG");
  assert.equal(await blocked(), 1);
  await client.expect("RPUSH a 1", 1);
  assert.deepEqual(await one.read(), ["a", "1"]);
});

test("clients are served in the order in which they came", async () => {
  const first = await waiting("BLPOP", "a", "b", 0);
  const second = await waiting("BRPOP", "b", "a", 0);
  const third = await waiting("BLPOP", "b", 0);
  await client.expect("RPUSH b 1 2", 2);
  assert.deepEqual(await first.read(), ["b", "1"]);
  assert.deepEqual(await second.read(), ["b", "2"]);
  await client.expect("RPUSH a 1", 1);
  await client.expect("RPUSH b 3 4", 2);
  assert.deepEqual(await third.read(), ["b", "3"]);
  await client.expect("LRANGE a 0 -1", ["1"]);
  await client.expect("LRANGE b 0 -1", ["4"]);
});

test("a client that sent more goes on with it once it was served", async () => {
  const one = await server.connect();
  one.sendRaw("BLPOP a 0\r\nPING\r\nBLPOP a 0\r\nECHO end\r\n");
  await until("the client to wait", async () => await blocked() === 1);
  await client.expect("RPUSH a 1", 1);
  assert.deepEqual(await one.read(), ["a", "1"]);
  assert.equal(await one.read(), "PONG");
  await until("the client to wait again", async () => await blocked() === 1);
  await client.expect("RPUSH a 2", 1);
  assert.deepEqual(await one.read(), ["a", "2"]);
  assert.equal(await one.read(), "end");
});

const WAYS: readonly (readonly [how: string, commands: readonly string[]])[] = [
  ["RPUSH", ["RPUSH key x"]],
  ["LPUSH", ["LPUSH key x"]],
  ["RENAME", ["RPUSH other x", "RENAME other key"]],
  ["RENAMENX", ["RPUSH other x", "RENAMENX other key"]],
  ["COPY", ["RPUSH other x", "COPY other key"]],
  ["MOVE", ["SELECT 1", "RPUSH key x", "MOVE key 0", "SELECT 0"]],
  ["SWAPDB", ["SELECT 1", "RPUSH key x", "SELECT 0", "SWAPDB 0 1"]],
  ["LMOVE", ["RPUSH other x", "LMOVE other key LEFT LEFT"]],
  ["a transaction", ["MULTI", "RPUSH key x", "EXEC"]],
];

for (const [how, commands] of WAYS) {
  test(`a client that waits for a key is served when it comes by ${how}`, async () => {
    const one = await waiting("BLPOP", "key", 0);
    for (const command of commands) await client.call(...command.split(" "));
    assert.deepEqual(await one.read(), ["key", "x"]);
    await client.expect("EXISTS key", 0);
  });
}

test("a client that waits for a key is served when it comes by RESTORE", async () => {
  await client.expect("RPUSH other x", 1);
  const payload = String(await client.call("DUMP other"));
  const one = await waiting("BLPOP", "key", 0);
  await client.expect(["RESTORE", "key", 0, payload], "OK");
  assert.deepEqual(await one.read(), ["key", "x"]);
});

test("a key of another type serves nobody, and harms nobody", async () => {
  const one = await waiting("BLPOP", "key", 0);
  await client.expect("SET key string", "OK");
  assert.equal(await blocked(), 1);
  await client.expect("DEL key", 1);
  await client.expect("RPUSH key x", 1);
  assert.deepEqual(await one.read(), ["key", "x"]);
});

test("what is gone again at the end of a transaction was never there", async () => {
  const one = await waiting("BLPOP", "key", 0);
  for (const command of ["MULTI", "RPUSH key x", "DEL key", "EXEC"]) await client.call(...command.split(" "));
  assert.equal(await blocked(), 1);
  for (const command of ["MULTI", "RPUSH key x", "DEL key", "RPUSH key y", "EXEC"]) {
    await client.call(...command.split(" "));
  }
  assert.deepEqual(await one.read(), ["key", "y"]);
});

test("nothing waits within a transaction", async () => {
  await client.expect("MULTI", "OK");
  for (
    const command of ["BLPOP a 0", "BLMOVE a b LEFT LEFT 0", "BLMPOP 0 1 a LEFT", "BZPOPMIN a 0", "BZMPOP 0 1 a MIN"]
  ) {
    await client.expect(command, "QUEUED");
  }
  await client.expect("EXEC", [null, null, null, null, null]);
});

test("elements move along a chain of clients that wait for each other", async () => {
  const end = await waiting("BLPOP", "d", 0);
  const third = await waiting("BLMOVE", "c", "d", "LEFT", "RIGHT", 0);
  const second = await waiting("BRPOPLPUSH", "b", "c", 0);
  const first = await waiting("BLMOVE", "a", "b", "RIGHT", "LEFT", 0);
  await client.expect("RPUSH a x", 1);
  assert.equal(await first.read(), "x");
  assert.equal(await second.read(), "x");
  assert.equal(await third.read(), "x");
  assert.deepEqual(await end.read(), ["d", "x"]);
  await client.expect("DBSIZE", 0);
});

test("clients that move an element in a circle come to rest", async () => {
  const one = await waiting("BLMOVE", "a", "b", "LEFT", "RIGHT", 0);
  const other = await waiting("BLMOVE", "b", "a", "LEFT", "RIGHT", 0);
  await client.expect("RPUSH a x", 1);
  assert.equal(await one.read(), "x");
  assert.equal(await other.read(), "x");
  await client.expect("LRANGE a 0 -1", ["x"]);
});

test("one who waits to move to a key of another type is told when it is served", async () => {
  await client.expect("SET target string", "OK");
  const one = await waiting("BLMOVE", "source", "target", "LEFT", "RIGHT", 0);
  await client.expect("RPUSH source x", 1);
  assert.deepEqual(
    await one.read(),
    new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  await client.expect("LRANGE source 0 -1", ["x"]);
});

test("CLIENT UNBLOCK ends a wait, as if time was up or with an error", async () => {
  const one = await server.connect();
  const id = Number(await one.call("CLIENT ID"));
  one.send("BLPOP", "a", 0);
  await until("the client to wait", async () => await blocked() === 1);
  await client.expect(["CLIENT", "UNBLOCK", id], 1);
  assert.equal(await one.read(), null);
  await client.expect(["CLIENT", "UNBLOCK", id], 0);
  one.send("BLMOVE", "a", "b", "LEFT", "LEFT", 0);
  await until("the client to wait", async () => await blocked() === 1);
  await client.expect(["CLIENT", "UNBLOCK", id, "ERROR"], 1);
  assert.deepEqual(await one.read(), new ReplyError("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
  await client.expect("RPUSH a x", 1);
  await client.expect("LLEN a", 1);
});

test("a client that has gone is served nothing", async () => {
  const one = await waiting("BLPOP", "a", 0);
  one.close();
  await until("nobody to wait", async () => await blocked() === 0);
  await client.expect("RPUSH a x", 1);
  await client.expect("LRANGE a 0 -1", ["x"]);
});

test("a pause of writes holds up those who wait, and serves them when it ends", async () => {
  const one = await waiting("BLPOP", "a", 0);
  const writer = await server.connect();
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  writer.send("RPUSH", "a", "x");
  await until("the writer to wait", async () => await blocked() === 2);
  await client.expect("CLIENT UNPAUSE", "OK");
  assert.equal(await writer.read(), 1);
  assert.deepEqual(await one.read(), ["a", "x"]);
});

test("who waits is told when the server becomes a replica", async () => {
  const one = await waiting("BLPOP", "a", 0);
  await client.expect("REPLICAOF 127.0.0.1 1", "OK");
  assert.match((await one.read() as ReplyError).message, /^UNBLOCKED force unblock from blocking operation/);
  await client.expect("REPLICAOF NO ONE", "OK");
});

test("a thousand clients at one key are served one by one, in their order", async () => {
  const clients: TestClient[] = [];
  for (let i = 0; i < 1000; i++) {
    const one = await server.connect();
    one.send("BLPOP", "queue", 0);
    clients.push(one);
    if (i % 100 === 99) await until("all to wait", async () => await blocked() === i + 1);
  }
  const values = Array.from({ length: 1000 }, (_, i) => String(i));
  for (let i = 0; i < 1000; i += 100) await client.call("RPUSH", "queue", ...values.slice(i, i + 100));
  // Those of one hundred may have come in any order, but all before those of the next.
  const served = await Promise.all(clients.map(async (one) => Number((await one.read() as string[])[1])));
  for (const [i, value] of served.entries()) assert.equal(Math.floor(value / 100), Math.floor(i / 100));
  await client.expect("EXISTS queue", 0);
});

test("a replica sees what happened, and not how", async () => {
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", `127.0.0.1 ${server.port}`] });
  try {
    const reader = await replica.connect();
    await until("the link", async () => /master_link_status:up/.test(String(await reader.call("INFO replication"))));
    const monitor = await replica.connect();
    await monitor.expect("MONITOR", "OK");
    const lines: string[] = [];
    const heard = async (word: string) => {
      while (!lines.some((line) => line.includes(word))) lines.push(String(await monitor.read()));
    };
    const popping = await waiting("BLPOP", "a", 0);
    const moving = await waiting("BLMOVE", "b", "c", "LEFT", "RIGHT", 0);
    const several = await waiting("BLMPOP", 0, 2, "d", "e", "RIGHT", "COUNT", 5);
    await client.expect("RPUSH a 1", 1);
    await client.expect("RPUSH b 2", 1);
    await client.expect("RPUSH e 3 4", 2);
    await Promise.all([popping.read(), moving.read(), several.read()]);
    await client.expect("SET end 1", "OK");
    await heard('"end"');
    const commands = lines.map((line) => line.replace(/^.*?\] /, "")).filter((line) =>
      !/"(select|ping|REPLCONF)"/i.test(line)
    );
    assert.deepEqual(commands.map((line) => line.toLowerCase()), [
      '"rpush" "a" "1"',
      '"lpop" "a"',
      '"rpush" "b" "2"',
      '"lmove" "b" "c" "left" "right"',
      '"rpush" "e" "3" "4"',
      '"rpop" "e" "2"',
      '"set" "end" "1"',
    ]);
  } finally {
    await replica.stop();
  }
});
