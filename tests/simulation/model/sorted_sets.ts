/** What the model knows of sorted sets, and of places on the globe, whose scores are cells of a grid. */

import type { Key } from "../keys.ts";
import { bulk, NULL, type Reply } from "../resp.ts";
import {
  askValue,
  type Change,
  changeValue,
  integer,
  oneOf,
  type Operation,
  storeFromTwo,
  ZERO,
} from "./operations.ts";
import { seconds } from "./lists.ts";
import type { Scored, SortedSetValue } from "./values.ts";

const NONE: readonly Scored[] = [];

/** A sorted set of members in order; null where there are none. */
export function sortedSetOf(members: readonly Scored[]): SortedSetValue | null {
  return members.length === 0 ? null : { kind: "sorted set", members };
}

function compareScored(a: Scored, b: Scored): number {
  return a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0);
}

function scoreOf(members: readonly Scored[], name: string): number | null {
  return members.find(({ member }) => member === name)?.score ?? null;
}

/** Gives a member a score. */
function withScore(members: readonly Scored[], member: string, score: number): readonly Scored[] {
  const scored = { member, score };
  const others = members.filter((one) => one.member !== member);
  const at = others.findIndex((one) => compareScored(one, scored) > 0);
  return others.toSpliced(at < 0 ? others.length : at, 0, scored);
}

function bulks(members: readonly Scored[]): Reply {
  return { kind: "array", items: members.map(({ member }) => bulk(member)) };
}

function withScores(members: readonly Scored[]): Reply {
  return { kind: "array", items: members.flatMap(({ member, score }) => [bulk(member), bulk(String(score))]) };
}

// --- Adding -----------------------------------------------------------------------------------------------------------

export type ScoreCondition = "NX" | "XX" | "GT" | "LT";

/** Whether a score may take the place of one that is there; null if none is. */
const ALLOWS: Record<ScoreCondition, (score: number, before: number | null) => boolean> = {
  NX: (_, before) => before === null,
  XX: (_, before) => before !== null,
  GT: (score, before) => before === null || score > before,
  LT: (score, before) => before === null || score < before,
};

/** ZADD, if a condition is given only where it holds; replies how many it has added or changed. */
export function addScored(key: Key, added: readonly Scored[], condition: ScoreCondition | null): Operation {
  const parts = () => oneOf(added.map((_, count) => addAll(key, added.slice(0, count), condition)));
  return { ...addAll(key, added, condition), parts };
}

function addAll(key: Key, added: readonly Scored[], condition: ScoreCondition | null): Operation {
  const words = ["ZADD", key.name, ...condition === null ? [] : [condition], "CH"];
  for (const { member, score } of added) words.push(String(score), member);
  return changeValue<SortedSetValue>(key, words, (value) => addedTo(value, added, condition));
}

function addedTo(
  value: SortedSetValue | null,
  added: readonly Scored[],
  condition: ScoreCondition | null,
): Change<SortedSetValue> {
  const scores = new Map(value?.members.map(({ member, score }) => [member, score]));
  let changed = 0;
  for (const { member, score } of added) {
    const before = scores.get(member) ?? null;
    if (before === score || (condition !== null && !ALLOWS[condition](score, before))) continue;
    scores.set(member, score);
    changed++;
  }
  if (changed === 0) return { reply: ZERO };
  const members = Array.from(scores, ([member, score]) => ({ member, score })).sort(compareScored);
  return { reply: integer(changed), value: sortedSetOf(members) };
}

export function increaseScore(key: Key, member: string, by: number): Operation {
  return changeValue<SortedSetValue>(key, ["ZINCRBY", key.name, String(by), member], (value) => {
    const members = value?.members ?? NONE;
    const score = (scoreOf(members, member) ?? 0) + by;
    return { reply: bulk(String(score)), value: sortedSetOf(withScore(members, member, score)) };
  });
}

// --- Taking -----------------------------------------------------------------------------------------------------------

export function removeScored(key: Key, names: readonly string[]): Operation {
  const removed = new Set(names);
  return removing(key, ["ZREM", key.name, ...names], ({ member }) => removed.has(member));
}

/** ZREMRANGEBYSCORE. */
export function removeScores(key: Key, least: number, most: number): Operation {
  const words = ["ZREMRANGEBYSCORE", key.name, String(least), String(most)];
  return removing(key, words, ({ score }) => score >= least && score <= most);
}

/** ZREMRANGEBYRANK. */
export function removeRanks(key: Key, first: number, last: number): Operation {
  const words = ["ZREMRANGEBYRANK", key.name, String(first), String(last)];
  return removing(key, words, (_, rank) => rank >= first && rank <= last);
}

