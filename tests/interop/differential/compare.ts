/**
 * Whether two servers' replies to the same command mean the same. Byte for byte, but for what Redis leaves open: the
 * order of fields and keys, what is drawn at random, and how much time has passed.
 */

import type { Frame } from "./frames.ts";

/** Seconds by which a time to live may differ: what a round takes on a slow machine. */
const SLACK_SECONDS = 60;

/** How to compare, by command. A subcommand's name follows its container's, in lower case. */
type Comparison = (args: readonly string[], a: Frame, b: Frame) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  hgetall: (_args, a, b) => a.kind === b.kind && sameItems(a, b, 2),
  hkeys: (_args, a, b) => a.kind === b.kind && sameItems(a, b, 1),
  hvals: (_args, a, b) => a.kind === b.kind && sameItems(a, b, 1),
  keys: (_args, a, b) => a.kind === b.kind && sameItems(a, b, 1),
  "config get": (_args, a, b) => a.kind === b.kind && sameItems(a, b, 2),
  hrandfield: sameFields,
  scan: (_args, a, b) => sameScan(a, b, 1),
  hscan: (_args, a, b) => sameScan(a, b, 2),
  ttl: (_args, a, b) => near(a, b, SLACK_SECONDS),
  expiretime: (_args, a, b) => near(a, b, SLACK_SECONDS),
  pttl: (_args, a, b) => near(a, b, SLACK_SECONDS * 1000),
  pexpiretime: (_args, a, b) => near(a, b, SLACK_SECONDS * 1000),
  // Redis shares small integers, and what a transaction queues: references and access clocks are of the shared object.
  "object refcount": bothIntegers,
  "object idletime": bothIntegers,
  // Id and version are each server's own.
  hello: (_args, a, b) => a.kind === b.kind && a.items.length === b.items.length && a.items.length > 0,
  dump: (_args, a, b) => sameDump(a, b),
};

/** Whether `a` and `b` are replies to one command that mean the same. */
export function same(args: readonly string[], a: Frame, b: Frame): boolean {
  if (a.bytes === b.bytes) return true;
  const name = (args[0] ?? "").toLowerCase();
  const comparison = COMPARISONS[name] ?? COMPARISONS[`${name} ${(args[1] ?? "").toLowerCase()}`];
  return comparison !== undefined && comparison(args, a, b);
}

/** Whether two aggregates have the same elements in any order, taken `size` at a time. */
function sameItems(a: Frame, b: Frame, size: number): boolean {
  return a.line === b.line && sorted(a.items, size).every((group, i) => group === sorted(b.items, size)[i]);
}

function sorted(items: readonly Frame[], size: number): string[] {
  const groups: string[] = [];
  for (let i = 0; i < items.length; i += size) {
    groups.push(items.slice(i, i + size).map((item) => item.bytes).join(""));
  }
  return groups.sort();
}

/** HRANDFIELD with as many fields as there are: in RESP2, fields and values take turns; in RESP3 they are pairs. */
function sameFields(args: readonly string[], a: Frame, b: Frame): boolean {
  if (a.kind !== b.kind || a.kind !== "*") return false;
  const pairs = args.length > 3 && a.items[0]?.kind !== "*";
  return sameItems(a, b, pairs ? 2 : 1);
}

/** A scan that ended with its first call. */
function sameScan(a: Frame, b: Frame, size: number): boolean {
  if (a.items.length !== 2 || b.items.length !== 2 || a.kind !== b.kind) return false;
  return a.items[0].bytes === b.items[0].bytes && sameItems(a.items[1], b.items[1], size);
}

function bothIntegers(_args: readonly string[], a: Frame, b: Frame): boolean {
  return a.kind === ":" && b.kind === ":";
}

function near(a: Frame, b: Frame, slack: number): boolean {
  if (a.kind !== ":" || b.kind !== ":") return false;
  const [first, second] = [Number(a.line), Number(b.line)];
  return first >= 0 && second >= 0 && Math.abs(first - second) <= slack;
}

/** First byte of the payload of a hash that is a table. */
const DUMPED_HASHTABLE = "\x04";
/** Version and checksum at a payload's end. */
const FOOTER_BYTES = 10;

/** Two payloads, less their footers; of a hash that is a table, the fields may come in any order. */
function sameDump(a: Frame, b: Frame): boolean {
  if (a.content === null || b.content === null) return false;
  if (a.content[0] === DUMPED_HASHTABLE) return b.content[0] === a.content[0] && a.content.length === b.content.length;
  return a.content.slice(0, -FOOTER_BYTES) === b.content.slice(0, -FOOTER_BYTES);
}
