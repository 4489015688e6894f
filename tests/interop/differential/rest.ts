/** What both servers have at the end of a case: each key with its type, encoding, expiry and value, and all digests. */

import { DISTANCES_KEY, same } from "./compare.ts";
import { frameOf } from "./frames.ts";
import type { Servers } from "./servers.ts";
import type { Difference, Setting } from "./steps.ts";

/** Databases that are used. */
export const DATABASES = 3;
/** Events that are shown of both, from the first in which they differ. */
const SHOWN_EVENTS = 3;

/** The first difference in what is there, or in the events that led there; null if there is none. */
export async function findRest(servers: Servers, step: number, setting: Setting): Promise<Difference | null> {
  for (let connection = 0; connection < setting.connections; connection++) await servers.call(connection, "DISCARD");
  // Before keys are looked at, as those whose time has passed go when they are.
  const events = await servers.events();
  await servers.call(0, "HELLO", "2");
  for (let database = 0; database < DATABASES; database++) {
    await servers.call(0, "SELECT", String(database));
    await servers.call(0, "DEL", DISTANCES_KEY);
    const [here, redis] = (await servers.call(0, "KEYS", "*")).map((reply) =>
      frameOf(reply).items.map((item) => item.content ?? "").sort()
    );
    const found = [here, redis].map((keys) => JSON.stringify(keys));
    if (found[0] !== found[1]) return { step, args: ["KEYS", "*"], replies: [found[0], found[1]] };
    for (const key of redis) {
      const difference = await findInKey(servers, key, setting.sorts);
      if (difference !== null) return { ...difference, step };
    }
  }
  const [a, b] = await servers.call(0, "DEBUG", "DIGEST");
  if (a !== b) return { step, args: ["DEBUG", "DIGEST"], replies: [a, b] };
  return differentEvents(events, step);
}

async function findInKey(servers: Servers, key: string, sorts: boolean): Promise<Omit<Difference, "step"> | null> {
  const questions = [["TYPE", key], ["OBJECT", "ENCODING", key], ["PEXPIRETIME", key], ["DEBUG", "DIGEST-VALUE", key]];
  const [type] = await servers.call(0, "TYPE", key);
  if (type === "+stream\r\n") questions.push(["XINFO", "STREAM", key, "FULL", "COUNT", "0"]);
  for (const args of questions) {
    const [a, b] = await servers.call(0, ...args);
    if (a !== b && !same(args, frameOf(a), frameOf(b), sorts)) return { args, replies: [a, b] };
  }
  return null;
}

/**
 * Events of this server alone: BITFIELD that only made its value longer changes it here, and XREADGROUP that finds
 * nothing makes its consumer, as it does in 7.2.
 */
const MORE_HERE = /:(setbit|xgroup-createconsumer)\r\n|\r\n(setbit|xgroup-createconsumer)\r\n$/;

function differentEvents([here, redis]: readonly [string[], string[]], step: number): Difference | null {
  let at = 0;
  for (const event of here) {
    if (event === redis[at]) at++;
    else if (!MORE_HERE.test(event)) break;
  }
  if (at === redis.length) return null;
  const from = Math.max(0, at - 1);
  const since = Math.max(0, here.indexOf(redis[from], from));
  const shown = [here.slice(since), redis.slice(from)].map((all) => all.slice(0, SHOWN_EVENTS).join(""));
  return { step, args: ["(keyspace events)"], replies: [shown[0], shown[1]] };
}
