/**
 * The configuration: the current value of every directive, read everywhere by its type-checked name, and what CONFIG
 * GET and CONFIG SET do with it. `load.ts` fills it at start, `rewrite.ts` writes it back.
 *
 * Whoever must act on a change registers with `onChange`. Code on a hot path keeps the `Setting`, whose fields always
 * hold the current value.
 */

import { globMatchText, hasGlob } from "../bytes/glob.ts";
import {
  type ChoiceOf,
  directiveOf,
  findDirective,
  LINE_DIRECTIVES,
  LINE_WORDS,
  type LineName,
  type Name,
  type NameOf,
  NAMES,
  NO_MODULES_REASON,
  OBSOLETE_DIRECTIVES,
} from "./directives.ts";
import { userRefusal } from "./default_user.ts";
import { type Environment, processEnvironment } from "./environment.ts";
import { type Directive, type Origin, textValue, type Value } from "./kinds.ts";
import { type ClientClass, type OutputBufferLimit, outputBufferLimits, type SavePoint, savePoints } from "./special.ts";

/** A directive and its current value. */
export interface Setting extends Value {
  readonly name: Name;
  readonly directive: Directive;
}

/**
 * Acts on a new value, or refuses it by returning why. Where another refuses its own, whoever had acted is called again
 * with the old value.
 */
export type Apply = (value: Value) => string | null | void;

/** Acts on a line of the configuration (its words, without the name) at load; refuses it by returning why. */
export type ApplyLine = (words: readonly string[]) => string | null | void;

/** Who asks for CONFIG SET, and when. */
export interface Access {
  /** Whether the client connects from this machine. */
  readonly local: boolean;
  /** Whether the dataset is being loaded. */
  readonly loading: boolean;
}

/** What the configuration asks for and cannot have. */
export interface Refused {
  readonly name: Name | LineName;
  /** Of the lines with this name, which one; 0 for a directive. */
  readonly index: number;
  readonly reason: string;
}

/** What CONFIG SET was asked: names as given, and values. */
export type Pair = readonly [name: string, value: string];

const BAD_DIRECTIVE = "Bad directive or wrong number of arguments";
const LOADING = "LOADING Redis is loading the dataset in memory";

/** The one implementation of Setting: its fields change in place. */
class Cell implements Setting {
  text = "";
  number = NaN;
  flag = false;
  words: readonly string[] = [];
  /** Whether the configuration named it. */
  explicit = false;
  /** Its text once the configuration was loaded. */
  loadedText = "";

  constructor(readonly name: Name, readonly directive: Directive) {
    this.assign(directive.initial);
  }

  assign(value: Value): void {
    this.text = value.text;
    this.number = value.number;
    this.flag = value.flag;
    this.words = value.words;
  }

  snapshot(): Value {
    return { text: this.text, number: this.number, flag: this.flag, words: this.words };
  }
}

export class Config {
  /** Absolute path of the configuration file, or null. */
  file: string | null = null;
  /**
   * Whether the lines of a directive that may have several (`save`) add up; else each replaces those before. Set by the
   * loader, which knows where a line stands.
   */
  linesAddUp = true;
  /** Told what an operator should know, such as that a directive set has no effect. */
  warn: (message: string) => void = () => {};
  /** Told what happened that is no cause for concern. */
  note: (message: string) => void = () => {};

  readonly #environment: Environment;
  readonly #cells = new Map<Name, Cell>();
  readonly #appliers = new Map<Name, Apply[]>();
  readonly #lines = new Map<LineName, (readonly string[])[]>();
  readonly #applyLine = new Map<LineName, ApplyLine>();
  readonly #currentLines = new Map<LineName, () => readonly string[]>();

  constructor(environment: Environment = processEnvironment) {
    this.#environment = environment;
    for (const name of NAMES) this.#cells.set(name, new Cell(name, directiveOf(name)));
    this.#cell("dir").assign(textValue(environment.currentDirectory()));
    for (const name of LINE_DIRECTIVES) this.#lines.set(name, []);
    this.loaded();
  }

