/**
 * The form in which commands are documented: for each a version, a complexity, one line of syntax and a sentence. From
 * the line of syntax the argument trees of COMMAND DOCS are parsed; the files beside this one hold the entries.
 *
 * The syntax: `name` is an argument, its type behind a colon (`int`, `double`, `time`, `pattern`, `key`, `string`; default:
 * string, but what is called `key` or `pattern` is one). `TOKEN name` is an argument after a token, `TOKEN` alone a token,
 * `name=TOKEN` a token whose argument has another name (`name=""`: the empty string). `name=<a | b>` is a choice, `name=(a b)` a block. Square
 * brackets: optional; `...`: any number of times; `+...`: each time with its token; `@6.2.0`: since that version.
 */

/** What an argument of COMMAND DOCS is. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: ArgumentType;
  readonly token: string | null;
  readonly since: string | null;
  readonly isOptional: boolean;
  readonly isMultiple: boolean;
  /** Repeated with its token. */
  readonly repeatsToken: boolean;
  /** Of a choice or a block. */
  readonly parts: readonly ArgumentDoc[];
}

export type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

export interface CommandDoc {
  readonly since: string;
  readonly group: string;
  readonly complexity: string;
  readonly summary: string;
  readonly syntax: string;
  readonly tips: readonly string[];
  /** Since when it is deprecated, and for what. */
  readonly deprecated: readonly [since: string, replacedBy: string] | null;
  readonly isInternal: boolean;
}

export interface DocOptions {
  readonly tips?: string;
  readonly deprecated?: readonly [since: string, replacedBy: string];
  readonly isInternal?: boolean;
}

type Ungrouped = Omit<CommandDoc, "group">;

/** Documents a command. */
export function doc(
  since: string,
  complexity: string,
  syntax: string,
  summary: string,
  options: DocOptions = {},
): Ungrouped {
  const { tips, deprecated, isInternal } = options;
  return {
    since,
    complexity,
    syntax,
    summary,
    tips: tips === undefined ? [] : tips.split(" "),
    deprecated: deprecated ?? null,
    isInternal: isInternal ?? false,
  };
}

/** The documentation of one group of commands, by name. */
export function group(name: string, docs: Readonly<Record<string, Ungrouped>>): ReadonlyMap<string, CommandDoc> {
  return new Map(Object.entries(docs).map(([command, entry]) => [command, { ...entry, group: name }]));
}

const TYPES: ReadonlyMap<string, ArgumentType> = new Map([
  ["string", "string"],
  ["int", "integer"],
  ["double", "double"],
  ["time", "unix-time"],
  ["pattern", "pattern"],
  ["key", "key"],
]);
const TOKEN_WORD = /^[A-Z][A-Z0-9-]*$/;
/** A token that is the empty string. */
const EMPTY_TOKEN = '""';

/** Parses a line of syntax. */
export function parseSyntax(syntax: string): ArgumentDoc[] {
  return new SyntaxParser(syntax).sequence();
}

class SyntaxParser {
  /** Words and the signs `[ ] < > ( ) | ...`. */
  readonly #tokens: string[];
  #at = 0;

  constructor(syntax: string) {
    this.#tokens = syntax.match(/\+?\.\.\.|@[\d.]+|[[\]<>()|]|[^\s[\]<>()|@+.=]+=?|=/g) ?? [];
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #accept(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) {
      throw new Error(`expected ${token} at word ${this.#at} of the syntax: ${this.#tokens.join(" ")}`);
    }
  }

  /** Arguments up to a closing sign or the end. */
  sequence(): ArgumentDoc[] {
    const found: ArgumentDoc[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === "]" || next === ">" || next === ")" || next === "|") return found;
      found.push(this.#argument());
    }
  }

  #argument(): ArgumentDoc {
    if (!this.#accept("[")) return this.#suffixed(this.#core());
    const inner = this.#suffixed(this.#core());
    this.#expect("]");
    return this.#suffixed({ ...inner, isOptional: true });
  }

  /** Takes the signs that follow an argument. */
  #suffixed(argument: ArgumentDoc): ArgumentDoc {
    for (;;) {
      const next = this.#peek();
      if (next === "...") argument = { ...argument, isMultiple: true };
      else if (next === "+...") argument = { ...argument, isMultiple: true, repeatsToken: true };
      else if (next?.startsWith("@")) argument = { ...argument, since: next.slice(1) };
      else return argument;
      this.#at++;
    }
  }

  #core(): ArgumentDoc {
    const word = this.#tokens[this.#at++];
    if (!TOKEN_WORD.test(word)) return this.#named(word, null);
    const next = this.#peek();
    const isToken = next === undefined || /^[^a-z]/.test(next);
    return isToken ? argument(word.toLowerCase(), "pure-token", word) : this.#named(this.#tokens[this.#at++], word);
  }

  #named(word: string, token: string | null): ArgumentDoc {
    if (!word.endsWith("=")) {
      const colon = word.lastIndexOf(":");
      const type = colon < 0 ? undefined : TYPES.get(word.slice(colon + 1));
      if (type !== undefined) return argument(word.slice(0, colon), type, token);
      return argument(word, word === "key" || word === "pattern" ? word : "string", token);
    }
    const name = word.slice(0, -1);
    if (this.#accept("<")) {
      const parts: ArgumentDoc[] = [];
      do {
        parts.push(...this.sequence());
      } while (this.#accept("|"));
      this.#expect(">");
      return { ...argument(name, "oneof", token), parts };
    }
    if (this.#accept("(")) {
      const parts = this.sequence();
      this.#expect(")");
      return { ...argument(name, "block", token), parts };
    }
    const given = this.#tokens[this.#at++];
    return argument(name, "pure-token", given === EMPTY_TOKEN ? "" : given);
  }
}

function argument(name: string, type: ArgumentType, token: string | null): ArgumentDoc {
  return { name, type, token, since: null, isOptional: false, isMultiple: false, repeatsToken: false, parts: [] };
}
