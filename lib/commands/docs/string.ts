/** COMMAND DOCS of commands about strings: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const STRING_DOCS: ReadonlyMap<string, CommandDoc> = group("string", {
  "append": doc(
    "2.0.0",
    "O(1), amortised",
    "key value",
    "Adds bytes to the end of a string, which is created if it is missing.",
    { keys: "RW INSERT" },
  ),
  "decr": doc("1.0.0", "O(1)", "key", "Takes one from an integer; a missing key counts as 0.", {
    keys: "RW ACCESS UPDATE",
  }),
  "decrby": doc("1.0.0", "O(1)", "key decrement:int", "Takes a number from an integer; a missing key counts as 0.", {
    keys: "RW ACCESS UPDATE",
  }),
  "get": doc("1.0.0", "O(1)", "key", "Replies with the string under a key.", { keys: "RO ACCESS" }),
  "getdel": doc("6.2.0", "O(1)", "key", "Replies with the string under a key, and deletes it.", {
    keys: "RW ACCESS DELETE",
  }),
  "getex": doc(
    "6.2.0",
    "O(1)",
    "key [expiration=<EX seconds:int | PX milliseconds:int | EXAT unix-time-seconds:time | PXAT unix-time-milliseconds:time | PERSIST>]",
    "Replies with the string under a key, and changes its expiry.",
    { keys: "RW ACCESS UPDATE" },
  ),
  "getrange": doc("2.4.0", "O(N) for N bytes replied", "key start:int end:int", "Replies with a part of a string.", {
    keys: "RO ACCESS",
  }),
  "getset": doc("1.0.0", "O(1)", "key value", "Sets a string and replies with the one before.", {
    keys: "RW ACCESS UPDATE",
    deprecated: ["6.2.0", "`SET` with the `GET` argument"],
  }),
  "incr": doc("1.0.0", "O(1)", "key", "Adds one to an integer; a missing key counts as 0.", {
    keys: "RW ACCESS UPDATE",
  }),
  "incrby": doc("1.0.0", "O(1)", "key increment:int", "Adds a number to an integer; a missing key counts as 0.", {
    keys: "RW ACCESS UPDATE",
  }),
  "incrbyfloat": doc("2.6.0", "O(1)", "key increment:double", "Adds to a decimal number; a missing key counts as 0.", {
    keys: "RW ACCESS UPDATE",
  }),
  "lcs": doc(
    "7.0.0",
    "O(N*M) for strings of N and M bytes",
    "key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:int] [WITHMATCHLEN]",
    "Finds the longest common subsequence of two strings.",
    { keys: "RO ACCESS" },
  ),
  "mget": doc("1.0.0", "O(N) for N keys", "key...", "Replies with the strings under several keys.", {
    keys: "RO ACCESS",
    tips: "request_policy:multi_shard",
  }),
  "mset": doc("1.0.1", "O(N) for N keys", "key_value=(key value)...", "Sets several strings, all at once.", {
    keys: "OW UPDATE",
    tips: "request_policy:multi_shard response_policy:all_succeeded",
  }),
  "msetnx": doc(
    "1.0.1",
    "O(N) for N keys",
    "key_value=(key value)...",
    "Sets several strings, unless any of the keys exists.",
    { keys: "OW INSERT", tips: "request_policy:multi_shard response_policy:agg_min" },
  ),
  "psetex": doc("2.6.0", "O(1)", "key milliseconds:int value", "Sets a string that expires in some milliseconds.", {
    keys: "OW UPDATE",
  }),
  "set": doc(
    "1.0.0",
    "O(1)",
    "key value [condition=<NX | XX>@2.6.12] [GET@6.2.0] [expiration=<EX seconds:int@2.6.12 | PX milliseconds:int@2.6.12 | EXAT unix-time-seconds:time@6.2.0 | PXAT unix-time-milliseconds:time@6.2.0 | KEEPTTL@6.0.0>]",
    "Sets a string, whatever was there before, unless a condition says otherwise.",
    { keys: "RW ACCESS UPDATE VARIABLE_FLAGS" },
  ),
  "setex": doc("2.0.0", "O(1)", "key seconds:int value", "Sets a string that expires in some seconds.", {
    keys: "OW UPDATE",
  }),
  "setnx": doc("1.0.0", "O(1)", "key value", "Sets a string only where the key is missing.", { keys: "OW INSERT" }),
  "setrange": doc("2.2.0", "O(N) for N bytes written", "key offset:int value", "Overwrites a part of a string.", {
    keys: "RW UPDATE",
  }),
  "strlen": doc("2.2.0", "O(1)", "key", "Tells the length of a string in bytes.", { keys: "RO" }),
  "substr": doc("1.0.0", "O(N) for N bytes replied", "key start:int end:int", "Replies with a part of a string.", {
    keys: "RO ACCESS",
    deprecated: ["2.0.0", "`GETRANGE`"],
  }),
});
