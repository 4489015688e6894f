/**
 * The libraries of functions that a server has: FUNCTION changes them, FCALL finds functions in them, and whoever writes or
 * reads the data set takes them along as their code.
 */

import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import type { FunctionControl } from "../commands/host_facets.ts";
import type { Libraries } from "../store/keyspace.ts";
import type { ScriptEngine } from "./engine.ts";
import { FunctionLibrary, LibraryFailure, type LibraryFunction } from "./function_library.ts";
import { BAD_NAME, isName } from "./register_function.ts";
import { readLibraryShebang } from "./shebang.ts";

const ENGINE = "lua";
/** How long a library may take to load, in ms. */
const MOST_LOAD_MS = 500;

/** What comes of something that may fail for what a library is. */
function attempt<T>(body: () => T): T | LibraryFailure {
  try {
    return body();
  } catch (error) {
    if (error instanceof LibraryFailure) return error;
    throw error;
  }
}

export class FunctionLibraries implements FunctionControl, Libraries {
  /** By name, in the order in which they were loaded. */
  readonly libraries = new Map<string, FunctionLibrary>();
  /** By name in lower case, as functions are called in any. */
  readonly #functions = new Map<string, LibraryFunction>();
  /** Code that came with the data and cannot be loaded here: it goes along, so that it is not lost. */
  #unloaded: string[] = [];

  /** `onUnloaded` is told of each library that came with the data and cannot be loaded here. */
  constructor(readonly engine: ScriptEngine, readonly onUnloaded: (reason: string) => void = () => {}) {}

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Memory that all libraries take, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const library of this.libraries.values()) bytes += library.bytes;
    return bytes;
  }

  has(name: string): boolean {
    return this.find(name) !== null;
  }

  find(name: string): LibraryFunction | null {
    return this.#functions.get(name.toLowerCase()) ?? null;
  }

  /** The code of all libraries, as RDB files have it. */
  get sources(): Uint8Array[] {
    return [...[...this.libraries.values()].map(({ source }) => source), ...this.#unloaded].map(encodeLatin1);
  }

  load(
    source: string,
    mode: "replace" | "add",
    mustBeQuick: boolean,
  ): { readonly name: string } | { readonly failed: string } {
    const name = attempt(() => this.#load(source, mode, mustBeQuick ? MOST_LOAD_MS : Infinity));
    return name instanceof LibraryFailure ? { failed: name.message } : { name };
  }

  /** Loads a library, in the place of one with the same name where that is asked for. Where it fails, nothing changes. */
  #load(source: string, mode: "replace" | "add", mostMs: number): string {
    const library = this.#read(source, mostMs, (name) => {
      if (mode === "add" && this.libraries.has(name)) throw new LibraryFailure(`ERR Library '${name}' already exists`);
    });
    this.#admit([library]);
    return library.name;
  }

  /** Loads a library without admitting it; `check` is asked about its name before its code runs. */
  #read(source: string, mostMs: number, check: (name: string) => void): FunctionLibrary {
    const declared = readLibraryShebang(source);
    if (typeof declared === "string") throw new LibraryFailure(declared);
    const { name, engine, skipped } = declared;
    if (!isName(name)) throw new LibraryFailure(`ERR ${BAD_NAME}`);
    if (engine.toLowerCase() !== ENGINE) throw new LibraryFailure(`ERR Engine '${engine}' not found`);
    check(name);
    return new FunctionLibrary(this.engine, name, source, source.slice(skipped), mostMs);
  }

  /** Puts libraries in the place of those with the same names. Throws where one that stays has a function of theirs. */
  #admit(added: readonly FunctionLibrary[]): void {
    const replaced = new Set(added.map(({ name }) => this.libraries.get(name)));
    for (const name of added.flatMap(({ functions }) => [...functions.keys()])) {
      const other = this.find(name);
      if (other !== null && !replaced.has(other.library)) {
        throw new LibraryFailure(`ERR Function ${name} already exists`);
      }
    }
    for (const library of added) {
      this.delete(library.name);
      this.libraries.set(library.name, library);
      for (const [name, one] of library.functions) this.#functions.set(name.toLowerCase(), one);
    }
  }

  /** Removes a library; false where there is none of that name. */
  delete(name: string): boolean {
    const library = this.libraries.get(name);
    if (library === undefined) return false;
    this.libraries.delete(name);
    for (const one of library.functions.keys()) this.#functions.delete(one.toLowerCase());
    return true;
  }

  flush(): void {
    this.libraries.clear();
    this.#functions.clear();
    this.#unloaded = [];
  }

  join(sources: readonly Uint8Array[], mode: "flush" | "replace" | "add"): string | null {
    const failure = attempt(() => this.#join(sources, mode));
    return failure instanceof LibraryFailure ? failure.message : null;
  }

  #join(sources: readonly Uint8Array[], mode: "flush" | "replace" | "add"): void {
    const joined = new FunctionLibraries(this.engine);
    for (const source of sources) joined.#load(decodeLatin1(source), "add", Infinity);
    const added = [...joined.libraries.values()];
    const known = added.find(({ name }) => mode === "add" && this.libraries.has(name));
    if (known !== undefined) throw new LibraryFailure(`ERR Library ${known.name} already exists`);
    if (mode === "flush") this.flush();
    this.#admit(added);
  }

  replaceAll(sources: readonly Uint8Array[]): void {
    this.flush();
    for (const bytes of sources) {
      const source = decodeLatin1(bytes);
      const name = attempt(() => this.#load(source, "add", Infinity));
      if (!(name instanceof LibraryFailure)) continue;
      this.#unloaded.push(source);
      this.onUnloaded(name.message);
    }
  }
}
