/** What the model knows of sets. */

import type { Key } from "../keys.ts";
import { NULL, type Reply, type Wanted } from "../resp.ts";
import {
  aboutKeys,
  askValue,
  changeValue,
  gone,
  integer,
  NO_EFFECTS,
  ONE,
  oneOf,
  type Operation,
  put,
  storeFromTwo,
  valueOf,
  ZERO,
} from "./operations.ts";
import type { OpenValue, SetValue } from "./values.ts";

type Members = ReadonlySet<string>;

const NONE: Members = new Set();

export function setOf(members: Members): SetValue | null {
  return members.size === 0 ? null : { kind: "set", members };
}

/** The members that a reply has, if it is one of members, each of them once. */
function membersIn(reply: Reply): Members | null {
  if (reply.kind !== "array") return null;
  const members = new Set<string>();
  for (const item of reply.items) if (item.kind === "bulk") members.add(item.text);
  return members.size === reply.items.length ? members : null;
}

/** So many of these members, in any order. */
function someOf(members: Members, count: number): Wanted {
  return {
    kind: "wanted",
    text: `${count} of ${members.size} members`,
    fits: (reply) => {
      const found = membersIn(reply);
      return found !== null && found.size === count && found.isSubsetOf(members);
    },
  };
}

// --- Adding and removing ----------------------------------------------------------------------------------------------

export function addMembers(key: Key, members: readonly string[]): Operation {
  const parts = () => oneOf(members.map((_, count) => addAll(key, members.slice(0, count))));
  return { ...addAll(key, members), parts };
}

function addAll(key: Key, members: readonly string[]): Operation {
  return changeValue<SetValue>(key, ["SADD", key.name, ...members], (value) => {
    const after = new Set(value?.members);
    const before = after.size;
    for (const member of members) after.add(member);
    return { reply: integer(after.size - before), value: setOf(after) };
  });
}

export function removeMembers(key: Key, members: readonly string[]): Operation {
  return changeValue<SetValue>(key, ["SREM", key.name, ...members], (value) => {
    if (value === null) return { reply: ZERO };
    const after = new Set(value.members);
    for (const member of members) after.delete(member);
    return { reply: integer(value.members.size - after.size), value: setOf(after) };
  });
}

/** SPOP, with a count where that is not null: only the reply tells which members went. */
export function popMembers(key: Key, count: number | null): Operation {
  const words = ["SPOP", key.name, ...count === null ? [] : [String(count)]];
  const operation = changeValue<SetValue>(key, words, (value) => {
    if (value === null) return { reply: count === null ? NULL : { kind: "array", items: [] } };
    const { members } = value;
    const popped = Math.min(count ?? 1, members.size);
    const reply: Wanted = count !== null ? someOf(members, popped) : {
      kind: "wanted",
      text: `one of ${members.size} members`,
      fits: (reply) => reply.kind === "bulk" && members.has(reply.text),
    };
    if (popped === members.size) return { reply, value: null };
    const told = (reply: Reply) => setOf(members.difference(membersIn(reply) ?? new Set([textIn(reply)])));
    return { reply, value: subsetOf(members, members.size - popped), told };
  });
  return { ...operation, isOpen: true };
}

function textIn(reply: Reply): string {
  return reply.kind === "bulk" ? reply.text : "";
}

function subsetOf(members: Members, size: number): OpenValue {
  return {
    kind: "open",
    text: `${size} of ${members.size} members`,
    fits: (observed) =>
      typeof observed !== "string" && observed.kind === "set" && observed.members.size === size &&
      observed.members.isSubsetOf(members),
  };
}

export function moveMember(from: Key, to: Key, member: string): Operation {
  return aboutKeys([from, to], ["SMOVE", from.name, to.name, member], (life, toLife, state) => {
    const source = valueOf<SetValue>(state, from, life)?.members ?? NONE;
    const target = valueOf<SetValue>(state, to, toLife)?.members ?? NONE;
    const rest = life === null ? gone(state, from) : NO_EFFECTS;
    if (!source.has(member)) return { reply: ZERO, effects: rest };
    if (from === to) return { reply: ONE, effects: NO_EFFECTS };
    const left = new Set(source);
    left.delete(member);
    return {
      reply: ONE,
      effects: [...put(from, setOf(left), life), ...put(to, setOf(new Set(target).add(member)), toLife)],
    };
  });
}

// --- Reading ----------------------------------------------------------------------------------------------------------

export function countMembers(key: Key): Operation {
  return askValue<SetValue>(key, ["SCARD", key.name], (value) => integer(value?.members.size ?? 0));
}

export function hasMember(key: Key, member: string): Operation {
  return askValue<SetValue>(
    key,
    ["SISMEMBER", key.name, member],
    (value) => value?.members.has(member) === true ? ONE : ZERO,
  );
}

export function getMembers(key: Key): Operation {
  return askValue<SetValue>(key, ["SMEMBERS", key.name], (value) => {
    const members = value?.members ?? NONE;
    return someOf(members, members.size);
  });
}

/** SRANDMEMBER of different members. */
export function drawMembers(key: Key, count: number): Operation {
  return askValue<SetValue>(key, ["SRANDMEMBER", key.name, String(count)], (value) => {
    const members = value?.members ?? NONE;
    return someOf(members, Math.min(count, members.size));
  });
}

// --- Of two sets ------------------------------------------------------------------------------------------------------

export type SetOperator = "UNION" | "INTER" | "DIFF";

const COMBINE: Record<SetOperator, (a: Members, b: Members) => Members> = {
  UNION: (a, b) => a.union(b),
  INTER: (a, b) => a.intersection(b),
  DIFF: (a, b) => a.difference(b),
};

/** SUNIONSTORE and its kin. */
export function combineSets(operator: SetOperator, to: Key, keys: readonly [Key, Key]): Operation {
  const words = [`S${operator}STORE`, to.name, ...keys.map(({ name }) => name)];
  return storeFromTwo<SetValue>(keys, to, words, (one, other) => {
    const members = COMBINE[operator](one?.members ?? NONE, other?.members ?? NONE);
    return { reply: integer(members.size), value: setOf(members) };
  });
}

export function countCommon(keys: readonly [Key, Key]): Operation {
  return aboutKeys(keys, ["SINTERCARD", "2", ...keys.map(({ name }) => name)], (life, otherLife, state) => {
    const [one, other] = [valueOf<SetValue>(state, keys[0], life), valueOf<SetValue>(state, keys[1], otherLife)];
    const common = (one?.members ?? NONE).intersection(other?.members ?? NONE);
    return { reply: integer(common.size), effects: NO_EFFECTS };
  });
}
