/**
 * The families of commands and how steps are made of them. Left out is what cannot be compared: what waits for time to
 * pass (short expiries, WAIT with replicas), and what each server tells of itself (INFO, CLIENT LIST, MEMORY).
 */

import { BITMAPS } from "./families/bitmaps.ts";
import { CONNECTIONS, TRANSACTIONS } from "./families/connections.ts";
import { GEO } from "./families/geo.ts";
import { HASHES } from "./families/hashes.ts";
import { HYPERLOGLOGS } from "./families/hyperloglogs.ts";
import { KEYS } from "./families/keys.ts";
import { LISTS } from "./families/lists.ts";
import { SETS } from "./families/sets.ts";
import { SORT, SORT_STRINGS } from "./families/sort.ts";
import { SORTED_SETS } from "./families/sorted_sets.ts";
import { STREAMS } from "./families/streams.ts";
import { STRINGS } from "./families/strings.ts";
import { type Family, type Made, special, type Template } from "./families/template.ts";
import { FEEDERS, WAITERS } from "./families/waiting.ts";
import type { Carry, Step } from "./steps.ts";
import type { Values } from "./values.ts";

const OF_TYPES = [STRINGS, HASHES, LISTS, SETS, SORTED_SETS, STREAMS, HYPERLOGLOGS, BITMAPS, GEO, SORT_STRINGS, KEYS];

/** COMMAND GETKEYS of any command. 7.0 wants an argument after the command's name, 7.2 does not. */
const GETKEYS = special(60, "calls", [(values) => {
  const command = values.of(OF_TYPES.flat()).make(values);
  const args = typeof command[0] === "string" ? command as Made : command[0]; // all are of one kind
  return ["COMMAND", "GETKEYS", ...args, "x"];
}]);

export const FAMILIES: readonly Family[] = [
  { name: "strings", templates: STRINGS },
  { name: "hashes", templates: HASHES },
  { name: "lists", templates: LISTS },
  { name: "sets", templates: SETS },
  { name: "sorted-sets", templates: SORTED_SETS },
  { name: "streams", templates: STREAMS },
  { name: "hyperloglogs", templates: HYPERLOGLOGS },
  { name: "bitmaps", templates: BITMAPS },
  { name: "geo", templates: GEO },
  { name: "sort", templates: SORT, sorts: true },
  { name: "keys", templates: KEYS },
  {
    name: "transactions",
    templates: [...OF_TYPES.flat(), ...TRANSACTIONS, ...CONNECTIONS, ...GETKEYS],
    sorts: true,
    damages: true,
    connections: 2,
  },
  { name: "blocking", templates: FEEDERS, waiters: WAITERS, connections: 5 },
  { name: "mix", templates: [...OF_TYPES.flat(), ...CONNECTIONS], isMixed: true, sorts: true, damages: true },
];

/** Each template as often as its weight says. */
const drawn = new Map<readonly Template[], readonly Template[]>();

/** One of the templates, by their weights. */
export function drawTemplate(values: Values, templates: readonly Template[]): Template {
  let all = drawn.get(templates);
  if (all === undefined) {
    all = templates.flatMap((template) => Array<Template>(template.weight).fill(template));
    drawn.set(templates, all);
  }
  return values.of(all);
}

/** Random steps of a family, with `count` commands or a few more. */
export function makeSteps(values: Values, family: Family, count: number): Step[] {
  values.isMixed = family.isMixed === true;
  values.hasStrangers = family.waiters === undefined || values.once(2);
  const connections = family.connections ?? 1;
  const steps: Step[] = family.isMixed ? [] : strangers();
  let commands = steps.length;
  let connection = 0;
  while (commands < count) {
    const isWaiter = family.waiters !== undefined && values.once(2);
    if (isWaiter) connection = 1 + values.below(connections - 1);
    else if (family.waiters !== undefined) connection = 0;
    else if (values.once(20)) connection = values.below(connections);
    const templates = isWaiter ? family.waiters : family.templates;
    const canCarry = family.waiters === undefined && values.once(150);
    const step = canCarry ? carry(values, connection) : stepOf(values, drawTemplate(values, templates), connection);
    steps.push(step);
    commands += "commands" in step ? step.commands.length : 1;
  }
  return steps;
}

