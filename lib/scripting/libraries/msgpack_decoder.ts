/**
 * Reads values from MessagePack, as far as lua-cmsgpack knows it: to it binaries and extensions are bad data. What is
 * read may be hostile. So no room is made for the entries that a table announces before they are there, and tables that
 * are nested very deeply take no stack of JavaScript.
 */

import { LibraryError, LuaError } from "../lua/errors.ts";
import { LuaTable, type LuaValue } from "../lua/values.ts";
import { readDouble, readFloat, readInt32, readInt64, readUint16 } from "./packed_input.ts";
import { checkSlots } from "../lua/stack.ts";

const TOO_MANY = "too many return values at once; use unpack_one or unpack_limit instead.";

/** A table of which not all entries have been read. */
interface OpenTable {
  readonly table: LuaTable;
  readonly isMap: boolean;
  /** Entries that are to come, the one included that has a key by now. */
  left: number;
  hasKey: boolean;
  /** The key of the next value. */
  key: LuaValue;
  /** The table that this one is in. */
  readonly outer: OpenTable | null;
}

export class MessagePackDecoder {
  readonly #data: string;
  /** Where the next value begins. */
  at: number;
  /** How many entries of the table are to come that was read last. */
  #entries = 0;
  #isMap = false;

  constructor(data: string, at: number) {
    this.#data = data;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#data.length;
  }

  /**
   * The next value, with all that is in it. `slots` is how many values are on Lua's stack in C, where each table under
   * way takes some more: that bounds the depth.
   */
  decode(slots: number): LuaValue {
    let open: OpenTable | null = null;
    let used = slots;
    for (;;) {
      this.#need(1);
      checkSlots(used, 1, TOO_MANY);
      let value = this.#read(used);
      if (this.#entries > 0) {
        open = this.#open(value as LuaTable, open); // what has entries is a table
        used += open.isMap ? 1 : 2;
        continue;
      }
      // The value may be the last one of its table, which then is the next value of the table around it.
      for (;;) {
        if (open === null) return value;
        if (open.isMap && !open.hasKey) {
          open.key = value;
          open.hasKey = true;
          used++;
          break;
        }
        store(open, value);
        if (open.left > 0) {
          if (open.isMap) used--;
          break;
        }
        value = open.table;
        open = open.outer;
        used -= 2;
      }
    }
  }

  #open(table: LuaTable, outer: OpenTable | null): OpenTable {
    const isMap = this.#isMap;
    const open = { table, isMap, left: this.#entries, hasKey: false, key: isMap ? undefined : 1, outer };
    this.#entries = 0;
    return open;
  }

  /** A value without what is in it; its first byte is there. */
  #read(slots: number): LuaValue {
    const first = this.#data.charCodeAt(this.at);
    if (first < 0x80) return this.#skip(1, first);
    if (first >= 0xe0) return this.#skip(1, first - 0x100);
    if (first < 0x90) return this.#map(1, first & 0x0f);
    if (first < 0xa0) return this.#array(1, first & 0x0f, slots);
    if (first < 0xc0) return this.#string(1, first & 0x1f);
    return this.#readMarked(first, slots);
  }

  /** A value of which the first byte tells the type, and nothing else. */
  #readMarked(marker: number, slots: number): LuaValue {
    switch (marker) {
      case 0xc0:
        return this.#skip(1, undefined);
      case 0xc2:
        return this.#skip(1, false);
      case 0xc3:
        return this.#skip(1, true);
      case 0xca:
        this.#need(5);
        return this.#skip(5, readFloat(this.#data, this.at + 1, false));
      case 0xcb:
        this.#need(9);
        return this.#skip(9, readDouble(this.#data, this.at + 1, false));
      case 0xcc:
        return this.#skip(2, this.#uint8());
      case 0xcd:
        return this.#skip(3, this.#uint16());
      case 0xce:
        return this.#skip(5, this.#uint32());
      case 0xd0:
        return this.#skip(2, (this.#uint8() << 24) >> 24);
      case 0xd1:
        return this.#skip(3, (this.#uint16() << 16) >> 16);
      case 0xd2:
        return this.#skip(5, this.#uint32() | 0);
      case 0xcf: // lua-cmsgpack takes unsigned ones for signed
      case 0xd3:
        this.#need(9);
        return this.#skip(9, readInt64(this.#data, this.at + 1));
      case 0xd9:
        return this.#string(2, this.#uint8());
      case 0xda:
        return this.#string(3, this.#uint16());
      case 0xdb:
        return this.#string(5, this.#uint32());
      case 0xdc:
        return this.#array(3, this.#uint16(), slots);
      case 0xdd:
        return this.#array(5, this.#uint32(), slots);
      case 0xde:
        return this.#map(3, this.#uint16());
      case 0xdf:
        return this.#map(5, this.#uint32());
      default:
        throw new LibraryError("Bad data format in input.");
    }
  }

  #need(size: number): void {
    if (size > this.#data.length - this.at) throw new LibraryError("Missing bytes in input.");
  }

  /** Goes on behind a value. */
  #skip(size: number, value: LuaValue): LuaValue {
    this.at += size;
    return value;
  }

  #uint8(): number {
    this.#need(2);
    return this.#data.charCodeAt(this.at + 1);
  }

  #uint16(): number {
    this.#need(3);
    return readUint16(this.#data, this.at + 1);
  }

  #uint32(): number {
    this.#need(5);
    return readInt32(this.#data, this.at + 1) >>> 0;
  }

  #string(header: number, length: number): string {
    this.#need(header + length);
    const start = this.at + header;
    this.at = start + length;
    return this.#data.slice(start, this.at);
  }

  #array(header: number, length: number, slots: number): LuaTable {
    this.at += header;
    checkSlots(slots, 2, "in function mp_decode_to_lua_array");
    this.#isMap = false;
    this.#entries = length;
    return new LuaTable();
  }

  #map(header: number, length: number): LuaTable {
    this.at += header;
    this.#isMap = true;
    this.#entries = length;
    return new LuaTable();
  }
}

/** Stores the value of an entry. */
function store(open: OpenTable, value: LuaValue): void {
  const { key } = open;
  // These errors are Lua's own, which have no position in C.
  if (key === undefined) throw new LuaError("table index is nil");
  if (key !== key) throw new LuaError("table index is NaN");
  open.table.set(key, value);
  open.left--;
  if (open.isMap) open.hasKey = false;
  else open.key = (key as number) + 1; // keys of arrays are numbers
}
