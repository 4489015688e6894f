/** COMMAND DOCS of commands about keys of any type: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const SORTED = "key [BY pattern] [LIMIT offset_count=(offset:int count:int)] [GET pattern+...] [order=<ASC | DESC>] " +
  "[sorting=ALPHA]";

export const GENERIC_DOCS: ReadonlyMap<string, CommandDoc> = group("generic", {
  "copy": doc(
    "6.2.0",
    "O(N) for N elements of the value, O(1) for a string",
    "source:key destination:key [DB destination-db:int] [REPLACE]",
    "Copies a value, with its expiry, to another key.",
  ),
  "del": doc("1.0.0", "O(N) for N keys, and the elements of their values", "key...", "Deletes keys.", {
    tips: "request_policy:multi_shard response_policy:agg_sum",
  }),
  "dump": doc("2.6.0", "O(N) for a value of N bytes", "key", "Shows a value in the form that RESTORE takes.", {
    tips: "nondeterministic_output",
  }),
  "exists": doc(
    "1.0.0",
    "O(N) for N keys",
    "key...",
    "Counts how many of the keys exist; one named twice counts twice.",
    { tips: "request_policy:multi_shard response_policy:agg_sum" },
  ),
  "expire": doc(
    "1.0.0",
    "O(1)",
    "key seconds:int [condition=<NX | XX | GT | LT>@7.0.0]",
    "Has a key expire in some seconds.",
  ),
  "expireat": doc(
    "1.2.0",
    "O(1)",
    "key unix-time-seconds:time [condition=<NX | XX | GT | LT>@7.0.0]",
    "Has a key expire at a Unix time in seconds.",
  ),
  "expiretime": doc("7.0.0", "O(1)", "key", "Tells the Unix time in seconds at which a key expires."),
  "keys": doc("1.0.0", "O(N) for N keys of the database", "pattern", "Lists the keys that match a pattern.", {
    tips: "request_policy:all_shards nondeterministic_output_order",
  }),
  "move": doc("1.0.0", "O(1)", "key db:int", "Moves a key to another database."),
  "object": doc("2.2.3", "O(1)", "", "Groups the commands about how values are kept."),
  "object|encoding": doc("2.2.3", "O(1)", "key", "Tells the encoding in which a value is kept.", {
    tips: "nondeterministic_output",
  }),
  "object|freq": doc("4.0.0", "O(1)", "key", "Tells how often a key was accessed, as a logarithmic counter.", {
    tips: "nondeterministic_output",
  }),
  "object|help": doc("6.2.0", "O(1)", "", "Lists the subcommands."),
  "object|idletime": doc("2.2.3", "O(1)", "key", "Tells for how many seconds a key was not accessed.", {
    tips: "nondeterministic_output",
  }),
  "object|refcount": doc("2.2.3", "O(1)", "key", "Counts the references to a value.", {
    tips: "nondeterministic_output",
  }),
  "persist": doc("2.2.0", "O(1)", "key", "Takes the expiry from a key."),
  "pexpire": doc(
    "2.6.0",
    "O(1)",
    "key milliseconds:int [condition=<NX | XX | GT | LT>@7.0.0]",
    "Has a key expire in some milliseconds.",
  ),
  "pexpireat": doc(
    "2.6.0",
    "O(1)",
    "key unix-time-milliseconds:time [condition=<NX | XX | GT | LT>@7.0.0]",
    "Has a key expire at a Unix time in milliseconds.",
  ),
  "pexpiretime": doc("7.0.0", "O(1)", "key", "Tells the Unix time in milliseconds at which a key expires."),
  "pttl": doc("2.6.0", "O(1)", "key", "Tells in how many milliseconds a key expires.", {
    tips: "nondeterministic_output",
  }),
  "randomkey": doc("1.0.0", "O(1)", "", "Replies with some key of the database.", {
    tips: "request_policy:all_shards nondeterministic_output",
  }),
  "rename": doc("1.0.0", "O(1)", "key newkey:key", "Gives a key another name, whatever had that before."),
  "renamenx": doc("1.0.0", "O(1)", "key newkey:key", "Gives a key another name, unless that is taken."),
  "migrate": doc(
    "2.6.0",
    "O(N) for values of N bytes, here and at the other end",
    'host port:int key_or_empty_string=<key | empty_string=""> destination-db:int timeout:int [COPY@3.0.0] ' +
      "[REPLACE@3.0.0] [authentication=<[AUTH password@4.0.7] | [AUTH2 username_password=(username password)@6.0.0]>] " +
      "[KEYS key...@3.0.6]",
    "Moves keys to another server.",
    { tips: "nondeterministic_output" },
  ),
  "restore": doc(
    "2.6.0",
    "O(N) for a value of N bytes",
    "key ttl:int serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:int@5.0.0] [FREQ frequency:int@5.0.0]",
    "Creates a key from what DUMP showed.",
  ),
  "scan": doc(
    "2.8.0",
    "O(1) a call; O(N) for a whole iteration over N keys",
    "cursor:int [MATCH pattern] [COUNT count:int] [TYPE type@6.0.0]",
    "Goes over the keys of the database, step by step.",
    { tips: "nondeterministic_output request_policy:special" },
  ),
  "sort": doc(
    "1.0.0",
    "O(N+N log N) for N elements, or O(M) for M of them in their own order",
    `${SORTED} [STORE destination:key]`,
    "Sorts the elements of a list, a set or a sorted set, and replies with them, or stores them.",
  ),
  "sort_ro": doc(
    "7.0.0",
    "O(N+N log N) for N elements, or O(M) for M of them in their own order",
    SORTED,
    "Sorts the elements of a list, a set or a sorted set, and replies with them.",
  ),
  "touch": doc("3.2.1", "O(N) for N keys", "key...", "Counts the keys that exist, and marks them as accessed now.", {
    tips: "request_policy:multi_shard response_policy:agg_sum",
  }),
  "ttl": doc("1.0.0", "O(1)", "key", "Tells in how many seconds a key expires.", {
    tips: "nondeterministic_output",
  }),
  "type": doc("1.0.0", "O(1)", "key", "Tells the type of the value under a key."),
  "unlink": doc("4.0.0", "O(N) for N keys; large values are freed in the background", "key...", "Deletes keys.", {
    tips: "request_policy:multi_shard response_policy:agg_sum",
  }),
  "wait": doc(
    "3.0.0",
    "O(1)",
    "numreplicas:int timeout:int",
    "Waits until so many replicas have what this connection wrote.",
    { tips: "request_policy:all_shards response_policy:agg_min" },
  ),
  "waitaof": doc(
    "7.2.0",
    "O(1)",
    "numlocal:int numreplicas:int timeout:int",
    "Waits until what this connection wrote is in the append-only file, here or on so many replicas.",
    { tips: "request_policy:all_shards response_policy:agg_min" },
  ),
});
