/** COMMAND DOCS of commands about transactions: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const TRANSACTIONS_DOCS: ReadonlyMap<string, CommandDoc> = group("transactions", {
  "discard": doc("2.0.0", "O(N) for N queued commands", "", "Drops what was queued since MULTI."),
  "exec": doc("1.2.0", "That of the queued commands together", "", "Runs what was queued since MULTI, as one."),
  "multi": doc("1.2.0", "O(1)", "", "Begins a transaction: what follows is queued until EXEC."),
  "unwatch": doc("2.2.0", "O(N) for N keys watched", "", "Stops watching all keys."),
  "watch": doc(
    "2.2.0",
    "O(N) for N keys",
    "key...",
    "Makes the next EXEC depend on keys that must not change until then.",
  ),
});
