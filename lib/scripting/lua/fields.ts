/**
 * What a table has beside its array. Most have a few names and no more: these stand in a list that is looked through, which
 * takes less to make and to walk than a map (docs/decisions.md, "Lua"). What has more of them has a map.
 */

/** Entries in a list at most. */
const MOST_LISTED = 8;
/** Entries that hold nothing any more, at which a map is cleared of them when it grows. */
const LEAST_DEAD = 16;

/** A key or a value; nil is `undefined`. */
type Slot<Value> = Value | undefined;

/** What a lookup of the next entry of a map goes on from. */
interface Walk<Value> {
  readonly entries: IterableIterator<[Slot<Value>, Slot<Value>]>;
  key: Slot<Value>;
}

/**
 * Entries in the order in which their keys came. Assigning nil leaves an entry without value behind, so that a walk may go
 * on. Keys are neither nil nor NaN nor -0.
 */
export class Fields<Value> {
  /** Keys, and behind each its value; empty where there is a map. */
  readonly #list: Slot<Value>[] = [];
  #map: Map<Slot<Value>, Slot<Value>> | null = null;
  /** Whether what was added has not been looked at: the list may be too long, and have a key twice. */
  #isLoose = false;
  /** Entries that are nil. */
  #dead = 0;
  #walk: Walk<Value> | null = null;

  get(key: Slot<Value>): Slot<Value> {
    if (this.#isLoose) this.#tighten();
    if (this.#map !== null) return this.#map.get(key);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) if (list[i] === key) return list[i + 1];
    return undefined;
  }

  /** Whether there is an entry of a key, be it without a value. */
  has(key: Slot<Value>): boolean {
    const { list } = this;
    if (list === null) return this.#map !== null && this.#map.has(key);
    for (let i = 0; i < list.length; i += 2) if (list[i] === key) return true;
    return false;
  }

  /** Entries, those without a value among them. */
  get size(): number {
    const { list } = this;
    return list === null ? this.#map?.size ?? 0 : list.length / 2;
  }

  /** Keys, and behind each its value, which may be nil; null where there are too many for that. Not to be changed. */
  get list(): readonly Slot<Value>[] | null {
    if (this.#isLoose) this.#tighten();
    return this.#map === null ? this.#list : null;
  }

  /** The entries where there is no list. */
  mapEntries(): IterableIterator<[Slot<Value>, Slot<Value>]> {
    return (this.#map ?? new Map<Slot<Value>, Slot<Value>>()).entries();
  }

  set(key: Slot<Value>, value: Slot<Value>): void {
    if (this.#isLoose) this.#tighten();
    if (this.#map !== null) return this.#setInMap(this.#map, key, value);
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] !== key) continue;
      this.#dead += (value === undefined ? 1 : 0) - (list[i + 1] === undefined ? 1 : 0);
      list[i + 1] = value;
      return;
    }
    if (value === undefined) return;
    if (list.length === 2 * MOST_LISTED && this.#dead === 0) return void this.#toMap().set(key, value);
    if (list.length === 2 * MOST_LISTED) this.#clearList(list);
    list.push(key, value);
  }

  /**
   * Adds an entry to what was made just now and has but such; the last one of a key counts. A library that makes many
   * tables, of which a script looks at few, so makes no maps of the others, which takes longer than all else.
   */
  add(key: Slot<Value>, value: Slot<Value>): void {
    this.#isLoose = true;
    this.#list.push(key, value);
  }

  /** Takes an entry out; its value. */
  take(key: Slot<Value>): Slot<Value> {
    if (!this.has(key)) return undefined;
    const value = this.get(key);
    if (value === undefined) this.#dead--;
    if (this.#map !== null) this.#map.delete(key);
    else this.#list.splice(this.#list.findIndex((one, i) => i % 2 === 0 && one === key), 2);
    return value;
  }

  /** The entry with a value behind that of a key, or the first one, for nil. Throws RangeError where there is no such key. */
  next(key: Slot<Value>): readonly [Slot<Value>, Slot<Value>] | null {
    const { list } = this;
    if (list === null) return this.#nextInMap(key);
    let at = 0;
    if (key !== undefined) {
      while (at < list.length && list[at] !== key) at += 2;
      if (at === list.length) throw noSuchKey();
      at += 2;
    }
    while (at < list.length && list[at + 1] === undefined) at += 2;
    return at < list.length ? [list[at], list[at + 1]] : null;
  }

  #tighten(): void {
    this.#isLoose = false;
    const list = this.#list;
    if (list.length > 2 * MOST_LISTED) return void this.#toMap();
    for (let i = 2; i < list.length; i += 2) {
      for (let earlier = 0; earlier < i; earlier += 2) {
        if (list[earlier] !== list[i]) continue;
        list[earlier + 1] = list[i + 1];
        list.splice(i, 2);
        i -= 2;
        break;
      }
    }
  }

  #clearList(list: Slot<Value>[]): void {
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i + 1] === undefined) continue;
      list[kept++] = list[i];
      list[kept++] = list[i + 1];
    }
    list.length = kept;
    this.#dead = 0;
  }

  // --- Where there are many -------------------------------------------------------------------------------------------

  /** Makes a map of the list, in which walks find the same entries at the same places. */
  #toMap(): Map<Slot<Value>, Slot<Value>> {
    const map = this.#map = new Map();
    const list = this.#list;
    for (let i = 0; i < list.length; i += 2) map.set(list[i], list[i + 1]);
    list.length = 0;
    return map;
  }

  #setInMap(map: Map<Slot<Value>, Slot<Value>>, key: Slot<Value>, value: Slot<Value>): void {
    if (value === undefined) {
      if (map.get(key) === undefined) return;
      this.#dead++;
    } else if (this.#dead > 0 && map.get(key) === undefined) {
      if (map.has(key)) this.#dead--;
      else if (this.#dead >= LEAST_DEAD && 2 * this.#dead > map.size) this.#clearMap(map);
    }
    map.set(key, value);
  }

  #clearMap(map: Map<Slot<Value>, Slot<Value>>): void {
    for (const [key, value] of map) if (value === undefined) map.delete(key);
    this.#dead = 0;
  }

  #nextInMap(key: Slot<Value>): readonly [Slot<Value>, Slot<Value>] | null {
    if (key === undefined) this.#walk = { entries: this.mapEntries(), key };
    else if (this.#walk === null || this.#walk.key !== key) this.#find(key);
    const walk = this.#walk;
    if (walk === null) return null;
    for (let step = walk.entries.next(); step.done !== true; step = walk.entries.next()) {
      const entry = step.value;
      if (entry[1] === undefined) continue;
      walk.key = entry[0];
      return entry;
    }
    this.#walk = null;
    return null;
  }

  /** Begins a walk behind a key. */
  #find(key: Slot<Value>): void {
    if (this.#map?.has(key) !== true) throw noSuchKey();
    const entries = this.#map.entries();
    for (let step = entries.next(); step.done !== true; step = entries.next()) {
      if (step.value[0] === key) break;
    }
    this.#walk = { entries, key };
  }
}

export function noSuchKey(): RangeError {
  return new RangeError("the table has no such key");
}