/** A key of each type, so that commands of a family meet those of others. */
function strangers(): Step[] {
  const commands = [
    ["SET", "a", "x"],
    ["HSET", "h1", "f1", "1"],
    ["RPUSH", "l1", "1", "2"],
    ["SADD", "s1", "1", "2"],
    ["ZADD", "z1", "1", "m1"],
    ["XADD", "x1", "1-1", "f", "v"],
    ["PFADD", "p1", "1"],
  ];
  return commands.map((args) => ({ connection: 0, commands: [args] }));
}

function stepOf(values: Values, template: Template, connection: number): Step {
  const { kind, spoiling } = template;
  const made = template.make(values);
  const all = typeof made[0] === "string" ? [made as Made] : made as readonly Made[]; // they are of one kind
  const commands = all.map((args, i) => {
    const command = values.once(3) ? args.with(0, values.anyCase(args[0])) : args;
    // Those before the last make ready for it.
    return spoiling === "none" || i < all.length - 1 || !values.once(12) ? command : spoilt(values, command, spoiling);
  });
  if (kind === "draw") return { connection, draw: commands[0] };
  return { connection, commands, ...(kind === "calls" ? {} : { [kind]: true }) };
}

/** A command made wrong, or merely odd. */
function spoilt(values: Values, command: Made, spoiling: "any" | "length"): readonly string[] {
  const at = 1 + values.below(command.length);
  switch (values.below(spoiling === "any" ? 6 : 3)) {
    case 0:
      return command.slice(0, at);
    case 1:
      return [...command, values.of(["", "x", "0", "GET", "NX"])];
    case 2:
      return [command[0]];
    case 3:
      return [...command.slice(0, at), values.value(), ...command.slice(at)];
    case 4:
      return command.with(Math.min(at, command.length - 1), values.value());
    default:
      return [...command.slice(0, at), ...command.slice(at).reverse()];
  }
}

/** A value carried from a server to both. */
function carry(values: Values, connection: number): Carry {
  const options = [["REPLACE"], ["REPLACE", "ABSTTL"], [], ["replace", "IDLETIME", "100"], ["FREQ", "7", "REPLACE"]];
  const absolute = values.of(options);
  // Not `relative`: a time to live that overflows is an error here; Redis lets it wrap around to the past.
  const ttl = values.once(2) ? "0" : absolute.includes("ABSTTL") ? values.absolute(1000) : `${values.seconds()}000`;
  const from = values.of([0, 1] as const);
  return { connection, from, key: values.anyKey(), restore: [values.anyKey(), ttl, ...absolute] };
}

/** Most bytes of an argument, as both servers are set. */
export const BULK_LIMIT_BYTES = 1024 * 1024;

/** What a round sets on both servers: thresholds of encodings, so low that they are passed. */
export function makeConfig(values: Values): Record<string, string> {
  const entries = ["128", "128", "4", "16", "512", "0"];
  const sizes = ["64", "64", "10", "30000"];
  return {
    "hash-max-listpack-entries": values.of(entries),
    "hash-max-listpack-value": values.of(sizes),
    "zset-max-listpack-entries": values.of(entries),
    "zset-max-listpack-value": values.of(sizes),
    "set-max-intset-entries": values.of(["512", "512", "4", "16", "0"]),
    // Not known to 7.0.
    "set-max-listpack-entries": values.of(entries),
    "set-max-listpack-value": values.of(sizes),
    "list-max-listpack-size": values.of(["-2", "-2", "-1", "-5", "1", "3", "16", "128"]),
    // Else Redis dumps nodes compressed, as it keeps them.
    "list-compress-depth": "0",
    "stream-node-max-entries": values.of(["100", "100", "3", "10", "0"]),
    "stream-node-max-bytes": values.of(["4096", "4096", "100", "0"]),
    "hll-sparse-max-bytes": values.of(["3000", "3000", "100", "300", "0"]),
    // Payloads are compared byte for byte, and compressors may differ in what they find.
    "rdbcompression": "no",
    // A limit that is reached without much memory.
    "proto-max-bulk-len": String(BULK_LIMIT_BYTES),
  };
}
