/** An index by name, in any case, that is asked with the bytes of a request where they lie. */

/** Longest name looked up. */
const MAX_NAME_BYTES = 64;
const NO_NAME = new Uint8Array(0);

/** An open-addressing table, at most a quarter full so that a probe nearly always hits at once. */
export class NameIndex<T> {
  readonly #slots: (T | null)[];
  readonly #names: Uint8Array[];
  readonly #mask: number;

  /** `items` by their names, which are ASCII in lower case. */
  constructor(items: ReadonlyMap<string, T>) {
    let size = 16;
    while (size < items.size * 4) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Array(size).fill(null);
    this.#names = new Array(size).fill(NO_NAME);
    for (const [name, item] of items) {
      const bytes = Uint8Array.from(name, (char) => char.charCodeAt(0));
      let slot = this.#home(bytes, 0, bytes.length);
      while (this.#slots[slot] !== null) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = item;
      this.#names[slot] = bytes;
    }
  }

  /** What has the given bytes as its name, or null. */
  find(bytes: Uint8Array, start: number, length: number): T | null {
    if (length > MAX_NAME_BYTES) return null;
    for (let slot = this.#home(bytes, start, length);; slot = (slot + 1) & this.#mask) {
      const item = this.#slots[slot];
      if (item === null) return null;
      const name = this.#names[slot];
      if (name.length !== length) continue;
      let i = 0;
      while (i < length && (name[i] === bytes[start + i] || name[i] === lower(bytes[start + i]))) i++;
      if (i === length) return item;
    }
  }

  #home(bytes: Uint8Array, start: number, length: number): number {
    let hash = length;
    for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + (bytes[start + i] | 0x20);
    return hash & this.#mask;
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
