/** Runs random programs on both servers, and shows the first of which the replies differ, made as small as it can be. */

import { encodeRequest } from "../../integration/test_client.ts";
import type { Servers } from "../differential/servers.ts";
import { sameReply } from "./compare.ts";
import { makeProgram, type Program, sourceOf } from "./program.ts";
import { smallerTrees } from "./tree.ts";

export interface RoundOptions {
  readonly seed: number;
  readonly programs: number;
  readonly protocol: 2 | 3;
}

/** Programs sent at once. */
const PIPELINE = 100;
/** Longest time that a program is made smaller for, in ms. */
const LONGEST_SHRINKING_MS = 60_000;
/** Bytes of a reply that are shown. */
const SHOWN_BYTES = 2000;

/** All keys that programs write to. */
const WRITTEN = ["k1", "k2", "k3"];

type Replies = readonly [here: string, redis: string];

function requestOf(program: Program): string {
  const { keys, args } = program;
  return encodeRequest(["EVAL", sourceOf(program), String(keys.length), ...keys, ...args]);
}

/** What both reply to programs, each of which finds no keys. */
async function run(servers: Servers, programs: readonly Program[]): Promise<Replies[]> {
  const cleaning = encodeRequest(["DEL", ...WRITTEN]);
  servers.send(0, programs.map((program) => requestOf(program) + cleaning).join(""));
  const [here, redis] = await servers.take(0, 2 * programs.length);
  return programs.map((_, i) => [here[2 * i], redis[2 * i]]);
}

/** Runs the programs of a seed and those behind it; null, or the report on a difference. */
export async function runPrograms(
  servers: Servers,
  { seed, programs, protocol }: RoundOptions,
): Promise<string | null> {
  const setting = { protocol, config: {}, connections: 1, sorts: false, damages: false, waits: false, events: false };
  await servers.prepare(setting);
  for (let at = 0; at < programs; at += PIPELINE) {
    const made = Array.from({ length: Math.min(PIPELINE, programs - at) }, (_, i) => makeProgram(seed + at + i));
    const replies = await run(servers, made).catch((error) => {
      servers.close();
      throw new Error(`seeds ${seed + at} to ${seed + at + made.length - 1}: ${error.message}`);
    });
    const index = replies.findIndex(([here, redis]) => !sameReply(here, redis));
    if (index >= 0) {
      const title = `--seed ${seed + at + index} --programs 1 --protocol ${protocol} differs:`;
      return `${title}\n${await shrunk(servers, made[index], replies[index])}`;
    }
  }
  // Both keep every script that they have seen.
  await servers.control("SCRIPT", "FLUSH");
  return null;
}

/** The smallest program found that still differs, and how. */
async function shrunk(servers: Servers, program: Program, replies: Replies): Promise<string> {
  const deadlineMs = Date.now() + LONGEST_SHRINKING_MS;
  let [smallest, last] = [program, replies];
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const tree of smallerTrees(smallest.tree)) {
      if (Date.now() > deadlineMs) break;
      const candidate = { ...smallest, tree };
      const [both] = await run(servers, [candidate]);
      if (sameReply(...both) || kindOf(both) !== kindOf(replies)) continue;
      [smallest, last, isSmaller] = [candidate, both, true];
      break;
    }
  }
  const words = [smallest.keys.length, ...smallest.keys, ...smallest.args].map((word) => JSON.stringify(word)).join(
    " ",
  );
  return `${sourceOf(smallest)}\n${words}\n  here  ${shown(last[0])}\n  redis ${shown(last[1])}`;
}

/** What kind of replies there are: a smaller program may differ for another reason. */
function kindOf(replies: Replies): string {
  return replies.map((reply) => reply[0]).join("");
}

function shown(reply: string): string {
  return JSON.stringify(reply.slice(0, SHOWN_BYTES));
}
