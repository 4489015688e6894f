/** COMMAND DOCS of commands about hashes: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const HASH_DOCS: ReadonlyMap<string, CommandDoc> = group("hash", {
  "hdel": doc(
    "2.0.0",
    "O(N) for N fields named",
    "key field...",
    "Deletes fields of a hash; a hash without fields goes too.",
  ),
  "hexists": doc("2.0.0", "O(1)", "key field", "Tells whether a hash has a field."),
  "hget": doc("2.0.0", "O(1)", "key field", "Replies with the value of a field."),
  "hgetall": doc("2.0.0", "O(N) for N fields", "key", "Replies with all fields and values of a hash.", {
    tips: "nondeterministic_output_order",
  }),
  "hincrby": doc(
    "2.0.0",
    "O(1)",
    "key field increment:int",
    "Adds to the integer in a field; a missing field counts as 0.",
  ),
  "hincrbyfloat": doc(
    "2.6.0",
    "O(1)",
    "key field increment:double",
    "Adds to the number in a field; a missing field counts as 0.",
  ),
  "hkeys": doc("2.0.0", "O(N) for N fields", "key", "Replies with all fields of a hash.", {
    tips: "nondeterministic_output_order",
  }),
  "hlen": doc("2.0.0", "O(1)", "key", "Counts the fields of a hash."),
  "hmget": doc("2.0.0", "O(N) for N fields named", "key field...", "Replies with the values of several fields."),
  "hmset": doc("2.0.0", "O(N) for N fields set", "key field_value=(field value)...", "Sets several fields of a hash.", {
    deprecated: ["4.0.0", "`HSET` with multiple field-value pairs"],
  }),
  "hrandfield": doc(
    "6.2.0",
    "O(N) for N fields replied",
    "key [options=(count:int [WITHVALUES])]",
    "Replies with random fields of a hash.",
    { tips: "nondeterministic_output" },
  ),
  "hscan": doc(
    "2.8.0",
    "O(1) a call; O(N) for a whole iteration over N fields",
    "key cursor:int [MATCH pattern] [COUNT count:int]",
    "Goes over the fields and values of a hash, step by step.",
    { tips: "nondeterministic_output" },
  ),
  "hset": doc(
    "2.0.0",
    "O(N) for N fields set",
    "key field_value=(field value)...",
    "Sets fields of a hash, which is created if it is missing.",
  ),
  "hsetnx": doc("2.0.0", "O(1)", "key field value", "Sets a field only where it is missing."),
  "hstrlen": doc("3.2.0", "O(1)", "key field", "Tells the length of a field's value in bytes."),
  "hvals": doc("2.0.0", "O(N) for N fields", "key", "Replies with all values of a hash.", {
    tips: "nondeterministic_output_order",
  }),
});
