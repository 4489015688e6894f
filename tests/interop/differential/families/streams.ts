/** Streams, with their consumer groups. */

import type { Values } from "../values.ts";
import { type Made, special, type Template, templates } from "./template.ts";

/** Milliseconds of an ID beyond any clock's: behind one that has them, `*` gives the next sequence number. */
const FAR_AHEAD_MS = 7_000_000_000_000;
/** A time without delivery so long that no run of a case comes near it, in ms. */
const LONG_IDLE_MS = 1_000_000_000;

const STRANGE_IDS = [
  ..."- + * $ 0 0-0 -1 x 1-x 1- -1-1 1-1-1 18446744073709551615 18446744073709551615-18446744073709551615".split(" "),
  ..."18446744073709551616 1-18446744073709551615 1-18446744073709551616 0-1 00-01 1-* *-1 ( (- (1-".split(" "),
  "",
  " 1",
];

/** IDs of entries: few, so that they are found again. */
function id(v: Values): string {
  if (v.once(25)) return v.of(STRANGE_IDS);
  return v.once(4) ? String(v.below(60)) : `${v.below(60)}-${v.below(4)}`;
}

/** An ID to be added: mostly larger than those before. */
function newId(v: Values): string {
  if (v.once(25)) return id(v).replace("*", "x");
  if (v.once(6)) return `${v.below(60)}-*`;
  return `${v.once(2) ? v.below(20) : v.below(60)}-${v.below(8)}`;
}

function bound(v: Values): string {
  if (v.once(4)) return v.of(["-", "+"]);
  return (v.once(4) ? "(" : "") + id(v);
}

function field(v: Values): string {
  return v.once(4) ? v.value() : v.of(["f", "g", "name", ""]);
}

/** Fields and values; the same fields more often than not, as entries that follow each other share their names. */
function content(v: Values): string[] {
  if (v.once(3)) return ["f", v.value(), "g", v.value()];
  return v.some(v.once(30) ? 40 : 3, () => [field(v), v.value()]).flat();
}

function trimming(v: Values): string[] {
  const by = v.of(["MAXLEN", "MINID"]);
  const threshold = by === "MINID" ? id(v) : v.once(3) ? v.count() : String(v.below(40));
  const isApproximate = v.once(2);
  const limit = isApproximate || v.once(20) ? v.maybe(3, v.anyCase("LIMIT"), v.once(3) ? "0" : v.count()) : [];
  const sign = isApproximate ? ["~"] : v.maybe(2, v.once(20) ? "x" : "=");
  return [v.anyCase(by), ...sign, threshold, ...limit];
}

function group(v: Values): string {
  return v.once(30) ? v.of(["", "none", "\xff\0"]) : v.of(["one", "two"]);
}

function consumer(v: Values): string {
  return v.once(30) ? v.of(["", "\xff\0"]) : v.of(["anna", "ben", "cleo"]);
}

function ids(v: Values): string[] {
  return v.some(v.once(8) ? 30 : 4, () => id(v));
}

function minIdle(v: Values): string {
  return v.once(12) ? v.of(["x", "-1", "", "9223372036854775807"]) : v.of(["0", "0", String(LONG_IDLE_MS / 2)]);
}

function claimOptions(v: Values): string[] {
  const options = [
    v.maybe(3, v.anyCase("IDLE"), v.of(["0", String(LONG_IDLE_MS), "-1", "x"])),
    v.maybe(5, v.anyCase("TIME"), v.of(["0", "1000", "-1", "x"])),
    v.maybe(3, v.anyCase("RETRYCOUNT"), v.once(6) ? v.integer() : String(v.below(5))),
    v.options("FORCE", "JUSTID"),
    v.maybe(5, v.anyCase("LASTID"), id(v)),
    v.maybe(30, "x"),
  ];
  return (v.once(2) ? options : options.reverse()).flat();
}

/** Streams to be read, and the IDs behind which to read. */
function streamsAndIds(v: Values, idOf: () => string): string[] {
  const keys = v.keys("stream", 3);
  const given = v.once(30) ? keys.slice(1) : keys;
  return [v.anyCase("STREAMS"), ...keys, ...given.map(idOf)];
}

export function groupIdOf(v: Values): string {
  return v.once(2) ? ">" : id(v);
}

function readOptions(v: Values): string[] {
  return v.maybe(2, v.anyCase("COUNT"), v.count());
}

/** Calls that come after the consumer was made: 7.2 makes it in any case, 7.0 only if it got something. */
export function withConsumer(keys: readonly string[], group: string, consumer: string, command: Made): Made[] {
  return [...keys.map((key) => ["XGROUP", "CREATECONSUMER", key, group, consumer]), command];
}

function readGroup(v: Values, options: readonly string[]): Made[] {
  const [groupName, name] = [group(v), consumer(v)];
  const from = streamsAndIds(v, () => groupIdOf(v));
  const command = ["XREADGROUP", "GROUP", groupName, name, ...options, ...from];
  return withConsumer(from.slice(1, 1 + (from.length >> 1)), groupName, name, command);
}

