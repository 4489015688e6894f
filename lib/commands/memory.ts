/** MEMORY: what single keys and the server as a whole take. The figures are the arena's and `server/data/memory.ts`'s. */

import { looseInteger } from "./integer_argument.ts";
import type { Request } from "../resp/request.ts";
import type { Store } from "../store/store.ts";
import { type Command, command, LOADING, READONLY, STALE } from "./command.ts";
import { NOT_INTEGER, SYNTAX_ERROR } from "./errors.ts";
import { help } from "./help.ts";
import { oneKey, RO } from "./key_specs.ts";
import type { MemoryHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<MemoryHost>;

const DEFAULT_SAMPLES = 5;
/** A slot of a table: a hash and a ref. */
const SLOT_BYTES = 8;
/** Below this, figures say nothing of the data, in bytes. */
const MIN_DIAGNOSED_BYTES = 5 * 1024 * 1024;

/** Bytes that an entry takes: its block, its slots in the tables, and what its value has elsewhere. */
export function entryBytes(store: Store, ref: number, samples: number): number {
  const slots = store.heap.entries.hasExpiry(ref) ? 2 * SLOT_BYTES : SLOT_BYTES;
  return store.heap.arena.usableBytes(ref) + slots + store.heap.valueBytes(ref, samples);
}

/** `MEMORY USAGE key [SAMPLES count]` */
function memoryUsage(session: Caller, request: Request): void {
  const { reply, database, host } = session;
  let samples = DEFAULT_SAMPLES;
  for (let i = 3; i < request.argc; i += 2) {
    if (!request.is(i, "samples") || i + 1 >= request.argc) return reply.error(SYNTAX_ERROR);
    samples = looseInteger(request, i + 1);
    if (Number.isNaN(samples)) return reply.error(NOT_INTEGER);
    if (samples < 0) return reply.error(SYNTAX_ERROR);
  }
  const ref = database.look(request.bytes, request.starts[2], request.lengths[2]);
  if (ref === 0) return reply.nil();
  reply.integer(entryBytes(host.store, ref, samples));
}

/** `MEMORY STATS` */
function memoryStats(session: Caller): void {
  const { reply, host } = session;
  const { keyspace, memory } = host;
  const use = memory.measure();
  const databases = keyspace.databases.filter((database) => database.size > 0);
  const { keys, datasetBytes: dataset, overheadBytes: overhead } = use;
  const net = Math.max(0, use.usedBytes - memory.startupBytes);
  const integers = (fields: readonly (readonly [string, number])[]) => {
    for (const [name, value] of fields) {
      reply.bulkString(name);
      reply.integer(value);
    }
  };
  const double = (name: string, value: number) => {
    reply.bulkString(name);
    reply.double(value);
  };
  reply.map(27 + databases.length);
  integers([
    ["peak.allocated", use.peakBytes],
    ["total.allocated", use.usedBytes],
    ["startup.allocated", memory.startupBytes],
    ["replication.backlog", use.backlogBytes],
    ["clients.slaves", use.replicaBytes],
    ["clients.normal", use.clientBytes],
    ["cluster.links", 0],
    ["aof.buffer", 0],
    ["lua.caches", 0],
    ["functions.caches", 0],
  ]);
  for (const database of databases) {
    const tables = database.statistics();
    reply.bulkString(`db.${database.index}`);
    reply.map(3);
    integers([
      ["overhead.hashtable.main", tables.keys.bytes],
      ["overhead.hashtable.expires", tables.expires.bytes],
      ["overhead.hashtable.slot-to-keys", 0],
    ]);
  }
  integers([
    ["overhead.total", overhead],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(net / keys)],
    ["dataset.bytes", dataset],
  ]);
  double("dataset.percentage", net === 0 ? 0 : (dataset / net) * 100);
  double("peak.percentage", use.peakBytes === 0 ? 0 : (use.usedBytes / use.peakBytes) * 100);
  integers([
    ["allocator.allocated", use.arenaBytes],
    ["allocator.active", use.committedBytes],
    ["allocator.resident", use.committedBytes],
  ]);
  double("allocator-fragmentation.ratio", use.committedBytes / use.arenaBytes);
  integers([["allocator-fragmentation.bytes", use.committedBytes - use.arenaBytes]]);
  double("allocator-rss.ratio", 1);
  integers([["allocator-rss.bytes", 0]]);
  double("rss-overhead.ratio", use.residentBytes / use.committedBytes);
  integers([["rss-overhead.bytes", use.residentBytes - use.committedBytes]]);
  double("fragmentation", use.residentBytes / use.usedBytes);
  integers([["fragmentation.bytes", use.residentBytes - use.usedBytes]]);
}

