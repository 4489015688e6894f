/**
 * Loading the configuration at start: the file, the files it includes, standard input and the command line, in this
 * order. The first fault ends it with a ConfigError whose message is all that an operator needs.
 */

import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { globMatchText, hasGlob } from "../bytes/glob.ts";
import { decodeLatin1 } from "../bytes/latin1.ts";
import { fromBinary, toBinary } from "../bytes/paths.ts";
import { systemErrorText } from "../bytes/system_errors.ts";
import type { CommandLine } from "./command_line.ts";
import type { Config } from "./config.ts";
import { findDirective } from "./directives.ts";
import { BYTE_ORDER_MARK, isComment, splitLine, trimLine, UNBALANCED } from "./syntax.ts";

/** Deepest nesting of `include`: far beyond any real use, and the end of a file that includes itself. */
const MAX_INCLUDE_DEPTH = 64;

/** The configuration cannot be used. The message is whole, of several lines, and meant for standard error. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Where a line of configuration stands. */
interface Place {
  /** What is read, as the operator knows it: a path, `standard input` or `the command line`. */
  readonly source: string;
  readonly number: number;
  readonly line: string;
}

/** What was read, for a reader: bytes in UTF-8 as their characters, those that quoting has escaped as well. */
function shown(binary: string): string {
  return fromBinary(binary).replace(/(?:\\x[89a-f][0-9a-f])+/g, (escaped) => {
    const bytes = Uint8Array.from(escaped.match(/[0-9a-f]{2}/g) ?? [], (digits) => Number.parseInt(digits, 16));
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return escaped; // no text
    }
  });
}

function fault(version: string, place: Place, reason: string): ConfigError {
  const what = place.source === COMMAND_LINE ? "command line" : "configuration file";
  const where = place.source === COMMAND_LINE ? "" : ` of ${place.source}`;
  return new ConfigError(
    `\n*** FATAL CONFIG FILE ERROR (Redis ${version}) ***\n` +
      `Reading the ${what}, at line ${place.number}${where}\n>>> '${shown(place.line)}'\n${shown(reason)}`,
  );
}

const COMMAND_LINE = "the command line";

export interface LoadOptions {
  /** The version to show in error messages. */
  readonly version: string;
  /** Reads standard input to its end. */
  readonly readStandardInput?: () => Uint8Array;
}

/** Loads all that the command line names into `config`. Throws a ConfigError where that cannot be. */
export function loadConfig(config: Config, commandLine: CommandLine, options: LoadOptions): void {
  const loader = new Loader(config, options.version);
  if (commandLine.configFile !== null) {
    const path = resolve(fromBinary(commandLine.configFile));
    config.file = toBinary(path);
    loader.readFile(path, 0);
  }
  if (commandLine.readsStandardInput) {
    const bytes = (options.readStandardInput ?? (() => readFileSync(0)))();
    loader.readText(decodeLatin1(bytes), "standard input", 0);
  }
  commandLine.lines.forEach((line, index) => loader.readLine({ source: COMMAND_LINE, number: index + 1, line }, 0));
  loader.refuse();
  config.loaded();
}

class Loader {
  /** Where each directive and line was read, by its name. */
  readonly #places = new Map<string, Place[]>();

  constructor(readonly config: Config, readonly version: string) {}

  /** Ends the start where the configuration asks for a protection that there is not: at the line that does. */
  refuse(): void {
    const refused = this.config.refused();
    if (refused === null) return;
    const places = this.#places.get(refused.name) ?? [];
    // Of a directive, the last line is the one in force; of a user's, each.
    const place = refused.name === "user" ? places[refused.index] : places.at(-1);
    throw fault(this.version, place ?? { source: "the defaults", number: 0, line: refused.name }, refused.reason);
  }

  readFile(path: string, depth: number): void {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw new ConfigError(`Fatal error, can't open config file '${path}': ${systemErrorText(error)}`);
    }
    this.readText(decodeLatin1(bytes), path, depth);
  }

  readText(text: string, source: string, depth: number): void {
    const lines = (text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text).split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = trimLine(lines[i]);
      if (!isComment(line)) this.readLine({ source, number: i + 1, line }, depth);
    }
  }

  readLine(place: Place, depth: number): void {
    const words = splitLine(place.line);
    if (words === UNBALANCED) throw fault(this.version, place, "Unbalanced quotes in configuration line");
    if (words.length === 0) return;
    if (words[0].toLowerCase() === "include" && words.length === 2) return this.#include(words[1], place, depth);
    const error = this.config.applyLine(words);
    if (error !== null) throw fault(this.version, place, error);
    const lower = words[0].toLowerCase();
    const name = findDirective(lower) ?? lower;
    const places = this.#places.get(name);
    if (places === undefined) this.#places.set(name, [place]);
    else places.push(place);
  }

  /**
   * Reads the files that an `include` names. Their `save` lines add to those before, but each that follows the include,
   * on the command line too, replaces all before it: so Redis has it.
   */
  #include(given: string, place: Place, depth: number): void {
    if (depth >= MAX_INCLUDE_DEPTH) throw fault(this.version, place, "include is nested too deeply");
    const path = fromBinary(given);
    for (const file of hasGlob(given) ? expandGlob(path) : [path]) {
      this.config.linesAddUp = true;
      this.readFile(file, depth + 1);
      this.config.linesAddUp = false;
    }
  }
}

/** The existing paths that match a pattern, in alphabetical order; wild cards do not match a leading dot or a slash. */
export function expandGlob(pattern: string): string[] {
  if (!hasGlob(pattern)) return exists(pattern) ? [pattern] : [];
  const parent = dirname(pattern);
  const last = basename(pattern);
  const directories = hasGlob(parent) ? expandGlob(parent) : [parent];
  const found: string[] = [];
  for (const directory of directories) {
    for (const name of namesIn(directory)) {
      if (name.startsWith(".") && !last.startsWith(".")) continue;
      if (!globMatchText(toBinary(last), toBinary(name))) continue;
      found.push(directory === "." && !pattern.startsWith(".") && !isAbsolute(pattern) ? name : join(directory, name));
    }
  }
  return found.sort((a, b) => a < b ? -1 : 1);
}

function exists(path: string): boolean {
  return namesIn(dirname(path)).includes(basename(path));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // As glob(3) has it, a directory that cannot be read holds no match.
    return [];
  }
}
