/**
 * One round: the same random steps for two servers, reply by reply. Everything in it follows from its seed, so that a
 * round can be run again, and its steps be thinned out until only those are left that a difference needs.
 */

import { Random } from "../../integration/data_set.ts";
import { encodeRequest, TestClient } from "../../integration/test_client.ts";
import { anyCommand } from "./commands.ts";
import { same } from "./compare.ts";
import { type Frame, frameOf } from "./frames.ts";
import { Values } from "./values.ts";

/** Connections to each server, so that WATCH sees others write. */
const CONNECTIONS = 2;
/** Most commands sent at once. */
const LONGEST_PIPELINE = 40;

/** A command on one of the connections, or a value carried by DUMP and RESTORE from one server to both. */
type Step =
  | { readonly connection: number; readonly args: readonly string[] }
  | { readonly connection: number; readonly from: 0 | 1; readonly key: string; readonly restore: readonly string[] };

export interface RoundOptions {
  readonly seed: number;
  readonly steps: number;
  readonly protocol: 2 | 3;
}

/** A reply in which the servers differ. */
export interface Difference {
  readonly step: number;
  readonly args: readonly string[];
  readonly replies: readonly [string, string];
}

/** Where two servers listen; the second is the one that is right. */
export type Ports = readonly [here: number, redis: number];

/** The connections to two servers. */
class Pair {
  readonly #connections: (readonly [TestClient, TestClient])[] = [];

  static async open(first: number, second: number): Promise<Pair> {
    const pair = new Pair();
    for (let i = 0; i < CONNECTIONS; i++) {
      const connection = [await TestClient.connect(first), await TestClient.connect(second)] as const;
      for (const { socket } of connection) socket.setNoDelay();
      pair.#connections.push(connection);
    }
    return pair;
  }