function claim(v: Values): Made[] {
  const [key, groupName, name] = [v.key("stream"), group(v), consumer(v)];
  const idle = minIdle(v);
  const command = v.once(2) ? ["XCLAIM", key, groupName, name, idle, ...ids(v), ...claimOptions(v)] : [
    "XAUTOCLAIM",
    key,
    groupName,
    name,
    idle,
    v.once(2) ? "0" : bound(v),
    ...v.maybe(2, v.anyCase("COUNT"), v.of(["1", "3", "10", "100", "0", "-1", "x"])),
    ...v.maybe(4, v.anyCase("JUSTID")),
  ];
  return withConsumer([key], groupName, name, command);
}

/** An ID of the time that it is, which has to be the same for both: behind one that is far ahead. */
function automatic(v: Values): Made[] {
  const key = v.key("stream");
  return [["XADD", key, `${FAR_AHEAD_MS}-${v.below(4)}`, "f", "v"], ["XADD", key, "*", ...content(v)]];
}

export const STREAMS: readonly Template[] = [
  ...templates(8, "any", [
    (
      v,
    ) => [
      "XADD",
      v.key("stream"),
      ...v.maybe(8, v.anyCase("NOMKSTREAM")),
      ...v.maybe(4, ...trimming(v)),
      newId(v),
      ...content(v),
    ],
    (v) => ["XADD", v.key("stream"), newId(v), ...content(v)],
    (v) => ["XADD", v.key("stream"), `${v.below(60)}-*`, ...content(v)],
  ]),
  ...templates(4, "any", [
    (v) => ["XLEN", v.key("stream")],
    (v) => ["XRANGE", v.key("stream"), bound(v), bound(v), ...readOptions(v)],
    (v) => ["XREVRANGE", v.key("stream"), bound(v), bound(v), ...readOptions(v)],
    (v) => ["XDEL", v.key("stream"), ...ids(v).filter((one) => !one.startsWith("1844"))],
    (v) => ["XREAD", ...readOptions(v), ...streamsAndIds(v, () => id(v))],
    (v) => ["XACK", v.key("stream"), group(v), ...ids(v)],
    (v) => ["XPENDING", v.key("stream"), group(v)],
    (v) => [
      "XPENDING",
      v.key("stream"),
      group(v),
      ...v.maybe(3, v.anyCase("IDLE"), minIdle(v)),
      bound(v),
      bound(v),
      v.once(3) ? v.count() : "10",
      ...v.maybe(3, consumer(v)),
    ],
  ]),
  // Not with other arguments: a consumer must be the one that was made.
  ...templates(5, "length", [
    (v) => readGroup(v, [...readOptions(v), ...v.maybe(6, "NOACK")]),
    (v) => readGroup(v, v.maybe(3, "COUNT", "3")),
    claim,
  ]),
  ...templates(3, "any", [
    (v) => [
      "XGROUP",
      v.anyCase("CREATE"),
      v.key("stream"),
      group(v),
      v.once(3) ? v.of(["$", "0"]) : id(v),
      ...v.maybe(2, v.anyCase("MKSTREAM")),
      ...v.maybe(3, v.anyCase("ENTRIESREAD"), v.count()),
    ],
    (
      v,
    ) => [
      "XGROUP",
      "SETID",
      v.key("stream"),
      group(v),
      v.once(3) ? "$" : id(v),
      ...v.maybe(3, "ENTRIESREAD", v.count()),
    ],
    (v) => ["XGROUP", v.of(["CREATECONSUMER", "DELCONSUMER"]), v.key("stream"), group(v), consumer(v)],
    (v) => ["XINFO", v.of(["STREAM", "GROUPS", "CONSUMERS", "nonsense"]), v.key("stream"), ...v.maybe(2, group(v))],
    (v) => ["XINFO", "GROUPS", v.key("stream")],
    (v) => ["XINFO", "CONSUMERS", v.key("stream"), group(v)],
    (v) => ["XINFO", "STREAM", v.key("stream"), v.anyCase("FULL"), ...v.maybe(2, v.anyCase("COUNT"), v.count())],
  ]),
  ...templates(1, "any", [
    (v) => ["XTRIM", v.key("stream"), ...trimming(v)],
    (v) => ["XGROUP", "DESTROY", v.key("stream"), group(v)],
    // Not below an ID that was deleted, which 7.0 lets pass; so XDEL takes none that is larger.
    (v) => [
      "XSETID",
      v.key("stream"),
      v.once(8) ? v.of(["x", "", "-1"]) : String(60 + v.below(5)),
      ...v.maybe(
        2,
        v.anyCase("ENTRIESADDED"),
        v.count(),
        ...v.maybe(2, v.anyCase("MAXDELETEDID"), String(v.below(60))),
      ),
    ],
    (v) => ["DEL", v.key("stream")],
    (v) => ["OBJECT", "ENCODING", v.key("stream")],
    (v) => ["DEBUG", "DIGEST-VALUE", v.key("stream")],
  ]),
  ...special(1, "calls", [automatic]),
  ...special(1, "timed", [
    (
      v,
    ) => [
      "XREAD",
      ...readOptions(v),
      "BLOCK",
      v.of(["1", "1", "-1", "x", "", "1.5"]),
      ...streamsAndIds(v, () => v.of(["$", "70"])),
    ],
    (v) => readGroup(v, ["BLOCK", "1"]),
  ]),
];
