/**
 * Random commands of all families: most make sense, some are cut short, prolonged, of the wrong type or out of range.
 *
 * Left out is what cannot be compared: what draws at random (HRANDFIELD but for all fields; RANDOMKEY, which also removes
 * the expired keys that it comes upon), what waits for time to pass (short expiries, WAIT with replicas), and what each
 * server tells of itself (INFO, CLIENT LIST, MEMORY).
 */

import type { Values } from "./values.ts";

/** How far a command may be spoilt: in every way; but for its arguments' values and places; not at all. */
type Spoiling = "any" | "length" | "none";

interface Template {
  readonly make: (values: Values) => string[];
  readonly weight: number;
  readonly spoiling: Spoiling;
}

const STRING_KEYS = ["a", "b", "c", "", "bin\0\r\n\xff", "n1", "n2", "f1", "f2", "k".repeat(300)];
const HASH_KEYS = ["h1", "h2", "h3", "{h}4"];
const ALL_KEYS = [...STRING_KEYS, ...HASH_KEYS];
/** Databases that are used. */
const DATABASES = 3;

function stringKey(values: Values): string {
  return values.of(values.once(15) ? HASH_KEYS : STRING_KEYS);
}

function hashKey(values: Values): string {
  return values.of(values.once(15) ? STRING_KEYS : HASH_KEYS);
}

function anyKey(values: Values): string {
  return values.of(ALL_KEYS);
}

function keys(values: Values): string[] {
  return Array.from({ length: 1 + values.below(4) }, () => anyKey(values));
}

function fields(values: Values): string[] {
  return Array.from({ length: 1 + values.below(4) }, () => values.field());
}

function fieldsAndValues(values: Values): string[] {
  const count = 1 + values.below(values.once(10) ? 60 : 3);
  return Array.from({ length: count }, () => [values.field(), values.value()]).flat();
}

/** A float's key and field get numbers more often than not, so that sums build up. */
function floatField(values: Values): string {
  return values.once(4) ? values.field() : values.of(["f1", "f2", "f3"]);
}

function someOf(values: Values, words: readonly string[]): string[] {
  return words.filter(() => values.once(4)).map((word) => values.anyCase(word));
}

/** Options of SET or GETEX that give an expiry; sometimes several, which is an error. */
function expiryOptions(values: Values): string[] {
  const options: string[] = [];
  for (let i = values.of([0, 0, 1, 1, 1, 2]); i > 0; i--) {
    const option = values.of(["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"]);
    options.push(values.anyCase(option));
    if (option === "EX" || option === "PX") options.push(values.relative(option === "EX" ? 1 : 1000));
    else if (option.endsWith("AT")) options.push(values.absolute(option === "EXAT" ? 1 : 1000));
  }
  return options;
}

function setCommand(values: Values): string[] {
  const conditions = someOf(values, ["NX", "XX", "GET"]);
  const expiry = expiryOptions(values);
  const options = values.once(2) ? [...conditions, ...expiry] : [...expiry, ...conditions];
  return ["SET", stringKey(values), values.value(), ...options];
}

function offset(values: Values): string {
  return values.once(4) ? values.integer() : String(values.below(100));
}

function lcsOptions(values: Values): string[] {
  const minimum = values.once(3) ? [values.anyCase("MINMATCHLEN"), values.of(["0", "2", "-1", "x", "4"])] : [];
  return [...someOf(values, ["LEN", "IDX", "WITHMATCHLEN"]), ...minimum];
}

/** Options of SCAN or HSCAN that let it end with the first call. */
function scanOptions(values: Values): string[] {
  const options = [values.anyCase("COUNT"), "100000"];
  if (values.once(2)) options.push(values.anyCase("MATCH"), values.pattern());
  if (values.once(10)) options.push(values.of(["COUNT", "MATCH", "y"]));
  if (values.once(10)) options.push("COUNT", values.of(["0", "-1", "x", ""]));
  return options;
}

/** All templates. Weights count how often one is taken. */
const TEMPLATES: Template[] = [];

function family(spoiling: Spoiling, weight: number, makers: readonly ((values: Values) => string[])[]): void {
  for (const make of makers) TEMPLATES.push({ make, weight, spoiling });
}

