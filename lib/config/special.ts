/**
 * The directives with a syntax of their own: save points, output buffer limits, addresses, keyspace events, percentiles,
 * and what their words mean to those who use them.
 */

import { formatMemory, parseCInteger, parseMemory } from "./syntax.ts";
import {
  type Attributes,
  type Directive,
  list,
  listValue,
  quoteWords,
  type Value,
  withoutEmpty,
  yesNo,
} from "./kinds.ts";

/** Save after so many seconds if there were so many changes. */
export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/** The save points in the words of `save`. */
export function savePoints(words: readonly string[]): SavePoint[] {
  const points: SavePoint[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    points.push({ seconds: Number(words[i]), changes: Number(words[i + 1]) });
  }
  return points;
}

/** Largest number that a C int holds, which is what Redis keeps save points in. */
const INT_MAX = 0x7fffffff;

/** `save`: pairs of seconds and changes; none switches saving off; further lines of the configuration add to it. */
export function saveDirective(initial: readonly string[]): Directive<"list", never> {
  const parse: Directive["parse"] = (given) => {
    const words = withoutEmpty(given);
    if (words.length % 2 !== 0) return "Invalid save parameters";
    const numbers = words.map((word) => /^[0-9]+$/.test(word) ? Number(word) : NaN);
    const valid = numbers.every((number, index) => number >= (index % 2 === 0 ? 1 : 0) && number <= INT_MAX);
    return valid ? listValue(numbers.map(String)) : "Invalid save parameters";
  };
  const write: Directive["write"] = (value) => {
    if (value.words.length === 0) return ['""'];
    return savePoints(value.words).map((point) => `${point.seconds} ${point.changes}`);
  };
  return list(initial, parse, { write, appends: true });
}

/** The classes of clients that have output buffer limits, as CONFIG GET names them. */
export const CLIENT_CLASSES = ["normal", "slave", "pubsub"] as const;
export type ClientClass = typeof CLIENT_CLASSES[number];

/** When a client is disconnected because its replies pile up. 0 means no limit. */
export interface OutputBufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  /** How long the soft limit may be exceeded. */
  readonly softSeconds: number;
}

/** The limits in the words of `client-output-buffer-limit`. */
export function outputBufferLimits(words: readonly string[]): Record<ClientClass, OutputBufferLimit> {
  const limit = (index: number): OutputBufferLimit => ({
    hardBytes: Number(words[index * 4 + 1]),
    softBytes: Number(words[index * 4 + 2]),
    softSeconds: Number(words[index * 4 + 3]),
  });
  return { normal: limit(0), slave: limit(1), pubsub: limit(2) };
}

/** `client-output-buffer-limit`: a class and its three limits, any number of times; other classes keep theirs. */
export function outputBufferLimitDirective(initial: readonly string[]): Directive<"list", never> {
  const parse: Directive["parse"] = (words, current) => {
    if (words.length % 4 !== 0) return "Wrong number of arguments in buffer limit configuration.";
    const limits = [...current.words];
    for (let i = 0; i < words.length; i += 4) {
      const name = words[i].toLowerCase();
      const index = CLIENT_CLASSES.findIndex((known) => known === (name === "replica" ? "slave" : name));
      if (index < 0) return "Invalid client class specified in buffer limit configuration.";
      const hard = parseMemory(words[i + 1]);
      const soft = parseMemory(words[i + 2]);
      const seconds = /^[0-9]+$/.test(words[i + 3]) ? Number(words[i + 3]) : NaN;
      if (hard === null || soft === null || !(seconds <= Number.MAX_SAFE_INTEGER)) {
        return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
      }
      limits.splice(index * 4 + 1, 3, hard.toString(), soft.toString(), String(seconds));
    }
    return listValue(limits);
  };
  const write: Directive["write"] = ({ words }) =>
    CLIENT_CLASSES.map((name, index) => {
      const [hard, soft] = [words[index * 4 + 1], words[index * 4 + 2]].map((bytes) => formatMemory(BigInt(bytes)));
      return `${name === "slave" ? "replica" : name} ${hard} ${soft} ${words[index * 4 + 3]}`;
    });
  return list(initial, parse, { write, partwise: true });
}

/** `latency-tracking-info-percentiles`: numbers from 0 to 100. */
export function percentilesDirective(initial: readonly string[]): Directive<"list", never> {
  const name = "latency-tracking-info-percentiles";
  return list(initial, (given) => {
    const shown: string[] = [];
    for (const word of withoutEmpty(given)) {
      const number = /^[-+]?inf(inity)?$/i.test(word) ? Infinity : /\s|^$/.test(word) ? NaN : Number(word);
      if (Number.isNaN(number)) return `Invalid ${name} parameters`;
      if (number < 0 || number > 100) return `${name} parameters should sit between [0.0,100.0]`;
      shown.push(formatPercentile(number));
    }
    return listValue(shown);
  });
}

/** A percentile with up to six decimals, without the zeros that end it: as INFO names its fields, too. */
export function formatPercentile(percentile: number): string {
  const fixed = percentile.toFixed(6);
  return fixed.replace(/\.?0+$/, "");
}

