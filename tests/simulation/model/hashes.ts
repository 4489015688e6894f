/** What the model knows of hashes, of which each field has a place of its own. */

import { fieldIndex, fieldName, type Key } from "../keys.ts";
import { bulk, line, NULL, type Wanted } from "../resp.ts";
import {
  aboutKey,
  type Entry,
  entryOf,
  FOREVER,
  gone,
  type Life,
  NO_EFFECTS,
  oneOf,
  type Operation,
  type State,
  ZERO,
} from "./operations.ts";

/** Whether a field is there, of a hash that is. */
function has(state: State, life: Life | null, place: number): boolean {
  return life !== null && state[place] !== undefined;
}

/** Values by number of the field. */
export function setFields(key: Key, fields: ReadonlyMap<number, string>): Operation {
  const parts = () => oneOf(Array.from(fields, (_, index) => hset(key, new Map([...fields].slice(0, index)))));
  return { ...hset(key, fields), parts };
}

function hset(key: Key, fields: ReadonlyMap<number, string>): Operation {
  const words = ["HSET", key.name];
  for (const [field, value] of fields) words.push(fieldName(field), value);
  return aboutKey(key, words, (life, state) => {
    let added = 0;
    const effects: [number, Entry | null][] = life === null ? [...gone(state, key)] as [number, null][] : [];
    for (const [field, value] of fields) {
      const place = key.first + field;
      if (!has(state, life, place)) added++;
      effects.push([place, entryOf(value, life ?? FOREVER)]);
    }
    return [{ reply: line(`:${added}`), effects }];
  });
}

export function removeFields(key: Key, fields: readonly number[]): Operation {
  return aboutKey(key, ["HDEL", key.name, ...fields.map(fieldName)], (life, state) => {
    const places = [...new Set(fields)].map((field) => key.first + field);
    const removed = places.filter((place) => has(state, life, place)).length;
    return [{
      reply: line(`:${removed}`),
      effects: life === null ? gone(state, key) : places.map((place) => [place, null]),
    }];
  });
}

export function increaseField(key: Key, field: number, by: number): Operation {
  const place = key.first + field;
  return aboutKey(key, ["HINCRBY", key.name, fieldName(field), String(by)], (life, state) => {
    const before = has(state, life, place) ? Number(state[place]?.value) : 0;
    const sum = String(before + by);
    const rest = life === null ? gone(state, key) : NO_EFFECTS;
    return [{ reply: line(`:${sum}`), effects: [...rest, [place, entryOf(sum, life ?? FOREVER)]] }];
  });
}

export function getField(key: Key, field: number): Operation {
  const place = key.first + field;
  return aboutKey(key, ["HGET", key.name, fieldName(field)], (life, state) => [{
    reply: has(state, life, place) ? bulk(String(state[place]?.value)) : NULL,
    effects: life === null ? gone(state, key) : NO_EFFECTS,
  }]);
}

export function getFields(key: Key): Operation {
  return aboutKey(
    key,
    ["HGETALL", key.name],
    (life, state) =>
      life === null
        ? [{ reply: { kind: "array", items: [] }, effects: gone(state, key) }]
        : [{ reply: allFields(key, state), effects: NO_EFFECTS }],
  );
}

/** All fields of a hash with their values, in any order. */
function allFields(key: Key, state: State): Wanted {
  const count = countOf(state, key);
  return {
    kind: "wanted",
    text: `${count} fields`,
    fits: (reply) => {
      if (reply.kind !== "array" || reply.items.length !== 2 * count) return false;
      const isSeen = new Uint8Array(key.places);
      for (let i = 0; i < reply.items.length; i += 2) {
        const [field, value] = [reply.items[i], reply.items[i + 1]];
        if (field.kind !== "bulk" || value.kind !== "bulk") return false;
        const index = fieldIndex(field.text);
        if (index < 0 || isSeen[index] === 1 || state[key.first + index]?.value !== value.text) return false;
        isSeen[index] = 1;
      }
      return true;
    },
  };
}

/** Entries of a key, expired or not. */
function countOf(state: State, { first, places }: Key): number {
  let count = 0;
  for (let place = first; place < first + places; place++) if (state[place] !== undefined) count++;
  return count;
}

export function countFields(key: Key): Operation {
  return aboutKey(key, ["HLEN", key.name], (life, state) => {
    if (life === null) return [{ reply: ZERO, effects: gone(state, key) }];
    return [{ reply: line(`:${countOf(state, key)}`), effects: NO_EFFECTS }];
  });
}
