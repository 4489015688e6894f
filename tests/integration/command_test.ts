/** COMMAND: what it says of the commands, compared with what Redis says of the same ones. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { UNBUILT_COMMANDS } from "../../lib/commands/unbuilt.ts";
import { asIn72 } from "../interop/as_in_7_2.ts";
import { IS_ORACLE, ServerProcess } from "./server_process.ts";
import { type Reply, ReplyError, type TestClient } from "./test_client.ts";

/** redis-server is there to compare with. */
const HAS_ORACLE = spawnSync("redis-server", ["--version"]).status === 0;
const COMPARE = { skip: HAS_ORACLE && !IS_ORACLE ? false : "needs redis-server beside the server under test" };

let server: ServerProcess;
let oracle: ServerProcess | null = null;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
  if (COMPARE.skip === false) oracle = await ServerProcess.start({ kind: "redis-server" });
});
after(async () => {
  await server.stop();
  await oracle?.stop();
});

/** A reply without the order of what has none, and without texts. */
function normalise(reply: Reply): unknown {
  if (reply instanceof Set) return [...reply].map(normalise).map((one) => JSON.stringify(one)).toSorted();
  if (reply instanceof Map) {
    const entries = [...reply].filter(([key]) => key !== "notes").map((
      [key, value],
    ) => [String(key), normalise(value)]);
    return Object.fromEntries(entries);
  }
  return Array.isArray(reply) ? reply.map(normalise) : reply;
}

interface Info {
  readonly fields: unknown[];
  readonly subcommands: readonly Reply[];
}

/** Commands and subcommands by name; `of72` makes 7.2's fields of a reply's. */
function byName(
  reply: Reply,
  of72: (fields: readonly Reply[]) => readonly Reply[] = (fields) => fields,
  into: Map<string, Info> = new Map(),
): Map<string, Info> {
  assert.ok(Array.isArray(reply));
  for (const one of reply) {
    assert.ok(Array.isArray(one) && one.length === 10, `ten fields: ${JSON.stringify(one)}`);
    // Where there are none, RESP3 has an empty set.
    const subcommands = one[9] instanceof Set ? [...one[9]] : one[9];
    assert.ok(Array.isArray(subcommands));
    into.set(String(one[0]), { fields: of72(one.slice(0, 9)).map(normalise), subcommands });
    byName(subcommands, of72, into);
  }
  return into;
}

async function resp3(of: ServerProcess): Promise<TestClient> {
  const one = await of.connect();
  await one.call("HELLO 3");
  return one;
}

test("COMMAND INFO of every command is Redis's", COMPARE, async () => {
  assert.ok(oracle !== null);
  const ours = byName(await (await resp3(server)).call("COMMAND"));
  const theirs = byName(await (await resp3(oracle)).call("COMMAND"), asIn72);
  const differences: string[] = [];
  let compared = 0;
  for (const [name, info] of ours) {
    const other = theirs.get(name);
    if (other === undefined) continue;
    compared++;
    const [a, b] = [JSON.stringify(info.fields), JSON.stringify(other.fields)];
    if (a !== b) differences.push(`${name}:\n  ours   ${a}\n  Redis's ${b}`);
  }
  assert.ok(compared > 100);
  assert.equal(differences.join("\n"), "");
});

test("the argument trees of COMMAND DOCS are Redis's", COMPARE, async () => {
  assert.ok(oracle !== null);
  const docs = async (of: ServerProcess) => {
    const all = new Map<string, Map<Reply, Reply>>();
    const collect = (reply: Reply) => {
      assert.ok(reply instanceof Map);
      for (const [name, about] of reply) {
        assert.ok(about instanceof Map);
        all.set(String(name), about);
        if (about.has("subcommands")) collect(about.get("subcommands") ?? null);
      }
    };
    collect(await (await resp3(of)).call("COMMAND DOCS"));
    return all;
  };
  const shape = (reply: Reply | undefined): unknown => {
    if (!Array.isArray(reply)) return [];
    return reply.map((argument) => {
      assert.ok(argument instanceof Map);
      const part = new Map(argument);
      part.delete("display_text"); // came with Redis 7.2
      part.delete("key_spec_index"); // Redis numbers only some
      part.delete("deprecated_since");
      part.delete("arguments");
      return [normalise(part), shape(argument.get("arguments"))];
    });
  };
  const [ours, theirs] = [await docs(server), await docs(oracle)];
  /** Written otherwise since Redis 7.2. */
  const newer = [
    "latency|histogram",
    "client|kill",
    "bitcount",
    "bitfield",
    "bitfield_ro",
    "bitop",
    "bitpos",
    "zrank",
    "zrevrank",
    "pfmerge",
  ];
  const differences: string[] = [];
  for (const [name, about] of ours) {
    const other = theirs.get(name);
    if (other === undefined || newer.includes(name)) continue;
    const [a, b] = [JSON.stringify(shape(about.get("arguments"))), JSON.stringify(shape(other.get("arguments")))];
    if (a !== b) differences.push(`${name}:\n  ours   ${a}\n  Redis's ${b}`);
    for (const field of ["since", "group"]) {
      if (about.get(field) !== other.get(field)) differences.push(`${name}: ${field} ${about.get(field)}`);
    }
  }
  assert.equal(differences.join("\n"), "");
});

