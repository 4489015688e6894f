/**
 * The kinds of directives: how the words of a line become a value, and how a value is shown and written back. The table
 * in `directives.ts` is built from these; `config.ts` holds the values.
 */

import { formatMemory, parseInteger, parseMemory, parseOctal, quoteIfNeeded } from "./syntax.ts";
import { quote } from "../bytes/quoting.ts";

/** A directive's value in every form that somebody reads it in. */
export interface Value {
  /** As CONFIG GET shows it. */
  readonly text: string;
  /** Of a number; of a percentage, negative; of flags, their bits. Above 2^53 the nearest double. */
  readonly number: number;
  /** Of a boolean. */
  readonly flag: boolean;
  /** Of a list, its words. */
  readonly words: readonly string[];
}

export type Kind = "flag" | "number" | "choice" | "text" | "list";

/** Whether the words come from CONFIG SET or from a line of the configuration. */
export type Origin = "set" | "load";

export interface Attributes {
  /** The other name that CONFIG accepts and shows. */
  readonly alias?: string;
  /** CONFIG SET refuses it. */
  readonly immutable?: true;
  /** CONFIG SET refuses it unless `enable-protected-configs` allows the client. */
  readonly protected?: true;
  /** CONFIG SET refuses it while the dataset is being loaded. */
  readonly denyLoading?: true;
  /** CONFIG GET shows it only by its exact name. */
  readonly hidden?: true;
  /** Its value is a secret, kept out of the slow log and MONITOR. */
  readonly sensitive?: true;
  /** Accepted for compatibility and without effect; why, as the log tells at start. */
  readonly inert?: string;
  /**
   * Any value but the default asks for a protection that is not here, so none is taken, neither at start nor by CONFIG
   * SET: why, and the way out.
   */
  readonly refused?: string;
}

export interface Directive<K extends Kind = Kind, C extends string = string> extends Attributes {
  readonly kind: K;
  /** The names that a choice has. */
  readonly choices: readonly C[];
  readonly initial: Value;
  /** Takes several words: CONFIG SET splits its argument at spaces. */
  readonly manyWords: boolean;
  /** A further line of the configuration adds to the lines before it. */
  readonly appends: boolean;
  /** Each line is about one part, named by its first word, and may be missing if that part has its default. */
  readonly partwise: boolean;
  /** The value of the words, or why they have none. `current` is for directives that change only a part. */
  parse(words: readonly string[], current: Value, origin: Origin): Value | string;
  /** What follows the name in redis.conf: one entry for each line. */
  write(value: Value): readonly string[];
}

/** `parse` of a directive with one word. */
type ParseWord = (word: string) => Value | string;

const NO_WORDS: readonly string[] = [];

export function textValue(text: string): Value {
  return { text, number: NaN, flag: false, words: NO_WORDS };
}

export function numberValue(number: number, text = String(number)): Value {
  return { text, number, flag: false, words: NO_WORDS };
}

export function listValue(words: readonly string[], text = words.join(" ")): Value {
  return { text, number: NaN, flag: false, words };
}

function flagValue(flag: boolean): Value {
  return { text: flag ? "yes" : "no", number: flag ? 1 : 0, flag, words: NO_WORDS };
}

function single<K extends Kind>(
  kind: K,
  initial: Value,
  parseWord: ParseWord,
  write: (value: Value) => string,
  attributes: Attributes,
): Directive<K, never> {
  return {
    ...attributes,
    kind,
    choices: [],
    initial,
    manyWords: false,
    appends: false,
    partwise: false,
    parse: (words) => words.length === 1 ? parseWord(words[0]) : "wrong number of arguments",
    write: (value) => [write(value)],
  };
}

const asShown = (value: Value): string => value.text;

/** `yes` or `no`. */
export function yesNo(initial: "yes" | "no", attributes: Attributes = {}): Directive<"flag", never> {
  const parse: ParseWord = (word) => {
    const lower = word.toLowerCase();
    return lower === "yes" || lower === "no" ? flagValue(lower === "yes") : "argument must be 'yes' or 'no'";
  };
  return single("flag", flagValue(initial === "yes"), parse, asShown, attributes);
}

export const INT_MAX = 2n ** 31n - 1n;
export const LONG_MAX = 2n ** 63n - 1n;
export const UINT_MAX = 2n ** 32n - 1n;
export const ULONG_MAX = 2n ** 64n - 1n;

function limited(value: bigint, min: bigint, max: bigint, text: string): Value | string {
  if (value < min || value > max) return `argument must be between ${min} and ${max} inclusive`;
  return numberValue(Number(value), text);
}

export interface IntegerAttributes extends Attributes {
  /** Reads the word; decimal unless told. */
  readonly read?: (word: string) => bigint | null;
  /** What a value within the limits is brought to. */
  readonly adjust?: (value: bigint) => bigint;
}

/** An integer from `min` to `max`. */
export function integer(
  initial: number,
  min: bigint,
  max: bigint,
  attributes: IntegerAttributes = {},
): Directive<"number", never> {
  const read = attributes.read ?? parseInteger;
  const adjust = attributes.adjust ?? ((value) => value);
  const parse: ParseWord = (word) => {
    const value = read(word);
    if (value === null) return "argument couldn't be parsed into an integer";
    const result = limited(value, min, max, value.toString());
    return typeof result === "string" ? result : limited(adjust(value), min, max, adjust(value).toString());
  };
  return single("number", numberValue(initial), parse, asShown, attributes);
}

