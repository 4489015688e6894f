/** COMMAND DOCS of scripts and functions: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const CALL = "numkeys:int [key...] [arg...]";
const ALL_NODES = { tips: "request_policy:all_nodes response_policy:all_succeeded" };
const ALL_SHARDS = { tips: "request_policy:all_shards response_policy:all_succeeded" };
const ONE_SHARD = { tips: "request_policy:all_shards response_policy:one_succeeded" };

export const SCRIPTING_DOCS: ReadonlyMap<string, CommandDoc> = group("scripting", {
  "eval": doc("2.6.0", "That of the script", `script ${CALL}`, "Runs a script in Lua."),
  "eval_ro": doc("7.0.0", "That of the script", `script ${CALL}`, "Runs a script in Lua that writes nothing."),
  "evalsha": doc("2.6.0", "That of the script", `sha1 ${CALL}`, "Runs a script that is known, by its SHA-1."),
  "evalsha_ro": doc(
    "7.0.0",
    "That of the script",
    `sha1 ${CALL}`,
    "Runs a script that is known, by its SHA-1, and writes nothing.",
  ),
  "fcall": doc("7.0.0", "That of the function", `function ${CALL}`, "Calls a function of a library."),
  "fcall_ro": doc(
    "7.0.0",
    "That of the function",
    `function ${CALL}`,
    "Calls a function of a library that writes nothing.",
  ),
  "function": doc("7.0.0", "By subcommand", "", "Groups the commands about libraries of functions."),
  "function|delete": doc("7.0.0", "O(1)", "library-name", "Removes a library.", ALL_SHARDS),
  "function|dump": doc("7.0.0", "O(N) for N functions", "", "Gives all libraries as bytes."),
  "function|flush": doc(
    "7.0.0",
    "O(N) for N functions",
    "[async=<ASYNC | SYNC>]",
    "Removes all libraries.",
    ALL_SHARDS,
  ),
  "function|help": doc("7.0.0", "O(1)", "", "Lists the subcommands."),
  "function|kill": doc("7.0.0", "O(1)", "", "Ends the function that takes long.", ONE_SHARD),
  "function|list": doc(
    "7.0.0",
    "O(N) for N functions",
    "[LIBRARYNAME library-name-pattern:string] [WITHCODE]",
    "Shows libraries, and their functions.",
    { tips: "nondeterministic_output_order" },
  ),
  "function|load": doc("7.0.0", "O(1)", "[REPLACE] function-code", "Loads a library.", ALL_SHARDS),
  "function|restore": doc(
    "7.0.0",
    "O(N) for N functions in the bytes",
    "serialized-value [policy=<FLUSH | APPEND | REPLACE>]",
    "Loads libraries from bytes.",
    ALL_SHARDS,
  ),
  "function|stats": doc("7.0.0", "O(1)", "", "Tells which function takes long, and how many there are.", {
    tips: "nondeterministic_output request_policy:all_shards response_policy:special",
  }),
  "script": doc("2.6.0", "By subcommand", "", "Groups the commands about scripts."),
  "script|debug": doc("3.2.0", "O(1)", "mode=<YES | SYNC | NO>", "Turns the debugging of scripts on or off."),
  "script|exists": doc("2.6.0", "O(N) for N scripts", "sha1...", "Tells which scripts are known.", {
    tips: "request_policy:all_shards response_policy:agg_logical_and",
  }),
  "script|flush": doc("2.6.0", "O(N) for N scripts", "[async=<ASYNC | SYNC>@6.2.0]", "Forgets all scripts.", ALL_NODES),
  "script|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "script|kill": doc("2.6.0", "O(1)", "", "Ends the script that takes long.", ONE_SHARD),
  "script|load": doc("2.6.0", "O(N) for N bytes", "script", "Compiles a script, and keeps it.", ALL_NODES),
});
