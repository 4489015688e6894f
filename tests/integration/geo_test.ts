/** The geo commands, one by one. Runs against redis-server too. */

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { SYNTAX, WRONG_TYPE } from "./errors.ts";
import { ServerProcess, until } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

const NOT_FLOAT = new ReplyError("ERR value is not a valid float");
const UNIT = new ReplyError("ERR unsupported unit provided. please use M, KM, FT, MI");
const SICILY = "13.361389 38.115556 Palermo 15.087269 37.502669 Catania";

let server: ServerProcess;
let client: TestClient;

before(async () => {
  server = await ServerProcess.start({ args: ["--save", "", "--repl-diskless-sync-delay", "0"] });
  client = await server.connect();
});
after(() => server.stop());
afterEach(() => client.expect("FLUSHALL", "OK"));

test("points are members of a sorted set, and their geohashes the scores", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  await client.expect("ZRANGE g 0 -1 WITHSCORES", ["Palermo", "3479099956230698", "Catania", "3479447370796909"]);
  await client.expect("GEOADD g NX 0 0 Palermo 13.583333 37.316667 Agrigento", 1);
  await client.expect("GEOADD g XX CH 13.4 38.1 Palermo 1 1 nobody", 1);
  await client.expect("GEOADD g CH 13.4 38.1 Palermo", 0);
  await client.expect("GEOADD g 180 85.05112878 corner -180 -85.05112878 other", 2);
  await client.expect("ZSCORE g other", "0");
  await client.expect("ZCARD g", 5);
});

test("points are replied to the digit", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  await client.expect("GEOPOS g Palermo none Catania", [
    ["13.36138933897018433", "38.11555639549629859"],
    null,
    ["15.08726745843887329", "37.50266842333162032"],
  ]);
  await client.expect("GEOPOS g", []);
  await client.expect("GEOPOS none a b", [null, null]);
  await client.expect("GEOHASH g Palermo none Catania", ["sqc8b49rny0", null, "sqdtr74hyu0"]);
  await client.expect("GEOHASH none a", [null]);
  await client.expect("GEOADD h -90 45 a 90.5 -45.5 b", 2);
  await client.expect("GEOPOS h a b", /^-8\d\.\d+,4\d\.\d+,9\d\.\d+,-4\d\.\d+$/);
});

test("distances, in every unit", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  await client.expect("GEODIST g Palermo Catania", "166274.1516");
  await client.expect("GEODIST g Palermo Catania km", "166.2742");
  await client.expect("GEODIST g Palermo Catania MI", "103.3182");
  await client.expect("GEODIST g Palermo Catania ft", "545518.8700");
  await client.expect("GEODIST g Palermo Palermo", "0.0000");
  await client.expect("GEODIST g Palermo none", null);
  await client.expect("GEODIST none a b", null);
  await client.expect("GEODIST g Palermo Catania yards", UNIT);
  await client.expect("GEODIST g Palermo Catania m x", SYNTAX);
});

test("what is no place is refused, and nothing is added then", async () => {
  const invalid = (pair: string) => new ReplyError(`ERR invalid longitude,latitude pair ${pair}`);
  await client.expect("GEOADD g 1 1 a 181 1 b", invalid("181.000000,1.000000"));
  await client.expect("GEOADD g 1 85.06 a", invalid("1.000000,85.060000"));
  await client.expect("GEOADD g inf 0 a", invalid("inf,0.000000"));
  await client.expect("GEOADD g x 1 a", NOT_FLOAT);
  await client.expect("GEOADD g 1 x a", NOT_FLOAT);
  await client.expect("GEOADD g 1 1 a 2 2", SYNTAX);
  await client.expect("GEOADD g NX XX 1 1 a", SYNTAX);
  await client.expect("GEOADD g NX CH XX", SYNTAX);
  await client.expect("EXISTS g", 0);
});

