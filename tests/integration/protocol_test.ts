/** The wire: RESP and inline requests, cut anywhere, and what is said to those who break the protocol. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "./server_process.ts";
import { encodeRequest, ReplyError, TestClient } from "./test_client.ts";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start();
});
after(() => server.stop());

test("inline commands work, as from telnet", async () => {
  const client = await server.connect();
  client.sendRaw('SET greeting "hello\\x21 there"\r\nGET greeting\nPING\r\n');
  assert.equal(await client.read(), "OK");
  assert.equal(await client.read(), "hello! there");
  assert.equal(await client.read(), "PONG");
});

test("a request may be cut at any byte", async () => {
  const client = await server.connect();
  const bytes = encodeRequest(["SET", "cut", "some value"]) + encodeRequest(["GET", "cut"]) + "ECHO inline\r\n";
  for (let at = 1; at < bytes.length; at += 3) {
    client.socket.setNoDelay(true);
    client.sendRaw(bytes.slice(0, at));
    await new Promise((resolve) => setTimeout(resolve, 1));
    client.sendRaw(bytes.slice(at));
    assert.equal(await client.read(), "OK");
    assert.equal(await client.read(), "some value");
    assert.equal(await client.read(), "inline");
  }
});

test("a pipeline of a hundred thousand commands that is written before anything is read", async () => {
  const client = await server.connect();
  const depth = 100_000;
  client.sendRaw(encodeRequest(["INCR", "deep"]).repeat(depth));
  for (let i = 1; i <= depth; i++) assert.equal(await client.read(), i);
});

test("a value of 20 MiB that arrives in pieces", async () => {
  const client = await server.connect();
  const value = "0123456789abcdef".repeat((20 * 1024 * 1024) / 16);
  assert.equal(await client.call("SET", "large", value), "OK");
  assert.equal(await client.call("GET", "large"), value);
  await client.expect("DEL large", 1);
});

const VIOLATIONS: readonly (readonly [what: string, sent: string, error: string])[] = [
  ["a multibulk length that is no number", "*x\r\n", "invalid multibulk length"],
  ["a multibulk length beyond 2^31", "*3000000000\r\n", "invalid multibulk length"],
  ["a missing bulk header", "*1\r\nPING\r\n", "expected '$', got 'P'"],
  ["a negative bulk length", "*1\r\n$-5\r\n", "invalid bulk length"],
  ["a bulk length beyond proto-max-bulk-len", "*1\r\n$2000000000\r\n", "invalid bulk length"],
  ["unbalanced quotes", 'GET "a\r\n', "unbalanced quotes in request"],
  ["an endless inline request", "x".repeat(70_000), "too big inline request"],
  ["an endless multibulk length", "*" + "1".repeat(70_000), "too big mbulk count string"],
  ["an endless bulk length", "*1\r\n$" + "1".repeat(70_000), "too big bulk count string"],
];

for (const [what, sent, error] of VIOLATIONS) {
  test(`${what} is a protocol error and closes that one connection`, async () => {
    const [client, bystander] = [await server.connect(), await server.connect()];
    client.sendRaw(sent);
    assert.deepEqual(await client.read(), new ReplyError(`ERR Protocol error: ${error}`));
    assert.equal(await client.readToEnd(), "");
    await bystander.expect("PING", "PONG");
  });
}

test("empty and negative multibulk requests are passed over", async () => {
  const client = await server.connect();
  client.sendRaw("*0\r\n*-1\r\n\r\n\r\nPING\r\n");
  assert.equal(await client.read(), "PONG");
});

test("a mebibyte of garbage and a disconnect in the middle of a request leave others alone", async () => {
  const bystander = await server.connect();
  const garbage = await TestClient.connect(server.port);
  let noise = "";
  for (let i = 0; i < 1024 * 1024; i++) noise += String.fromCharCode((i * 7919 + (i >> 3)) & 255);
  garbage.sendRaw(noise);
  const half = await TestClient.connect(server.port);
  half.sendRaw("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\nabc");
  half.close();
  await bystander.expect("PING", "PONG");
  garbage.close();
});

for (const line of ["POST / HTTP/1.1", "Host: 127.0.0.1"]) {
  test(`${line.split(" ")[0]} is taken for HTTP: the connection ends before its body is obeyed`, async () => {
    const [client, bystander] = [await server.connect(), await server.connect()];
    client.sendRaw(`${line}\r\nContent-Length: 100\r\n\r\nSET pwned 1\r\nPING\r\n`);
    assert.equal(await client.readToEnd(), "");
    await bystander.expect("EXISTS pwned", 0);
    await server.logged(/Possible SECURITY ATTACK detected/);
  });
}
