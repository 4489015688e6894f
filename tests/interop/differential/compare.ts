/**
 * Whether two servers' replies to the same command mean the same. Byte for byte, but for what Redis leaves open (the
 * order of fields, members and keys), how much time has passed, and what Redis 7.2 replies otherwise than the 7.0 that
 * is asked: each with its reason, for there is no other way for a difference to go unseen.
 */

import type { Frame } from "./frames.ts";

/** Seconds by which a time to live may differ: what a round takes on a slow machine. */
const SLACK_SECONDS = 60;
const SLACK_MS = SLACK_SECONDS * 1000;

/** How to compare, by command. A subcommand's name follows its container's, in lower case. */
type Comparison = (args: readonly string[], a: Frame, b: Frame) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison>> = {};
const comparisons = COMPARISONS as Record<string, Comparison>; // filled below, then only read

function compare(names: string, comparison: Comparison): void {
  for (const name of names.split(", ")) comparisons[name] = comparison;
}

compare("hgetall, config get", (_, a, b) => sameItems(a, b, 2));
compare("hkeys, hvals, keys, smembers, sinter, sunion, sdiff, spop, srandmember", (_, a, b) => sameItems(a, b, 1));
compare("hrandfield, zrandmember", sameDrawnOfAll);
compare("scan, sscan", (_, a, b) => sameScan(a, b, 1));
compare("hscan", (_, a, b) => sameScan(a, b, 2));
// Scores: see `sameNumbers`.
compare("zscan", (_, a, b) => sameScan(withNumbers(a), withNumbers(b), 2));
compare(
  "zadd, zincrby, zscore, zmscore, zrange, zrevrange, zrangebyscore, zrevrangebyscore, zunion, zinter, zdiff",
  (_, a, b) => sameNumbers(a, b, 0),
);
compare("zpopmin, zpopmax, zmpop, bzpopmin, bzpopmax, bzmpop", (_, a, b) => sameNumbers(a, b, 0));
// Sines are not the same to the last bit in every library.
compare("geodist, geopos, geosearch, georadius, georadius_ro", (_, a, b) => sameNumbers(a, b, LAST_BITS));
compare("georadiusbymember, georadiusbymember_ro", (_, a, b) => sameNumbers(a, b, LAST_BITS));
compare("ttl, expiretime", (_, a, b) => near(a, b, SLACK_SECONDS));
compare("pttl, pexpiretime", (_, a, b) => near(a, b, SLACK_MS));
// Redis shares small integers, and what a transaction queues: references and access clocks are of the shared object.
compare("object refcount, object idletime", (_, a, b) => a.kind === ":" && b.kind === ":");
compare("object encoding", sameEncoding);
// Id and version are each server's own.
compare("hello", (_, a, b) => a.kind === b.kind && a.items.length === b.items.length && a.items.length > 0);
compare("dump", (_, a, b) => sameDump(a, b));

/** Whether `a` and `b` are replies to one command that mean the same. */
export function same(args: readonly string[], a: Frame, b: Frame): boolean {
  if (a.bytes === b.bytes) return true;
  const name = (args[0] ?? "").toLowerCase();
  const comparison = COMPARISONS[name] ?? COMPARISONS[`${name} ${(args[1] ?? "").toLowerCase()}`];
  return comparison !== undefined && comparison(args, a, b);
}

/** Whether two aggregates have the same elements in any order, taken `size` at a time. */
function sameItems(a: Frame, b: Frame, size: number): boolean {
  if (a.kind !== b.kind || a.line !== b.line || a.items.length === 0) return false;
  const others = sorted(b.items, size);
  return sorted(a.items, size).every((group, i) => group === others[i]);
}

function sorted(items: readonly Frame[], size: number): string[] {
  const groups: string[] = [];
  for (let i = 0; i < items.length; i += size) {
    groups.push(items.slice(i, i + size).map((item) => item.bytes).join(""));
  }
  return groups.sort();
}