/** An octal number, as file permissions are. */
export function octal(initial: number, max: bigint, attributes: Attributes = {}): Directive<"number", never> {
  const parse: ParseWord = (word) => {
    const value = parseOctal(word);
    if (value === null) return "argument couldn't be parsed as an octal number";
    if (value < 0n || value > max) return `argument must be between 0 and ${max.toString(8)} inclusive`;
    return numberValue(Number(value), value.toString(8));
  };
  return single("number", numberValue(initial, initial.toString(8)), parse, asShown, attributes);
}

/** A size in bytes, with units. */
export function memory(
  initial: number,
  min: bigint,
  max: bigint,
  attributes: IntegerAttributes = {},
): Directive<"number", never> {
  const adjust = attributes.adjust ?? ((value) => value);
  const parse: ParseWord = (word) => {
    const value = parseMemory(word);
    if (value === null) return "argument must be a memory value";
    const result = limited(value, min, max, value.toString());
    return typeof result === "string" ? result : limited(adjust(value), min, max, adjust(value).toString());
  };
  return single("number", numberValue(initial), parse, writeMemory, attributes);
}

function writeMemory(value: Value): string {
  return /^[0-9]+$/.test(value.text) ? formatMemory(BigInt(value.text)) : value.text;
}

/** A size in bytes, or a percentage of `maxmemory`: then `number` is its negative. */
export function memoryOrPercent(initial: number, attributes: Attributes = {}): Directive<"number", never> {
  const parse: ParseWord = (word) => {
    const invalid = "argument must be a memory or percent value";
    if (!word.endsWith("%")) {
      const value = parseMemory(word);
      return value === null ? invalid : numberValue(Number(value), value.toString());
    }
    const digits = word.slice(0, -1);
    if (!/^[0-9]+$/.test(digits)) return invalid;
    const percent = Number(digits);
    if (percent > 100) return "percentage argument must be less or equal to 100";
    return percent === 0 ? numberValue(0) : numberValue(-percent, `${percent}%`);
  };
  return single("number", numberValue(initial), parse, writeMemory, attributes);
}

function unknownChoice(names: readonly string[]): string {
  return `argument(s) must be one of the following: ${names.join(", ")}`;
}

/** One of a few names. */
export function choice<const C extends string>(
  initial: NoInfer<C>,
  choices: readonly C[],
  attributes: Attributes = {},
): Directive<"choice", C> {
  const parse: ParseWord = (word) => {
    const name = choices.find((name) => name === word.toLowerCase());
    return name === undefined ? unknownChoice(choices) : textValue(name);
  };
  return { ...single("choice", textValue(initial), parse, asShown, attributes), choices };
}

/**
 * Any of a few names, the first standing for none of the others. `number` holds a bit for each but the first, the
 * second name's the lowest. `conflict` may refuse a combination.
 */
export function choices(
  names: readonly string[],
  conflict: (chosen: readonly string[]) => string | null,
  attributes: Attributes = {},
): Directive<"list", never> {
  const valueOf = (bits: number): Value => {
    const chosen = names.filter((_, index) => index > 0 && (bits & (1 << (index - 1))) !== 0);
    const text = chosen.length > 0 ? chosen.join(" ") : names[0];
    return { text, number: bits, flag: false, words: chosen };
  };
  return {
    ...list([], (words) => {
      let bits = 0;
      for (const word of words) {
        const index = names.indexOf(word.toLowerCase());
        if (index < 0) return unknownChoice(names);
        if (index > 0) bits |= 1 << (index - 1);
      }
      if (words.length === 0) return unknownChoice(names);
      const value = valueOf(bits);
      return conflict(value.words) ?? value;
    }, attributes),
    initial: valueOf(0),
    write: (value) => [value.text],
  };
}

/** Any text; `check` may refuse it. */
export function text(
  initial: string,
  attributes: Attributes & { readonly check?: (text: string) => string | null } = {},
): Directive<"text", never> {
  const check = attributes.check ?? (() => null);
  return single(
    "text",
    textValue(initial),
    (word) => check(word) ?? textValue(word),
    (value) => quote(value.text),
    attributes,
  );
}

/** Several words, read by `parse`. An empty argument alone means no words. */
export function list(
  initial: readonly string[],
  parse: Directive["parse"],
  attributes: Attributes & {
    readonly write?: Directive["write"];
    readonly appends?: true;
    readonly partwise?: true;
  } = {},
): Directive<"list", never> {
  const write = attributes.write ?? ((value: Value) => [value.words.length === 0 ? '""' : value.words.join(" ")]);
  return {
    ...attributes,
    kind: "list",
    choices: [],
    initial: listValue(initial),
    manyWords: true,
    appends: attributes.appends ?? false,
    partwise: attributes.partwise ?? false,
    parse,
    write,
  };
}

/** The words with a lone empty one, as `""` in a line gives it, left out. */
export function withoutEmpty(words: readonly string[]): readonly string[] {
  return words.length === 1 && words[0] === "" ? NO_WORDS : words;
}

/** One line of the words, each quoted where it must be. */
export function quoteWords(value: Value): readonly string[] {
  return [value.words.length === 0 ? '""' : value.words.map(quoteIfNeeded).join(" ")];
}