/** `MEMORY DOCTOR` */
function memoryDoctor(session: Caller): void {
  const { reply, host } = session;
  const use = host.memory.measure();
  if (use.usedBytes < MIN_DIAGNOSED_BYTES) {
    return reply.verbatim(
      "txt",
      "This server holds too little data for a diagnosis. Please ask again when it holds more.",
    );
  }
  const findings: string[] = [];
  const percent = (part: number, whole: number) => `${Math.round((part / whole) * 100)}%`;
  if (use.peakBytes > use.usedBytes * 1.5) {
    findings.push(
      `Peak memory: at some time ${use.peakBytes} bytes were used, ${
        percent(use.peakBytes, use.usedBytes)
      } of what is ` +
        "used now. What the arena no longer needs goes back to the system within seconds, but for gaps in what is used.",
    );
  }
  if (use.committedBytes > use.arenaBytes * 1.4 && use.committedBytes - use.arenaBytes > MIN_DIAGNOSED_BYTES) {
    findings.push(
      `Fragmentation: the arena holds ${use.committedBytes} bytes for ${use.arenaBytes} bytes of data. New data will ` +
        "fill the gaps; MEMORY PURGE closes many of them.",
    );
  }
  if (use.replicaBytes > 10 * 1024 * 1024) {
    findings.push(
      `Replicas: ${use.replicaBytes} bytes wait to be sent to replicas. A replica, or the way to it, is too slow.`,
    );
  }
  if (use.clientBytes > Math.max(10 * 1024 * 1024, use.arenaBytes / 2)) {
    findings.push(
      `Clients: their buffers hold ${use.clientBytes} bytes. Look for clients that do not read their replies (CLIENT LIST, ` +
        "omem), or that send very large requests (qbuf).",
    );
  }
  if (use.heapBytes > 512 * 1024 * 1024) {
    findings.push(`Runtime: its own heap holds ${use.heapBytes} bytes, though no data lies there.`);
  }
  if (findings.length === 0) return reply.verbatim("txt", "I looked for memory problems and found none.\n");
  reply.verbatim("txt", `Findings:\n\n${findings.map((finding) => ` * ${finding}\n`).join("\n")}`);
}

/** `MEMORY MALLOC-STATS` */
function mallocStats(session: Caller): void {
  const { arena } = session.host.store.heap;
  const lines = [
    "allocator: arena of lazily committed segments",
    `segments: ${arena.segments}`,
    `reserved address space: ${arena.reservedBytes} bytes`,
    `handed out at some time: ${arena.committedBytes} bytes`,
    `in live blocks: ${arena.usedBytes} bytes`,
    `free within: ${arena.committedBytes - arena.usedBytes} bytes`,
  ];
  session.reply.verbatim("txt", lines.join("\n") + "\n");
}

/** `MEMORY PURGE`: more of what happens by itself, and at once; what takes longer follows within seconds. */
function purge(session: Caller): void {
  session.host.purgeMemory();
  session.reply.ok();
}

const MEMORY_HELP = help("MEMORY", [
  ["DOCTOR", "Look for memory problems and report them."],
  ["MALLOC-STATS", "Show the allocator's own figures."],
  ["PURGE", "Give unused memory back to the system, as far as that does not happen by itself."],
  ["STATS", "Show how much memory is used, and for what."],
  [
    "USAGE <key> [SAMPLES <count>]",
    "Tell how many bytes <key> and its value take. Of nested values <count> are",
    "measured and taken for all (default: 5; 0 measures all).",
  ],
]);

export const MEMORY_COMMANDS: readonly Command[] = [
  command("memory", -2, 0, MEMORY_HELP, {
    subcommands: [
      command("memory|doctor", 2, 0, memoryDoctor),
      command("memory|help", 2, LOADING | STALE, MEMORY_HELP),
      command("memory|malloc-stats", 2, 0, mallocStats),
      command("memory|purge", 2, 0, purge),
      command("memory|stats", 2, 0, memoryStats),
      command("memory|usage", -3, READONLY, memoryUsage, { keys: [oneKey(RO, 2)] }),
    ],
  }),
];
