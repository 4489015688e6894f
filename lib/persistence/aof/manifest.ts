/**
 * The manifest of an append-only file: of which files it consists, in the order in which they are loaded (Redis
 * documentation, "Persistence", "Log rewriting"; the format is that of Redis 7).
 *
 * One base file has the data set as it was when the last rewrite began, as RDB or as commands; incremental files have the
 * commands since. What a rewrite has replaced is history until it is removed. A line for each file:
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b
 *
 * A manifest is a value: what changes makes another, which counts once it is written (manifest_file.ts).
 */

import { quoteIfNeeded, splitLine, UNBALANCED } from "../../config/syntax.ts";

/** What a file of an append-only file is. */
export type AofFileKind = "base" | "history" | "increment";

/** One file; `name` is a binary string without a folder, `sequence` counts the files of its kind. */
export interface AofFile {
  readonly name: string;
  readonly sequence: number;
  readonly kind: AofFileKind;
}

/** How the data set stands in a base file. */
export type BaseFormat = "rdb" | "aof";

const KINDS: Readonly<Record<string, AofFileKind>> = { b: "base", h: "history", i: "increment" };
const LETTERS: Readonly<Record<AofFileKind, string>> = { base: "b", history: "h", increment: "i" };
/** Longest line, with its end, in bytes. */
const MOST_LINE_BYTES = 1024;
/** Words of a line at least: three keys, each with a value. */
const LEAST_WORDS = 6;

const BAD_FORMAT = "Invalid AOF manifest file format";

/** What is wrong with a manifest, and where. */
export class ManifestError extends Error {
  override name = "ManifestError";
  /** `line`: its number, from 1 on; 0 where it is the whole that is wrong. `text`: the line, a binary string. */
  constructor(message: string, readonly line: number, readonly text: string) {
    super(message);
  }
}

/** The files of an append-only file. */
export class Manifest {
  static readonly EMPTY: Manifest = new Manifest(null, [], [], 0, 0);

  /** The sequences are those that were given last: no name comes twice, though files go. */
  private constructor(
    readonly base: AofFile | null,
    readonly increments: readonly AofFile[],
    readonly history: readonly AofFile[],
    readonly baseSequence: number,
    readonly incrementSequence: number,
  ) {}

  /** Reads a manifest. Throws ManifestError. */
  static parse(text: string): Manifest {
    let base: AofFile | null = null;
    const increments: AofFile[] = [];
    const history: AofFile[] = [];
    let [baseSequence, incrementSequence] = [0, 0];
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (lines.length === 0) throw new ManifestError("Found an empty AOF manifest", 0, "");
    for (const [index, line] of lines.entries()) {
      const wrong = (message: string) => new ManifestError(message, index + 1, line);
      if (line.length + 1 >= MOST_LINE_BYTES) throw wrong("The AOF manifest file contains too long line");
      if (line.startsWith("#")) continue;
      const file = parseLine(line, wrong);
      if (file.kind === "history") {
        history.push(file);
      } else if (file.kind === "base") {
        if (base !== null) throw wrong("Found duplicate base file information");
        base = file;
        baseSequence = file.sequence;
      } else {
        if (file.sequence <= incrementSequence) throw wrong("Found a non-monotonic sequence number");
        increments.push(file);
        incrementSequence = file.sequence;
      }
    }
    return new Manifest(base, increments, history, baseSequence, incrementSequence);
  }

  /** A manifest of the one file that servers before Redis 7 wrote, which becomes the base. */
  static ofSingleFile(name: string): Manifest {
    return new Manifest({ name, sequence: 1, kind: "base" }, [], [], 1, 0);
  }

  /** The text of the file. */
  format(): string {
    const files = [...(this.base === null ? [] : [this.base]), ...this.history, ...this.increments];
    return files.map(({ name, sequence, kind }) =>
      `file ${quoteIfNeeded(name)} seq ${sequence} type ${LETTERS[kind]}\n`
    ).join("");
  }

