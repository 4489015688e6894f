/** The table `redis`, and what becomes of what scripts return. */

import { expression, fixed, type Node, type Part, statement } from "../tree.ts";
import { type Maker, often, type Writer } from "../writer.ts";

const KEYS = ["KEYS[1]", "KEYS[2]", "'k3'", "KEYS[3]"];

/** Numbers of commands are integers: 7.2 writes all others in their shortest form, 7.0 with 17 digits. */
function integer(w: Writer): Node {
  return fixed`int(${w.number()})`;
}

/** What an argument may be; what is a number is an integer. */
function word(w: Writer): Part {
  return w.once(8) ? fixed`word(${w.any()})` : w.once(2) ? integer(w) : fixed`str(${w.string()})`;
}

const COMMANDS: readonly Maker[] = [
  (w) => fixed`'SET', ${w.of(KEYS)}, ${word(w)}`,
  (w) => fixed`'GET', ${w.of(KEYS)}`,
  (w) => fixed`'get', ${w.of(KEYS)}, ${word(w)}`,
  (w) => fixed`'INCRBY', ${w.of(KEYS)}, ${integer(w)}`,
  (w) => fixed`'RPUSH', ${w.of(KEYS)}, ${word(w)}, ${word(w)}`,
  (w) => fixed`'LRANGE', ${w.of(KEYS)}, '0', '-1'`,
  (w) => fixed`'HSET', ${w.of(KEYS)}, 'f', ${word(w)}`,
  (w) => fixed`'HGETALL', ${w.of(KEYS)}`,
  () => fixed`'MGET', KEYS[1], 'none'`,
  (w) => fixed`'ZADD', ${w.of(KEYS)}, ${integer(w)}, ${word(w)}`,
  (w) => fixed`'ZSCORE', ${w.of(KEYS)}, ${word(w)}`,
  (w) => fixed`'SADD', ${w.of(KEYS)}, 'one'`,
  (w) => fixed`'SMEMBERS', ${w.of(KEYS)}`,
  (w) => fixed`'TYPE', ${w.of(KEYS)}`,
  (w) => fixed`'DEL', ${w.of(KEYS)}`,
  (w) => fixed`'EXISTS', ${w.of(KEYS)}, ${w.of(KEYS)}`,
  (w) => fixed`'ECHO', ${word(w)}`,
  () => fixed`'PING'`,
  (w) => fixed`'${w.of(["NOSUCH", "", "SUBSCRIBE", "eval", "MULTI", "INFO x y", "DEBUG"])}', ${word(w)}`,
  (w) => fixed`${w.any()}`,
  () => fixed``,
];

function command(w: Writer, call: "call" | "pcall"): Node {
  return expression`redis.${call}(${w.of(COMMANDS)(w)})`;
}

export const REDIS_CALLS: readonly Maker[] = [
  ...often(4, [(w) => command(w, "pcall")]),
  ...often(2, [(w) => command(w, "call")]),
  (w) =>
    expression`redis.error_reply(${
      w.once(3) ? w.any() : w.of(["'My error'", "'-CODE text'", "''", "'-'", "'x\\r\\ny'", "'ERR a  b'"])
    })`,
  (w) => expression`redis.status_reply(${w.once(3) ? w.any() : w.string()})`,
  (w) => expression`redis.sha1hex(${w.string()})`,
  (w) => expression`redis.sha1hex(${w.values(2)})`,
  (w) => expression`redis.setresp(${w.of(["2", "3", "2", "3", "4", "'3'", ""])})`,
];

export const REDIS_STATEMENTS: readonly Maker[] = [
  (w) => statement`${command(w, "pcall")}`,
  (w) => statement`${command(w, "call")}`,
  (w) => w.shown(command(w, "pcall")),
  (w) => w.shown(command(w, "call")),
];

/** What a script may return, or what is in it. */
export function reply(w: Writer, nested = 0): Node {
  switch (w.below(nested > 2 ? 2 : 9)) {
    case 0:
      return expression`${
        w.of([
          "1",
          "3.99",
          "-3.99",
          "'text'",
          "true",
          "false",
          "nil",
          "{}",
          "2^53",
          "1e300",
          "-1e300",
          "0/0",
          "'a\\r\\nb'",
          "type",
        ])
      }`;
    case 1:
      return w.any();
    case 2:
      return expression`{ok = ${w.string()}}`;
    case 3:
      return expression`{err = ${w.of(["'x'", "'ERR x'", "'-ERR x'", "'CODE some text'", "''", "'a\\nb'"])}}`;
    case 4:
      return expression`{${w.of(["double", "big_number"])} = ${
        w.of(["1.5", "3", "'123'", "1e100", "0.1", "1/0", "'x'"])
      }}`;
    case 5:
      return expression`{${w.of(["map", "set"])} = {${w.of(["x", "[1]", "['\\n']"])} = ${reply(w, nested + 1)}}}`;
    case 6:
      return expression`{verbatim_string = {format = ${w.of(["'txt'", "'mkd!'", "'x'"])}, string = ${w.string()}}}`;
    default:
      return expression`{${reply(w, nested + 1)}, ${reply(w, nested + 1)}, x = ${reply(w, nested + 1)}}`;
  }
}