test("GEOSEARCH finds within circles and boxes, around places and members", async () => {
  await client.expect(`GEOADD g ${SICILY} 12.758489 38.788135 edge1 17.241510 38.788135 edge2`, 4);
  await client.expect("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", ["Catania", "Palermo"]);
  await client.expect("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC", ["edge1", "edge2", "Palermo", "Catania"]);
  await client.expect("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 2", ["Catania", "Palermo"]);
  await client.expect("GEOSEARCH g BYRADIUS 100 mi FROMMEMBER Palermo DESC", ["edge1", "Palermo"]);
  await client.expect("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHCOORD WITHDIST WITHHASH", [
    ["Catania", "56.4413", 3479447370796909, ["15.08726745843887329", "37.50266842333162032"]],
    ["Palermo", "190.4424", 3479099956230698, ["13.36138933897018433", "38.11555639549629859"]],
  ]);
  await client.expect("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST COUNT 1", [["Catania", "56.4413"]]);
  await client.expect("GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 1 m", []);
  await client.expect("GEOSEARCH none FROMMEMBER x BYRADIUS 1 m", []);
  const any = await client.call("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 ANY") as string[];
  assert.equal(any.length, 2);
});

test("GEOSEARCH asks for exactly one middle and one shape", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  const middle = new ReplyError("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch");
  const shape = new ReplyError("ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch");
  await client.expect("geosearch g BYRADIUS 1 m ASC ASC", middle);
  await client.expect("geosearch g FROMMEMBER Palermo ASC ASC ASC", shape);
  await client.expect("GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 m", SYNTAX);
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m BYBOX 1 1 m", SYNTAX);
  await client.expect(
    "GEOSEARCH g FROMMEMBER none BYRADIUS 1 m",
    new ReplyError("ERR could not decode requested zset member"),
  );
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS x m", new ReplyError("ERR need numeric radius"));
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS -1 m", new ReplyError("ERR radius cannot be negative"));
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 x", UNIT);
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYBOX x 1 m", new ReplyError("ERR need numeric width"));
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYBOX 1 x m", new ReplyError("ERR need numeric height"));
  await client.expect(
    "GEOSEARCH g FROMMEMBER Palermo BYBOX 1 -1 m",
    new ReplyError("ERR height or width cannot be negative"),
  );
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m COUNT 0", new ReplyError("ERR COUNT must be > 0"));
  await client.expect(
    "GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m ANY",
    new ReplyError("ERR the ANY argument requires COUNT argument"),
  );
  await client.expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m STOREDIST", SYNTAX);
});

test("GEOSEARCHSTORE stores geohashes or distances, in place of what is there", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  await client.expect("SET d x", "OK");
  await client.expect("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", 2);
  await client.expect("ZRANGE d 0 -1 WITHSCORES", ["Palermo", "3479099956230698", "Catania", "3479447370796909"]);
  await client.expect("OBJECT ENCODING d", "listpack");
  await client.expect("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST COUNT 1", 1);
  await client.expect("ZRANGE d 0 -1 WITHSCORES", /^Catania,56\.44125787/);
  await client.expect("GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 1 km", 1);
  await client.expect("ZRANGE g 0 -1", ["Palermo"]);
  await client.expect("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km", 0);
  await client.expect("EXISTS d", 0);
  await client.expect("SET d x", "OK");
  await client.expect("GEOSEARCHSTORE d none FROMLONLAT 0 0 BYRADIUS 1 km", 0);
  await client.expect("EXISTS d", 0);
  await client.expect(
    "GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km WITHDIST",
    new ReplyError("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
  );
});