/** `oom-score-adj-values`: three scores. */
export function oomScoreDirective(initial: readonly string[], attributes: Attributes): Directive<"list", never> {
  return list(initial, (words) => {
    if (words.length !== 3) return "wrong number of arguments";
    for (const word of words) {
      const score = Number(parseCInteger(word) ?? NaN);
      if (!(score >= -2000 && score <= 2000)) {
        return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
      }
    }
    return listValue(words.map((word) => String(parseCInteger(word))));
  }, attributes);
}

const MAX_ADDRESSES = 16;

/** `bind`: addresses, `*` for all, with `-` before one that need not exist; none listens nowhere. */
export function bindDirective(initial: readonly string[]): Directive<"list", never> {
  return list(initial, (given) => {
    const words = withoutEmpty(given);
    return words.length > MAX_ADDRESSES ? "Too many bind addresses specified." : listValue(words);
  }, { write: quoteWords });
}

/** `replicaof`: host and port of the primary, or `no one`, which leaves no words. */
export function replicaofDirective(attributes: Attributes): Directive<"list", never> {
  return list([], (words) => {
    if (words.length !== 2) return "wrong number of arguments";
    if (words[0].toLowerCase() === "no" && words[1].toLowerCase() === "one") return listValue([]);
    const port = /^[0-9]+$/.test(words[1]) ? Number(words[1]) : NaN;
    if (!(port <= 65535)) return "Invalid master port";
    return listValue([words[0], String(port)]);
  }, { ...attributes, write: (value) => value.words.length === 0 ? [] : quoteWords(value) });
}

/**
 * The letters of `notify-keyspace-events` in the order in which CONFIG GET shows them, with their bits: those of
 * commands/events.ts, which a test compares.
 */
const EVENT_CLASSES: readonly (readonly [letter: string, bit: number])[] = [
  ["g", 1 << 2],
  ["$", 1 << 3],
  ["l", 1 << 4],
  ["s", 1 << 5],
  ["h", 1 << 6],
  ["z", 1 << 7],
  ["x", 1 << 8],
  ["e", 1 << 9],
  ["t", 1 << 10],
  ["d", 1 << 13],
  ["n", 1 << 14],
  ["K", 1 << 0],
  ["E", 1 << 1],
  ["m", 1 << 11],
];
/** `A` stands for all classes of commands, but neither for misses nor for new keys, as these are noisy. */
const ALL_CLASSES = "g$lshzxetd";

function eventBits(letters: string): number {
  let bits = 0;
  for (const [letter, bit] of EVENT_CLASSES) if (letters.includes(letter)) bits |= bit;
  return bits;
}

/** `notify-keyspace-events`: `number` holds the classes as bits. */
export function keyspaceEventsDirective(): Directive<"text", never> {
  const all = eventBits(ALL_CLASSES);
  const valueOf = (bits: number): Value => {
    const hasAll = (bits & all) === all;
    let text = hasAll ? "A" : "";
    for (const [letter, bit] of EVENT_CLASSES) {
      // Beside `A`, Redis shows no `n`.
      if ((bits & bit) !== 0 && !(hasAll && ((all & bit) !== 0 || letter === "n"))) text += letter;
    }
    return { text, number: bits, flag: false, words: [] };
  };
  return {
    kind: "text",
    choices: [],
    initial: valueOf(0),
    manyWords: false,
    appends: false,
    partwise: false,
    parse: (words) => {
      if (words.length !== 1) return "wrong number of arguments";
      if (/[^Ag$lshzxeKEtmdn]/.test(words[0])) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
      return valueOf(eventBits(words[0]) | (words[0].includes("A") ? all : 0));
    },
    write: (value) => [`"${value.text}"`],
  };
}

const CANNOT_DEFRAGMENT =
  "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one " +
  "shipped by default with the Redis source distribution";

/**
 * `activedefrag`: a configuration written for another server may ask for it, but CONFIG SET refuses, as a Redis without
 * jemalloc does, since its caller would wait for an effect.
 */
export function activeDefragDirective(attributes: Attributes): Directive<"flag", never> {
  const plain = yesNo("no", attributes);
  return {
    ...plain,
    parse(words, current, origin) {
      const value = plain.parse(words, current, origin);
      const enables = typeof value !== "string" && value.flag && !current.flag;
      return enables && origin === "set" ? CANNOT_DEFRAGMENT : value;
    },
  };
}

const TITLE_VARIABLES = ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];

/** Why a `proc-title-template` is none, or null. */
export function checkTitleTemplate(template: string): string | null {
  const rest = template.replace(/\{([^{}]*)\}/g, (whole, name) => TITLE_VARIABLES.includes(name) ? "" : whole);
  return /[{}]/.test(rest) || template === "" ? "template format is invalid or contains unknown variables" : null;
}

/** Why a host name may not be announced to cluster clients, or null. */
export function checkHostname(name: string): string | null {
  if (name.length >= 256) return "Hostnames must be less than 256 characters";
  return /[^A-Za-z0-9.-]/.test(name) ? "Hostnames may only contain alphanumeric characters, hyphens or dots" : null;
}

/** Why a node name may not be announced, or null. */
export function checkNodeName(name: string): string | null {
  if (name.length >= 256) return "Announced human node names must be less than 256 characters";
  return /[^!-~]|["'#,=;\\]/.test(name) ? "Announced human node name contained invalid character" : null;
}

/** A check that refuses paths where a mere file name is wanted. */
export function checkFileName(directive: string, what: string): (name: string) => string | null {
  return (name) => /[/\\]/.test(name) ? `${directive} can't be a path, just a ${what}` : null;
}
