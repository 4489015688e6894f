/** What a server has written to a log makes another one the same. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { digestOfKeyspace } from "../../lib/commands/digest.ts";
import { LogReplay, ReplayError } from "../../lib/server/data/log_replay.ts";
import type { Server } from "../../lib/server/server.ts";
import { ArenaFullError } from "../../lib/store/arena.ts";
import { connect, startWith } from "./fake_client.ts";

const resp = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** Everything that was fed, in one piece. */
class Log {
  #pieces: Uint8Array[] = [];

  feed(bytes: Uint8Array, start: number, end: number): void {
    this.#pieces.push(bytes.slice(start, end));
  }

  get bytes(): Uint8Array {
    const joined = new Uint8Array(this.#pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }
}

function replay(server: Server, bytes: Uint8Array | string): LogReplay {
  const all = typeof bytes === "string" ? encodeLatin1(bytes) : bytes;
  const log = new LogReplay(server);
  server.phase.setLoading(true);
  try {
    log.run(all, 0, all.length);
    log.endFile();
  } finally {
    server.phase.setLoading(false);
  }
  return log;
}

function ask(server: Server, line: string): string {
  const socket = connect(server);
  socket.say(resp(...line.split(" ")));
  const { received } = socket;
  socket.destroy();
  return received;
}

const COMMANDS = [
  "SET a 1",
  "SET lasting 1 PX 100000000",
  "INCRBYFLOAT a 1.5",
  "APPEND text abc",
  "SETRANGE text 5 x",
  "SETBIT bits 100 1",
  "BITFIELD bits SET u8 0 200 INCRBY u4 #3 5",
  "MSET b 1 c 2",
  "GETDEL b",
  "GETEX c EX 100",
  "PFADD hll a b c",
  "RPUSH list a b c d e f g",
  "LMOVE list list2 LEFT RIGHT",
  "LINSERT list BEFORE c x",
  "LREM list 1 d",
  "BLPOP list 0",
  "BLMPOP 1 1 list LEFT COUNT 2",
  "SADD set 1 2 3 4 5 6 7 8 9 10",
  "SPOP set 3",
  "SPOP set",
  "SMOVE set set2 1",
  "SUNIONSTORE set3 set set2",
  "ZADD zset 1 a 2.5 b 3 c",
  "ZINCRBY zset 0.1 a",
  "ZPOPMIN zset",
  "ZADD zset INCR 7 b",
  "ZUNIONSTORE zset2 1 zset WEIGHTS 2",
  "GEOADD geo 13 38 palermo 15 37 catania",
  "GEOSEARCHSTORE geo2 geo FROMMEMBER palermo BYRADIUS 500 km STOREDIST",
  "HSET hash f 1 g 2",
  "HINCRBYFLOAT hash f 0.1",
  "HDEL hash g",
  "XADD stream * f 1",
  "XADD stream MAXLEN ~ 10 * f 2",
  "XADD stream NOMKSTREAM * f 3",
  "XGROUP CREATE stream g 0",
  "XREADGROUP GROUP g alice COUNT 2 STREAMS stream >",
  "XAUTOCLAIM stream g bob 0 0 COUNT 1",
  "XREADGROUP GROUP g carol NOACK STREAMS stream >",
  "XGROUP SETID stream g $",
  "XSETID stream 9999999999999-1 ENTRIESADDED 10 MAXDELETEDID 1-1",
  "SORT list ALPHA STORE sorted",
  "COPY list list3",
  "RENAME list3 list4",
  "EXPIRE list4 1000",
  "PERSIST lasting",
  "MULTI",
  "SET inside 1",
  "SELECT 2",
  "SET elsewhere 1",
  "EXEC",
  "SET two 2",
  "MOVE two 3",
  "SWAPDB 3 4",
  "UNLINK nothing",
  "SELECT 0",
  "RESTORE copy 0 DUMPED REPLACE",
  "PEXPIREAT a 1",
];

test("a server's log makes another server the same", () => {
  const first = startWith();
  const log = new Log();
  first.propagation.setLog(log);
  const socket = connect(first);
  const dump = () => {
    socket.received = "";
    socket.say(resp("DUMP", "list"));
    return socket.received.replace(/^\$\d+\r\n/, "").replace(/\r\n$/, "");
  };
  for (const line of COMMANDS) {
    const words = line.split(" ");
    const at = words.indexOf("DUMPED");
    if (at >= 0) words[at] = dump();
    socket.received = "";
    socket.say(resp(...words));
    assert.doesNotMatch(socket.received, /^-/, line);
  }
  const second = startWith();
  const { refused, firstRefusal } = replay(second, log.bytes);
  assert.deepEqual([refused, firstRefusal], [0, ""]);
  assert.equal(digestOfKeyspace(second.keyspace), digestOfKeyspace(first.keyspace));
  assert.equal(second.clients.size, 0);
  assert.equal(second.reply.length, 0);
});

test("what has expired is there for what was written while it was not, and goes when the log says so", () => {
  const server = startWith();
  const log = resp("SET", "a", "5") + resp("PEXPIREAT", "a", "1000") + resp("INCR", "a") + resp("SET", "b", "1") +
    resp("PEXPIREAT", "b", "1000") + resp("DEL", "b");
  replay(server, log);
  assert.equal(server.keyspace.databases[0].size, 1);
  assert.equal(ask(server, "EXISTS a"), ":0\r\n");
});

test("what is replayed goes on to nobody again, transactions neither", () => {
  const server = startWith();
  const log = new Log();
  server.propagation.setLog(log);
  replay(server, resp("SET", "a", "1") + resp("MULTI") + resp("INCR", "a") + resp("INCR", "b") + resp("EXEC"));
  assert.equal(log.bytes.length, 0);
  ask(server, "INCR a");
  assert.equal(new TextDecoder().decode(log.bytes), resp("SELECT", "0") + resp("INCR", "a"));
});

test("a transaction that was not executed is none, and what follows is no part of it", () => {
  const server = startWith();
  const log = new LogReplay(server);
  const bytes = encodeLatin1(resp("SET", "a", "1") + resp("MULTI") + resp("SET", "b", "1"));
  log.run(bytes, 0, bytes.length);
  log.endFile();
  const next = encodeLatin1(resp("SET", "c", "1"));
  log.run(next, 0, next.length);
  assert.equal(server.keyspace.databases[0].size, 2);
});

test("what no server writes is refused; what is replied with an error is counted", () => {
  for (const words of [["NOSUCH", "a"], ["SET", "a"], ["CONFIG", "NOSUCH"]]) {
    assert.throws(() => replay(startWith(), resp(...words)), ReplayError);
  }
  const log = replay(startWith(), resp("SET", "a", "x") + resp("INCR", "a") + resp("LPUSH", "a", "1"));
  assert.equal(log.refused, 2);
  assert.match(log.firstRefusal, /^'INCR': ERR value is not an integer/);
});

test("a log for which there is no memory is given up, within a transaction too", () => {
  const commands = resp("RPUSH", "list", "a".repeat(100)) + resp("XADD", "stream", "1-1", "f", "b".repeat(100));
  for (const log of [commands, resp("MULTI") + commands + resp("EXEC")]) {
    for (let after = 0;; after++) {
      const server = startWith();
      const { arena } = server.store.heap;
      let made = 0;
      arena.alloc = (bytes) => {
        if (made++ === after) throw new ArenaFullError("none is left");
        return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
      };
      try {
        replay(server, log);
      } catch (error) {
        assert.ok(error instanceof ArenaFullError);
        continue;
      }
      assert.ok(made <= after, `the allocation after ${after} failed, and the log was loaded without what needed it`);
      assert.ok(after > 0);
      break;
    }
  }
});

test("what is refused within a transaction is counted", () => {
  const log = replay(startWith(), resp("MULTI") + resp("SET", "a", "x") + resp("INCR", "a") + resp("EXEC"));
  assert.equal(log.refused, 1);
  assert.match(log.firstRefusal, /^'EXEC': ERR value is not an integer/);
});

test("a log of many commands in one piece, and of one that is large, is run to its end", () => {
  const server = startWith();
  const large = "x".repeat(3_000_000);
  let log = "";
  for (let i = 0; i < 5000; i++) log += resp("SET", `key:${i % 1000}`, String(i));
  replay(server, log + resp("SET", "large", large) + resp("RPUSH", "list", ...Array.from({ length: 3000 }, String)));
  assert.equal(server.keyspace.databases[0].size, 1002);
  assert.equal(ask(server, "STRLEN large"), ":3000000\r\n");
  assert.equal(ask(server, "LLEN list"), ":3000\r\n");
});
