/** What the model knows of strings, and of their bits. */

import type { Key } from "../keys.ts";
import { bulk, NULL, type Reply } from "../resp.ts";
import { askValue, changeValue, FOREVER, integer, OK, type Operation, put, storeFromTwo } from "./operations.ts";

const BITS = 8;

function textOf(value: string | null): Reply {
  return value === null ? NULL : bulk(value);
}

export function get(key: Key): Operation {
  return askValue<string>(key, ["GET", key.name], textOf);
}

export function getAndDelete(key: Key): Operation {
  return changeValue<string>(key, ["GETDEL", key.name], (value) => ({ reply: textOf(value), value: null }));
}

export function set(key: Key, value: string): Operation {
  return { words: ["SET", key.name, value], outcomes: () => [{ reply: OK, effects: put(key, value, FOREVER) }] };
}

/** SET that replies what was there, and keeps when it expires. */
export function setAndGet(key: Key, value: string): Operation {
  const words = ["SET", key.name, value, "KEEPTTL", "GET"];
  return changeValue<string>(key, words, (before) => ({ reply: textOf(before), value }));
}

/** SET only where there is nothing. */
export function setNew(key: Key, value: string): Operation {
  const words = ["SET", key.name, value, "NX"];
  return changeValue<string>(key, words, (before) => before === null ? { reply: OK, value } : { reply: NULL });
}

export function setFor(key: Key, value: string, ttlMs: number): Operation {
  return {
    words: ["SET", key.name, value, "PX", String(ttlMs)],
    outcomes: (_, fromMs, toMs) => [{
      reply: OK,
      effects: put(key, value, { earliestMs: fromMs + ttlMs, latestMs: toMs + ttlMs }),
    }],
  };
}

export function append(key: Key, added: string): Operation {
  return changeValue<string>(key, ["APPEND", key.name, added], (before) => {
    const value = (before ?? "") + added;
    return { reply: integer(value.length), value };
  });
}

export function setRange(key: Key, offset: number, written: string): Operation {
  return changeValue<string>(key, ["SETRANGE", key.name, String(offset), written], (value) => {
    const before = value ?? "";
    if (written === "") return { reply: integer(before.length) };
    const after = before.slice(0, offset).padEnd(offset, "\0") + written + before.slice(offset + written.length);
    return { reply: integer(after.length), value: after };
  });
}

export function increase(key: Key, by: number): Operation {
  return changeValue<string>(key, ["INCRBY", key.name, String(by)], (before) => {
    const sum = Number(before ?? 0) + by;
    return { reply: integer(sum), value: String(sum) };
  });
}

// --- Bits, the highest of a byte first --------------------------------------------------------------------------------

function bitOf(value: string, offset: number): number {
  const byte = offset >> 3 < value.length ? value.charCodeAt(offset >> 3) : 0;
  return (byte >> (BITS - 1 - offset % BITS)) & 1;
}

function withByte(value: string, at: number, byte: number): string {
  return value.slice(0, at).padEnd(at, "\0") + String.fromCharCode(byte) + value.slice(at + 1);
}

export function setBit(key: Key, offset: number, bit: 0 | 1): Operation {
  return changeValue<string>(key, ["SETBIT", key.name, String(offset), String(bit)], (value) => {
    const before = value ?? "";
    const at = offset >> 3;
    const mask = 0x80 >> offset % BITS;
    const byte = at < before.length ? before.charCodeAt(at) : 0;
    return {
      reply: integer(bitOf(before, offset)),
      value: withByte(before, at, bit === 1 ? byte | mask : byte & ~mask),
    };
  });
}

export function getBit(key: Key, offset: number): Operation {
  return askValue<string>(key, ["GETBIT", key.name, String(offset)], (value) => integer(bitOf(value ?? "", offset)));
}

export function countBits(key: Key): Operation {
  return askValue<string>(key, ["BITCOUNT", key.name], (value) => {
    let count = 0;
    for (let offset = 0; offset < BITS * (value ?? "").length; offset++) count += bitOf(value ?? "", offset);
    return integer(count);
  });
}

/** BITFIELD that adds to the byte with this number, which does not go over 255, and reads it in two halves. */
export function increaseByte(key: Key, at: number, by: number): Operation {
  const words = ["BITFIELD", key.name, "OVERFLOW", "SAT", "INCRBY", "u8", `#${at}`, String(by)];
  words.push("GET", "u4", `#${2 * at}`, "GET", "u4", `#${2 * at + 1}`);
  return changeValue<string>(key, words, (value) => {
    const before = value ?? "";
    const sum = Math.min(255, (at < before.length ? before.charCodeAt(at) : 0) + by);
    const items = [sum, sum >> 4, sum & 15].map(integer);
    return { reply: { kind: "array", items }, value: withByte(before, at, sum) };
  });
}

export type Combination = "AND" | "OR" | "XOR";

const COMBINE: Record<Combination, (a: number, b: number) => number> = {
  AND: (a, b) => a & b,
  OR: (a, b) => a | b,
  XOR: (a, b) => a ^ b,
};

/** BITOP of two keys. */
export function combineBits(word: Combination, to: Key, keys: readonly [Key, Key]): Operation {
  const words = ["BITOP", word, to.name, ...keys.map(({ name }) => name)];
  return storeFromTwo<string>(keys, to, words, (one, other) => {
    const [a, b] = [one ?? "", other ?? ""];
    let value = "";
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const byte = COMBINE[word](i < a.length ? a.charCodeAt(i) : 0, i < b.length ? b.charCodeAt(i) : 0);
      value += String.fromCharCode(byte);
    }
    return { reply: integer(value.length), value: value === "" ? null : value };
  });
}