  /** The files to be loaded, in order. */
  get loaded(): readonly AofFile[] {
    return this.base === null ? this.increments : [this.base, ...this.increments];
  }

  /** The incremental file that is written to; null while there is none. */
  get current(): AofFile | null {
    return this.increments.at(-1) ?? null;
  }

  /** What the next base file is. `taken`: names that are not to be given. */
  nextBase(fileName: string, format: BaseFormat, taken: ReadonlySet<string>): AofFile {
    return this.#next("base", this.baseSequence, (sequence) => `${fileName}.${sequence}.base.${format}`, taken);
  }

  /** What the next incremental file is. */
  nextIncrement(fileName: string, taken: ReadonlySet<string>): AofFile {
    return this.#next("increment", this.incrementSequence, (sequence) => `${fileName}.${sequence}.incr.aof`, taken);
  }

  /** The first file behind the last sequence whose name is not taken, nor that of a file that is still to be removed. */
  #next(kind: AofFileKind, last: number, nameOf: (sequence: number) => string, taken: ReadonlySet<string>): AofFile {
    for (let sequence = last + 1;; sequence++) {
      const name = nameOf(sequence);
      if (!taken.has(name) && !this.history.some((file) => file.name === name)) return { name, sequence, kind };
    }
  }

  /** With another base file; the one before is history. */
  withBase(base: AofFile): Manifest {
    const history = this.base === null ? this.history : [asHistory(this.base), ...this.history];
    return new Manifest(base, this.increments, history, base.sequence, this.incrementSequence);
  }

  /** With one more incremental file, behind the others. */
  withIncrement(file: AofFile): Manifest {
    return new Manifest(this.base, [...this.increments, file], this.history, this.baseSequence, file.sequence);
  }

  /** With the incremental files before `first` as history, or all: a base that a rewrite has made has what is in them. */
  withoutIncrementsBefore(first: AofFile | null): Manifest {
    const at = first === null ? this.increments.length : this.increments.findIndex(({ name }) => name === first.name);
    if (at < 0) throw new Error(`the manifest does not have '${first?.name}'`);
    const history = [...this.increments.slice(0, at).reverse().map(asHistory), ...this.history];
    return new Manifest(this.base, this.increments.slice(at), history, this.baseSequence, this.incrementSequence);
  }

  /** Without history that has been removed. */
  withoutHistory(removed: readonly AofFile[]): Manifest {
    const history = this.history.filter(({ name }) => !removed.some((file) => file.name === name));
    return new Manifest(this.base, this.increments, history, this.baseSequence, this.incrementSequence);
  }
}

function asHistory({ name, sequence }: AofFile): AofFile {
  return { name, sequence, kind: "history" };
}

/** A file of a line: keys with values, in any order; keys that are not known are for others. */
function parseLine(line: string, wrong: (message: string) => ManifestError): AofFile {
  const words = splitLine(line);
  if (words === UNBALANCED || words.length < LEAST_WORDS || words.length % 2 !== 0) throw wrong(BAD_FORMAT);
  let name: string | null = null;
  let sequence = 0;
  let kind: AofFileKind | undefined;
  for (let i = 0; i < words.length; i += 2) {
    const [key, value] = [words[i].toLowerCase(), words[i + 1]];
    if (key === "file") {
      if (value.includes("/") || value.includes("\\")) throw wrong("File can't be a path, just a filename");
      name = value;
    } else if (key === "seq") {
      sequence = /^\d+$/.test(value) ? Number(value) : 0;
    } else if (key === "type") {
      kind = KINDS[value];
      if (kind === undefined) throw wrong("Unknown AOF file type");
    }
  }
  if (name === null || name === "" || kind === undefined || !Number.isSafeInteger(sequence) || sequence === 0) {
    throw wrong(BAD_FORMAT);
  }
  return { name, sequence, kind };
}
