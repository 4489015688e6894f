/**
 * The command line as redis-server's: an optional configuration file, or `-` for standard input, then `--directive
 * value …` options, each of which becomes a line of configuration after the file's. Pure; `load.ts` applies the lines.
 */

import { quote } from "../bytes/quoting.ts";
import { splitLine, trimLine } from "./syntax.ts";

export interface CommandLine {
  readonly action: "run" | "version" | "help" | "test-memory" | "check-system";
  /** The configuration file as given, a binary string, or null. */
  readonly configFile: string | null;
  /** Whether to read configuration from standard input, after the file. */
  readonly readsStandardInput: boolean;
  /** The options, each as the line of redis.conf that it stands for. */
  readonly lines: readonly string[];
  /** Whether `--sentinel` is among them. */
  readonly sentinel: boolean;
}

/** The command line of the arguments after the program's name, binary strings (see bytes/paths.ts). */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const action = actionOf(argv[0]);
  if (action !== "run") return { action, configFile: null, readsStandardInput: false, lines: [], sentinel: false };
  const options = [...argv];
  let configFile: string | null = null;
  let readsStandardInput = false;
  if (options.length > 0 && !options[0].startsWith("-")) configFile = options.shift() || null;
  if (options[0] === "-") {
    readsStandardInput = true;
    options.shift();
  }
  if (options.at(-1) === "-") {
    readsStandardInput = true;
    options.pop();
  }
  const sentinel = options.includes("--sentinel");
  return { action, configFile, readsStandardInput, lines: optionLines(options), sentinel };
}

function actionOf(first: string | undefined): CommandLine["action"] {
  switch (first) {
    case "-v":
    case "--version":
      return "version";
    case "-h":
    case "--help":
      return "help";
    case "--test-memory":
      return "test-memory";
    case "--check-system":
      return "check-system";
    default:
      return "run";
  }
}

/**
 * Turns options into lines. The argument after an option's name is its value even if it begins with `--`; of those that
 * follow, the first that begins with `--` is the next option. An option whose argument holds its value as well, as in
 * `"--maxmemory 1gb"`, is taken as written and wants no value. `--save` alone means `--save ""`.
 */
function optionLines(options: readonly string[]): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  let wantsValue = false;
  for (let i = 0; i < options.length; i++) {
    const option = options[i];
    if (wantsValue || !option.startsWith("--")) {
      line = line === null ? quote(option) : `${line} ${quote(option)}`;
      wantsValue = false;
      continue;
    }
    if (line !== null) lines.push(line);
    line = option.slice(2);
    if (line === "sentinel") {
      line = null;
      continue;
    }
    const alone = (splitLine(line) ?? []).length === 1;
    const next = options[i + 1];
    if (alone && line.toLowerCase() === "save" && (next === undefined || next.startsWith("--"))) line += ' ""';
    else wantsValue = alone;
  }
  if (line !== null) lines.push(line);
  return lines.map(trimLine).filter((line) => line !== "");
}
