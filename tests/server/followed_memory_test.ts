/**
 * Memory that runs out in the middle of a command, at each of its allocations: whatever it has changed by then goes on to
 * followers, so that they have the same data, and what it did not change they do not change.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { useWorkers } from "../../lib/runtime/workers.ts";
import type { Server } from "../../lib/server/server.ts";
import { type Arena, ArenaFullError } from "../../lib/store/arena.ts";
import { INFO, OPTIONS } from "../persistence/helpers.ts";
import { connect, startWith } from "./fake_client.ts";

const OOM = "-OOM command not allowed, there is no memory for it.\r\n";
/** More allocations than any of the commands makes. */
const MOST_ALLOCATIONS = 1000;
const FIRST_ALLOCATIONS = 20;
const STEP = 37;

const LONG = "x".repeat(100);
const many = (count: number, element: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => element(i)).join(" ");

/** What there is before each command: small and large values of every type. */
const BEFORE: readonly string[] = [
  "CONFIG SET list-compress-depth 1",
  "SET string value",
  "SET number 10",
  `RPUSH list a b c`,
  `RPUSH long:list ${many(300, (i) => `${LONG}${i}`)}`,
  `RPUSH again:list ${many(400, (i) => `${LONG}${i % 10}`)}`,
  // Its first and its last node are compressed: they were inner ones.
  "CONFIG SET list-max-listpack-size 20",
  `RPUSH ends:list ${many(200, (i) => `${LONG}${i}`)}`,
  "LTRIM ends:list 20 179",
  "CONFIG SET list-max-listpack-size -2",
  "SADD ints 1 2 3",
  "SADD set a b c",
  `SADD long:set ${many(200, (i) => `${LONG}${i}`)}`,
  "HSET hash a 1 b 2",
  `HSET long:hash ${many(200, (i) => `field:${i} ${LONG}`)}`,
  "ZADD zset 1 a 2 b 3 c",
  `ZADD long:zset ${many(200, (i) => `${i} ${LONG}${i}`)}`,
  "GEOADD geo 13.3 52.5 Berlin 2.3 48.8 Paris",
  "PFADD hll a b c",
  `XADD stream 1-0 field value`,
  `XADD stream 2-0 field ${LONG}`,
  "XADD stream 3-0 field value",
  "XGROUP CREATE stream group 0",
  "XREADGROUP GROUP group other COUNT 1 STREAMS stream >",
  "SETEX expiring 1000 value",
];

