/** Clients that wait for keys again and again, with the same request and with others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type FakeSocket, startWith } from "./fake_client.ts";

function start() {
  const server = startWith();
  const producer = connect(server);
  const consumers = [connect(server), connect(server), connect(server)];
  const got = (index: number) => {
    const { received } = consumers[index];
    consumers[index].received = "";
    return received;
  };
  return { server, producer, consumers, got };
}

/** Sends requests, one to a line, in RESP: only what came so is known again. */
function send(socket: FakeSocket, lines: string): void {
  let text = "";
  for (const line of lines.trimEnd().split("\r\n")) {
    const words = line.split(" ");
    text += `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
  }
  socket.say(text);
}

const pair = (key: string, element: string) => `*2\r\n$${key.length}\r\n${key}\r\n$${element.length}\r\n${element}\r\n`;

test("who waits again with the same request stands at the end", () => {
  const { server, producer, consumers, got } = start();
  for (const consumer of consumers) send(consumer, "BLPOP queue 0\r\n");
  for (let i = 0; i < 10; i++) {
    send(producer, `RPUSH queue e${i}\r\n`);
    for (let j = 0; j < 3; j++) assert.equal(got(j), j === i % 3 ? pair("queue", `e${i}`) : "");
    assert.equal(server.waiters.count, 2);
    send(consumers[i % 3], "BLPOP queue 0\r\n");
  }
  assert.deepEqual(server.waiters.countKeys(), { all: 1, whenGone: 0 });
});

test("requests that were sent ahead wait in their turn, though their client stands in the queue that is being served", () => {
  const { producer, consumers, got } = start();
  send(consumers[0], "BLPOP queue 0\r\nBLPOP queue 0\r\nBLPOP queue 0\r\n");
  send(consumers[1], "BLPOP queue 0\r\n");
  send(producer, "RPUSH queue a b c\r\n");
  assert.equal(got(0), pair("queue", "a") + pair("queue", "c"));
  assert.equal(got(1), pair("queue", "b"));
  send(producer, "RPUSH queue d\r\n");
  assert.equal(got(0), pair("queue", "d"));
});

test("another request, database or time-out is another wait", () => {
  const { server, producer, consumers: [consumer], got } = start();
  const long = "x".repeat(600);
  const waits = ["BLPOP queue 0", "BLPOP other 0", "BRPOP queue 0", `BLPOP ${long} queue 0`, "BLPOP queue queue 1000"];
  for (const wait of [...waits, ...waits]) {
    send(consumer, `${wait}\r\n`);
    assert.equal(server.waiters.count, 1);
    send(producer, "RPUSH other x\r\nRPUSH queue a b\r\n");
    const expected = wait.includes("other") ? pair("other", "x") : pair("queue", wait.startsWith("BR") ? "b" : "a");
    assert.equal(got(0), expected, wait);
    assert.equal(server.waiters.count, 0);
    assert.deepEqual(server.waiters.countKeys(), { all: 0, whenGone: 0 });
    send(producer, "DEL queue other\r\n");
  }
  send(consumer, "BLPOP queue 0\r\n");
  send(producer, "RPUSH queue a\r\n");
  send(consumer, "SELECT 1\r\nBLPOP queue 0\r\n");
  got(0);
  send(producer, "RPUSH queue a\r\n");
  assert.equal(got(0), "");
  send(producer, "SELECT 1\r\nRPUSH queue b\r\n");
  assert.equal(got(0), pair("queue", "b"));
});

test("one that leaves while others are served is passed over", () => {
  const { server, producer, consumers, got } = start();
  send(consumers[0], "CLIENT SETNAME first\r\nBLPOP queue 0\r\n");
  send(consumers[1], "BLPOP queue 0\r\n");
  send(consumers[2], "BLPOP queue 0\r\n");
  for (let i = 0; i < 3; i++) got(i);
  send(producer, "MULTI\r\nRPUSH queue a b\r\nCLIENT KILL TYPE normal SKIPME yes ID 3\r\nEXEC\r\n");
  assert.equal(server.waiters.count, server.blockedClients);
  consumers[1].destroy();
  send(producer, "DEL queue\r\n");
  for (let i = 0; i < 3; i++) got(i);
  if (!consumers[2].closed) send(consumers[2], "BLPOP queue 0\r\n");
  send(producer, "RPUSH queue c\r\n");
  assert.equal(got(1), "");
});

test("one of which nothing has come to be keeps its place, whatever type the key has meanwhile", () => {
  const { producer, consumers, got } = start();
  send(consumers[0], "BZPOPMIN queue 0\r\n");
  send(consumers[1], "BLPOP queue 0\r\n");
  send(consumers[2], "BLPOP queue 0\r\n");
  send(producer, "RPUSH queue a\r\n");
  assert.equal(got(0) + got(2), "");
  assert.equal(got(1), pair("queue", "a"));
  send(producer, "SET queue x\r\nDEL queue\r\nZADD queue 1 m\r\n");
  assert.match(got(0), /queue\r\n\$1\r\nm\r\n/);
  send(producer, "RPUSH queue b\r\n");
  assert.equal(got(2), pair("queue", "b"));
});
