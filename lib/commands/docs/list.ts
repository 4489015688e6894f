/** COMMAND DOCS of commands about lists: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const END = "where=<LEFT | RIGHT>";
const ENDS = "wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>";
const POPPED = "O(N+M) for N keys named and M elements taken";

export const LIST_DOCS: ReadonlyMap<string, CommandDoc> = group("list", {
  "blmove": doc(
    "6.2.0",
    "O(1)",
    `source:key destination:key ${ENDS} timeout:double`,
    "Moves an element from an end of a list to an end of another; waits until there is one.",
  ),
  "blmpop": doc(
    "7.0.0",
    POPPED,
    `timeout:double numkeys:int key... ${END} [COUNT count:int]`,
    "Takes elements off an end of the first list that has some; waits until one has.",
  ),
  "blpop": doc(
    "2.0.0",
    "O(N) for N keys named",
    "key... timeout:double",
    "Takes the first element of the first list that has one; waits until one has.",
  ),
  "brpop": doc(
    "2.0.0",
    "O(N) for N keys named",
    "key... timeout:double",
    "Takes the last element of the first list that has one; waits until one has.",
  ),
  "brpoplpush": doc(
    "2.2.0",
    "O(1)",
    "source:key destination:key timeout:double",
    "Moves the last element of a list to the head of another; waits until there is one.",
    { deprecated: ["6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"] },
  ),
  "lindex": doc("1.0.0", "O(log N) for N nodes of the list", "key index:int", "Replies with the element at an index."),
  "linsert": doc(
    "2.2.0",
    "O(N) for N elements up to the pivot",
    "key where=<BEFORE | AFTER> pivot element",
    "Inserts an element before or after the first that equals another.",
  ),
  "llen": doc("1.0.0", "O(1)", "key", "Tells how many elements a list has."),
  "lmove": doc(
    "6.2.0",
    "O(1)",
    `source:key destination:key ${ENDS}`,
    "Moves an element from an end of a list to an end of another.",
  ),
  "lmpop": doc(
    "7.0.0",
    POPPED,
    `numkeys:int key... ${END} [COUNT count:int]`,
    "Takes elements off an end of the first list that has some.",
  ),
  "lpop": doc("1.0.0", "O(N) for N elements taken", "key [count:int@6.2.0]", "Takes elements off the head of a list."),
  "lpos": doc(
    "6.0.6",
    "O(N) for N elements compared",
    "key element [RANK rank:int] [COUNT num-matches:int] [MAXLEN len:int]",
    "Replies with the indexes of elements that equal another.",
  ),
  "lpush": doc("1.0.0", "O(N) for N elements added", "key element...", "Adds elements at the head of a list."),
  "lpushx": doc(
    "2.2.0",
    "O(N) for N elements added",
    "key element...",
    "Adds elements at the head of a list, if there is one.",
  ),
  "lrange": doc(
    "1.0.0",
    "O(log N+M) for N nodes of the list and M elements replied",
    "key start:int stop:int",
    "Replies with the elements from one index to another.",
  ),
  "lrem": doc(
    "1.0.0",
    "O(N) for N elements of the list",
    "key count:int element",
    "Removes elements that equal another: all, the first ones or the last ones.",
  ),
  "lset": doc(
    "1.0.0",
    "O(log N) for N nodes of the list",
    "key index:int element",
    "Replaces the element at an index.",
  ),
  "ltrim": doc(
    "1.0.0",
    "O(N) for N elements removed",
    "key start:int stop:int",
    "Removes all elements but those from one index to another.",
  ),
  "rpop": doc("1.0.0", "O(N) for N elements taken", "key [count:int@6.2.0]", "Takes elements off the tail of a list."),
  "rpoplpush": doc(
    "1.2.0",
    "O(1)",
    "source:key destination:key",
    "Moves the last element of a list to the head of another.",
    { deprecated: ["6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"] },
  ),
  "rpush": doc("1.0.0", "O(N) for N elements added", "key element...", "Adds elements at the tail of a list."),
  "rpushx": doc(
    "2.2.0",
    "O(N) for N elements added",
    "key element...",
    "Adds elements at the tail of a list, if there is one.",
  ),
});