/** All that may run out of memory, but for what is delivered once more to its consumer, of which replicas hear nothing in Redis either. */
const COMMANDS: readonly string[] = [
  `MSET a 1 b ${LONG} c 3`,
  `MSETNX a 1 b ${LONG} c 3`,
  `APPEND string ${LONG}${LONG}`,
  "SETRANGE string 5000 x",
  `GETSET string ${LONG}`,
  "BITOP NOT new string",
  "BITFIELD new SET u8 #1000 1 SET u8 #5000 2",
  "PFADD new a b c",
  "PFMERGE new hll hll",
  `LPUSH list ${many(40, (i) => `${LONG}${i}`)} 1 2 3`,
  `RPUSH list ${many(200, (i) => `${LONG}${i}`)}`,
  `LPUSH long:list ${many(150, (i) => `${LONG}${i}`)}`,
  `LINSERT long:list BEFORE ${LONG}150 ${LONG}`,
  `LSET long:list 150 ${LONG}${LONG}`,
  "LMOVE long:list list RIGHT LEFT",
  "LMOVE long:list new RIGHT LEFT",
  "LMOVE long:list long:list RIGHT LEFT",
  "LMOVE ends:list list RIGHT LEFT",
  "LMOVE ends:list new LEFT LEFT",
  "LMOVE ends:list ends:list LEFT RIGHT",
  "LPOP ends:list",
  "LMPOP 1 ends:list RIGHT COUNT 25",
  "LTRIM ends:list 5 100",
  `LSET ends:list 5 ${LONG}${LONG}`,
  `LINSERT ends:list AFTER ${LONG}25 ${LONG}`,
  `LREM ends:list 2 ${LONG}25`,
  `RPUSH ends:list ${many(50, (i) => `${LONG}${i}`)}`,
  "LTRIM long:list 50 100",
  `LREM long:list 0 ${LONG}100`,
  `LREM again:list 0 ${LONG}5`,
  `LREM again:list -30 ${LONG}5`,
  "LPOP long:list 200",
  "RPOP long:list 200",
  "LMPOP 1 long:list LEFT COUNT 120",
  "RPOPLPUSH long:list again:list",
  `SADD ints ${many(20, (i) => `${i * 100000}`)} text`,
  `SADD set ${many(200, (i) => `${LONG}${i}`)}`,
  `SADD long:set ${many(50, (i) => `${i}${LONG}`)}`,
  "SMOVE set ints a",
  `SMOVE long:set set ${LONG}7`,
  "SMOVE set new a",
  "SUNIONSTORE new set long:set ints",
  "SUNIONSTORE set set long:set",
  "SPOP long:set 50",
  `HSET hash ${many(20, (i) => `f${i} ${LONG}`)}`,
  `HSET long:hash ${many(20, (i) => `f${i} ${LONG} field:${i} ${LONG}${LONG}`)}`,
  "HINCRBY long:hash new 5",
  "HINCRBYFLOAT hash new 5.5",
  `ZADD zset ${many(20, (i) => `${i} ${LONG}${i}`)}`,
  `ZADD long:zset ${many(50, (i) => `${i}.5 ${i}${LONG}`)}`,
  `ZADD long:zset ${many(50, (i) => `${1000 - i} ${LONG}${i}`)}`,
  `ZINCRBY long:zset 500 ${LONG}3`,
  "ZUNIONSTORE new 2 zset long:zset WEIGHTS 2 3",
  "ZUNIONSTORE zset 2 zset long:zset",
  "ZRANGESTORE new long:zset 0 -1",
  "ZDIFFSTORE new 2 long:zset zset",
  "GEOADD geo 9.9 53.5 Hamburg 11.5 48.1 Munich",
  "GEOSEARCHSTORE new geo FROMMEMBER Berlin BYRADIUS 3000 km STOREDIST",
  "SORT long:zset ALPHA STORE new",
  `XADD stream MAXLEN 2 4-0 field ${LONG}`,
  `XADD stream NOMKSTREAM 4-0 ${many(10, (i) => `f${i} ${LONG}`)}`,
  "XADD new MINID 1 4-0 field value",
  "XGROUP CREATE new group $ MKSTREAM",
  "XGROUP CREATE stream another 0",
  "XGROUP CREATECONSUMER stream group new",
  "XREADGROUP GROUP group new COUNT 2 STREAMS stream >",
  "XREADGROUP GROUP group new NOACK STREAMS stream >",
  "XCLAIM stream group new 0 1-0 2-0 FORCE LASTID 7-0",
  "XAUTOCLAIM stream group new 0 0",
  "XACK stream group 1-0",
  "XDEL stream 1-0 2-0",
  "XTRIM stream MAXLEN 1",
  "XSETID stream 9-0",
  "COPY long:zset new",
  "COPY long:hash hash REPLACE",
  "RENAME long:set set",
  "MOVE long:list 1",
  "EXPIRE long:list 100",
  "PERSIST expiring",
  "SET expiring other KEEPTTL",
  "GETDEL string",
  "FLUSHALL",
];

/** A server with a client, and what a follower is sent. */
function start() {
  const server = startWith();
  const client = connect(server);
  const say = (text: string) => {
    client.received = "";
    client.say(`${text}\r\n`);
    return client.received;
  };
  return { server, client, say };
}

/** All data, in words in which two servers that have the same say the same. */
function contents(say: (text: string) => string): string {
  const sorted = (reply: string) => reply.split("\r\n").sort().join(" ");
  let all = "";
  for (const database of [0, 1]) {
    say(`SELECT ${database}`);
    for (const key of say("KEYS *").split("\r\n").filter((line) => !/^[*$]|^$/.test(line)).sort()) {
      const type = say(`TYPE ${key}`).slice(1).trim();
      const expires = say(`TTL ${key}`) === ":-1\r\n" ? "" : " expires";
      all += `${database} ${key} ${type}${expires}: `;
      if (type === "string") all += say(`GET ${key}`);
      else if (type === "list") all += say(`LRANGE ${key} 0 -1`);
      else if (type === "set") all += sorted(say(`SMEMBERS ${key}`));
      else if (type === "hash") all += sorted(say(`HGETALL ${key}`));
      else if (type === "zset") all += say(`ZRANGE ${key} 0 -1 WITHSCORES`);
      else all += stream(say, key);
    }
  }
  say("SELECT 0");
  return all;
}

