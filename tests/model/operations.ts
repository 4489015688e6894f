/** Random operations on a store and on its plain model, as the commands do them, with what each must have returned. */

import assert from "node:assert/strict";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { KEEP_EXPIRY } from "../../lib/store/database.ts";
import { ENCODING_RAW, NO_EXPIRY, TYPE_HASH, TYPE_STRING } from "../../lib/store/entry.ts";
import { Element } from "../../lib/store/listpack.ts";
import { Keyspace } from "../../lib/store/keyspace.ts";
import { stringEncoding } from "../../lib/store/string.ts";
import type { PlainStore, PlainValue } from "./plain.ts";

export const DATABASES = 3;
const LENGTHS = [0, 1, 7, 8, 9, 44, 45, 63, 64, 65, 500, 4096, 33_000, 70_000];

type Below = (limit: number) => number;

/** A keyspace and its model, which `step` changes alike. */
export class Twins {
  readonly keyspace = new Keyspace(DATABASES);
  readonly plain: PlainStore = Array.from({ length: DATABASES }, () => new Map());
  /** How many different keys and fields there are: few, and tables shrink; many, and they grow. */
  keySpace = 100;
  fieldSpace = 20;
  readonly #below: Below;
  readonly #element = new Element();

  constructor(below: Below) {
    this.#below = below;
    this.keyspace.store.setNow(1e12);
    this.keyspace.store.hashes.maxListpackEntries = 30;
    this.keyspace.events.onExpired = (database, bytes, start, length) => {
      const model = this.plain[this.keyspace.databases.indexOf(database)];
      const text = decodeLatin1(bytes, start, start + length);
      assert.ok((model.get(text)?.expiry ?? Infinity) <= this.keyspace.store.nowMs, "only what is due expires");
      model.delete(text);
    };
  }

  /** One operation. */
  step(): void {
    const operations = [
      ...[this.#set, this.#set, this.#set, this.#resize, this.#expire, this.#read, this.#remove],
      ...[this.#rename, this.#copy, this.#setField, this.#setField, this.#setField, this.#deleteField],
    ];
    const draw = this.#below(operations.length * 40);
    if (draw === 0) return this.#swap();
    if (draw === 1 && this.#below(4) === 0) return this.#flush();
    if (draw === 2) return this.keyspace.store.setNow(this.keyspace.store.nowMs + this.#below(5000));
    operations[draw % operations.length].call(this);
  }

  #of<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)];
  }

  #key(): string {
    const number = this.#below(this.keySpace);
    return number % 50 === 0 ? `long key ${"k".repeat(number % 1000)}${number}` : `key:${number}`;
  }

  #bytes(): string {
    const length = this.#below(30) === 0 ? this.#of(LENGTHS) : this.#below(60);
    return this.#below(3) === 0 ? String(this.#below(2 ** 31)) : String.fromCharCode(this.#below(256)).repeat(length);
  }

  #expiry(): number | null {
    return this.#below(3) === 0 ? this.keyspace.store.nowMs + this.#below(100_000) : null;
  }

