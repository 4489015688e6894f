/** What COMMAND tells of a command in Redis 7.2, from what redis-server 7.0 tells of it. */

import type { Reply } from "../integration/test_client.ts";

/** Arities that have changed. */
const ARITIES: ReadonlyMap<string, number> = new Map([
  ["command|getkeys", -3], // a command without arguments
  ["command|getkeysandflags", -3],
  ["zrank", -3], // WITHSCORE
  ["zrevrank", -3],
]);

/** What scripts may call since, and which does not wait there. */
const LET_INTO_SCRIPTS = new Set(["blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax", "wait"]);

/** `fields`: of one command or subcommand, as 7.0 replies them. Those of 7.2. */
export function asIn72(fields: readonly Reply[]): Reply[] {
  const name = String(fields[0]);
  return fields.map((field, i) => {
    if (i === 1) return ARITIES.get(name) ?? field;
    if (i !== 2 || !LET_INTO_SCRIPTS.has(name)) return field;
    const flags = (field instanceof Set || Array.isArray(field) ? [...field] : []).filter((flag) =>
      flag !== "noscript"
    );
    return field instanceof Set ? new Set(flags) : flags;
  });
}
