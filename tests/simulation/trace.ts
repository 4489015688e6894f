/** What happened in a simulation: a hash of all of it, which two runs of a seed must share, and the last events in words. */

const SHOWN_EVENTS = 80;
const PRIME = 0x01000193;

export class Trace {
  events = 0;
  #hash = 0x811c9dc5;
  #other = 0x1b873593;
  readonly #last: string[] = [];

  /** `onEvent`, if there is one, is told of each event in words. */
  constructor(readonly onEvent?: (line: string) => void) {}

  /** Adds an event of which the text is the same in each run of the seed. */
  note(nowMs: number, who: string, text: string): void {
    const line = lineOf(nowMs, who, text);
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.events++;
    this.#last.push(line);
    this.onEvent?.(line);
    if (this.#last.length > 2 * SHOWN_EVENTS) this.#last.splice(0, SHOWN_EVENTS);
  }

  /** Tells whoever is told of events, if anybody is, of what is known by other events already. */
  show(nowMs: number, who: string, text: () => string): void {
    this.onEvent?.(lineOf(nowMs, who, text()));
  }

  /** Adds bytes that went over the network. */
  noteBytes(nowMs: number, bytes: Uint8Array, start: number, end: number): void {
    this.#mix(Math.floor(nowMs * 1000));
    let word = 0;
    for (let i = start; i < end; i++) {
      word = (word << 8) | bytes[i];
      if ((i & 3) === 3) this.#mix(word);
    }
    this.#mix(word);
    this.#mix(end - start);
    this.events++;
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, PRIME);
    this.#other = Math.imul(this.#other ^ value, 0x5bd1e995) ^ (this.#other >>> 13);
  }

  get hash(): string {
    return [this.#hash, this.#other].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  }

  get lastEvents(): readonly string[] {
    return this.#last.slice(-SHOWN_EVENTS);
  }
}

function lineOf(nowMs: number, who: string, text: string): string {
  return `${nowMs.toFixed(3).padStart(11)} ${who.padEnd(8)} ${text}`;
}