  /** A directive with its value, for code that reads it often: the fields change when the value does. */
  setting(name: Name): Setting {
    return this.#cell(name);
  }

  /** The value of an integer or a size. */
  number(name: NameOf<"number">): number {
    return this.#cell(name).number;
  }

  /** The value of a `yes` or `no`. */
  flag(name: NameOf<"flag">): boolean {
    return this.#cell(name).flag;
  }

  /** The value of a directive that is one of a few names. */
  choice<N extends NameOf<"choice">>(name: N): ChoiceOf<N> {
    return this.#cell(name).text as ChoiceOf<N>; // its directive accepts no others
  }

  /** The value of a text, as a binary string (see bytes/paths.ts for file names). */
  text(name: NameOf<"text">): string {
    return this.#cell(name).text;
  }

  /** The words of a directive that takes several. */
  list(name: NameOf<"list">): readonly string[] {
    return this.#cell(name).words;
  }

  /** When to save; computed at every call. */
  get savePoints(): SavePoint[] {
    return savePoints(this.list("save"));
  }

  /** The output buffer limits by class of clients; computed at every call. */
  get outputBufferLimits(): Record<ClientClass, OutputBufferLimit> {
    return outputBufferLimits(this.list("client-output-buffer-limit"));
  }

  /** What stands in the configuration's lines of one name, in order, without the name. */
  lines(name: LineName): readonly (readonly string[])[] {
    return this.#lines.get(name) ?? [];
  }

  /** Calls `apply` whenever CONFIG SET or `assign` changes the value, after those registered before it. */
  onChange(name: Name, apply: Apply): void {
    const appliers = this.#appliers.get(name);
    if (appliers === undefined) this.#appliers.set(name, [apply]);
    else appliers.push(apply);
  }

  /** Calls `apply` for each line of that name as the configuration is loaded. */
  onLine(name: LineName, apply: ApplyLine): void {
    this.#applyLine.set(name, apply);
  }

  /** Makes CONFIG REWRITE replace the lines of that name by what `lines` returns: each without the name. */
  onRewrite(name: LineName, lines: () => readonly string[]): void {
    this.#currentLines.set(name, lines);
  }

  /** The lines of that name to write, or null to leave those of the file. */
  linesToWrite(name: LineName): readonly string[] | null {
    return this.#currentLines.get(name)?.() ?? null;
  }

  /**
   * Takes one line of the configuration, given as its words, the name included. Returns why it cannot be, or null.
   * `include` is the loader's.
   */
  applyLine(words: readonly string[]): string | null {
    const [given, ...rest] = words;
    const name = findDirective(given);
    if (name === null) return this.#applyOtherLine(given.toLowerCase(), words);
    const { directive } = this.#cell(name);
    const one = directive.manyWords && rest.length === 1 && rest[0] !== "";
    return this.#load(name, one ? rest[0].split(" ") : rest);
  }

