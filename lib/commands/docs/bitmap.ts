/** COMMAND DOCS of commands about bitmaps: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const BITMAP_DOCS: ReadonlyMap<string, CommandDoc> = group("bitmap", {
  "getbit": doc("2.2.0", "O(1)", "key offset:int", "Replies with one bit of a string; bits beyond its end are 0."),
  "setbit": doc(
    "2.2.0",
    "O(1)",
    "key offset:int value:int",
    "Sets or clears one bit of a string, which grows as needed, and replies with the old one.",
  ),
});
