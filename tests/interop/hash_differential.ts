/**
 * Sends the same random hash commands to two servers, tredis and a real redis-server, and compares every reply; where
 * a hash is a listpack, its bytes too, as DUMP has them. Run by hand and by the interop tests:
 *
 * `deno run -A tests/interop/hash_differential.ts TREDIS_PORT REDIS_PORT [COMMANDS [SEED]]`
 *
 * Exits with 1 and prints the command and both replies at the first difference.
 */

import { connect, type Socket } from "node:net";
import process from "node:process";

type Reply = string | number | bigint | null | Error | Reply[];

/** A connection that sends one command at a time; replies are binary strings. */
class Connection {
  #buffer = Buffer.alloc(0);
  #at = 0;
  #wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on("data", (data) => {
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#at), data as Buffer]); // no encoding is set
      this.#at = 0;
      this.#wake();
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Connection(socket);
  }

  async send(args: readonly string[]): Promise<Reply> {
    const parts = [`*${args.length}\r\n`, ...args.map((arg) => `$${arg.length}\r\n${arg}\r\n`)];
    this.socket.write(Buffer.from(parts.join(""), "latin1"));
    return await this.#read();
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf("\r\n", this.#at, "latin1");
      if (end >= 0) {
        const line = this.#buffer.toString("latin1", this.#at, end);
        this.#at = end + 2;
        return line;
      }
      await this.#more();
    }
  }

  async #read(): Promise<Reply> {
    const line = await this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new Error(rest);
      case ":":
        return BigInt(rest);
      case "_":
        return null;
      case "$": {
        const length = Number(rest);
        if (length < 0) return null;
        while (this.#buffer.length - this.#at < length + 2) await this.#more();
        const text = this.#buffer.toString("latin1", this.#at, this.#at + length);
        this.#at += length + 2;
        return text;
      }
      case "*":
      case "%": {
        const length = Number(rest) * (line[0] === "%" ? 2 : 1);
        if (length < 0) return null;
        const items: Reply[] = [line[0]];
        for (let i = 0; i < length; i++) items.push(await this.#read());
        return items;
      }
    }
    throw new Error(`unexpected reply ${line}`);
  }
}

let state = Number(process.argv[5] ?? Date.now() % 1e9);
const seed = state;

/** Pseudo-random numbers below `limit` (mulberry32), so that a seed repeats a run. */
function random(limit: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
}

function pick<T>(choices: readonly T[]): T {
  return choices[random(choices.length)];
}

const EDGES = [
  ..."0 -0 00 1 -1 127 128 -128 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608 -8388608".split(" "),
  ..."-8388609 2147483647 2147483648 -2147483648 -2147483649 4294967296 9007199254740991 9007199254740992".split(" "),
  ..."-9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809".split(" "),
  ..."+1 1.0 01 - 1e3 0x10 inf 12345678901234567890".split(" "),
  "",
  " 1",
  "1 ",
];

function binary(length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(random(256));
  return text;
}

function anyInteger(): string {
  return pick([() => String(random(300) - 150), () => pick(EDGES), () => String(random(2 ** 32) - 2 ** 31)])();
}

function anyFloat(): string {
  return pick([
    () => (random(20000) / 100 - 100).toString(),
    () => `${random(1e9)}.${random(1e6)}`,
    () => `${random(1000) - 500}e${random(40) - 20}`,
    () => `${random(2 ** 31)}${random(2 ** 31)}.${random(2 ** 31)}`,
    () => pick(EDGES),
    () => pick(["nan", "-inf", "1e400", "1e-400", ".5", "5.", "1e4931", "0x1.8p-3", "1e", "0x", "3.0e+2", "1e5000"]),
  ])();
}

let fieldSpace = 8;

function anyField(): string {
  return pick([
    () => `field:${random(fieldSpace)}`,
    anyInteger,
    () => binary(random(4)),
    () => String(random(fieldSpace)),
  ])();
}

function anyValue(): string {
  return pick([
    anyInteger,
    anyFloat,
    () => binary(random(20)),
    () => "v".repeat(random(70)),
    () => random(50) === 0 ? "w".repeat(pick([63, 64, 65, 127, 128, 4095, 4096, 5000, 20000])) : "x",
  ])();
}

function anyPairs(): string[] {
  const pairs: string[] = [];
  for (let n = 1 + random(random(10) === 0 ? 60 : 3); n > 0; n--) pairs.push(anyField(), anyValue());
  return pairs;
}

function anyFields(): string[] {
  return Array.from({ length: 1 + random(4) }, anyField);
}

const keys = ["a", "b", "c", "d", "str"];