const strings: ((values: Values) => string[])[] = [
  (v) => ["GET", stringKey(v)],
  (v) => ["SET", stringKey(v), v.value()],
  (v) => ["SETNX", stringKey(v), v.value()],
  (v) => ["GETSET", stringKey(v), v.value()],
  (v) => ["GETDEL", stringKey(v)],
  (v) => ["MGET", ...keys(v)],
  (v) => ["MSET", ...keys(v).flatMap((key) => [key, v.value()])],
  (v) => ["MSETNX", ...keys(v).flatMap((key) => [key, v.value()])],
  (v) => ["INCR", v.of(["n1", "n2", stringKey(v)])],
  (v) => ["DECR", v.of(["n1", "n2", stringKey(v)])],
  (v) => ["INCRBY", v.of(["n1", "n2", stringKey(v)]), v.integer()],
  (v) => ["DECRBY", v.of(["n1", "n2", stringKey(v)]), v.integer()],
  (v) => ["INCRBYFLOAT", v.of(["f1", "f2", stringKey(v)]), v.float()],
  (v) => ["SET", v.of(["f1", "f2", "n1", "n2"]), v.once(2) ? v.float() : v.integer()],
  (v) => ["APPEND", stringKey(v), v.value()],
  (v) => ["STRLEN", stringKey(v)],
  (v) => ["SETRANGE", stringKey(v), offset(v), v.value()],
  (v) => [v.of(["GETRANGE", "SUBSTR"]), stringKey(v), v.integer(), v.integer()],
  (v) => ["LCS", stringKey(v), stringKey(v), ...lcsOptions(v)],
  (v) => ["SETBIT", stringKey(v), offset(v), v.of(["0", "1", "1", "2", "x", ""])],
  (v) => ["GETBIT", stringKey(v), offset(v)],
];

const hashes: ((values: Values) => string[])[] = [
  (v) => ["HSET", hashKey(v), ...fieldsAndValues(v)],
  (v) => ["HSET", hashKey(v), v.field(), v.value()],
  (v) => ["HMSET", hashKey(v), ...fieldsAndValues(v)],
  (v) => ["HSETNX", hashKey(v), v.field(), v.value()],
  (v) => ["HSET", hashKey(v), floatField(v), v.float()],
  (v) => ["HGET", hashKey(v), v.field()],
  (v) => ["HMGET", hashKey(v), ...fields(v)],
  (v) => ["HDEL", hashKey(v), ...fields(v)],
  (v) => ["HLEN", hashKey(v)],
  (v) => ["HSTRLEN", hashKey(v), v.field()],
  (v) => ["HEXISTS", hashKey(v), v.field()],
  (v) => ["HKEYS", hashKey(v)],
  (v) => ["HVALS", hashKey(v)],
  (v) => ["HGETALL", hashKey(v)],
  (v) => ["HINCRBY", hashKey(v), v.once(2) ? v.field() : v.of(["n1", "n2"]), v.integer()],
  (v) => ["HINCRBYFLOAT", hashKey(v), floatField(v), v.float()],
];

const keyspace: ((values: Values) => string[])[] = [
  (v) => [v.of(["DEL", "UNLINK"]), ...keys(v)],
  (v) => [v.of(["EXISTS", "TOUCH"]), ...keys(v)],
  (v) => ["TYPE", anyKey(v)],
  (v) => [v.of(["RENAME", "RENAMENX"]), anyKey(v), anyKey(v)],
  (v) => ["MOVE", anyKey(v), v.once(3) ? v.integer() : String(v.below(DATABASES))],
  (v) => ["COPY", anyKey(v), anyKey(v), ...someOf(v, ["REPLACE"])],
  (v) => ["COPY", anyKey(v), anyKey(v), v.anyCase("DB"), v.once(3) ? v.integer() : String(v.below(DATABASES))],
  (v) => ["COPY", anyKey(v), anyKey(v), "replace", "db", String(v.below(DATABASES))],
  (v) => ["OBJECT", v.anyCase("ENCODING"), anyKey(v)],
  (v) => ["OBJECT", v.of(["REFCOUNT", "IDLETIME", "FREQ", "nonsense"]), anyKey(v)],
  (v) => ["KEYS", v.pattern()],
  (_v) => ["DBSIZE"],
  (v) => ["DEBUG", "DIGEST-VALUE", ...keys(v)],
  (v) => ["DUMP", anyKey(v)],
  (v) => ["RESTORE", anyKey(v), v.of(["0", "-1", "x", ""]), v.binary(v.below(30)), ...someOf(v, ["REPLACE", "ABSTTL"])],
  (v) => ["SWAPDB", String(v.below(DATABASES)), v.once(3) ? v.integer() : String(v.below(DATABASES))],
  (v) => ["SELECT", v.once(3) ? v.integer() : String(v.below(DATABASES))],
];

