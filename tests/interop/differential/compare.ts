/**
 * Whether two servers' replies to the same command mean the same. Byte for byte, but for what Redis leaves open (the
 * order of fields, members and keys), how much time has passed, and what Redis 7.2 replies otherwise than the 7.0 that
 * is asked: each with its reason, for there is no other way for a difference to go unseen.
 */

import type { Frame } from "./frames.ts";

/** Seconds by which a time to live may differ: what a round takes on a slow machine. */
const SLACK_SECONDS = 60;
const SLACK_MS = SLACK_SECONDS * 1000;

const RANK_OUT_OF_RANGE = "ERR value is out of range, value must between -9223372036854775807 and ";

/** How to compare, by command. A subcommand's name follows its container's, in lower case. */
type Comparison = (args: readonly string[], a: Frame, b: Frame, sorts: boolean) => boolean;

/** Where distances are stored. They are not the same to the last bit in every library, so nothing else is done with them. */
export const DISTANCES_KEY = "distances";

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
compare("zrange", (args, a, b) => sameNumbers(a, b, args[1] === DISTANCES_KEY ? LAST_BITS : 0));
compare(
  "zadd, zincrby, zscore, zmscore, zrevrange, zrangebyscore, zrevrangebyscore, zunion, zinter, zdiff",
  (_, a, b) => sameNumbers(a, b, 0),
);
compare("zpopmin, zpopmax, zmpop", (_, a, b) => sameNumbers(a, b, 0));
// Sines are not the same to the last bit in every library.
compare("geodist, geopos, geosearch, georadius, georadius_ro", (_, a, b) => sameNumbers(a, b, LAST_BITS));
compare("georadiusbymember, georadiusbymember_ro", (_, a, b) => sameNumbers(a, b, LAST_BITS));
// A timeout that is too large is told apart since 7.2.
compare("blpop, brpop, blmove, brpoplpush, blmpop, bzpopmin, bzpopmax, bzmpop", (args, a, b) => {
  const isTooLarge = a.line === "ERR timeout is out of range" && b.line === "ERR timeout is negative";
  return isTooLarge || (args[0].toLowerCase().startsWith("bz") && sameNumbers(a, b, 0));
});
// Since 7.2 there is no rank whose opposite is no integer.
compare("lpos", (args, a) => args.includes("-9223372036854775808") && a.line.startsWith(RANK_OUT_OF_RANGE));
// ZRANK may have one argument more since 7.2. A number of keys that is none has no keys behind it here, and some there.
compare("command getkeys", (args, a, b) => {
  const isOfRank = /^z(rev)?rank$/i.test(args[2]) && args.length === 6 && a.kind === "*" && b.kind === "-";
  return isOfRank ||
    (a.line === "ERR Invalid arguments specified for command" && hasWrongNumber(args) && b.kind === "*");
});
// The names in the text are 7.2's.
compare("xread, xreadgroup", (args, a, b) => {
  const symbol = args[0].length > "xread".length ? ">" : "$";
  // While it waited: 7.2 runs it again, and sees what became of another of its keys.
  if (args[0].length === "xread".length && a.line.startsWith("WRONGTYPE ") && !"-".includes(b.kind)) return true;
  // What became of the key or its group meanwhile is told since 7.2.
  const isTold = b.line.startsWith("UNBLOCKED ") || b.line.startsWith("NOGROUP the consumer group this client was ");
  if (isTold) return /^(NOGROUP|WRONGTYPE) /.test(a.line);
  const text = `Unbalanced '${
    args[0].toLowerCase()
  }' list of streams: for each stream key an ID or '${symbol}' must be specified.`;
  return a.line === `ERR ${text}` && b.line.startsWith("ERR Unbalanced XREAD list of streams: ");
});
compare("xinfo, xpending", (_, a, b) => sameInTime(a, b));
compare("ttl, expiretime", (_, a, b) => near(a, b, SLACK_SECONDS));
compare("pttl, pexpiretime", (_, a, b) => near(a, b, SLACK_MS));
// Redis shares small integers, and what a transaction queues: references and access clocks are of the shared object.
compare("object refcount, object idletime", (_, a, b) => a.kind === ":" && b.kind === ":");
compare("object encoding", sameEncoding);
// Id and version are each server's own.
compare("hello", (_, a, b) => a.kind === b.kind && a.items.length === b.items.length && a.items.length > 0);
compare("dump", (_, a, b, sorts) => sameDump(a, b, sorts));

