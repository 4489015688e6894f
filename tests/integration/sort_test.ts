/** SORT and SORT_RO. Runs against redis-server too. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { NOT_INTEGER, SYNTAX, WRONG_TYPE } from "./errors.ts";
import { ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const NOT_DOUBLE = new ReplyError("ERR One or more scores can't be converted into double");

let server: ServerProcess;
let client: TestClient;

before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());
afterEach(() => client.expect("FLUSHALL", "OK"));

test("lists, sets and sorted sets are sorted as numbers, or as bytes", async () => {
  await client.expect("RPUSH l 10 9 -1 2.5 1e2", 5);
  await client.expect("SORT l", ["-1", "2.5", "9", "10", "1e2"]);
  await client.expect("SORT l DESC", ["1e2", "10", "9", "2.5", "-1"]);
  await client.expect("SORT l ALPHA", ["-1", "10", "1e2", "2.5", "9"]);
  await client.expect("SORT_RO l ALPHA DESC", ["9", "2.5", "1e2", "10", "-1"]);
  await client.expect("SADD s 3 1 2", 3);
  await client.expect("SORT s", ["1", "2", "3"]);
  await client.expect("ZADD z 1 30 2 20 3 10", 3);
  await client.expect("SORT z", ["10", "20", "30"]);
  await client.expect("SORT none", []);
  await client.expect("RPUSH words b a", 2);
  await client.expect("SORT words", NOT_DOUBLE);
  await client.expect("SORT words ALPHA", ["a", "b"]);
  await client.expect(["RPUSH", "spaces", " 7", "6", ""], 3);
  await client.expect("SORT spaces", ["", "6", " 7"]);
  await client.expect("RPUSH large 1e400", 1);
  await client.expect("SORT large", NOT_DOUBLE);
});

test("LIMIT takes a part, and the whole where it goes beyond", async () => {
  await client.expect("RPUSH l 5 3 1 4 2", 5);
  await client.expect("SORT l LIMIT 1 2", ["2", "3"]);
  await client.expect("SORT l DESC LIMIT 0 1", ["5"]);
  await client.expect("SORT l LIMIT -5 2", ["1", "2"]);
  await client.expect("SORT l LIMIT 3 -1", ["4", "5"]);
  await client.expect("SORT l LIMIT 3 100", ["4", "5"]);
  await client.expect("SORT l LIMIT 5 1", []);
  await client.expect("SORT l LIMIT 0 0", []);
  await client.expect("SORT l LIMIT 9223372036854775807 9223372036854775807", []);
});

test("BY weighs by other keys and by fields of hashes", async () => {
  await client.expect("RPUSH l 1 2 3", 3);
  await client.expect("MSET w_1 30 w_2 10 w_3 20", "OK");
  await client.expect("SORT l BY w_*", ["2", "3", "1"]);
  await client.expect("SORT l BY w_* DESC LIMIT 0 2", ["1", "3"]);
  await client.expect("HSET h_1 f 1", 1);
  await client.expect("HSET h_2 f 3", 1);
  await client.expect("HSET h_3 f 2", 1);
  await client.expect("SORT l BY h_*->f", ["1", "3", "2"]);
  await client.expect("SORT l BY h_*->none DESC", ["3", "2", "1"]);
  await client.expect("DEL w_2", 1);
  await client.expect("SORT l BY w_*", ["2", "3", "1"]);
  await client.expect("SET w_3 x", "OK");
  await client.expect("SORT l BY w_*", NOT_DOUBLE);
  await client.expect("SORT l BY w_* ALPHA", ["2", "1", "3"]);
  await client.expect("SORT l BY w_*->f", ["1", "2", "3"]);
  await client.expect("SORT l BY h_*", ["1", "2", "3"]);
});

test("GET replies with what patterns name, the element itself, or nil", async () => {
  await client.expect("RPUSH l 2 1", 2);
  await client.expect("MSET v_1 one v_2 two", "OK");
  await client.expect("HSET h_1 f eins n 5", 2);
  await client.expect("SORT l GET v_*", ["one", "two"]);
  await client.expect("SORT l GET # GET v_* GET h_*->f GET h_*->n GET fixed", [
    ...["1", "one", "eins", "5", null],
    ...["2", "two", null, null, null],
  ]);
  await client.expect("SORT l GET h_*", [null, null]);
  await client.expect("SORT l BY nosort GET v_*", ["two", "one"]);
});

test("BY without a star leaves the order as it is, of sorted sets from either end", async () => {
  await client.expect("RPUSH l c a b", 3);
  await client.expect("SORT l BY nosort", ["c", "a", "b"]);
  await client.expect("SORT l BY nosort LIMIT 1 2", ["a", "b"]);
  await client.expect("ZADD z 1 c 2 a 3 b 4 d", 4);
  await client.expect("SORT z BY nosort", ["c", "a", "b", "d"]);
  await client.expect("SORT z BY nosort DESC", ["d", "b", "a", "c"]);
  await client.expect("SORT z BY nosort LIMIT 1 2", ["a", "b"]);
  await client.expect("SORT z BY nosort DESC LIMIT 1 2", ["b", "a"]);
  await client.expect("SORT z BY nosort LIMIT 4 2", []);
});

test("STORE puts the result into a list, in place of what is there", async () => {
  await client.expect("RPUSH l 3 1 2", 3);
  await client.expect("SET d x EX 100", "OK");
  await client.expect("SORT l STORE d", 3);
  await client.expect("LRANGE d 0 -1", ["1", "2", "3"]);
  await client.expect("TTL d", -1);
  await client.expect("SET v_1 one", "OK");
  await client.expect("SORT l GET v_* GET # STORE d", 6);
  await client.expect("LRANGE d 0 -1", ["one", "1", "", "2", "", "3"]);
  await client.expect("SORT l STORE l", 3);
  await client.expect("LRANGE l 0 -1", ["1", "2", "3"]);
  await client.expect("SADD s b a c", 3);
  await client.expect("SORT s BY nosort STORE d", 3);
  await client.expect("LRANGE d 0 -1", ["a", "b", "c"]);
  await client.expect("SORT none STORE d", 0);
  await client.expect("EXISTS d", 0);
  await client.expect("SORT s STORE d", NOT_DOUBLE);
  await client.expect("EXISTS d", 0);
  const numbers = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 2000);
  await client.expect(["RPUSH", "many", ...numbers], 2000);
  await client.expect("SORT many STORE d", 2000);
  await client.expect("LRANGE d 1000 1002", ["1000", "1001", "1002"]);
});

test("what makes no sense is refused", async () => {
  await client.expect("SET string x", "OK");
  await client.expect("HSET hash f v", 1);
  await client.expect("SORT string", WRONG_TYPE);
  await client.expect("SORT_RO hash", WRONG_TYPE);
  await client.expect("SORT string x", SYNTAX);
  await client.expect("SORT l LIMIT 1", SYNTAX);
  await client.expect("SORT l LIMIT x 1", NOT_INTEGER);
  await client.expect("SORT l BY", SYNTAX);
  await client.expect("SORT l STORE", SYNTAX);
  await client.expect("SORT_RO l STORE d", SYNTAX);
});

test("events, and those who wait for the list that is stored", async () => {
  await client.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  const listener = await server.connect();
  await listener.call("PSUBSCRIBE", "__keyevent@0__:*");
  await client.expect("RPUSH l 2 1", 2);
  await client.expect("SORT l STORE d", 2);
  await client.expect("SORT none STORE d", 0);
  const events: string[] = [];
  for (let i = 0; i < 3; i++) {
    const [, , channel, key] = await listener.read() as string[];
    events.push(`${channel.replace("__keyevent@0__:", "")} ${key}`);
  }
  await client.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
  assert.deepEqual(events, ["rpush l", "sortstore d", "del d"]);
});

test("COMMAND GETKEYS finds the key and the last target", async () => {
  await client.expect("COMMAND GETKEYS SORT a BY store STORE b GET store STORE c", ["a", "c"]);
  await client.expect("COMMAND GETKEYS SORT_RO a BY x", ["a"]);
  await client.expect("COMMAND GETKEYSANDFLAGS SORT a LIMIT 0 1 STORE b", [
    ["a", ["RO", "access"]],
    ["b", ["OW", "update"]],
  ]);
});