const expiries: ((values: Values) => string[])[] = [
  setCommand,
  (v) => ["SETEX", stringKey(v), v.relative(1), v.value()],
  (v) => ["PSETEX", stringKey(v), v.relative(1000), v.value()],
  (v) => ["GETEX", stringKey(v), ...expiryOptions(v)],
  (v) => ["EXPIRE", anyKey(v), v.relative(1), ...someOf(v, ["NX", "XX", "GT", "LT", "zz"])],
  (v) => ["PEXPIRE", anyKey(v), v.relative(1000), ...someOf(v, ["NX", "XX", "GT", "LT"])],
  (v) => ["EXPIREAT", anyKey(v), v.absolute(1), ...someOf(v, ["NX", "XX", "GT", "LT"])],
  (v) => ["PEXPIREAT", anyKey(v), v.absolute(1000), ...someOf(v, ["NX", "XX", "GT", "LT"])],
  (v) => [v.of(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]), anyKey(v)],
];

const transactions: ((values: Values) => string[])[] = [
  (_v) => ["MULTI"],
  (_v) => ["EXEC"],
  (_v) => ["EXEC"],
  (_v) => ["DISCARD"],
  (v) => ["WATCH", ...keys(v)],
  (_v) => ["UNWATCH"],
];

const connections: ((values: Values) => string[])[] = [
  (v) => ["PING", ...(v.once(2) ? [v.value()] : [])],
  (v) => ["ECHO", v.value()],
  (v) => ["NOSUCH", ...fields(v)],
  (v) => ["AUTH", ...fields(v)],
  (v) => ["HELLO", v.of(["1", "4", "x", "", "3.0"]), ...someOf(v, ["AUTH", "SETNAME", "x"])],
];

/** What must stay as it is: spoilt, these might draw at random, end early, or wait. */
const unspoilt: ((values: Values) => string[])[] = [
  (v) => ["HRANDFIELD", hashKey(v), v.of(["0", "100000", "-9223372036854775808", "x", "4611686018427387904"])],
  (v) => ["HRANDFIELD", hashKey(v), "100000", v.anyCase("WITHVALUES")],
  (v) => ["HRANDFIELD", hashKey(v), v.of(["4611686018427387904", "1"]), v.of(["withvalues", "x"]), "y"],
  (v) => ["HSCAN", hashKey(v), "0", ...scanOptions(v)],
  (v) => ["HSCAN", hashKey(v), v.of(["0", "x", "-", "", "18446744073709551616"]), v.of(["COUNT", "MATCH", "y"])],
  (v) => ["SCAN", "0", ...scanOptions(v), ...(v.once(3) ? ["TYPE", v.of(["string", "HASH", "zset", "nosuch"])] : [])],
  (v) => ["SCAN", v.of(["x", "-", "", "18446744073709551616", " 0"]), v.of(["COUNT", "MATCH", "y"])],
  (v) => ["WAIT", "0", v.of(["0", "-1", "x"])],
  (v) => ["CLIENT", v.of(["SETNAME", "NOSUCH", "NO-EVICT", "REPLY", "TRACKING"]), v.of(["", "me", "a b", "\xff"])],
  (_v) => ["CLIENT", "GETNAME"],
  // 7.0 wants an argument after the command's name, 7.2 does not.
  (v) => ["COMMAND", "GETKEYS", ...anyCommand(v), "x"],
  (v) => ["CONFIG", "GET", v.of(["maxmemory", "hash-max-listpack-[a-z]*", "nosuch", "SAVE"])],
];

const rare: ((values: Values) => string[])[] = [
  (v) => ["FLUSHDB", ...someOf(v, ["ASYNC", "SYNC"])],
  (v) => ["FLUSHALL", ...someOf(v, ["ASYNC", "SYNC"])],
  (_v) => ["RESET"],
];

family("any", 6, strings);
family("any", 6, hashes);
family("any", 5, keyspace);
family("length", 8, expiries);
family("any", 8, transactions);
family("any", 1, connections);
family("none", 3, unspoilt);
family("none", 1, rare);

/** Each template as often as its weight says. */
const DRAWN: readonly Template[] = TEMPLATES.flatMap((template) => Array(template.weight).fill(template));

/** Any command, as its arguments. */
export function anyCommand(values: Values): string[] {
  const { make, spoiling } = values.of(DRAWN);
  const command = make(values);
  if (values.once(3)) command[0] = values.anyCase(command[0]);
  return spoiling === "none" || !values.once(12) ? command : spoilt(values, command, spoiling);
}

/** A command made wrong, or merely odd. */
function spoilt(values: Values, command: string[], spoiling: Spoiling): string[] {
  const at = 1 + values.below(command.length);
  switch (values.below(spoiling === "any" ? 6 : 3)) {
    case 0:
      return command.slice(0, at);
    case 1:
      return [...command, values.of(["", "x", "0", "GET", "NX"])];
    case 2:
      return [command[0]];
    case 3:
      return [...command.slice(0, at), values.value(), ...command.slice(at)];
    case 4:
      return command.with(Math.min(at, command.length - 1), values.value());
    default:
      return [...command.slice(0, at), ...command.slice(at).reverse()];
  }
}