  close(): void {
    for (const client of this.#connections.flat()) client.close();
  }

  /** Sends bytes to both servers, in the pieces that `cuts` are the ends of. */
  async send(connection: number, bytes: string, cuts: readonly number[] = []): Promise<void> {
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      for (const client of this.#connections[connection]) client.sendRaw(bytes.slice(at, cut));
      at = cut;
      if (at < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next reply of each. */
  async read(connection: number): Promise<[Frame, Frame]> {
    const [first, second] = this.#connections[connection];
    return [frameOf(await first.readReplyBytes()), frameOf(await second.readReplyBytes())];
  }

  async call(connection: number, ...args: string[]): Promise<[Frame, Frame]> {
    await this.send(connection, encodeRequest(args));
    return await this.read(connection);
  }

  /** Sends a request to one of the two servers only. */
  async callOne(which: 0 | 1, connection: number, ...args: string[]): Promise<Frame> {
    const client = this.#connections[connection][which];
    client.sendRaw(encodeRequest(args));
    return frameOf(await client.readReplyBytes());
  }
}

/** Follows the transactions of a connection, to know what the elements of EXEC's reply are replies to. */
class Queue {
  #queued: (readonly string[])[] | null = null;

  /** Whether two replies to a command are the same. */
  same(args: readonly string[], a: Frame, b: Frame): boolean {
    const name = args[0].toLowerCase();
    const queued = this.#queued;
    if (b.bytes === "+QUEUED\r\n") queued?.push(args);
    else if (name === "multi" && b.kind === "+") this.#queued = [];
    else if (["exec", "discard", "reset"].includes(name) && args.length === 1) this.#queued = null;
    const areReplies = name === "exec" && queued !== null && b.kind === "*" && b.items.length === queued.length;
    if (!areReplies || a.kind !== b.kind || a.line !== b.line) return same(args, a, b);
    return queued.every((command, i) => same(command, a.items[i], b.items[i]));
  }
}

function makeSteps(values: Values, count: number): Step[] {
  const steps: Step[] = [];
  let connection = 0;
  while (steps.length < count) {
    if (values.once(10)) connection = values.below(CONNECTIONS);
    steps.push(values.once(60) ? transfer(values, connection) : { connection, args: anyCommand(values) });
  }
  return steps;
}

/** A value carried from a server to both. */
function transfer(values: Values, connection: number): Step {
  const options = [["REPLACE"], ["REPLACE", "ABSTTL"], [], ["replace", "IDLETIME", "100"], ["FREQ", "7", "REPLACE"]];
  const [from, key, to] = [values.of([0, 1] as const), values.of(["a", "n1", "h1", "h2"]), values.of(["b", "c", "h3"])];
  const absolute = values.of(options);
  // Not `relative`: a time to live that overflows is an error here; Redis lets it wrap around to the past.
  const ttl = values.once(2) ? "0" : absolute.includes("ABSTTL") ? values.absolute(1000) : `${values.seconds()}000`;
  return { connection, from, key, restore: [to, ttl, ...absolute] };
}

/** Sets both servers back to the state in which a round begins. */
async function prepare(pair: Pair, values: Values, protocol: 2 | 3): Promise<void> {
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    await pair.call(connection, "RESET");
    await pair.call(connection, "CLIENT", "SETNAME", "");
    await pair.call(connection, "HELLO", String(protocol));
  }
  values.fieldSpace = values.of([4, 20, 200, 2000]);
  const settings = {
    "hash-max-listpack-entries": values.of(["128", "128", "4", "512"]),
    "hash-max-listpack-value": values.of(["64", "64", "10", "30000"]),
    // Payloads are compared byte for byte, and compressors may differ in what they find.
    "rdbcompression": "no",
    // A limit that is reached without much memory.
    "proto-max-bulk-len": "1mb",
  };
  for (const [name, value] of Object.entries(settings)) await pair.call(0, "CONFIG", "SET", name, value);
  // Keys set to expire in the past stay until somebody looks, so that it does not matter when the cycle comes by.
  await pair.call(0, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await pair.call(0, "FLUSHALL");
}

/** Runs a round between two servers, given by their ports; the first difference, or null. */
export async function runRound(ports: Ports, options: RoundOptions): Promise<Difference | null> {
  const pair = await Pair.open(...ports);
  const values = new Values(new Random(options.seed));
  await prepare(pair, values, options.protocol);
  const steps = makeSteps(values, options.steps);
  const difference = await runSteps(pair, steps, (longest) => 1 + values.below(longest), values);
  pair.close();
  return difference;
}

async function runSteps(
  pair: Pair,
  steps: readonly Step[],
  atOnce: (longest: number) => number,
  values: Values,
): Promise<Difference | null> {
  const queues = Array.from({ length: CONNECTIONS }, () => new Queue());
  for (let i = 0; i < steps.length;) {
    const { connection } = steps[i];
    const step = steps[i];
    if ("from" in step) {
      const difference = await carry(pair, step, queues[connection], i++);
      if (difference !== null) return difference;
      continue;
    }
    const batch: (readonly string[])[] = [];
    for (let room = atOnce(LONGEST_PIPELINE); room > 0 && i < steps.length; room--, i++) {
      const next = steps[i];
      if (next.connection !== connection || "from" in next) break;
      batch.push(next.args);
    }
    const bytes = batch.map((args) => encode(values, args)).join("");
    const cuts = Array.from({ length: values.below(4) }, () => values.below(bytes.length)).sort((a, b) => a - b);
    await pair.send(connection, bytes, cuts);
    for (const [index, args] of batch.entries()) {
      const [a, b] = await pair.read(connection);
      if (!queues[connection].same(args, a, b)) {
        return { step: i - batch.length + index, args, replies: [a.bytes, b.bytes] };
      }
    }
  }
  return await finish(pair, steps.length);
}

/** A request as RESP, now and then as an inline request in quotes. */
function encode(values: Values, args: readonly string[]): string {
  if (!values.once(15) || args.join("").length > 1000 || args[0] === "") return encodeRequest(args);
  const quoted = args.map((arg) => {
    if (!arg.includes("'") && /^[ -~]*$/.test(arg) && !arg.includes("\\") && values.once(2)) return `'${arg}'`;
    return `"${arg.replace(/[^ -~]|["\\]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;
  });
  return `${quoted.join(" ")}${values.of(["\r\n", "\n"])}`;
}

/** DUMP on one server, RESTORE on both. Within a transaction it would be queued: then it is two commands for both. */
async function carry(
  pair: Pair,
  step: Extract<Step, { from: number }>,
  queue: Queue,
  index: number,
): Promise<Difference | null> {
  const [key, ttl, ...options] = step.restore;
  const dumped = await pair.callOne(step.from, step.connection, "DUMP", step.key);
  const other = await pair.callOne(step.from === 0 ? 1 : 0, step.connection, "DUMP", step.key);
  const [first, second] = step.from === 0 ? [dumped, other] : [other, dumped];
  const dump = ["DUMP", step.key];
  if (!queue.same(dump, first, second)) return { step: index, args: dump, replies: [first.bytes, second.bytes] };
  const restore = ["RESTORE", key, ttl, dumped.content ?? "", ...options];
  const [a, b] = await pair.call(step.connection, ...restore);
  return queue.same(restore, a, b) ? null : { step: index, args: restore, replies: [a.bytes, b.bytes] };
}

/** At the end everything in all databases must agree. */
async function finish(pair: Pair, step: number): Promise<Difference | null> {
  for (let connection = 0; connection < CONNECTIONS; connection++) await pair.call(connection, "DISCARD");
  const [a, b] = await pair.call(0, "DEBUG", "DIGEST");
  return a.bytes === b.bytes ? null : { step, args: ["DEBUG", "DIGEST"], replies: [a.bytes, b.bytes] };
}

/**
 * The fewest steps found with which a round still differs, sent one by one, and the difference. Null where it takes the
 * pipelines, or chance, to see it.
 */
export async function thinOut(ports: Ports, options: RoundOptions): Promise<[readonly string[], Difference] | null> {
  const attempt = async (steps: readonly Step[] | null): Promise<[readonly Step[], Difference | null]> => {
    const pair = await Pair.open(...ports);
    const values = new Values(new Random(options.seed));
    await prepare(pair, values, options.protocol);
    const taken = steps ?? makeSteps(values, options.steps);
    const difference = await runSteps(pair, taken, () => 1, values);
    pair.close();
    return [difference === null ? taken : taken.slice(0, difference.step + 1), difference];
  };
  const [failing, difference] = await attempt(null);
  if (difference === null) return null;
  let steps = failing;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < steps.length;) {
      const fewer = steps.filter((_, i) => i < at || i >= at + size);
      const [kept, found] = await attempt(fewer);
      // Without what it builds on, a command may differ for another reason.
      if (found?.args.join() !== difference.args.join()) at += size;
      else steps = kept;
    }
  }
  return [steps.map((step) => JSON.stringify(step)), difference];
}
