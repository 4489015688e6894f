/** COMMAND DOCS of commands about sets: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const UNORDERED = { tips: "nondeterministic_output_order" };
const CHANCE = { tips: "nondeterministic_output" };
const INTERSECTION = "O(N*M) at worst, with N members in the smallest of M sets";

export const SET_DOCS: ReadonlyMap<string, CommandDoc> = group("set", {
  "sadd": doc(
    "1.0.0",
    "O(N) for N members named",
    "key member...",
    "Adds members to a set, which is created if it is missing.",
  ),
  "scard": doc("1.0.0", "O(1)", "key", "Counts the members of a set."),
  "sdiff": doc(
    "1.0.0",
    "O(N) with N members in all sets",
    "key...",
    "Replies with the members of the first set that no other has.",
    UNORDERED,
  ),
  "sdiffstore": doc(
    "1.0.0",
    "O(N) with N members in all sets",
    "destination:key key...",
    "Stores the members of the first set that no other has.",
  ),
  "sinter": doc("1.0.0", INTERSECTION, "key...", "Replies with the members that all sets have.", UNORDERED),
  "sintercard": doc(
    "7.0.0",
    INTERSECTION,
    "numkeys:int key... [LIMIT limit:int]",
    "Counts the members that all sets have, up to a limit.",
  ),
  "sinterstore": doc("1.0.0", INTERSECTION, "destination:key key...", "Stores the members that all sets have."),
  "sismember": doc("1.0.0", "O(1)", "key member", "Tells whether a set has a member."),
  "smembers": doc("1.0.0", "O(N) for N members", "key", "Replies with all members of a set.", UNORDERED),
  "smismember": doc(
    "6.2.0",
    "O(N) for N members named",
    "key member...",
    "Tells of several members whether a set has them.",
  ),
  "smove": doc("1.0.0", "O(1)", "source:key destination:key member", "Moves a member from one set to another."),
  "spop": doc(
    "1.0.0",
    "O(N) for N members removed",
    "key [count:int@3.2.0]",
    "Removes random members of a set, and replies with them.",
    CHANCE,
  ),
  "srandmember": doc(
    "1.0.0",
    "O(N) for N members replied",
    "key [count:int@2.6.0]",
    "Replies with random members of a set.",
    CHANCE,
  ),
  "srem": doc(
    "1.0.0",
    "O(N) for N members named",
    "key member...",
    "Removes members of a set; a set without members goes too.",
  ),
  "sscan": doc(
    "2.8.0",
    "O(1) a call; O(N) for a whole iteration over N members",
    "key cursor:int [MATCH pattern] [COUNT count:int]",
    "Goes over the members of a set, step by step.",
    CHANCE,
  ),
  "sunion": doc(
    "1.0.0",
    "O(N) with N members in all sets",
    "key...",
    "Replies with the members that any of the sets has.",
    UNORDERED,
  ),
  "sunionstore": doc(
    "1.0.0",
    "O(N) with N members in all sets",
    "destination:key key...",
    "Stores the members that any of the sets has.",
  ),
});
