/** COMMAND DOCS of commands about strings: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const STRING_DOCS: ReadonlyMap<string, CommandDoc> = group("string", {
  "append": doc(
    "2.0.0",
    "O(1), amortised",
    "key value",
    "Adds bytes to the end of a string, which is created if it is missing.",
  ),
  "decr": doc("1.0.0", "O(1)", "key", "Takes one from an integer; a missing key counts as 0."),
  "decrby": doc("1.0.0", "O(1)", "key decrement:int", "Takes a number from an integer; a missing key counts as 0."),
  "get": doc("1.0.0", "O(1)", "key", "Replies with the string under a key."),
  "getdel": doc("6.2.0", "O(1)", "key", "Replies with the string under a key, and deletes it."),
  "getex": doc(
    "6.2.0",
    "O(1)",
    "key [expiration=<EX seconds:int | PX milliseconds:int | EXAT unix-time-seconds:time | PXAT unix-time-milliseconds:time | PERSIST>]",
    "Replies with the string under a key, and changes its expiry.",
  ),
  "getrange": doc("2.4.0", "O(N) for N bytes replied", "key start:int end:int", "Replies with a part of a string."),
  "getset": doc("1.0.0", "O(1)", "key value", "Sets a string and replies with the one before.", {
    deprecated: ["6.2.0", "`SET` with the `GET` argument"],
  }),
  "incr": doc("1.0.0", "O(1)", "key", "Adds one to an integer; a missing key counts as 0."),
  "incrby": doc("1.0.0", "O(1)", "key increment:int", "Adds a number to an integer; a missing key counts as 0."),
  "incrbyfloat": doc("2.6.0", "O(1)", "key increment:double", "Adds to a decimal number; a missing key counts as 0."),
  "lcs": doc(
    "7.0.0",
    "O(N*M) for strings of N and M bytes",
    "key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:int] [WITHMATCHLEN]",
    "Finds the longest common subsequence of two strings.",
  ),
  "mget": doc("1.0.0", "O(N) for N keys", "key...", "Replies with the strings under several keys.", {
    tips: "request_policy:multi_shard",
  }),
  "mset": doc("1.0.1", "O(N) for N keys", "key_value=(key value)...", "Sets several strings, all at once.", {
    tips: "request_policy:multi_shard response_policy:all_succeeded",
  }),
  "msetnx": doc(
    "1.0.1",
    "O(N) for N keys",
    "key_value=(key value)...",
    "Sets several strings, unless any of the keys exists.",
    { tips: "request_policy:multi_shard response_policy:agg_min" },
  ),
  "psetex": doc("2.6.0", "O(1)", "key milliseconds:int value", "Sets a string that expires in some milliseconds."),
  "set": doc(
    "1.0.0",
    "O(1)",
    "key value [condition=<NX | XX>@2.6.12] [GET@6.2.0] [expiration=<EX seconds:int@2.6.12 | PX milliseconds:int@2.6.12 | EXAT unix-time-seconds:time@6.2.0 | PXAT unix-time-milliseconds:time@6.2.0 | KEEPTTL@6.0.0>]",
    "Sets a string, whatever was there before, unless a condition says otherwise.",
  ),
  "setex": doc("2.0.0", "O(1)", "key seconds:int value", "Sets a string that expires in some seconds."),
  "setnx": doc("1.0.0", "O(1)", "key value", "Sets a string only where the key is missing."),
  "setrange": doc("2.2.0", "O(N) for N bytes written", "key offset:int value", "Overwrites a part of a string."),
  "strlen": doc("2.2.0", "O(1)", "key", "Tells the length of a string in bytes."),
  "substr": doc("1.0.0", "O(N) for N bytes replied", "key start:int end:int", "Replies with a part of a string.", {
    deprecated: ["2.0.0", "`GETRANGE`"],
  }),
});
