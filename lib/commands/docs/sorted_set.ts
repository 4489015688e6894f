/** COMMAND DOCS of commands about sorted sets: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const LIMIT = "LIMIT offset_count=(offset:int count:int)";
const SORT_BY = "sortby=<BYSCORE | BYLEX>";
const COMBINED = "numkeys:int key... [WEIGHTS weight:int...] [AGGREGATE aggregate=<SUM | MIN | MAX>]";
const END = "where=<MIN | MAX>";
const CHANGE = "O(log N) for N members of the sorted set";
const RANGE = "O(log N+M) for N members of the sorted set and M members replied";
const REMOVAL = "O(M log N) for N members of the sorted set and M members removed";
const TAKEN = "O(K+M log N) for K keys named, and M members taken of N";
const UNION = "O(N log M) for N members of all sets, and M members of the result";
const INTERSECTION = "O(N*K+M log M) for N members of the smallest set, K sets, and M members of the result";
const DIFFERENCE = "O(N*K+M log M) for N members of the first set, K sets, and M members of the result";

export const SORTED_SET_DOCS: ReadonlyMap<string, CommandDoc> = group("sorted-set", {
  "bzmpop": doc(
    "7.0.0",
    TAKEN,
    `timeout:double numkeys:int key... ${END} [COUNT count:int]`,
    "Takes members off an end of the first sorted set that has some; waits until one has.",
  ),
  "bzpopmax": doc(
    "5.0.0",
    "O(K+log N) for K keys named and N members of the sorted set",
    "key... timeout:double",
    "Takes the member with the highest score of the first sorted set that has one; waits until one has.",
  ),
  "bzpopmin": doc(
    "5.0.0",
    "O(K+log N) for K keys named and N members of the sorted set",
    "key... timeout:double",
    "Takes the member with the lowest score of the first sorted set that has one; waits until one has.",
  ),
  "zadd": doc(
    "1.2.0",
    "O(log N) for each member, N of which the sorted set has",
    "key [condition=<NX | XX>@3.0.2] [comparison=<GT | LT>@6.2.0] [change=CH@3.0.2] [increment=INCR@3.0.2] " +
      "score_member=(score:double member)...",
    "Adds members with their scores, or gives those that are there other scores.",
  ),
  "zcard": doc("1.2.0", "O(1)", "key", "Tells how many members a sorted set has."),
  "zcount": doc("2.0.0", CHANGE, "key min:double max:double", "Counts the members whose scores are in a range."),
  "zdiff": doc(
    "6.2.0",
    DIFFERENCE,
    "numkeys:int key... [WITHSCORES]",
    "Replies with the members of the first sorted set that none of the others has.",
  ),
  "zdiffstore": doc(
    "6.2.0",
    DIFFERENCE,
    "destination:key numkeys:int key...",
    "Stores the members of the first sorted set that none of the others has.",
  ),
  "zincrby": doc("1.2.0", CHANGE, "key increment:int member", "Adds to the score of a member."),
  "zinter": doc(
    "6.2.0",
    INTERSECTION,
    `${COMBINED} [WITHSCORES]`,
    "Replies with the members that several sorted sets have in common.",
  ),
  "zintercard": doc(
    "7.0.0",
    "O(N*K) for N members of the smallest set and K sets",
    "numkeys:int key... [LIMIT limit:int]",
    "Counts the members that several sorted sets have in common.",
  ),
  "zinterstore": doc(
    "2.0.0",
    INTERSECTION,
    `destination:key ${COMBINED}`,
    "Stores the members that several sorted sets have in common.",
  ),
  "zlexcount": doc("2.8.9", CHANGE, "key min max", "Counts the members whose bytes are in a range."),
  "zmpop": doc(
    "7.0.0",
    TAKEN,
    `numkeys:int key... ${END} [COUNT count:int]`,
    "Takes members off an end of the first sorted set that has some.",
  ),
  "zmscore": doc("6.2.0", "O(N) for N members named", "key member...", "Replies with the scores of members."),
  "zpopmax": doc(
    "5.0.0",
    REMOVAL,
    "key [count:int]",
    "Takes the members with the highest scores.",
  ),
  "zpopmin": doc("5.0.0", REMOVAL, "key [count:int]", "Takes the members with the lowest scores."),
  "zrandmember": doc(
    "6.2.0",
    "O(M log N) for M members drawn from N, or O(N) for a large part of them",
    "key [options=(count:int [WITHSCORES])]",
    "Draws members of a sorted set.",
    { tips: "nondeterministic_output" },
  ),
  "zrange": doc(
    "1.2.0",
    RANGE,
    `key start stop [${SORT_BY}@6.2.0] [REV@6.2.0] [${LIMIT}@6.2.0] [WITHSCORES]`,
    "Replies with the members in a range of ranks, scores or bytes.",
  ),
  "zrangebylex": doc(
    "2.8.9",
    RANGE,
    `key min max [${LIMIT}]`,
    "Replies with the members whose bytes are in a range.",
    { deprecated: ["6.2.0", "`ZRANGE` with the `BYLEX` argument"] },
  ),
  "zrangebyscore": doc(
    "1.0.5",
    RANGE,
    `key min:double max:double [WITHSCORES@2.0.0] [${LIMIT}]`,
    "Replies with the members whose scores are in a range.",
    { deprecated: ["6.2.0", "`ZRANGE` with the `BYSCORE` argument"] },
  ),
  "zrangestore": doc(
    "6.2.0",
    "O(log N+M log M) for N members of the sorted set and M members stored",
    `dst:key src:key min max [${SORT_BY}] [REV] [${LIMIT}]`,
    "Stores the members in a range of ranks, scores or bytes.",
  ),
  "zrank": doc(
    "2.0.0",
    CHANGE,
    "key member [withscore=WITHSCORE@7.2.0]",
    "Tells the rank of a member, counted from the lowest score.",
  ),
  "zrem": doc("1.2.0", REMOVAL, "key member...", "Removes members of a sorted set."),
  "zremrangebylex": doc("2.8.9", REMOVAL, "key min max", "Removes the members whose bytes are in a range."),
  "zremrangebyrank": doc("2.0.0", REMOVAL, "key start:int stop:int", "Removes the members in a range of ranks."),
  "zremrangebyscore": doc(
    "1.2.0",
    REMOVAL,
    "key min:double max:double",
    "Removes the members whose scores are in a range.",
  ),
  "zrevrange": doc(
    "1.2.0",
    RANGE,
    "key start:int stop:int [WITHSCORES]",
    "Replies with the members in a range of ranks, counted from the highest score.",
    { deprecated: ["6.2.0", "`ZRANGE` with the `REV` argument"] },
  ),
  "zrevrangebylex": doc(
    "2.8.9",
    RANGE,
    `key max min [${LIMIT}]`,
    "Replies with the members whose bytes are in a range, the last first.",
    { deprecated: ["6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"] },
  ),
  "zrevrangebyscore": doc(
    "2.2.0",
    RANGE,
    `key max:double min:double [WITHSCORES] [${LIMIT}]`,
    "Replies with the members whose scores are in a range, the highest first.",
    { deprecated: ["6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"] },
  ),
  "zrevrank": doc(
    "2.0.0",
    CHANGE,
    "key member [withscore=WITHSCORE@7.2.0]",
    "Tells the rank of a member, counted from the highest score.",
  ),
  "zscan": doc(
    "2.8.0",
    "O(1) for each call, and O(N) for all N members",
    "key cursor:int [MATCH pattern] [COUNT count:int]",
    "Goes through the members and scores of a sorted set, some at a time.",
    { tips: "nondeterministic_output" },
  ),
  "zscore": doc("1.2.0", "O(1)", "key member", "Replies with the score of a member."),
  "zunion": doc(
    "6.2.0",
    UNION,
    `${COMBINED} [WITHSCORES]`,
    "Replies with the members of several sorted sets together.",
  ),
  "zunionstore": doc(
    "2.0.0",
    UNION,
    `destination:key ${COMBINED}`,
    "Stores the members of several sorted sets together.",
  ),
});