function stream(say: (text: string) => string, key: string): string {
  const timeless = (reply: string) => reply.replace(/(idle|inactive|seen-time|active-time)\r\n:-?\d+/g, "");
  let all = say(`XRANGE ${key} - +`) + say(`XINFO STREAM ${key}`).replace(/radix-tree-\w+\r\n:\d+/g, "");
  all += say(`XINFO GROUPS ${key}`);
  for (const group of ["group", "another"]) {
    all += timeless(say(`XINFO CONSUMERS ${key} ${group}`));
    for (const consumer of ["other", "new"]) {
      // When an entry was delivered may differ by a millisecond; to whom and how often, not.
      all += say(`XPENDING ${key} ${group} - + 10 ${consumer}`).replace(/\r\n:\d+\r\n:/g, "\r\n:");
    }
  }
  return all;
}

/** What is refused for want of memory has changed nothing: elements of lists, compressed or not, come and go whole. */
const ALL_OR_NOTHING = /^(LPOP|RPOP|LMPOP|LTRIM|LSET|LINSERT|RPOPLPUSH|LMOVE) /;

/** How memory runs out: all that there is, or for one allocation that is too large. */
interface Want {
  readonly isLasting: boolean;
  /** Whether a snapshot is under way that has come to nothing yet: what changes is to be kept for it. */
  readonly duringSnapshot: boolean;
}

const WANTS: ReadonlyMap<string, Want> = new Map([
  ["wherever memory runs out", { isLasting: true, duringSnapshot: false }],
  ["wherever one allocation fails during a snapshot", { isLasting: false, duringSnapshot: true }],
]);

/** Has the allocation after so many fail, and all after it if that lasts; the function returned ends it, and says whether any did. */
function failAllocations(arena: Arena, after: number, { isLasting }: Want): () => boolean {
  let made = 0;
  arena.alloc = (bytes) => {
    if (isLasting ? made++ >= after : made++ === after) throw new ArenaFullError("none is left");
    return Object.getPrototypeOf(arena).alloc.call(arena, bytes);
  };
  return () => {
    Reflect.deleteProperty(arena, "alloc");
    return made > after;
  };
}

/** Begins a snapshot of which nothing is written before it is aborted. */
function beginSnapshot({ saving }: Server): void {
  const target = { kind: "stream", onBytes: () => {} } as const;
  saving.snapshotter.start(target, () => INFO, OPTIONS).catch(() => {});
}

const startThread = useWorkers(() => ({ post: () => {}, terminate: () => {} }));
after(() => void useWorkers(startThread));

for (const request of COMMANDS) {
  for (const [words, want] of WANTS) {
    test(`${request.slice(0, 40)}: ${words}, followers have the same data`, () => {
      // Of many allocations not each is tried.
      for (let after = 0;; after += after < FIRST_ALLOCATIONS ? 1 : STEP) {
        assert.ok(after < MOST_ALLOCATIONS, "it needs more memory than that");
        const { server, say } = start();
        const follower = start();
        for (const one of BEFORE) {
          say(one);
          follower.say(one);
        }
        const before = contents(say);
        if (want.duringSnapshot) beginSnapshot(server);
        let followed = "";
        server.propagation.setReplicas({ feed: (bytes, start, end) => followed += decodeLatin1(bytes, start, end) });
        const restore = failAllocations(server.store.heap.arena, after, want);
        const isRefused = say(request) === OOM;
        const hasFailed = restore();
        follower.client.say(followed);
        assert.equal(contents(follower.say), contents(say), `after ${after} allocations`);
        if (isRefused && ALL_OR_NOTHING.test(request)) {
          assert.equal(contents(say), before, `refused after ${after} allocations`);
        }
        server.saving.snapshotter.abort();
        if (!hasFailed) break;
      }
    });
  }
}
