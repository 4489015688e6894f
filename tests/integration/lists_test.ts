/** The list commands, one by one. Runs against redis-server too. */

import { after, afterEach, before, test } from "node:test";
import { NOT_INTEGER, NOT_POSITIVE, SYNTAX, WRONG_TYPE } from "./errors.ts";
import { IS_ORACLE, ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;

before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());
afterEach(() => client.expect("FLUSHALL", "OK"));

test("elements are added at both ends, and only to what is there by the X commands", async () => {
  await client.expect("RPUSHX l a", 0);
  await client.expect("LPUSHX l a", 0);
  await client.expect("RPUSH l a b c", 3);
  await client.expect("LPUSH l 1 2", 5);
  await client.expect("RPUSHX l d e", 7);
  await client.expect("LPUSHX l 3", 8);
  await client.expect("LRANGE l 0 -1", ["3", "2", "1", "a", "b", "c", "d", "e"]);
  await client.expect("LLEN l", 8);
  await client.expect("LLEN none", 0);
  await client.expect("TYPE l", "list");
});

test("elements are taken from both ends, one or several", async () => {
  await client.expect("RPUSH l a b c d e f", 6);
  await client.expect("LPOP l", "a");
  await client.expect("RPOP l", "f");
  await client.expect("LPOP l 0", []);
  await client.expect("RPOP l 2", ["e", "d"]);
  await client.expect("LPOP l 100", ["b", "c"]);
  await client.expect("EXISTS l", 0);
  await client.expect("LPOP l", null);
  await client.expect("RPOP l 3", null);
  await client.expect("LPOP l -1", NOT_POSITIVE);
  await client.expect("RPOP l x", NOT_POSITIVE);
  await client.expect("LPOP l 1 2", new ReplyError("ERR wrong number of arguments for 'lpop' command"));
});