const COMMANDS: readonly (() => string[])[] = [
  () => ["HSET", pick(keys), ...anyPairs()],
  () => ["HSET", pick(keys), anyField(), anyValue()],
  () => ["HSET", pick(keys), anyField(), anyValue()],
  () => ["HMSET", pick(keys), ...anyPairs()],
  () => ["HSET", pick(keys), ...anyPairs(), "odd"],
  () => ["HSETNX", pick(keys), anyField(), anyValue()],
  () => ["HGET", pick(keys), anyField()],
  () => ["HMGET", pick(keys), ...anyFields()],
  () => ["HDEL", pick(keys), ...anyFields()],
  () => ["HDEL", pick(keys), anyField()],
  () => ["HLEN", pick(keys)],
  () => ["HSTRLEN", pick(keys), anyField()],
  () => ["HEXISTS", pick(keys), anyField()],
  () => ["HKEYS", pick(keys)],
  () => ["HVALS", pick(keys)],
  () => ["HGETALL", pick(keys)],
  () => ["HINCRBY", pick(keys), anyField(), anyInteger()],
  () => ["HINCRBY", pick(keys), pick(["n1", "n2"]), anyInteger()],
  () => ["HINCRBYFLOAT", pick(keys), anyField(), anyFloat()],
  () => ["HINCRBYFLOAT", pick(keys), pick(["f1", "f2", "f3"]), anyFloat()],
  () => ["HINCRBYFLOAT", pick(keys), pick(["f1", "f2", "f3"]), anyFloat()],
  () => ["HSET", pick(keys), pick(["f1", "f2", "f3"]), anyFloat()],
  () => ["HRANDFIELD", pick(keys), pick(["0", "100000", "-9223372036854775808", "x", "4611686018427387904"])],
  () => ["HRANDFIELD", pick(keys), "100000", "WITHVALUES"],
  () => ["HRANDFIELD", pick(keys), pick(["4611686018427387904", "1"]), pick(["withvalues", "x"]), "y"],
  () => ["HSCAN", pick(keys), "0", "COUNT", "100000", "MATCH", pick(["*", "f*", "field:[0-4]", "?", "\\*", "[^f]*"])],
  () => ["HSCAN", pick(keys), pick(["0", "x", "-", "", "18446744073709551616"]), pick(["COUNT", "MATCH", "y"])],
  () => ["HSCAN", pick(keys), "0", "COUNT", pick(["0", "-1", "x", "100000"])],
  () => ["OBJECT", "ENCODING", pick(keys)],
  () => (random(10) === 0 ? ["DEL", pick(keys)] : ["HLEN", pick(keys)]),
];

const UNORDERED = new Set(["HGETALL", "HKEYS", "HVALS", "HSCAN", "HRANDFIELD"]);

/** The reply in a form in which the order of fields does not count. */
function normal(reply: Reply, command: readonly string[]): string {
  const show = (item: Reply): string =>
    item instanceof Error
      ? `-${item.message}`
      : Array.isArray(item)
      ? `[${item.map(show).join(",")}]`
      : `${typeof item}:${item}`;
  if (!UNORDERED.has(command[0]) || !Array.isArray(reply)) return show(reply);
  const scan = command[0] === "HSCAN";
  const list = scan ? reply[2] : reply;
  if (!Array.isArray(list)) return show(reply);
  const items = list.slice(1);
  const paired = scan || command[0] === "HGETALL" || (command.length > 3 && !items.some(Array.isArray));
  const shown: string[] = [];
  for (let i = 0; i < items.length; i += paired ? 2 : 1) {
    shown.push(show(items[i]) + (paired ? `=${show(items[i + 1])}` : ""));
  }
  return `${scan ? show(reply[1]) : ""}${list[0]}${shown.sort().join("\n")}`;
}

/** The value in a DUMP payload: less its checksum and version, and with them what they cover. */
function dumped(reply: Reply): string {
  return typeof reply === "string" ? reply.slice(0, -10) : normal(reply, ["DUMP"]);
}

async function main(): Promise<void> {
  const [tredis, redis] = await Promise.all([
    Connection.open(Number(process.argv[2])),
    Connection.open(Number(process.argv[3])),
  ]);
  const both = (command: readonly string[]) => Promise.all([tredis.send(command), redis.send(command)]);
  const total = Number(process.argv[4] ?? 20000);
  await both(["CONFIG", "SET", "rdbcompression", "no"]);
  let compared = 0;
  let dumps = 0;
  for (let i = 0; i < total; i++) {
    if (i % 2000 === 0) {
      await both(["FLUSHALL"]);
      await both(["SET", "str", "x"]);
      fieldSpace = pick([4, 20, 200, 2000]);
      const entries = String(pick([128, 128, 4, 512]));
      await both(["CONFIG", "SET", "hash-max-listpack-entries", entries]);
      await both(["CONFIG", "SET", "hash-max-listpack-value", String(pick([64, 64, 10, 30000]))]);
      await both(["HELLO", String(2 + random(2))]);
    }
    const command = pick(COMMANDS)();
    const replies = await both(command);
    const [mine, theirs] = replies.map((reply) => normal(reply, command));
    compared++;
    if (mine !== theirs) {
      console.error(`seed ${seed}, command ${i}: ${JSON.stringify(command)}\ntredis: ${mine}\nredis:  ${theirs}`);
      process.exit(1);
    }
    const key = command[1];
    if (i % 5 !== 0 || !keys.includes(key)) continue;
    const [encoding] = await both(["OBJECT", "ENCODING", key]);
    if (encoding !== "listpack") continue;
    const [mineDump, theirDump] = (await both(["DUMP", key])).map(dumped);
    if (mineDump.includes("unknown command")) continue;
    dumps++;
    if (mineDump !== theirDump) {
      console.error(`seed ${seed}, command ${i}: DUMP ${key} after ${JSON.stringify(command)}`);
      console.error(`tredis: ${JSON.stringify(mineDump)}\nredis:  ${JSON.stringify(theirDump)}`);
      process.exit(1);
    }
  }
  console.log(`${compared} replies and ${dumps} listpacks are the same (seed ${seed})`);
  process.exit(0);
}

await main();
