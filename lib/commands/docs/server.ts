/** COMMAND DOCS of commands about the server: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const SERVER_DOCS: ReadonlyMap<string, CommandDoc> = group("server", {
  "bgsave": doc("1.0.0", "O(1)", "[SCHEDULE@3.2.2]", "Begins to save all data to disk in the background."),
  "command": doc("2.8.13", "O(N) for N commands", "", "Describes all commands, or one through a subcommand.", {
    tips: "nondeterministic_output_order",
  }),
  "command|count": doc("2.8.13", "O(1)", "", "Counts the commands."),
  "command|docs": doc(
    "7.0.0",
    "O(N) for N commands asked for",
    "[command-name...]",
    "Documents commands: what they do, since when, with which arguments.",
    { tips: "nondeterministic_output_order" },
  ),
  "command|getkeys": doc("2.8.13", "O(N) for N arguments", "", "Finds the keys among a command's arguments."),
  "command|getkeysandflags": doc(
    "7.0.0",
    "O(N) for N arguments",
    "",
    "Finds the keys among a command's arguments, and what is done with each.",
  ),
  "command|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "command|info": doc(
    "2.8.13",
    "O(N) for N commands asked for",
    "[command-name...]",
    "Describes commands in the form that clients read.",
    { tips: "nondeterministic_output_order" },
  ),
  "command|list": doc(
    "7.0.0",
    "O(N) for N commands",
    "[FILTERBY filterby=<MODULE module-name | ACLCAT category | PATTERN pattern>]",
    "Lists the names of commands.",
    { tips: "nondeterministic_output_order" },
  ),
  "config": doc("2.0.0", "O(1) to O(N), by subcommand", "", "Groups the commands about the configuration."),
  "config|get": doc(
    "2.0.0",
    "O(N) for N directives asked for",
    "parameter=(parameter)...",
    "Shows the directives that match, with their values.",
  ),
  "config|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "config|resetstat": doc("2.0.0", "O(N) for N commands", "", "Sets the statistics back to zero."),
  "config|rewrite": doc(
    "2.8.0",
    "O(N) for N lines of the file",
    "",
    "Writes the current values into the configuration file.",
  ),
  "config|set": doc(
    "2.0.0",
    "O(N) for N directives set",
    "parameter_value=(parameter value)...",
    "Gives directives new values while the server runs: all of them, or none.",
    { tips: "request_policy:all_nodes response_policy:all_succeeded" },
  ),
  "dbsize": doc("1.0.0", "O(1)", "", "Counts the keys of the database.", {
    tips: "request_policy:all_shards response_policy:agg_sum",
  }),
  "debug": doc("1.0.0", "O(1) to O(N), by subcommand", "", "Groups the commands for testing the server.", {
    isInternal: true,
  }),
  "failover": doc(
    "6.2.0",
    "O(1)",
    "[TO target=(host port:int [FORCE])] [ABORT] [TIMEOUT milliseconds:int]",
    "Hands the role of primary over to a replica that has all writes.",
  ),
  "flushall": doc(
    "1.0.0",
    "O(N) for N keys, in the background",
    "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]",
    "Deletes all keys of all databases.",
    { tips: "request_policy:all_shards response_policy:all_succeeded" },
  ),
  "flushdb": doc(
    "1.0.0",
    "O(N) for N keys, in the background",
    "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]",
    "Deletes all keys of the database.",
    { tips: "request_policy:all_shards response_policy:all_succeeded" },
  ),
  "info": doc("1.0.0", "O(N) for N clients and commands", "[section...]", "Shows how the server fares, in sections.", {
    tips: "nondeterministic_output request_policy:all_shards response_policy:special",
  }),
  "bgrewriteaof": doc("1.0.0", "O(1)", "", "Rewrites the append-only file in the background, as short as it can be."),
  "lastsave": doc("1.0.0", "O(1)", "", "Tells the Unix time of the last successful save.", {
    tips: "nondeterministic_output",
  }),
  "latency": doc("2.8.13", "O(1) to O(N), by subcommand", "", "Groups the commands about delays of the server."),
  "latency|doctor": doc("2.8.13", "O(1)", "", "Explains the delays that were seen, in words.", {
    tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
  }),
  "latency|graph": doc("2.8.13", "O(1)", "event", "Draws the delays of one kind over time.", {
    tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
  }),
  "latency|help": doc("2.8.13", "O(1)", "", "Lists the subcommands."),
  "latency|histogram": doc(
    "7.0.0",
    "O(N) for N commands with figures",
    "[command...]",
    "Shows how long calls of commands took, as cumulative counts.",
    { tips: "nondeterministic_output request_policy:all_nodes response_policy:special" },
  ),
  "latency|history": doc("2.8.13", "O(1)", "event", "Lists the delays of one kind with their times.", {
    tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
  }),
  "latency|latest": doc("2.8.13", "O(1)", "", "Shows the last and the longest delay of each kind.", {
    tips: "nondeterministic_output request_policy:all_nodes response_policy:special",
  }),
  "latency|reset": doc("2.8.13", "O(1)", "[event...]", "Forgets the delays of all kinds, or of those named.", {
    tips: "request_policy:all_nodes response_policy:all_succeeded",
  }),
  "lolwut": doc("5.0.0", "O(1)", "[VERSION version:int]", "Draws something, and tells the version."),
  "memory": doc("4.0.0", "O(1) to O(N), by subcommand", "", "Groups the commands about memory."),
  "memory|doctor": doc("4.0.0", "O(1)", "", "Looks for memory problems and reports them.", {
    tips: "nondeterministic_output request_policy:all_shards response_policy:special",
  }),
  "memory|help": doc("4.0.0", "O(1)", "", "Lists the subcommands."),
  "memory|malloc-stats": doc("4.0.0", "O(1)", "", "Shows the allocator's own figures.", {
    tips: "nondeterministic_output request_policy:all_shards response_policy:special",
  }),
  "memory|purge": doc(
    "4.0.0",
    "O(1)",
    "",
    "Gives unused memory back to the system, as far as that does not happen by itself.",
    { tips: "request_policy:all_shards response_policy:all_succeeded" },
  ),
  "memory|stats": doc("4.0.0", "O(N) for N clients", "", "Shows how much memory is used, and for what.", {
    tips: "nondeterministic_output request_policy:all_shards response_policy:special",
  }),
  "memory|usage": doc(
    "4.0.0",
    "O(N) for N elements measured",
    "key [SAMPLES count:int]",
    "Tells how many bytes a key and its value take.",
  ),
  "module": doc("4.0.0", "O(1)", "", "Groups the commands about modules."),
  "module|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "module|list": doc("4.0.0", "O(N) for N modules", "", "Lists the modules.", {
    tips: "nondeterministic_output_order",
  }),
  "module|load": doc("4.0.0", "O(1)", "path [arg...]", "Loads a module."),
  "module|loadex": doc(
    "7.0.0",
    "O(1)",
    "path [CONFIG configs=(name value)+...] [ARGS args=(arg)...]",
    "Loads a module, with directives of its own.",
  ),
  "module|unload": doc("4.0.0", "O(1)", "name", "Unloads a module."),
  "monitor": doc("1.0.0", "O(1)", "", "Shows every command as the server runs it."),
  "psync": doc(
    "2.8.0",
    "O(1), without the snapshot",
    "replicationid offset:int",
    "Asks for the replication stream, from an offset on if possible.",
  ),
  "replconf": doc("3.0.0", "O(1)", "", "Tells a primary about a replica, for the replication itself.", {
    isInternal: true,
  }),
  "replicaof": doc(
    "5.0.0",
    "O(1)",
    "args=<host-port=(host port:int) | no-one=(NO ONE)>",
    "Makes the server a replica of another, or a primary.",
  ),
  "restore-asking": doc(
    "3.0.0",
    "O(N) for a value of N bytes",
    "key ttl:int serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:int@5.0.0] [FREQ frequency:int@5.0.0]",
    "Creates a key that migrates between the nodes of a cluster.",
    { isInternal: true },
  ),
  "role": doc("2.8.12", "O(1)", "", "Tells the server's role in the replication."),
  "save": doc("1.0.0", "O(N) for N keys", "", "Saves all data to disk while everybody waits."),
  "shutdown": doc(
    "1.0.0",
    "O(N) for N keys to save, else O(1)",
    "[nosave_save=<NOSAVE | SAVE>] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]",
    "Ends the server, after saving if that is configured or asked for.",
  ),
  "slaveof": doc(
    "1.0.0",
    "O(1)",
    "args=<host-port=(host port:int) | no-one=(NO ONE)>",
    "Makes the server a replica of another, or a primary.",
    { deprecated: ["5.0.0", "`REPLICAOF`"] },
  ),
  "slowlog": doc("2.2.12", "O(1) to O(N), by subcommand", "", "Groups the commands about the log of slow commands."),
  "slowlog|get": doc("2.2.12", "O(N) for N entries replied", "[count:int]", "Shows the last entries of the slow log.", {
    tips: "request_policy:all_nodes nondeterministic_output",
  }),
  "slowlog|help": doc("6.2.0", "O(1)", "", "Lists the subcommands."),
  "slowlog|len": doc("2.2.12", "O(1)", "", "Counts the entries of the slow log.", {
    tips: "request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
  }),
  "slowlog|reset": doc("2.2.12", "O(N) for N entries", "", "Empties the slow log.", {
    tips: "request_policy:all_nodes response_policy:all_succeeded",
  }),
  "swapdb": doc(
    "4.0.0",
    "O(N) for N clients that watch keys of either",
    "index1:int index2:int",
    "Exchanges two databases.",
  ),
  "sync": doc("1.0.0", "O(1), without the snapshot", "", "Asks for a snapshot and the replication stream after it."),
  "time": doc("2.6.0", "O(1)", "", "Tells the server's time.", { tips: "nondeterministic_output" }),
});