function removing(key: Key, words: readonly string[], isRemoved: (one: Scored, rank: number) => boolean): Operation {
  return changeValue<SortedSetValue>(key, words, (value) => {
    if (value === null) return { reply: ZERO };
    const left = value.members.filter((one, rank) => !isRemoved(one, rank));
    return { reply: integer(value.members.length - left.length), value: sortedSetOf(left) };
  });
}

export type Extreme = "MIN" | "MAX";

function taken(members: readonly Scored[], count: number, extreme: Extreme) {
  if (extreme === "MIN") return [members.slice(0, count), sortedSetOf(members.slice(count))] as const;
  const most = Math.max(0, members.length - count);
  return [members.slice(most).reverse(), sortedSetOf(members.slice(0, most))] as const;
}

export function popExtremes(key: Key, extreme: Extreme, count: number): Operation {
  return changeValue<SortedSetValue>(key, [`ZPOP${extreme}`, key.name, String(count)], (value) => {
    const [popped, left] = taken(value?.members ?? NONE, count, extreme);
    return { reply: withScores(popped), value: left };
  });
}

/** BZPOPMIN and BZPOPMAX of one key. */
export function waitAndPopExtreme(key: Key, extreme: Extreme, timeoutMs: number): Operation {
  return changeValue<SortedSetValue>(key, [`BZPOP${extreme}`, key.name, seconds(timeoutMs)], (value) => {
    if (value === null) return { reply: NULL };
    const [[{ member, score }], left] = taken(value.members, 1, extreme);
    return { reply: { kind: "array", items: [key.name, member, String(score)].map(bulk) }, value: left };
  });
}

/** ZMPOP, or BZMPOP with a timeout, of one key. */
export function popMultipleExtremes(key: Key, extreme: Extreme, count: number, timeoutMs: number | null): Operation {
  const words = [...timeoutMs === null ? ["ZMPOP"] : ["BZMPOP", seconds(timeoutMs)], "1", key.name, extreme];
  return changeValue<SortedSetValue>(key, [...words, "COUNT", String(count)], (value) => {
    if (value === null) return { reply: NULL };
    const [popped, left] = taken(value.members, count, extreme);
    const pairs = popped.map((one) => withScores([one]));
    return { reply: { kind: "array", items: [bulk(key.name), { kind: "array", items: pairs }] }, value: left };
  });
}

// --- Reading ----------------------------------------------------------------------------------------------------------

export function countScored(key: Key): Operation {
  return askValue<SortedSetValue>(key, ["ZCARD", key.name], (value) => integer(value?.members.length ?? 0));
}

export function countScores(key: Key, least: number, most: number): Operation {
  return askValue<SortedSetValue>(
    key,
    ["ZCOUNT", key.name, String(least), String(most)],
    (value) => integer((value?.members ?? NONE).filter(({ score }) => score >= least && score <= most).length),
  );
}

export function getScore(key: Key, member: string): Operation {
  return askValue<SortedSetValue>(key, ["ZSCORE", key.name, member], (value) => {
    const score = scoreOf(value?.members ?? NONE, member);
    return score === null ? NULL : bulk(String(score));
  });
}

export function getRank(key: Key, member: string, order: "ZRANK" | "ZREVRANK"): Operation {
  return askValue<SortedSetValue>(key, [order, key.name, member], (value) => {
    const members = value?.members ?? NONE;
    const rank = members.findIndex((one) => one.member === member);
    if (rank < 0) return NULL;
    return integer(order === "ZRANK" ? rank : members.length - 1 - rank);
  });
}

/** ZRANGE of ranks, forwards or in reverse. */
export function getRanks(key: Key, first: number, last: number, isReverse: boolean): Operation {
  const words = ["ZRANGE", key.name, String(first), String(last), ...isReverse ? ["REV"] : [], "WITHSCORES"];
  return askValue<SortedSetValue>(key, words, (value) => {
    const members = value?.members ?? NONE;
    return withScores((isReverse ? members.toReversed() : members).slice(first, last + 1));
  });
}

/** ZRANGE of scores, from some offset on. */
export function getScores(key: Key, least: number, most: number, offset: number, count: number): Operation {
  const words = ["ZRANGE", key.name, String(least), `(${most}`, "BYSCORE", "LIMIT", String(offset), String(count)];
  return askValue<SortedSetValue>(key, words, (value) => {
    const members = (value?.members ?? NONE).filter(({ score }) => score >= least && score < most);
    return bulks(members.slice(offset, offset + count));
  });
}

