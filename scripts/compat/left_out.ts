/**
 * What is left out of Redis's own suite: the rows of tests/compat/left-out.md.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The tests that are left out, by unit, with the reasons. */
export const LEFT_OUT = join("tests", "compat", "left-out.md");

/** What of a unit is left out: reasons, by what the row names. */
export interface LeftOut {
  /** By the test's exact name. */
  readonly tests: Map<string, string>;
  /** By the tag of a group of tests: for those whose preparations fail outside of any test. */
  readonly tags: Map<string, string>;
  /** By text that stands in a group of servers: for preparations that no tag marks. */
  readonly servers: Map<string, string>;
}

/** What the table says of a unit: rows of unit, what is left out, and reason. */
export function leftOutOf(unit: string): LeftOut {
  const leftOut: LeftOut = { tests: new Map(), tags: new Map(), servers: new Map() };
  for (const line of readFileSync(LEFT_OUT, "utf8").split("\n")) {
    const row = /^\| *(\S+) *\| *(tag |servers )?`(.+)` *\| *(.+?) *\|$/.exec(line);
    if (row === null || row[1] !== unit) continue;
    const kind = row[2] === "tag " ? leftOut.tags : row[2] === undefined ? leftOut.tests : leftOut.servers;
    kind.set(row[3].replaceAll("\\|", "|"), row[4]);
  }
  return leftOut;
}
