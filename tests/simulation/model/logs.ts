/**
 * What the model knows of HyperLogLogs: what was added to them, and so about what they count. That the bytes are the same
 * on all servers is seen when their data is compared.
 */

import type { Key } from "../keys.ts";
import type { Wanted } from "../resp.ts";
import { aboutKeys, askValue, changeValue, OK, type Operation, put, valueOf, ZERO } from "./operations.ts";
import { isCountOf, type LogValue } from "./values.ts";

const NONE: ReadonlySet<string> = new Set();

function union(a: LogValue | null, b: LogValue | null): LogValue {
  return {
    kind: "log",
    elements: (a?.elements ?? NONE).union(b?.elements ?? NONE),
    possible: (a?.possible ?? NONE).union(b?.possible ?? NONE),
  };
}

/** PFADD, which tells of a change where there was no such key, and of none where all has been added before. */
export function addToLog(key: Key, added: readonly string[]): Operation {
  const elements = new Set(added);
  return changeValue<LogValue>(key, ["PFADD", key.name, ...added], (value) => {
    const after = union(value, { kind: "log", elements, possible: elements });
    const may = value === null ? [":1"] : after.elements.size === value.elements.size ? [":0"] : [":0", ":1"];
    const reply: Wanted = {
      kind: "wanted",
      text: may.join(" or "),
      fits: (reply) => reply.kind === "line" && may.includes(reply.text),
    };
    return { reply, value: after };
  });
}

export function countLog(key: Key): Operation {
  return askValue<LogValue>(key, ["PFCOUNT", key.name], (value) => {
    if (value === null) return ZERO;
    return {
      kind: "wanted",
      text: `about ${value.elements.size} to ${value.possible.size}`,
      fits: (reply) =>
        reply.kind === "line" && /^:\d+$/.test(reply.text) && isCountOf(Number(reply.text.slice(1)), value),
    };
  });
}

/** PFMERGE of one into another. */
export function mergeLogs(to: Key, from: Key): Operation {
  return aboutKeys([to, from], ["PFMERGE", to.name, from.name], (life, otherLife, state) => {
    const merged = union(valueOf<LogValue>(state, to, life), valueOf<LogValue>(state, from, otherLife));
    return { reply: OK, effects: put(to, merged, life) };
  });
}
