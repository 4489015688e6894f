/** COMMAND DOCS of commands about HyperLogLogs: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const HYPERLOGLOG_DOCS: ReadonlyMap<string, CommandDoc> = group("hyperloglog", {
  "pfadd": doc(
    "2.8.9",
    "O(1) for each element",
    "key [element]...",
    "Adds elements to a HyperLogLog, which is created if it is missing.",
  ),
  "pfcount": doc(
    "2.8.9",
    "O(1) for one key, of which the estimate is kept; O(N) for N keys, each of them slow",
    "key...",
    "Estimates how many different elements HyperLogLogs have seen together.",
  ),
  "pfdebug": doc("2.8.9", "O(N) for N registers", "subcommand key", "Shows the inside of a HyperLogLog, for tests.", {
    isInternal: true,
  }),
  "pfmerge": doc(
    "2.8.9",
    "O(N) for N HyperLogLogs, each of them slow",
    "destkey:key [sourcekey:key]...",
    "Makes a HyperLogLog what it and others have seen together.",
  ),
  "pfselftest": doc("2.8.9", "O(N) for N elements added", "", "Tests the implementation of HyperLogLogs.", {
    isInternal: true,
  }),
});