  /** Tells that the configuration is loaded. */
  loaded(): void {
    for (const cell of this.#cells.values()) cell.loadedText = cell.text;
  }

  /** Whether CONFIG REWRITE must write the directive even where the file does not name it. */
  mustWrite(name: Name): boolean {
    const cell = this.#cell(name);
    return name === "dir" || cell.text !== cell.directive.initial.text || cell.text !== cell.loadedText;
  }

  /** For each directive that was set, but has no effect here, a line that tells so. */
  inertWarnings(): string[] {
    const warnings: string[] = [];
    for (const cell of this.#cells.values()) {
      if (cell.explicit) warnings.push(...this.#inertWarning(cell));
    }
    return warnings;
  }

  /**
   * The first directive or line of the configuration that asks for what cannot be given and must not be passed over, and
   * why; null where there is none. To be asked once all lines are known, as some depend on others.
   */
  refused(): Refused | null {
    for (const cell of this.#cells.values()) {
      const reason = refusedValue(cell);
      if (reason !== null) return { name: cell.name, index: 0, reason };
    }
    if (this.lines("loadmodule").length > 0) return { name: "loadmodule", index: 0, reason: NO_MODULES_REASON };
    const password = this.text("requirepass");
    for (const [index, words] of this.lines("user").entries()) {
      const reason = userRefusal(words, password);
      if (reason !== null) return { name: "user", index, reason };
    }
    return null;
  }

  /** The names that match any of the patterns, as they are to be shown, with their values. */
  get(patterns: readonly string[]): Pair[] {
    const found = new Map<string, Pair>();
    const add = (shown: string, name: Name): void => {
      const key = shown.toLowerCase();
      if (!found.has(key)) found.set(key, [shown, this.#cell(name).text]);
    };
    for (const pattern of patterns) {
      if (!hasGlob(pattern)) {
        const name = findDirective(pattern);
        if (name !== null) add(pattern, name);
        continue;
      }
      for (const { name, directive } of this.#cells.values()) {
        if (directive.hidden) continue;
        if (globMatchText(pattern, name, true)) add(name, name);
        const alias = directive.alias;
        if (alias !== undefined && globMatchText(pattern, alias, true)) add(alias, name);
      }
    }
    return [...found.values()];
  }

  /**
   * Sets all of the pairs, or none. Returns the error reply, or null. Values that are checked on their own come first,
   * then the registered `onChange` acts on those that changed; where either fails, everything is as it was.
   */
  set(pairs: readonly Pair[], access: Access): string | null {
    const names: Name[] = [];
    for (let i = 0; i < pairs.length; i++) {
      const given = pairs[i][0];
      const name = findDirective(given);
      if (name === null) return `ERR Unknown option or number of arguments for CONFIG SET - '${given}'`;
      const refusal = this.#refusal(name, access);
      if (refusal !== null) return refusal === LOADING ? LOADING : failure(given, refusal);
      if (pairs.slice(0, i).some(([other]) => other.toLowerCase() === given.toLowerCase())) {
        return failure(given, "duplicate parameter");
      }
      names.push(name);
    }
    const before = new Map(names.map((name) => [name, this.#cell(name).snapshot()]));
    for (let i = 0; i < pairs.length; i++) {
      const [given, value] = pairs[i];
      const words = !this.#cell(names[i]).directive.manyWords ? [value] : value === "" ? [] : value.split(" ");
      const error = this.#store(names[i], words, "set") ?? refusedValue(this.#cell(names[i]));
      if (error !== null) {
        this.#restore(before, []);
        return failure(given, error);
      }
    }
    const applied: Name[] = [];
    for (const name of before.keys()) {
      if (this.#cell(name).text === before.get(name)?.text) continue;
      const error = this.#apply(name);
      if (error !== null) {
        this.#restore(before, this.#severalApply(name) ? [...applied, name] : applied);
        return failure(pairs[names.indexOf(name)][0], error);
      }
      applied.push(name);
    }
    for (const name of applied) for (const warning of this.#inertWarning(this.#cell(name))) this.warn(warning);
    return null;
  }

  /**
   * Changes a value from within the server (REPLICAOF, a limit that the system forces), immutable or not, and applies
   * it. Returns why it cannot be, or null.
   */
  assign(name: Name, words: readonly string[]): string | null {
    const before = new Map([[name, this.#cell(name).snapshot()]]);
    const error = this.#store(name, words, "set") ?? this.#apply(name);
    if (error !== null) this.#restore(before, this.#severalApply(name) ? [name] : []);
    return error;
  }

  #cell(name: Name): Cell {
    return this.#cells.get(name) as Cell; // the constructor made one for each name
  }

  /** Why CONFIG SET may not touch the directive, or null. */
  #refusal(name: Name, access: Access): string | null {
    const { directive } = this.#cell(name);
    if (directive.immutable) return "can't set immutable config";
    if (directive.protected) {
      const allowed = this.choice("enable-protected-configs");
      if (allowed !== "yes" && !(allowed === "local" && access.local)) return "can't set protected config";
    }
    return directive.denyLoading && access.loading ? LOADING : null;
  }

  /** Parses and stores a value; nothing is stored where it returns an error. */
  #store(name: Name, words: readonly string[], origin: Origin): string | null {
    const cell = this.#cell(name);
    const value = cell.directive.parse(words, cell, origin);
    if (typeof value === "string") return value;
    if (name !== "dir") {
      cell.assign(value);
      return null;
    }
    const error = this.#environment.changeDirectory(value.text);
    if (error === null) cell.assign(textValue(this.#environment.currentDirectory()));
    return error;
  }

  /** Has a value acted upon. Where one refuses it, those who had acted before act on it as it was, by `#restore`. */
  #apply(name: Name): string | null {
    const cell = this.#cell(name);
    for (const apply of this.#appliers.get(name) ?? []) {
      const error = apply(cell) ?? null;
      if (error !== null) return error;
    }
    return null;
  }

  /** Whether, when one refuses a value, another may have acted on it. */
  #severalApply(name: Name): boolean {
    return (this.#appliers.get(name)?.length ?? 0) > 1;
  }

  #load(name: Name, words: readonly string[]): string | null {
    const cell = this.#cell(name);
    const adds = cell.directive.appends && this.linesAddUp && cell.explicit && words.length > 0 && words[0] !== "";
    if (adds) {
      const own = cell.directive.parse(words, cell, "load");
      if (typeof own === "string") return own;
    }
    const error = this.#store(name, adds ? [...cell.words, ...words] : words, "load");
    if (error === null) cell.explicit = true;
    return error;
  }

  #applyOtherLine(name: string, words: readonly string[]): string | null {
    if (OBSOLETE_DIRECTIVES.includes(name)) return words.length === 2 ? null : BAD_DIRECTIVE;
    if (name === "sentinel") return "sentinel directive while not in sentinel mode";
    const line = LINE_DIRECTIVES.find((known) => known === name);
    if (line === undefined) return BAD_DIRECTIVE;
    const [least, most] = LINE_WORDS[line];
    if (words.length < least || words.length > most) return BAD_DIRECTIVE;
    const rest = words.slice(1);
    const error = this.#applyLine.get(line)?.(rest) ?? null;
    if (error === null) this.#lines.get(line)?.push(rest);
    return error;
  }

  /** Puts old values back, and applies those whose new value had been applied. */
  #restore(before: ReadonlyMap<Name, Value>, applied: readonly Name[]): void {
    for (const [name, value] of before) {
      const cell = this.#cell(name);
      if (name === "dir" && cell.text !== value.text) {
        const error = this.#environment.changeDirectory(value.text);
        if (error !== null) this.warn(`Failed to go back to the directory ${value.text}: ${error}`);
      }
      cell.assign(value);
    }
    for (const name of applied) {
      const error = this.#apply(name);
      if (error !== null) this.warn(`Failed to apply the old value of '${name}' again: ${error}`);
    }
  }

  #inertWarning(cell: Cell): string[] {
    const reason = cell.directive.inert;
    if (reason === undefined || cell.text === cell.directive.initial.text) return [];
    const value = cell.directive.sensitive ? "" : ` ${cell.text === "" ? '""' : cell.text}`;
    return [`'${cell.name}${value}' has no effect: ${reason}`];
  }
}

/** Why a value must not be passed over, where it can have no effect and is not the default; or null. */
function refusedValue({ directive, text }: Cell): string | null {
  return text === directive.initial.text ? null : directive.refused ?? null;
}

function failure(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
