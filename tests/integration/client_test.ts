/** CLIENT: what connections say of themselves, and what is done to them. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { Push, ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

/** The fields of a line of CLIENT LIST. */
function fields(line: string): Map<string, string> {
  return new Map(
    line.trim().split(" ").map((field) => {
      const equals = field.indexOf("=");
      return [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
}

async function info(of: TestClient): Promise<Map<string, string>> {
  return fields(String(await of.call("CLIENT INFO")));
}

async function idOf(of: TestClient): Promise<number> {
  return Number(await of.call("CLIENT ID"));
}

/** The line of another client, as `client` sees it, or null when it is gone. */
async function lineOf(id: number): Promise<Map<string, string> | null> {
  const line = String(await client.call("CLIENT", "LIST", "ID", id));
  return line === "" ? null : fields(line);
}

test("a client describes itself", async () => {
  const own = await info(client);
  for (
    const field
      of ("id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs " +
        "rbp obl oll omem tot-mem events cmd user redir resp").split(" ")
  ) assert.ok(own.has(field), field);
  assert.equal(own.get("id"), String(await idOf(client)));
  assert.match(own.get("addr") ?? "", /^127\.0\.0\.1:\d+$/);
  assert.equal(own.get("laddr"), `127.0.0.1:${server.port}`);
  assert.equal(own.get("flags"), "N");
  assert.equal(own.get("db"), "0");
  assert.equal(own.get("multi"), "-1");
  assert.equal(own.get("qbuf"), "26");
  assert.equal(own.get("argv-mem"), "10");
  assert.equal(own.get("obl"), "0");
  assert.equal(own.get("cmd"), "client|info");
  assert.equal(own.get("user"), "default");
  assert.equal(own.get("redir"), "-1");
  assert.equal(own.get("resp"), "2");
});

test("the state of a client shows in its line", async () => {
  const other = await server.connect();
  const id = await idOf(other);
  await other.call("HELLO 3 SETNAME somebody");
  await other.expect("SELECT 3", "OK");
  await other.expect("MULTI", "OK");
  await other.expect("PING", "QUEUED");
  let line = await lineOf(id);
  assert.equal(line?.get("name"), "somebody");
  assert.equal(line?.get("db"), "3");
  assert.equal(line?.get("resp"), "3");
  assert.equal(line?.get("multi"), "1");
  assert.equal(line?.get("flags"), "x");
  assert.notEqual(line?.get("multi-mem"), "0");
  assert.equal(line?.get("cmd"), "ping");
  await other.expect("DISCARD", "OK");
  await other.expect("SUBSCRIBE a", new Push(["subscribe", "a", 1]));
  await other.expect("PSUBSCRIBE b*", new Push(["psubscribe", "b*", 2]));
  await other.expect("CLIENT NO-EVICT ON", "OK");
  line = await lineOf(id);
  assert.equal(line?.get("flags"), "Pe");
  assert.equal(line?.get("sub"), "1");
  assert.equal(line?.get("psub"), "1");
  other.close();
  await until("the client to be gone", async () => await lineOf(id) === null);
});

test("clients are listed by type and by id", async () => {
  const [subscriber, other] = [await server.connect(), await server.connect()];
  await subscriber.call("SUBSCRIBE x");
  const otherId = await idOf(other);
  const pubsub = String(await client.call("CLIENT LIST TYPE pubsub")).trim().split("\n");
  assert.equal(pubsub.length, 1);
  assert.match(pubsub[0], / sub=1 /);
  assert.match(String(await client.call("CLIENT LIST TYPE normal")), new RegExp(`^id=${otherId} `, "m"));
  await client.expect("CLIENT LIST TYPE replica", "");
  await client.expect("CLIENT LIST TYPE master", "");
  await client.expect("CLIENT LIST TYPE nobody", new ReplyError("ERR Unknown client type 'nobody'"));
  await client.expect("CLIENT LIST ID 1x", new ReplyError("ERR Invalid client ID"));
  await client.expect("CLIENT LIST NONSENSE", new ReplyError("ERR syntax error"));
  const named = String(await client.call("CLIENT", "LIST", "ID", otherId, 999999)).trim().split("\n");
  assert.equal(named.length, 1);
  subscriber.close();
  other.close();
});

test("names", async () => {
  await client.expect("CLIENT GETNAME", null);
  await client.expect("CLIENT SETNAME me", "OK");
  await client.expect("CLIENT GETNAME", "me");
  const bad = new ReplyError("ERR Client names cannot contain spaces, newlines or special characters.");
  await client.expect(["CLIENT", "SETNAME", "not me"], bad);
  await client.expect("CLIENT GETNAME", "me");
  await client.expect(["CLIENT", "SETNAME", ""], "OK");
  await client.expect("CLIENT GETNAME", null);
});

test("the library tells its name and version", { skip: IS_ORACLE && "new in Redis 7.2" }, async () => {
  const other = await server.connect();
  await other.expect("CLIENT SETINFO LIB-NAME some-library", "OK");
  await other.expect("CLIENT SETINFO lib-ver 1.2.3", "OK");
  await other.expect("RESET", "RESET");
  const own = await info(other);
  assert.equal(own.get("lib-name"), "some-library");
  assert.equal(own.get("lib-ver"), "1.2.3");
  await other.expect(
    ["CLIENT", "SETINFO", "lib-name", "a b"],
    new ReplyError("ERR lib-name cannot contain spaces, newlines or special characters."),
  );
  await other.expect("CLIENT SETINFO lib-owner x", new ReplyError("ERR Unrecognized option 'lib-owner'"));
  await other.expect("CLIENT NO-TOUCH ON", "OK");
  assert.equal((await info(other)).get("flags"), "T");
});

test("clients are killed by address, id, type and user, and spared where asked", async () => {
  const [a, b, c] = [await server.connect(), await server.connect(), await server.connect()];
  const address = (await info(a)).get("addr") ?? "";
  const idB = await idOf(b);
  await c.call("SUBSCRIBE x");
  await client.expect(["CLIENT", "KILL", address], "OK");
  assert.equal(await a.readToEnd(), "");
  await client.expect(["CLIENT", "KILL", address], new ReplyError("ERR No such client"));
  await client.expect(["CLIENT", "KILL", "ID", idB, "TYPE", "pubsub"], 0);
  await client.expect(["CLIENT", "KILL", "ID", idB, "TYPE", "normal", "USER", "default"], 1);
  assert.equal(await b.readToEnd(), "");
  await client.expect("CLIENT KILL TYPE pubsub", 1);
  assert.equal(await c.readToEnd(), "");
  const own = await info(client);
  await client.expect(["CLIENT", "KILL", "ADDR", own.get("addr") ?? "", "SKIPME", "yes"], 0);
  const [d, e] = [await server.connect(), await server.connect()];
  const [idD, idE] = [await idOf(d), await idOf(e)];
  await d.expect(["CLIENT", "KILL", "LADDR", `127.0.0.1:${server.port}`, "ID", idE], 1);
  await d.expect(["CLIENT", "KILL", "ID", idD, "SKIPME", "no"], 1);
  assert.equal(await d.readToEnd(), "");
});

test("a client that kills itself gets its reply, and nothing more is run", async () => {
  const other = await server.connect();
  const id = await idOf(other);
  await other.call("DEL after-kill");
  other.sendRaw(`CLIENT KILL ID ${id} SKIPME no\r\nSET after-kill 1\r\n`);
  assert.equal(await other.read(), 1);
  assert.equal(await other.readToEnd(), "");
  await client.expect("EXISTS after-kill", 0);
});

test("what CLIENT KILL refuses", async () => {
  const greater = new ReplyError("ERR client-id should be greater than 0");
  await client.expect("CLIENT KILL", new ReplyError("ERR wrong number of arguments for 'client|kill' command"));
  await client.expect("CLIENT KILL ID str", greater);
  await client.expect("CLIENT KILL ID -1", greater);
  await client.expect("CLIENT KILL ID 0", greater);
  await client.expect("CLIENT KILL ID 10 wrong", new ReplyError("ERR syntax error"));
  await client.expect("CLIENT KILL TYPE wrong", new ReplyError("ERR Unknown client type 'wrong'"));
  await client.expect("CLIENT KILL USER wrong", new ReplyError("ERR No such user 'wrong'"));
  await client.expect("CLIENT KILL SKIPME perhaps", new ReplyError("ERR syntax error"));
  await client.expect("CLIENT NONSENSE", /^ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP.$/);
});

test("replies are switched off and on", async () => {
  const other = await server.connect();
  other.sendRaw(
    "CLIENT REPLY OFF\r\nPING one\r\nNOSUCHCOMMAND\r\nGET\r\nSET silent 1\r\nCLIENT REPLY ON\r\nPING two\r\n",
  );
  assert.equal(await other.read(), "OK");
  assert.equal(await other.read(), "two");
  await client.expect("GET silent", "1");
  await other.expect("CLIENT REPLY PERHAPS", new ReplyError("ERR syntax error"));
});

test("one reply is skipped", async () => {
  const other = await server.connect();
  other.sendRaw("CLIENT REPLY SKIP\r\nPING one\r\nPING two\r\n");
  assert.equal(await other.read(), "two");
  other.sendRaw("CLIENT REPLY SKIP\r\nNOSUCHCOMMAND\r\nPING three\r\n");
  assert.equal(await other.read(), "three");
  other.sendRaw("CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING four\r\n");
  assert.equal(await other.read(), "OK");
  assert.equal(await other.read(), "four");
  other.sendRaw("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING five\r\nPING six\r\n");
  assert.equal(await other.read(), "six");
});

test("messages come through although replies are off", async () => {
  const other = await server.connect();
  await other.call("HELLO 3");
  other.sendRaw("CLIENT REPLY OFF\r\nSUBSCRIBE through\r\nPING\r\n");
  assert.deepEqual(await other.read(), new Push(["subscribe", "through", 1]));
  await client.expect("PUBLISH through hello", 1);
  assert.deepEqual(await other.read(), new Push(["message", "through", "hello"]));
});

/** Waits until so many clients are blocked. */
async function untilBlocked(count: number): Promise<void> {
  await until(`${count} blocked clients`, async () => {
    const lines = String(await client.call("CLIENT LIST")).trim().split("\n");
    return lines.filter((line) => / flags=[A-Za-z]*b/.test(line)).length === count;
  });
}

test("a pause of writes lets reads through", async () => {
  await client.expect("SET paused before", "OK");
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  const writers = [await server.connect(), await server.connect(), await server.connect()];
  writers[0].sendRaw("PING\r\nSET paused after\r\nGET paused\r\n");
  writers[1].sendRaw("PUBLISH nobody hello\r\nPING\r\n");
  writers[2].sendRaw("MULTI\r\nGET paused\r\nEXEC\r\nMULTI\r\nINCR paused-count\r\nEXEC\r\n");
  assert.equal(await writers[0].read(), "PONG");
  assert.equal(await writers[2].read(), "OK");
  assert.equal(await writers[2].read(), "QUEUED");
  assert.deepEqual(await writers[2].read(), ["before"]);
  assert.equal(await writers[2].read(), "OK");
  await untilBlocked(3);
  await client.expect("GET paused", "before");
  await client.expect("SET paused", new ReplyError("ERR wrong number of arguments for 'set' command"));
  client.sendRaw("PING\r\nCLIENT UNPAUSE\r\nPING\r\nECHO same-batch\r\n");
  for (const reply of ["PONG", "OK", "PONG", "same-batch"]) assert.equal(await client.read(), reply);
  assert.equal(await writers[0].read(), "OK");
  assert.equal(await writers[0].read(), "after");
  assert.equal(await writers[1].read(), 0);
  assert.equal(await writers[1].read(), "PONG");
  assert.equal(await writers[2].read(), "QUEUED");
  assert.deepEqual(await writers[2].read(), [1]);
});

test("a pause of everything ends by itself", async () => {
  const other = await server.connect();
  const startMs = Date.now();
  await client.expect("CLIENT PAUSE 300 ALL", "OK");
  await other.expect("PING", "PONG");
  assert.ok(Date.now() - startMs >= 250, "the pause held up PING");
});

test("a shorter pause does not end a longer one", async () => {
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  await client.expect("CLIENT PAUSE 1 WRITE", "OK");
  const other = await server.connect();
  other.send("SET held 1");
  await untilBlocked(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await untilBlocked(1);
  await client.expect("CLIENT UNPAUSE", "OK");
  assert.equal(await other.read(), "OK");
});

test("a pause inside a transaction begins after it", async () => {
  await client.expect("MULTI", "OK");
  await client.expect("SET in-multi 1", "QUEUED");
  await client.expect("CLIENT PAUSE 100000 WRITE", "QUEUED");
  await client.expect("SET in-multi 2", "QUEUED");
  await client.expect("EXEC", ["OK", "OK", "OK"]);
  await client.expect("GET in-multi", "2");
  const other = await server.connect();
  other.send("SET in-multi 3");
  await untilBlocked(1);
  other.close();
  await untilBlocked(0);
  await client.expect("CLIENT UNPAUSE", "OK");
  await client.expect("GET in-multi", "2");
});

test("nothing is removed for having expired during a pause, yet nobody sees it", async () => {
  await client.expect("SET fleeting 1 PX 20", "OK");
  await client.expect("CLIENT PAUSE 100000 WRITE", "OK");
  await until("the key to be gone for readers", async () => await client.call("GET fleeting") === null);
  assert.ok(Number(await client.call("DBSIZE")) > 0);
  await client.expect("CLIENT UNPAUSE", "OK");
  await client.expect("EXISTS fleeting", 0);
});

test("what CLIENT PAUSE refuses", async () => {
  await client.expect("CLIENT PAUSE x", new ReplyError("ERR timeout is not an integer or out of range"));
  await client.expect("CLIENT PAUSE -1", new ReplyError("ERR timeout is negative"));
  await client.expect("CLIENT PAUSE 1 READ", new ReplyError("ERR CLIENT PAUSE mode must be WRITE or ALL"));
});

test("a blocked client is let go", async () => {
  const other = await server.connect();
  const id = await idOf(other);
  await other.expect("SET waits 1", "OK");
  await client.expect(["CLIENT", "UNBLOCK", id], 0);
  other.sendRaw("WAIT 1 0\r\nPING\r\n");
  await untilBlocked(1);
  await client.expect(["CLIENT", "UNBLOCK", id], 1);
  assert.equal(await other.read(), 0);
  assert.equal(await other.read(), "PONG");
  other.sendRaw("WAIT 1 0\r\nPING\r\n");
  await untilBlocked(1);
  await client.expect(["CLIENT", "UNBLOCK", id, "ERROR"], 1);
  assert.deepEqual(await other.read(), new ReplyError("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
  assert.equal(await other.read(), "PONG");
  await client.expect("CLIENT UNBLOCK 999999", 0);
  await client.expect("CLIENT UNBLOCK x", new ReplyError("ERR value is not an integer or out of range"));
  await client.expect(
    "CLIENT UNBLOCK 1 NICELY",
    new ReplyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
  );
});

test("RESET puts a client back to where it began", async () => {
  const other = await server.connect();
  await other.call("HELLO 3");
  await other.expect("CLIENT TRACKING ON", "OK");
  await other.expect("CLIENT SETNAME x", "OK");
  await other.expect("SELECT 4", "OK");
  assert.equal((await info(other)).get("flags"), "t");
  await other.expect("RESET", "RESET");
  const own = await info(other);
  assert.deepEqual(["flags", "db", "name", "resp", "redir"].map((field) => own.get(field)), ["N", "0", "", "2", "-1"]);
});

test("a client that quits and does not read is seen, and can be killed", async () => {
  const [client, slow] = [await server.connect(), await server.connect()];
  const id = Number(await slow.call("CLIENT ID"));
  await client.expect(["SET", "large", "x".repeat(4 * 1024 * 1024)], "OK");
  slow.socket.pause();
  for (let i = 0; i < 7; i++) slow.send("GET large");
  slow.send("QUIT");
  const line = await until("it to be closing", async () => {
    const lines = String(await client.call("CLIENT LIST")).split("\n");
    return lines.find((one) => one.startsWith(`id=${id} `) && / flags=\w*c/.test(one)) ?? null;
  });
  assert.match(line, / omem=[1-9]/);
  await client.expect(`CLIENT KILL ID ${id}`, 1);
  await until("it to be gone", async () => !String(await client.call("CLIENT LIST")).includes(`id=${id} `));
  slow.close();
});

test("what arrives of a long argument is counted once", async () => {
  const [client, slow] = [await server.connect(), await server.connect()];
  const id = Number(await slow.call("CLIENT ID"));
  const mebibyte = 1024 * 1024;
  slow.sendRaw(`*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$${4 * mebibyte}\r\n${"x".repeat(3 * mebibyte)}`);
  const line = await until("it to have arrived", async () => {
    const found = String(await client.call("CLIENT LIST")).split("\n").find((one) => one.startsWith(`id=${id} `)) ?? "";
    return Number(/ qbuf=(\d+)/.exec(found)?.[1]) >= 3 * mebibyte ? found : null;
  });
  assert.ok(Number(/ tot-mem=(\d+)/.exec(line)?.[1]) < 5.5 * mebibyte, line);
  slow.sendRaw(`${"x".repeat(mebibyte)}\r\n`);
  assert.equal(await slow.read(), "OK");
  slow.close();
});
