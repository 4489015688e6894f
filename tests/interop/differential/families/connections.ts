/** Transactions, and what else belongs to a connection. */

import { special, type Template, templates } from "./template.ts";

export const TRANSACTIONS: readonly Template[] = templates(40, "any", [
  (_v) => ["MULTI"],
  (_v) => ["EXEC"],
  (_v) => ["EXEC"],
  (_v) => ["DISCARD"],
  (v) => ["WATCH", ...v.anyKeys()],
  (_v) => ["UNWATCH"],
]);

export const CONNECTIONS: readonly Template[] = [
  ...templates(3, "any", [
    (v) => ["PING", ...v.maybe(2, v.value())],
    (v) => ["ECHO", v.value()],
    (v) => ["NOSUCH", ...v.some(4, () => v.field())],
    (v) => ["AUTH", ...v.some(4, () => v.field())],
    (v) => ["HELLO", v.of(["1", "4", "x", "", "3.0"]), ...v.options("AUTH", "SETNAME", "x")],
  ]),
  ...special(3, "calls", [
    (v) => ["WAIT", "0", v.of(["0", "-1", "x"])],
    (v) => ["CLIENT", v.of(["SETNAME", "NOSUCH", "NO-EVICT", "REPLY", "TRACKING"]), v.of(["", "me", "a b", "\xff"])],
    (_v) => ["CLIENT", "GETNAME"],
    (v) => ["CONFIG", "GET", v.of(["maxmemory", "hash-max-listpack-[a-z]*", "nosuch", "SAVE"])],
    (_v) => ["RESET"],
  ]),
];