  /** The live model value under a key: what has expired counts as gone, and a look at the keyspace removes it. */
  #live(index: number, key: string): PlainValue | undefined {
    const name = encodeLatin1(key);
    const found = this.keyspace.databases[index].look(name, 0, name.length) !== 0;
    const value = this.plain[index].get(key);
    assert.equal(found, value !== undefined, `${index}/${key} is there in the one as in the other`);
    return value;
  }

  #set(): void {
    const [index, key, value] = [this.#below(DATABASES), this.#key(), this.#bytes()];
    const old = this.#live(index, key);
    const keeps = this.#below(4) === 0;
    const expiry = keeps ? old?.expiry ?? null : this.#expiry();
    const [name, bytes] = [encodeLatin1(key), encodeLatin1(value)];
    const encoding = stringEncoding(bytes, 0, bytes.length);
    const database = this.keyspace.databases[index];
    const given = keeps ? KEEP_EXPIRY : expiry ?? NO_EXPIRY;
    database.setString(name, 0, name.length, bytes, 0, bytes.length, encoding, given);
    this.plain[index].set(key, { value, expiry });
  }

  /** APPEND and its opposite: the bytes that both lengths share stay. */
  #resize(): void {
    const [index, key] = [this.#below(DATABASES), this.#key()];
    const old = this.#live(index, key);
    if (old === undefined || typeof old.value !== "string") return;
    const database = this.keyspace.databases[index];
    const name = encodeLatin1(key);
    const length = this.#below(2) === 0 ? this.#of(LENGTHS) : this.#below(2 * old.value.length + 2);
    const value = old.value.slice(0, length) + "+".repeat(Math.max(0, length - old.value.length));
    const ref = database.resizeValue(database.write(name, 0, name.length), length);
    const { entries } = this.keyspace.store.heap;
    entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
    const start = entries.valueStart(ref);
    if (length > old.value.length) entries.bytes(ref).fill(0x2b, start + old.value.length, start + length);
    this.plain[index].set(key, { value, expiry: old.expiry });
  }

  #expire(): void {
    const [index, key] = [this.#below(DATABASES), this.#key()];
    const old = this.#live(index, key);
    if (old === undefined) return;
    const expiry = this.#expiry();
    const database = this.keyspace.databases[index];
    const name = encodeLatin1(key);
    database.setExpiry(database.write(name, 0, name.length), expiry ?? NO_EXPIRY);
    this.plain[index].set(key, { value: old.value, expiry });
  }

  #read(): void {
    const [index, key] = [this.#below(DATABASES), this.#key()];
    const name = encodeLatin1(key);
    const ref = this.keyspace.databases[index].read(name, 0, name.length);
    const value = this.plain[index].get(key)?.value;
    assert.equal(ref !== 0, value !== undefined);
    if (ref === 0 || value === undefined) return;
    assert.equal(this.keyspace.store.heap.entries.type(ref), typeof value === "string" ? TYPE_STRING : TYPE_HASH);
    if (typeof value !== "string") assert.equal(this.keyspace.store.hashes.count(ref), value.size);
  }

  #remove(): void {
    const [index, key] = [this.#below(DATABASES), this.#key()];
    const name = encodeLatin1(key);
    assert.equal(this.keyspace.databases[index].remove(name, 0, name.length), this.plain[index].delete(key));
  }

  /** RENAME within a database, MOVE and both at once. */
  #rename(): void {
    const [from, key, to, renamed] = [this.#below(DATABASES), this.#key(), this.#below(DATABASES), this.#key()];
    const old = this.#live(from, key);
    if (old === undefined || (from === to && key === renamed)) return;
    const [source, target] = [this.keyspace.databases[from], this.keyspace.databases[to]];
    const [name, other] = [encodeLatin1(key), encodeLatin1(renamed)];
    target.remove(other, 0, other.length);
    target.adopt(source, source.write(name, 0, name.length), other, 0, other.length);
    this.plain[from].delete(key);
    this.plain[to].set(renamed, old);
  }

  #copy(): void {
    const [from, key, to, copied] = [this.#below(DATABASES), this.#key(), this.#below(DATABASES), this.#key()];
    const old = this.#live(from, key);
    if (old === undefined || (from === to && key === copied)) return;
    const [source, target] = [this.keyspace.databases[from], this.keyspace.databases[to]];
    const [name, other] = [encodeLatin1(key), encodeLatin1(copied)];
    target.remove(other, 0, other.length);
    target.duplicate(source.look(name, 0, name.length), other, 0, other.length);
    const value = typeof old.value === "string" ? old.value : new Map(old.value);
    this.plain[to].set(copied, { value, expiry: old.expiry });
  }

  #setField(): void {
    const [index, key] = [this.#below(DATABASES), `hash:${this.#below(Math.max(3, this.keySpace / 50))}`];
    const old = this.#live(index, key);
    const { keyspace } = this;
    const database = keyspace.databases[index];
    const name = encodeLatin1(key);
    let ref = database.write(name, 0, name.length);
    if (ref !== 0 && keyspace.store.heap.entries.type(ref) !== TYPE_HASH) return;
    if (ref === 0) ref = keyspace.store.hashes.create(database, name, 0, name.length, this.#below(40));
    const model = old !== undefined && typeof old.value !== "string" ? old.value : new Map<string, string>();
    if (old === undefined) this.plain[index].set(key, { value: model, expiry: null });
    for (let i = 1 + this.#below(4); i > 0; i--) {
      const [field, value] = [`field:${this.#below(this.fieldSpace)}`, this.#bytes()];
      const [fieldBytes, valueBytes] = [encodeLatin1(field), encodeLatin1(value)];
      ref = keyspace.store.hashes.set(database, ref, fieldBytes, 0, field.length, valueBytes, 0, value.length);
      assert.equal(keyspace.store.hashes.added, !model.has(field));
      model.set(field, value);
      assert.ok(keyspace.store.hashes.get(ref, fieldBytes, 0, field.length, this.#element));
      assert.equal(this.#element.text(), value);
    }
  }

  #deleteField(): void {
    const [index, key] = [this.#below(DATABASES), `hash:${this.#below(Math.max(3, this.keySpace / 50))}`];
    const old = this.#live(index, key);
    if (old === undefined || typeof old.value === "string") return;
    const { keyspace } = this;
    const database = keyspace.databases[index];
    const name = encodeLatin1(key);
    const ref = database.write(name, 0, name.length);
    for (let i = 1 + this.#below(8); i > 0 && old.value.size > 0; i--) {
      const field = `field:${this.#below(this.fieldSpace)}`;
      assert.equal(keyspace.store.hashes.delete(ref, encodeLatin1(field), 0, field.length), old.value.delete(field));
    }
    if (old.value.size === 0) {
      database.remove(name, 0, name.length);
      this.plain[index].delete(key);
    } else {
      keyspace.store.hashes.trim(database, ref);
    }
  }

  #swap(): void {
    const [a, b] = [this.#below(DATABASES), this.#below(DATABASES)];
    if (a === b) return;
    this.keyspace.databases[a].swap(this.keyspace.databases[b]);
    [this.plain[a], this.plain[b]] = [this.plain[b], this.plain[a]];
  }

  #flush(): void {
    const index = this.#below(DATABASES);
    assert.equal(this.keyspace.databases[index].clear(), this.plain[index].size);
    this.plain[index] = new Map();
  }
}
