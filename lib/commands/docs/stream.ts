/** COMMAND DOCS of commands about streams: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const TRIMMING =
  "strategy=<MAXLEN | minid=MINID@6.2.0> [operator=<equal== | approximately=~>] threshold [LIMIT count:int]@6.2.0";

export const STREAM_DOCS: ReadonlyMap<string, CommandDoc> = group("stream", {
  "xack": doc(
    "5.0.0",
    "O(log N) for each ID, N being the entries that are pending",
    "key group ID...",
    "Acknowledges entries, which are not pending in a group any more then.",
  ),
  "xadd": doc(
    "5.0.0",
    "O(1), and O(N) where N entries are trimmed",
    `key [NOMKSTREAM]@6.2.0 [trim=(${TRIMMING})] id-selector=<auto-id=* | id> data=(field value)...`,
    "Adds an entry to a stream, which is created if it is missing.",
    { tips: "nondeterministic_output" },
  ),
});
