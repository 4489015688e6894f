/** The command table: finds a command by its name where it lies in a request. */

import { decodeLatin1 } from "../bytes/latin1.ts";
import { type Command, instantiate } from "./command.ts";

/** Longest command name looked up. */
const MAX_NAME_BYTES = 64;

export class CommandTable {
  /** All commands by name. */
  readonly byName = new Map<string, Command>();
  #slots: (Command | null)[] = [null];
  #names: Uint8Array[] = [new Uint8Array(0)];
  #mask = 0;

  constructor(commands: Iterable<Command>) {
    for (const command of commands) this.byName.set(command.name, instantiate(command));
    this.#build();
  }

  /** Gives a command another name; an empty one removes it (`rename-command`). False if the new name is taken. */
  rename(from: string, to: string): boolean {
    const command = this.byName.get(from.toLowerCase());
    if (command === undefined || this.byName.has(to.toLowerCase())) return false;
    this.byName.delete(from.toLowerCase());
    if (to !== "") this.byName.set(to.toLowerCase(), command);
    this.#build();
    return true;
  }

  /** The subcommand of `command` that an argument names, in any case, or null. */
  static subcommand(command: Command, bytes: Uint8Array, start: number, length: number): Command | null {
    if (length > MAX_NAME_BYTES) return null;
    return command.subcommands?.get(decodeLatin1(bytes, start, start + length).toLowerCase()) ?? null;
  }

  /** The command whose name is the given bytes, in any case, or null. */
  find(bytes: Uint8Array, start: number, length: number): Command | null {
    if (length > MAX_NAME_BYTES) return null;
    let hash = length;
    for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + (bytes[start + i] | 0x20);
    for (let slot = hash & this.#mask;; slot = (slot + 1) & this.#mask) {
      const command = this.#slots[slot];
      if (command === null) return null;
      const name = this.#names[slot];
      if (name.length !== length) continue;
      let i = 0;
      while (i < length && (name[i] === bytes[start + i] || name[i] === lower(bytes[start + i]))) i++;
      if (i === length) return command;
    }
  }

  /** Builds the open-addressing table, at most a quarter full so that a probe nearly always hits at once. */
  #build(): void {
    let size = 16;
    while (size < this.byName.size * 4) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Array(size).fill(null);
    this.#names = new Array(size).fill(this.#names[0]);
    for (const [name, command] of this.byName) {
      let hash = name.length;
      for (let i = 0; i < name.length; i++) hash = Math.imul(hash, 31) + (name.charCodeAt(i) | 0x20);
      let slot = hash & this.#mask;
      while (this.#slots[slot] !== null) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = command;
      this.#names[slot] = Uint8Array.from(name, (char) => char.charCodeAt(0));
    }
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