test("GEORADIUS and its kin, as before", async () => {
  await client.expect(`GEOADD g ${SICILY}`, 2);
  await client.expect("GEORADIUS g 15 37 200 km ASC", ["Catania", "Palermo"]);
  await client.expect("GEORADIUS_RO g 15 37 200 km WITHDIST COUNT 1", [["Catania", "56.4413"]]);
  await client.expect("GEORADIUSBYMEMBER g Palermo 200 km DESC", ["Catania", "Palermo"]);
  await client.expect("GEORADIUSBYMEMBER_RO g Palermo 10 km", ["Palermo"]);
  await client.expect("GEORADIUS g 15 37 200 km STORE d", 2);
  await client.expect("GEORADIUSBYMEMBER g Palermo 200 km STOREDIST d", 2);
  await client.expect("ZRANGE d 0 0 WITHSCORES", ["Palermo", "0"]);
  await client.expect("GEORADIUSBYMEMBER none Palermo 200 km STORE d", 0);
  await client.expect("EXISTS d", 0);
  await client.expect("GEORADIUSBYMEMBER none Palermo nonsense nonsense", []);
  await client.expect("GEORADIUSBYMEMBER g none 1 km", new ReplyError("ERR could not decode requested zset member"));
  await client.expect("GEORADIUS_RO g 15 37 200 km STORE d", SYNTAX);
  await client.expect(
    "GEORADIUS g 15 37 200 km STORE d WITHDIST",
    new ReplyError("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
  );
  await client.expect("GEORADIUS g 181 37 200 km", /^ERR invalid longitude,latitude pair 181/);
});

test("in RESP3 coordinates are doubles, and distances strings", async () => {
  const one = await server.connect();
  await one.call("HELLO 3");
  await one.expect("GEOADD g 13.361389 38.115556 Palermo", 1);
  one.send("GEOPOS", "g", "Palermo", "none");
  assert.equal(
    await one.readReplyBytes(),
    "*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n",
  );
  await one.expect("GEODIST g Palermo Palermo", "0.0000");
});

test("keys of other types are refused by every command", async () => {
  await client.expect("SET string x", "OK");
  const commands = [
    "GEOADD string 1 1 a",
    "GEOPOS string a",
    "GEOHASH string a",
    "GEODIST string a b",
    "GEOSEARCH string FROMMEMBER a BYRADIUS 1 m",
    "GEOSEARCHSTORE d string FROMMEMBER a BYRADIUS 1 m",
    "GEORADIUS string 1 1 1 m",
    "GEORADIUSBYMEMBER string a 1 m",
  ];
  for (const command of commands) await client.expect(command, WRONG_TYPE);
});

test("events, and what a replica has", async () => {
  await client.expect("CONFIG SET notify-keyspace-events KEA", "OK");
  const replica = await ServerProcess.start({ args: ["--save", "", "--replicaof", `127.0.0.1 ${server.port}`] });
  try {
    const reader = await replica.connect();
    await until("the link", async () => /master_link_status:up/.test(String(await reader.call("INFO replication"))));
    const listener = await server.connect();
    await listener.call("PSUBSCRIBE", "__keyevent@0__:*");
    await client.expect(`GEOADD g ${SICILY}`, 2);
    await client.expect("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", 2);
    await client.expect("GEORADIUS g 15 37 200 km STORE e", 2);
    await client.expect("GEORADIUS g 0 0 1 m STORE e", 0);
    const events: string[] = [];
    for (let i = 0; i < 4; i++) {
      const [, , channel, key] = await listener.read() as string[];
      events.push(`${channel.replace("__keyevent@0__:", "")} ${key}`);
    }
    assert.deepEqual(events, ["zadd g", "geosearchstore d", "georadiusstore e", "del e"]);
    const stored = await client.call("ZRANGE d 0 -1 WITHSCORES");
    await client.expect("SET end 1", "OK");
    await until("the end of the stream", async () => await reader.call("EXISTS end") === 1);
    assert.deepEqual(await reader.call("ZRANGE d 0 -1 WITHSCORES"), stored);
    await reader.expect("EXISTS e", 0);
  } finally {
    await client.expect(["CONFIG", "SET", "notify-keyspace-events", ""], "OK");
    await replica.stop();
  }
});