/** Whether `a` and `b` are replies to one command that mean the same; `sorts` is that of the setting. */
export function same(args: readonly string[], a: Frame, b: Frame, sorts: boolean): boolean {
  if (a.bytes === b.bytes) return true;
  const name = (args[0] ?? "").toLowerCase();
  const comparison = COMPARISONS[name] ?? COMPARISONS[`${name} ${(args[1] ?? "").toLowerCase()}`];
  return comparison !== undefined && comparison(args, a, b, sorts);
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
  const number = Number(decimal);
  // Of whole numbers of 63 bits 7.2 writes all digits.
  if (Number.isInteger(number) && decimal === String(BigInt(number))) return true;
  const digits = (text: string) => text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
  return digits(decimal) === digits(String(number));
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

/** Lists and sets in one listpack came with 7.2. In Redis, SORT makes a skiplist of the sorted set that it reads. */
function sameEncoding(_args: readonly string[], a: Frame, b: Frame, sorts: boolean): boolean {
  if (a.content !== "listpack") return false;
  return b.content === "quicklist" || b.content === "hashtable" || (sorts && b.content === "skiplist");
}

/** What only 7.2 tells of consumers, and what tells of the time, as the names before it. */
const TOLD_SINCE = ["inactive", "active-time"];
/** How Redis's radix trees are laid out inside, and what nodes they keep though no entry is left in them. */
const TOLD_OF_INSIDES = ["radix-tree-keys", "radix-tree-nodes"];
const TOLD_IN_TIME = ["idle", "seen-time", "delivery-time"];
/** Ids and owners of pending entries come before the times of their delivery. */
const TIME_AT = 2;
/** Less than this is a count, and no time. */
const LEAST_TIME_MS = 1e8;

/** Whether replies are the same but for how long ago something was. */
function sameInTime(a: Frame, b: Frame): boolean {
  if (a.bytes === b.bytes) return true;
  if (a.kind !== b.kind) return false;
  const [here, redis] = [withoutNews(a.items), b.items];
  if (here.length === 0 || here.length !== redis.length) return false;
  return here.every((item, i) => {
    const name = redis[i - 1]?.content ?? "";
    const isTime = TOLD_IN_TIME.includes(name) ||
      (b.kind === "*" && i === TIME_AT && redis[0].content?.includes("-")) ||
      (Number(redis[i].line) > LEAST_TIME_MS && redis[i].kind === ":");
    if (TOLD_OF_INSIDES.includes(name)) return item.kind === ":" && redis[i].kind === ":";
    return sameInTime(item, redis[i]) || (isTime === true && near(item, redis[i], SLACK_MS));
  });
}

function withoutNews(items: readonly Frame[]): readonly Frame[] {
  const at = items.findIndex((item) => TOLD_SINCE.includes(item.content ?? ""));
  return at < 0 ? items : withoutNews(items.toSpliced(at, 2));
}

/** Whether what stands where the number of keys does, is none. */
function hasWrongNumber(args: readonly string[]): boolean {
  return args.slice(3, 6).some((word) => !/^[1-9]\d*$/.test(word));
}

function near(a: Frame, b: Frame, slack: number): boolean {
  if (a.kind !== ":" || b.kind !== ":") return false;
  const [first, second] = [Number(a.line), Number(b.line)];
  return first >= 0 && second >= 0 && Math.abs(first - second) <= slack;
}

/** First bytes of payloads. */
const DUMPED_SET = "\x02";
const DUMPED_HASHTABLE = "\x04";
const DUMPED_SKIPLIST = "\x05";
const DUMPED_ZSET_LISTPACK = "\x11";
const DUMPED_LIST = "\x12";
const DUMPED_STREAM = "\x13";
/** Version and checksum at a payload's end. */
const FOOTER_BYTES = 10;

/**
 * Two payloads, less their footers. In a set or a hash that is a table, and in a sorted set that is none here, elements may come in any order. Scores in a
 * listpack have the form of their version. A stream has the times of its consumers. A list's nodes may be cut otherwise. That payloads hold what they ought
 * to is seen when they are restored.
 */
function sameDump(a: Frame, b: Frame, sorts: boolean): boolean {
  if (a.content === null || b.content === null) return false;
  const kind = a.content[0];
  if (kind !== b.content[0]) return sorts && kind === DUMPED_ZSET_LISTPACK && b.content[0] === DUMPED_SKIPLIST;
  if ([DUMPED_ZSET_LISTPACK, DUMPED_STREAM, DUMPED_LIST].includes(kind)) return true;
  if ([DUMPED_HASHTABLE, DUMPED_SET, DUMPED_SKIPLIST].includes(kind)) return a.content.length === b.content.length;
  return a.content.slice(0, -FOOTER_BYTES) === b.content.slice(0, -FOOTER_BYTES);
}