test("ranges and indexes count from either end, and end where the list does", async () => {
  await client.expect("RPUSH l 0 1 2 3 4 5 6 7 8 9", 10);
  await client.expect("LRANGE l 2 4", ["2", "3", "4"]);
  await client.expect("LRANGE l -3 -2", ["7", "8"]);
  await client.expect("LRANGE l 5 3", []);
  await client.expect("LRANGE l 8 100", ["8", "9"]);
  await client.expect("LRANGE l -100 0", ["0"]);
  await client.expect("LRANGE l 0 9223372036854775807", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  await client.expect("LRANGE l 0 9223372036854775808", NOT_INTEGER);
  await client.expect("LRANGE none 0 -1", []);
  await client.expect("LINDEX l 3", "3");
  await client.expect("LINDEX l -1", "9");
  await client.expect("LINDEX l 10", null);
  await client.expect("LINDEX l -11", null);
  await client.expect("LINDEX l x", NOT_INTEGER);
  await client.expect("LINDEX none x", null);
});

test("elements are set, inserted, removed and trimmed", async () => {
  await client.expect("RPUSH l a b a c a", 5);
  await client.expect("LSET l 1 B", "OK");
  await client.expect("LSET l -1 z", "OK");
  await client.expect("LSET l 5 x", new ReplyError("ERR index out of range"));
  await client.expect("LSET l -6 x", new ReplyError("ERR index out of range"));
  await client.expect("LSET none 0 x", new ReplyError("ERR no such key"));
  await client.expect("LSET l x x", NOT_INTEGER);
  await client.expect("LRANGE l 0 -1", ["a", "B", "a", "c", "z"]);
  await client.expect("LINSERT l BEFORE B new", 6);
  await client.expect("LINSERT l after z end", 7);
  await client.expect("LINSERT l BEFORE none x", -1);
  await client.expect("LINSERT none BEFORE a x", 0);
  await client.expect("LINSERT l BESIDE a x", SYNTAX);
  await client.expect("LRANGE l 0 -1", ["a", "new", "B", "a", "c", "z", "end"]);
  await client.expect("LREM l 1 a", 1);
  await client.expect("LREM l 0 none", 0);
  await client.expect("LREM none 0 a", 0);
  await client.expect("RPUSH l x y x y x", 11);
  await client.expect("LREM l -2 x", 2);
  await client.expect("LRANGE l 0 -1", ["new", "B", "a", "c", "z", "end", "x", "y", "y"]);
  await client.expect("LREM l 0 y", 2);
  await client.expect("LTRIM l 1 -3", "OK");
  await client.expect("LRANGE l 0 -1", ["B", "a", "c", "z"]);
  await client.expect("LTRIM l 5 10", "OK");
  await client.expect("EXISTS l", 0);
  await client.expect("LTRIM l 0 0", "OK");
});

test("LPOS finds by rank, count and length, from either end", async () => {
  await client.expect("RPUSH l a b c 1 2 3 c c", 8);
  await client.expect("LPOS l c", 2);
  await client.expect("LPOS l none", null);
  await client.expect("LPOS none c", null);
  await client.expect("LPOS none c COUNT 2", []);
  await client.expect("LPOS l c RANK 2", 6);
  await client.expect("LPOS l c RANK -1", 7);
  await client.expect("LPOS l c COUNT 0", [2, 6, 7]);
  await client.expect("LPOS l c COUNT 2", [2, 6]);
  await client.expect("LPOS l c RANK -1 COUNT 2", [7, 6]);
  await client.expect("LPOS l c RANK 2 COUNT 0", [6, 7]);
  await client.expect("LPOS l c COUNT 0 MAXLEN 7", [2, 6]);
  await client.expect("LPOS l c MAXLEN 2", null);
  await client.expect("LPOS l c RANK -1 MAXLEN 1 COUNT 0", [7]);
  await client.expect("LPOS l 3", 5);
  await client.expect(
    "LPOS l c RANK 0",
    /^ERR RANK can't be zero: use 1 to start from the first match, 2 from the second/,
  );
  await client.expect("LPOS l c COUNT -1", new ReplyError("ERR COUNT can't be negative"));
  await client.expect("LPOS l c MAXLEN -1", new ReplyError("ERR MAXLEN can't be negative"));
  await client.expect("LPOS l c COUNT", SYNTAX);
  await client.expect("LPOS l c SOMETHING 1", SYNTAX);
  if (!IS_ORACLE) await client.expect("LPOS l c RANK -9223372036854775808", /^ERR value is out of range/);
});

test("elements move from list to list, or within one", async () => {
  await client.expect("RPUSH a 1 2 3", 3);
  await client.expect("LMOVE a b LEFT RIGHT", "1");
  await client.expect("LMOVE a b RIGHT LEFT", "3");
  await client.expect("RPOPLPUSH a b", "2");
  await client.expect("EXISTS a", 0);
  await client.expect("LRANGE b 0 -1", ["2", "3", "1"]);
  await client.expect("LMOVE b b LEFT RIGHT", "2");
  await client.expect("LMOVE b b LEFT LEFT", "3");
  await client.expect("RPOPLPUSH b b", "2");
  await client.expect("LRANGE b 0 -1", ["2", "3", "1"]);
  await client.expect("LMOVE none b LEFT LEFT", null);
  await client.expect("RPOPLPUSH none b", null);
  await client.expect("LMOVE b c UP LEFT", SYNTAX);
  await client.expect("SET string x", "OK");
  await client.expect("LMOVE b string LEFT LEFT", WRONG_TYPE);
  await client.expect("LLEN b", 3);
});

test("LMPOP takes from the first list that has something", async () => {
  await client.expect("RPUSH b 1 2 3 4", 4);
  await client.expect("LMPOP 3 a b c LEFT", ["b", ["1"]]);
  await client.expect("LMPOP 3 a b c RIGHT COUNT 2", ["b", ["4", "3"]]);
  await client.expect("LMPOP 1 b LEFT COUNT 10", ["b", ["2"]]);
  await client.expect("LMPOP 2 a b LEFT", null);
  await client.expect("LMPOP 0 a LEFT", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("LMPOP x a LEFT", new ReplyError("ERR numkeys should be greater than 0"));
  await client.expect("LMPOP 1 a LEFT COUNT 0", new ReplyError("ERR count should be greater than 0"));
  await client.expect("LMPOP 2 a LEFT", SYNTAX);
  await client.expect("LMPOP 1 a LEFT COUNT 1 COUNT 2", SYNTAX);
  await client.expect("LMPOP 1 a LEFT COUNT", SYNTAX);
});

test("keys of other types are refused by every command", async () => {
  await client.expect("SET string x", "OK");
  const commands = [
    "LPUSH string a",
    "RPUSHX string a",
    "LPOP string",
    "RPOP string 2",
    "LLEN string",
    "LINDEX string 0",
    "LRANGE string 0 1",
    "LSET string 0 a",
    "LINSERT string BEFORE a b",
    "LREM string 0 a",
    "LTRIM string 0 1",
    "LPOS string a",
    "LMOVE string a LEFT LEFT",
    "RPOPLPUSH string a",
    "LMPOP 2 none string LEFT",
    "BLPOP none string 1",
    "BLMPOP 1 2 none string LEFT",
    "BLMOVE string a LEFT LEFT 1",
  ];
  for (const command of commands) await client.expect(command, WRONG_TYPE);
  await client.expect("GET string", "x");
});

test("events tell what happened to a list", async () => {
  await client.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  const listener = await server.connect();
  await listener.call("PSUBSCRIBE", "__keyevent@0__:*");
  await client.expect("RPUSH l a b c", 3);
  await client.expect("LPOP l", "a");
  await client.expect("LSET l 0 x", "OK");
  await client.expect("LINSERT l BEFORE x y", 3);
  await client.expect("LREM l 0 y", 1);
  await client.expect("LTRIM l 0 0", "OK");
  await client.expect("LMOVE l m LEFT RIGHT", "x");
  await client.expect("RPOP m", "x");
  const events: string[] = [];
  for (let i = 0; i < 11; i++) {
    const [, , channel, key] = await listener.read() as string[];
    events.push(`${channel.replace("__keyevent@0__:", "")} ${key}`);
  }
  await client.expect("CONFIG SET notify-keyspace-events", /^ERR/);
  await client.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
  const expected = ["rpush l", "lpop l", "lset l", "linsert l", "lrem l", "ltrim l", "rpush m", "lpop l", "del l"];
  if (JSON.stringify(events) !== JSON.stringify([...expected, "rpop m", "del m"])) throw new Error(events.join(", "));
});

test("a list is a listpack until it outgrows its limit", { skip: IS_ORACLE && "new in Redis 7.2" }, async () => {
  await client.expect("CONFIG SET list-max-listpack-size 4", "OK");
  await client.expect("RPUSH l a b c d", 4);
  await client.expect("OBJECT ENCODING l", "listpack");
  await client.expect("RPUSH l e", 5);
  await client.expect("OBJECT ENCODING l", "quicklist");
  await client.expect("LTRIM l 0 2", "OK");
  await client.expect("OBJECT ENCODING l", "quicklist");
  await client.expect("LTRIM l 0 1", "OK");
  await client.expect("OBJECT ENCODING l", "listpack");
  await client.expect("CONFIG SET list-max-listpack-size -2", "OK");
  await client.expect(["RPUSH", "l", "x".repeat(10_000)], 3);
  await client.expect("OBJECT ENCODING l", "quicklist");
});

test(
  "a list that has as many elements as a listpack may stays one when it is turned",
  { skip: IS_ORACLE },
  async () => {
    await client.expect("CONFIG SET list-max-listpack-size 3", "OK");
    for (const elements of ["a b c", "1 -70000 longer"]) {
      const [first, second, third] = elements.split(" ");
      await client.expect("DEL turned", /[01]/);
      await client.expect(`RPUSH turned ${elements}`, 3);
      await client.expect("RPOPLPUSH turned turned", third);
      await client.expect("LRANGE turned 0 -1", [third, first, second]);
      await client.expect("LMOVE turned turned LEFT RIGHT", third);
      await client.expect("LRANGE turned 0 -1", [first, second, third]);
      await client.expect("LMOVE turned turned LEFT LEFT", first);
      await client.expect("LMOVE turned turned RIGHT RIGHT", third);
      await client.expect("LRANGE turned 0 -1", [first, second, third]);
      await client.expect("OBJECT ENCODING turned", "listpack");
    }
    await client.expect("CONFIG SET list-max-listpack-size -2", "OK");
  },
);
