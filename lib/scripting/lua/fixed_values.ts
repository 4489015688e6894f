/**
 * What no script can change: libraries and what they hold, once they are protected. Compiled code has these as constants,
 * and neither looks them up nor asks whether they can be called. Tables that are not protected are not among them, though
 * their names may be: such as `KEYS`, another one for each run.
 */

import { LuaTable, type LuaValue } from "./values.ts";

export class FixedValues {
  /** `globals`, and the metatable of strings. */
  constructor(readonly globals: LuaTable, readonly stringMetatable: LuaTable) {}

  /** The value of a global; undefined where it can change. */
  global(name: string): LuaValue {
    return fieldOf(this.globals, name);
  }

  /** The value that a global's field has, in the same way. */
  field(name: string, key: string): LuaValue {
    return fieldOf(this.global(name), key);
  }

  /** What strings have as a method. */
  method(name: string): LuaValue {
    return fieldOf(fieldOf(this.stringMetatable, "__index"), name);
  }
}

function fieldOf(table: LuaValue, key: string): LuaValue {
  if (!(table instanceof LuaTable) || !table.isReadOnly) return undefined;
  const value = table.get(key);
  return value instanceof LuaTable && !value.isReadOnly ? undefined : value;
}