/** HRANDFIELD with as many fields as there are: in RESP2, fields and values take turns; in RESP3 they are pairs. */
function sameDrawnOfAll(args: readonly string[], a: Frame, b: Frame): boolean {
  if (a.kind !== b.kind || a.kind !== "*") return false;
  const pairs = args.length > 3 && a.items[0]?.kind !== "*";
  return sameItems(withNumbers(a), withNumbers(b), pairs ? 2 : 1);
}

/** A scan that ended with its first call. */
function sameScan(a: Frame, b: Frame, size: number): boolean {
  if (a.items.length !== 2 || b.items.length !== 2 || a.kind !== b.kind) return false;
  if (a.items[0].bytes !== b.items[0].bytes) return false;
  return a.items[1].bytes === b.items[1].bytes || sameItems(a.items[1], b.items[1], size);
}

/** Relative difference of numbers that are the same but for their last bits. */
const LAST_BITS = 1e-13;
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;

/** Whether replies are the same but for the form of numbers: 7.2 writes the shortest decimal, 7.0 seventeen digits. */
function sameNumbers(a: Frame, b: Frame, tolerance: number): boolean {
  if (a.bytes === b.bytes) return true;
  if (a.kind !== b.kind) return false;
  if (a.items.length > 0) {
    return a.line === b.line && a.items.every((item, i) => sameNumbers(item, b.items[i], tolerance));
  }
  const [first, second] = [a.content ?? a.line, b.content ?? b.line];
  if (!"$,".includes(a.kind) || !NUMBER.test(first) || !NUMBER.test(second)) return false;
  const isClose = Math.abs(Number(first) - Number(second)) <= Math.abs(Number(second)) * tolerance;
  return isClose && (tolerance > 0 || isShortest(first));
}

/** Whether a decimal has no digit that its number does not need. */
function isShortest(decimal: string): boolean {
  const digits = (text: string) => text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
  return digits(decimal) === digits(String(Number(decimal)));
}

/** A reply with its numbers in the form that JavaScript gives them. */
function withNumbers(frame: Frame): Frame {
  const text = frame.content ?? frame.line;
  if (frame.items.length > 0) {
    const items = frame.items.map(withNumbers);
    return { ...frame, items, bytes: `${frame.kind}${frame.line}${items.map((item) => item.bytes).join()}` };
  }
  if (!"$,".includes(frame.kind) || !NUMBER.test(text)) return frame;
  return { ...frame, bytes: `${frame.kind}${Number(text)}` };
}

/** Lists and sets in one listpack came with 7.2. */
function sameEncoding(_args: readonly string[], a: Frame, b: Frame): boolean {
  return a.content === "listpack" && (b.content === "quicklist" || b.content === "hashtable");
}

function near(a: Frame, b: Frame, slack: number): boolean {
  if (a.kind !== ":" || b.kind !== ":") return false;
  const [first, second] = [Number(a.line), Number(b.line)];
  return first >= 0 && second >= 0 && Math.abs(first - second) <= slack;
}

/** First bytes of payloads. */
const DUMPED_SET = "\x02";
const DUMPED_HASHTABLE = "\x04";
const DUMPED_ZSET_LISTPACK = "\x11";
const DUMPED_STREAM = "\x13";
/** Version and checksum at a payload's end. */
const FOOTER_BYTES = 10;

/**
 * Two payloads, less their footers. In a set or a hash that is a table, elements may come in any order. Scores in a
 * listpack have the form of their version. A stream has the times of its consumers. That payloads hold what they ought
 * to is seen when they are restored.
 */
function sameDump(a: Frame, b: Frame): boolean {
  if (a.content === null || b.content === null || a.content[0] !== b.content[0]) return false;
  const kind = b.content[0];
  if (kind === DUMPED_ZSET_LISTPACK || kind === DUMPED_STREAM) return true;
  if (kind === DUMPED_HASHTABLE || kind === DUMPED_SET) return a.content.length === b.content.length;
  return a.content.slice(0, -FOOTER_BYTES) === b.content.slice(0, -FOOTER_BYTES);
}
