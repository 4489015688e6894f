/** The command table: finds a command by its name where it lies in a request. */

import { type Command, instantiate } from "./command.ts";
import { NameIndex } from "./name_index.ts";

export class CommandTable {
  /** All commands by name. */
  readonly byName = new Map<string, Command>();
  #index: NameIndex<Command>;

  constructor(commands: Iterable<Command>) {
    for (const command of commands) this.byName.set(command.name, instantiate(command));
    this.#index = new NameIndex(this.byName);
  }

  /** Gives a command another name; an empty one removes it (`rename-command`). False if the new name is taken. */
  rename(from: string, to: string): boolean {
    const command = this.byName.get(from.toLowerCase());
    if (command === undefined || this.byName.has(to.toLowerCase())) return false;
    this.byName.delete(from.toLowerCase());
    if (to !== "") this.byName.set(to.toLowerCase(), command);
    this.#index = new NameIndex(this.byName);
    return true;
  }

  /** The command whose name is the given bytes, in any case, or null. */
  find(bytes: Uint8Array, start: number, length: number): Command | null {
    return this.#index.find(bytes, start, length);
  }
}
