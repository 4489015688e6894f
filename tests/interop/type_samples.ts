/** Values of each type, in each of its encodings, for tests of what is done to all of them. */

export interface Sample {
  /** What makes it, beneath the key `key`. */
  readonly commands: readonly string[][];
  readonly encoding: string;
  /** Changes one element of it. */
  readonly change: string[];
}

const LARGE = 3000;
export const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** Samples of each type by its name, at least one of each encoding. */
export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  string: [
    { commands: [["SET", "key", "12345"]], encoding: "int", change: ["APPEND", "key", "x"] },
    { commands: [["SET", "key", "short"]], encoding: "embstr", change: ["APPEND", "key", "x"] },
    { commands: [["SET", "key", "long".repeat(50_000)]], encoding: "raw", change: ["SETRANGE", "key", "7", "x"] },
  ],
  list: [
    { commands: [["RPUSH", "key", "a", "1", "-70000", ""]], encoding: "listpack", change: ["LSET", "key", "1", "2"] },
    {
      commands: [["RPUSH", "key", ...numbers(LARGE).map((i) => `element:${i}`)]],
      encoding: "quicklist",
      change: ["LSET", "key", "1500", "changed"],
    },
  ],
  set: [
    {
      commands: [["SADD", "key", "1", "-70000", "9007199254740993"]],
      encoding: "intset",
      change: ["SADD", "key", "2"],
    },
    {
      commands: [["SADD", "key", "a", "1", "", "9007199254740993"]],
      encoding: "listpack",
      change: ["SREM", "key", "1"],
    },
    {
      commands: [["SADD", "key", ...numbers(LARGE).map((i) => `member:${i}`)]],
      encoding: "hashtable",
      change: ["SREM", "key", "member:7"],
    },
    { commands: [["SADD", "key", ...numbers(LARGE)]], encoding: "hashtable", change: ["SADD", "key", "x"] },
  ],
  stream: [
    {
      commands: [
        ["XADD", "key", "5-1", "a", "1", "b", "two"],
        ["XADD", "key", "5-2", "a", "-70000", "b", ""],
        ["XADD", "key", "9-0", "other", "field"],
        ["XDEL", "key", "5-2"],
        ["XGROUP", "CREATE", "key", "group", "0"],
        ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", "1", "STREAMS", "key", ">"],
      ],
      encoding: "stream",
      change: ["XADD", "key", "9-1", "other", "changed"],
    },
    {
      commands: [
        ...numbers(LARGE).map((i) => ["XADD", "key", `1-${Number(i) + 1}`, "field", `value:${i}`]),
        ["XGROUP", "CREATE", "key", "group", "0"],
        ["XREADGROUP", "GROUP", "group", "consumer", "COUNT", "2000", "STREAMS", "key", ">"],
      ],
      encoding: "stream",
      change: ["XDEL", "key", "1-1500"],
    },
  ],
  zset: [
    {
      commands: [["ZADD", "key", "1", "a", "-2.5", "17", "inf", "", "1e300", "b", "0.1", "c"]],
      encoding: "listpack",
      change: ["ZINCRBY", "key", "3", "a"],
    },
    {
      commands: [["ZADD", "key", ...numbers(LARGE).flatMap((i) => [String(Number(i) % 100 / 8), `member:${i}`])]],
      encoding: "skiplist",
      change: ["ZADD", "key", "-1e-5", "member:7"],
    },
  ],
  hash: [
    { commands: [["HSET", "key", "a", "1", "b", "two"]], encoding: "listpack", change: ["HSET", "key", "a", "2"] },
    {
      commands: [["HSET", "key", ...numbers(LARGE).flatMap((i) => [`field:${i}`, `value:${i}`])]],
      encoding: "hashtable",
      change: ["HSET", "key", "field:7", "changed"],
    },
  ],
};
