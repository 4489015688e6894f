/** A command for which there is no memory: its client is told and served on, and followers get what was changed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { command, WRITE } from "../../lib/commands/command.ts";
import { KEY_RW_UPDATE } from "../../lib/commands/key_specs.ts";
import { GATE_SHORT } from "../../lib/server/execution/gates.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { connect, startWith } from "./fake_client.ts";

const OOM = "-OOM command not allowed, there is no memory for it.\r\n";

const CHANGE_AND_THROW = command("changeandthrow", 2, WRITE, (session) => {
  session.host.changes.made++;
  throw new Error("a fault of ours");
}, { keys: KEY_RW_UPDATE });

/** A server with a client and a follower; `fail` lets so many allocations succeed, and no more. */
function start() {
  const server = startWith(CHANGE_AND_THROW);
  let followed = "";
  server.propagation.setReplicas({ feed: (bytes, start, end) => followed += decodeLatin1(bytes, start, end) });
  const client = connect(server);
  const { arena } = server.store.heap;
  const fail = (after: number) => {
    let left = after;
    arena.alloc = (bytes) => {
      if (left-- <= 0) throw new ArenaFullError("none is left");
      return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
    };
  };
  const say = (text: string) => {
    client.received = followed = "";
    client.say(`${text}\r\n`);
    return client.received;
  };
  const words = () => followed.split("\r\n").filter((line) => line !== "" && !/^[*$]\d/.test(line)).join(" ");
  const recover = () => Reflect.deleteProperty(arena, "alloc");
  return { server, client, fail, say, words, recover };
}

const LONG = "x".repeat(1000);

for (
  const [requests, kept] of [
    [[`SET key ${LONG}`], "GET key"],
    [[`SETEX key 100 ${LONG}`], "GET key"],
    [[`SET key ${LONG} GET`], "GET key"],
    [[`GETSET key ${LONG}`], "GET key"],
    [["SETRANGE key 5000 x"], "GET key"],
    [["SETBIT key 50000 1"], "GET key"],
    [[`APPEND key ${LONG}`], "GET key"],
    [["EXPIRE key 100"], "TTL key"],
    [["GETEX key EX 100"], "TTL key"],
    [["RENAME key other", "RENAME key taken"], "MGET key taken"],
    [["COPY key other", "COPY key taken REPLACE"], "MGET key taken"],
    [["MOVE key 1"], "GET key"],
    [[`HSET hash field ${LONG}`, "HSETNX hash new 1", "HINCRBY hash n 1", "HINCRBYFLOAT hash n 1"], "HGETALL hash"],
    [[`HSET new field ${LONG}`], "EXISTS new"],
    [["HSETNX new f 1"], "EXISTS new"],
    [["HINCRBY new n 1"], "EXISTS new"],
    [["HINCRBYFLOAT new n 1"], "EXISTS new"],
  ] as const
) {
  test(`${requests[0].slice(0, 15)} without memory is refused, and changes nothing`, () => {
    const { client, say, fail, words, recover } = start();
    for (const request of ["SET key value", "SET taken value", "HSET hash n 1 field 1"]) say(request);
    const before = say(kept);
    for (const request of requests) {
      for (let after = 0; after < 2; after++) {
        fail(after);
        if (say(request) !== OOM) break; // it needs no more than that
        assert.equal(words(), "");
        assert.equal(say(kept), before);
      }
      recover();
      assert.equal(say(kept) === before && words() === "", say(kept) === before);
      assert.ok(!client.closed);
    }
  });
}

test("what an MSET or HSET has set before there was no more memory goes on to followers, and nothing else", () => {
  const { say, fail, words, recover } = start();
  fail(2);
  assert.equal(say("MSET a 1 b 2 c 3"), OOM);
  assert.equal(words(), "SELECT 0 MSET a 1 b 2");
  recover();
  assert.equal(say("MGET a b c"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
  fail(2);
  assert.equal(say(`HSET hash a 1 b ${LONG} c 3`), OOM);
  assert.equal(words(), "HSET hash a 1");
  recover();
  assert.equal(say("HGETALL hash"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
});

for (
  const [request, told] of [
    ["XREADGROUP GROUP group new COUNT 2 STREAMS stream >", /CREATECONSUMER stream group new$|XCLAIM/],
    ["XREADGROUP GROUP group new NOACK STREAMS stream >", /CREATECONSUMER stream group new/],
    ["XCLAIM stream group new 0 1-0 FORCE LASTID 7-0", /SETID stream group 7-0|LASTID 7-0/],
    ["XAUTOCLAIM stream group new 0 0", /CREATECONSUMER stream group new/],
  ] as const
) {
  test(`what ${request.slice(0, 12)} has changed in a group before there was no more memory goes on to followers`, () => {
    for (let after = 0; after < 12; after++) {
      const { say, fail, words, recover } = start();
      for (const id of ["1-0", "2-0", "3-0"]) say(`XADD stream ${id} field value`);
      say("XGROUP CREATE stream group 0");
      say("XREADGROUP GROUP group other COUNT 1 STREAMS stream >");
      const state = () =>
        say("XINFO GROUPS stream") + say("XINFO CONSUMERS stream group").replace(/(idle|inactive)\r\n:-?\d+/g, "");
      const before = state();
      fail(after);
      const isRefused = say(request) === OOM;
      const followed = words();
      recover();
      if (state() === before) assert.equal(followed, "");
      else assert.match(followed, told);
      if (!isRefused) return assert.ok(after > 0);
    }
    assert.fail("it needs more memory than that");
  });
}

test("a transaction goes on after a command for which there was no memory", () => {
  const { say, fail, words, recover } = start();
  say("SET key 1");
  say("MULTI");
  say("INCR key");
  say(`SET other ${LONG}`);
  say("INCR key");
  fail(0);
  assert.equal(say("EXEC"), `*3\r\n:2\r\n${OOM}:3\r\n`);
  assert.equal(words(), "MULTI INCR key INCR key EXEC");
  recover();
});

test("what a command has changed before it threw goes on to followers", () => {
  const { client, say, words } = start();
  say("SET key 1");
  say("CHANGEANDTHROW key");
  assert.equal(words(), "CHANGEANDTHROW key");
  assert.ok(client.closed);
});

test("where only the reserve is left, what may grow data is refused, and all else is served", () => {
  const { server, say } = start();
  assert.equal(say("SET key value"), "+OK\r\n");
  server.store.heap.arena.onShort();
  assert.equal(say("SET key other"), OOM);
  assert.equal(say("GET key"), "$5\r\nvalue\r\n");
  assert.equal(say("MULTI"), "+OK\r\n");
  assert.equal(say("DEL key"), "+QUEUED\r\n");
  assert.equal(say("EXEC"), "*1\r\n:1\r\n");
  server.dispatcher.setGate(GATE_SHORT, server.store.heap.arena.isShort);
  assert.equal(say("SET key other"), "+OK\r\n");
});
