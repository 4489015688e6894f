/** COMMAND DOCS of commands about bitmaps: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const BITMAP_DOCS: ReadonlyMap<string, CommandDoc> = group("bitmap", {
  "bitcount": doc(
    "2.6.0",
    "O(N) for N bytes",
    "key [range=(start:int end:int [unit=<BYTE | BIT>]@7.0.0)]",
    "Counts the bits that are set in a string, or in a part of it.",
  ),
  "bitfield": doc(
    "3.2.0",
    "O(1) for each operation",
    "key [operation=<GET get-block=(encoding offset:int) | write=([OVERFLOW overflow-block=<WRAP | SAT | FAIL>] " +
      "write-operation=<SET set-block=(encoding offset:int value:int) | " +
      "INCRBY incrby-block=(encoding offset:int increment:int)>)>]...",
    "Reads and changes integers of any width in a string.",
  ),
  "bitfield_ro": doc(
    "6.0.0",
    "O(1) for each operation",
    "key [GET get-block=(encoding offset:int)]+...",
    "Reads integers of any width in a string.",
  ),
  "bitop": doc(
    "2.6.0",
    "O(N) for N bytes of the longest string",
    "operation=<AND | OR | XOR | NOT> destkey:key key...",
    "Combines the bits of strings, and stores the result.",
  ),
  "bitpos": doc(
    "2.8.7",
    "O(N) for N bytes",
    "key bit:int [range=(start:int [end-unit-block=(end:int [unit=<BYTE | BIT>]@7.0.0)])]",
    "Finds the first bit of a string that is set, or that is not.",
  ),
  "getbit": doc("2.2.0", "O(1)", "key offset:int", "Replies with one bit of a string; bits beyond its end are 0."),
  "setbit": doc(
    "2.2.0",
    "O(1)",
    "key offset:int value:int",
    "Sets or clears one bit of a string, which grows as needed, and replies with the old one.",
  ),
});
