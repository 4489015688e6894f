/**
 * What the model knows of HyperLogLogs: what was added to them, and so about what they count. That the bytes are the same
 * on all servers is seen when their data is compared.
 */

import type { Key } from "../keys.ts";
import { line, type Reply, type Wanted } from "../resp.ts";
import { aboutKeys, askValue, changeValue, OK, type Operation, put, valueOf } from "./operations.ts";
import { isCountOf, type LogValue } from "./values.ts";

const NONE: ReadonlySet<string> = new Set();

function isCount(reply: Reply, elements: number): boolean {
  return reply.kind === "line" && /^:\d+$/.test(reply.text) && isCountOf(Number(reply.text.slice(1)), elements);
}

/** PFADD, which must tell of a change where all it was given is new to a key that is not there. */
export function addToLog(key: Key, elements: readonly string[]): Operation {
  return changeValue<LogValue>(key, ["PFADD", key.name, ...elements], (value) => {
    const before = value?.elements ?? NONE;
    const after = before.union(new Set(elements));
    const may = value === null ? [":1"] : after.size === before.size ? [":0"] : [":0", ":1"];
    const reply: Wanted = {
      kind: "wanted",
      text: may.join(" or "),
      fits: (reply) => reply.kind === "line" && may.includes(reply.text),
    };
    return { reply, value: { kind: "log", elements: after } };
  });
}

export function countLog(key: Key): Operation {
  return askValue<LogValue>(key, ["PFCOUNT", key.name], (value) => {
    const elements = value?.elements.size ?? 0;
    if (elements === 0) return line(":0");
    return { kind: "wanted", text: `about ${elements}`, fits: (reply) => isCount(reply, elements) };
  });
}

/** PFMERGE of one into another. */
export function mergeLogs(to: Key, from: Key): Operation {
  return aboutKeys([to, from], ["PFMERGE", to.name, from.name], (life, otherLife, state) => {
    const [before, added] = [valueOf<LogValue>(state, to, life), valueOf<LogValue>(state, from, otherLife)];
    const elements = (before?.elements ?? NONE).union(added?.elements ?? NONE);
    return { reply: OK, effects: put(to, { kind: "log", elements }, life) };
  });
}