test("every command of Redis is here, or known to be still to come", COMPARE, async () => {
  assert.ok(oracle !== null);
  const ours = new Set(await client.call("COMMAND LIST") as string[]);
  const theirs = await (await oracle.connect()).call("COMMAND LIST") as string[];
  assert.deepEqual(theirs.filter((name) => !name.includes("|") && !ours.has(name) && !UNBUILT_COMMANDS.has(name)), []);
});

test("every command is documented", async () => {
  const reply = await (await resp3(server)).call("COMMAND DOCS");
  assert.ok(reply instanceof Map);
  const check = (docs: Map<Reply, Reply>) => {
    for (const [name, about] of docs) {
      assert.ok(about instanceof Map);
      for (const field of ["summary", "since", "group"]) {
        assert.ok(typeof about.get(field) === "string" && about.get(field) !== "", `${name} has a ${field}`);
      }
      const subcommands = about.get("subcommands");
      if (subcommands instanceof Map) check(subcommands);
    }
  };
  check(reply);
});

test("COUNT, INFO and DOCS of single commands", async () => {
  const all = await client.call("COMMAND");
  assert.ok(Array.isArray(all));
  await client.expect("COMMAND COUNT", all.length);
  const [get, sub, missing] = await client.call("COMMAND INFO GET config|get nosuch") as Reply[]; // an array
  assert.ok(Array.isArray(get) && Array.isArray(sub));
  assert.deepEqual(get.slice(0, 7), ["get", 2, ["readonly", "fast"], 1, 1, 1, ["@read", "@string", "@fast"]]);
  assert.deepEqual(sub.slice(0, 2), ["config|get", -3]);
  assert.equal(missing, null);
  await client.expect("COMMAND DOCS nosuch", []);
  const docs = await client.call("COMMAND DOCS getset");
  assert.ok(Array.isArray(docs) && Array.isArray(docs[1]));
  assert.equal(docs[0], "getset");
  assert.equal(docs[1][docs[1].indexOf("deprecated_since") + 1], "6.2.0");
});

test("LIST and its filters", async () => {
  const list = async (...filter: string[]) => (await client.call("COMMAND", "LIST", ...filter) as string[]).toSorted();
  const all = await list();
  assert.ok(all.includes("get") && all.includes("config|get"));
  assert.deepEqual(await list("FILTERBY", "PATTERN", "config|r*"), ["config|resetstat", "config|rewrite"]);
  assert.deepEqual(await list("FILTERBY", "MODULE", "x"), []);
  assert.deepEqual(await list("FILTERBY", "ACLCAT", "nosuch"), []);
  assert.deepEqual(await list("filterby", "aclcat", "transaction"), ["discard", "exec", "multi", "unwatch", "watch"]);
  await client.expect("COMMAND LIST FILTERBY", new ReplyError("ERR syntax error"));
  await client.expect("COMMAND LIST FILTERBY x y", new ReplyError("ERR syntax error"));
});

test("GETKEYS and GETKEYSANDFLAGS", async () => {
  await client.expect("COMMAND GETKEYS MSET a 1 b 2", ["a", "b"]);
  await client.expect("COMMAND GETKEYS COPY a b DB 1", ["a", "b"]);
  await client.expect("COMMAND GETKEYS OBJECT ENCODING a", ["a"]);
  await client.expect("COMMAND GETKEYS LCS a b", ["a", "b"]);
  await client.expect("COMMAND GETKEYS DEL a b c", ["a", "b", "c"]);
  await client.expect("COMMAND GETKEYSANDFLAGS SET a 1", [["a", ["OW", "update"]]]);
  await client.expect("COMMAND GETKEYSANDFLAGS SET a 1 GET", [["a", ["RW", "access", "update"]]]);
  await client.expect("COMMAND GETKEYSANDFLAGS RENAME a b", [
    ["a", ["RW", "access", "delete"]],
    ["b", ["OW", "update"]],
  ]);
  await client.expect("COMMAND GETKEYS", /wrong number of arguments for 'command\|getkeys' command/);
  await client.expect("COMMAND GETKEYS NOSUCH a", new ReplyError("ERR Invalid command specified"));
  await client.expect("COMMAND GETKEYS PING a", new ReplyError("ERR The command has no key arguments"));
  await client.expect("COMMAND GETKEYS SUBSCRIBE a", new ReplyError("ERR The command has no key arguments"));
  await client.expect("COMMAND GETKEYS SSUBSCRIBE a", new ReplyError("ERR The command has no key arguments"));
  await client.expect(
    "COMMAND GETKEYS SET a",
    new ReplyError("ERR Invalid number of arguments specified for command"),
  );
});