// --- Into another -----------------------------------------------------------------------------------------------------

/** ZRANGESTORE of ranks. */
export function storeRanks(to: Key, from: Key, first: number, last: number): Operation {
  const words = ["ZRANGESTORE", to.name, from.name, String(first), String(last)];
  return storeFromTwo<SortedSetValue>([from, from], to, words, (value) => {
    const members = (value?.members ?? NONE).slice(first, last + 1);
    return { reply: integer(members.length), value: sortedSetOf(members) };
  });
}

export type Operator = "UNION" | "INTER" | "DIFF";

/** ZUNIONSTORE and its kin, of which scores are added. */
export function combineScored(operator: Operator, to: Key, keys: readonly [Key, Key]): Operation {
  const words = [`Z${operator}STORE`, to.name, "2", ...keys.map(({ name }) => name)];
  return storeFromTwo<SortedSetValue>(keys, to, words, (one, other) => {
    const [a, b] = [one?.members ?? NONE, other?.members ?? NONE];
    const members = combined(operator, a, b).sort(compareScored);
    return { reply: integer(members.length), value: sortedSetOf(members) };
  });
}

function combined(operator: Operator, a: readonly Scored[], b: readonly Scored[]): Scored[] {
  const [inA, inB] = [a, b].map((members) => new Map(members.map(({ member, score }) => [member, score])));
  if (operator === "DIFF") return a.filter(({ member }) => !inB.has(member));
  const sums = a.filter(({ member }) => operator === "UNION" || inB.has(member))
    .map(({ member, score }) => ({ member, score: score + (inB.get(member) ?? 0) }));
  return operator === "UNION" ? [...sums, ...b.filter(({ member }) => !inA.has(member))] : sums;
}

// --- Places -----------------------------------------------------------------------------------------------------------

/** A place with the score that Redis gives it, and how far it is from Palermo. */
interface Place {
  readonly name: string;
  readonly longitude: string;
  readonly latitude: string;
  readonly score: number;
  readonly km: number;
}

export const PLACES_ON_GLOBE: readonly Place[] = [
  { name: "Palermo", longitude: "13.361389", latitude: "38.115556", score: 3479099956230698, km: 0 },
  { name: "Catania", longitude: "15.087269", latitude: "37.502669", score: 3479447370796909, km: 166 },
  { name: "Rome", longitude: "12.496366", latitude: "41.902782", score: 3480343273965391, km: 428 },
  { name: "Paris", longitude: "2.352222", latitude: "48.856613", score: 3663832779125283, km: 1486 },
  { name: "Berlin", longitude: "13.404954", latitude: "52.520008", score: 3673983950396949, km: 1602 },
  { name: "New-York", longitude: "-74.005974", latitude: "40.712776", score: 1791873974549417, km: 7178 },
  { name: "Rio", longitude: "-43.172897", latitude: "-22.906847", score: 1008484280449844, km: 8990 },
  { name: "Tokyo", longitude: "139.691711", latitude: "35.689487", score: 4171231230197033, km: 10128 },
  { name: "Sydney", longitude: "151.209296", latitude: "-33.86882", score: 3252046221958826, km: 16231 },
  { name: "Auckland", longitude: "174.763336", latitude: "-36.848461", score: 3287565651735870, km: 18376 },
];

export function addPlaces(key: Key, places: readonly Place[]): Operation {
  const words = ["GEOADD", key.name, "CH"];
  for (const { longitude, latitude, name } of places) words.push(longitude, latitude, name);
  const added = places.map(({ name, score }) => ({ member: name, score }));
  const parts = () =>
    oneOf(
      places.map((_, count) =>
        changeValue<SortedSetValue>(key, [], (value) => addedTo(value, added.slice(0, count), null))
      ),
    );
  return { ...changeValue<SortedSetValue>(key, words, (value) => addedTo(value, added, null)), parts };
}

/** GEOSEARCHSTORE of what is so near to Palermo, of which no place may be about as far away. */
export function storeNear(to: Key, from: Key, km: number): Operation {
  const [{ longitude, latitude }] = PLACES_ON_GLOBE;
  const words = ["GEOSEARCHSTORE", to.name, from.name, "FROMLONLAT", longitude, latitude, "BYRADIUS", String(km), "km"];
  const near = new Set(PLACES_ON_GLOBE.filter((place) => place.km < km).map(({ name }) => name));
  return storeFromTwo<SortedSetValue>([from, from], to, words, (value) => {
    const members = (value?.members ?? NONE).filter(({ member }) => near.has(member));
    return { reply: integer(members.length), value: sortedSetOf(members) };
  });
}
