/** Counts replies of RESP as they arrive, so that whoever loads a server knows how far it has come. */

const LINE_FEED = 10;
const MINUS = 45;
const DIGIT_0 = 48;
/** `$`, `=` and `!` begin strings of a length; `*`, `~` and `>` begin aggregates, `%` one of pairs. */
const STRINGS = [36, 61, 33];
const AGGREGATES = [42, 126, 62];
const PAIRS = 37;

export class ReplyCounter {
  /** Whole replies so far. */
  replies = 0;
  /** Errors among them. */
  errors = 0;
  /** Replies, nested ones with them, that are still to come until the one under way is whole. */
  #left = 1;
  /** Bytes of a string, and of the line's end behind it, that are still to come. */
  #stringBytes = 0;
  /** The first byte of the header under way, 0 between two. */
  #type = 0;
  #number = 0;
  #isNegative = false;

  /** Takes the next bytes. */
  read(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length; i++) {
      if (this.#stringBytes > 0) {
        const skipped = Math.min(this.#stringBytes, chunk.length - i);
        this.#stringBytes -= skipped;
        i += skipped - 1;
        if (this.#stringBytes === 0) this.#end(0);
        continue;
      }
      const byte = chunk[i];
      if (this.#type === 0) this.#type = byte;
      else if (byte === LINE_FEED) this.#endHeader();
      else if (byte === MINUS) this.#isNegative = true;
      else if (byte >= DIGIT_0 && byte < DIGIT_0 + 10) this.#number = this.#number * 10 + byte - DIGIT_0;
    }
  }

  #endHeader(): void {
    const type = this.#type;
    const number = this.#isNegative ? -1 : this.#number;
    this.#type = 0;
    this.#number = 0;
    this.#isNegative = false;
    if (STRINGS.includes(type) && number >= 0) this.#stringBytes = number + 2;
    else if (AGGREGATES.includes(type)) this.#end(Math.max(0, number));
    else if (type === PAIRS) this.#end(2 * number);
    else {
      if (type === MINUS) this.errors++;
      this.#end(0);
    }
  }

  /** One of those to come is there, and has so many in it. */
  #end(nested: number): void {
    this.#left += nested - 1;
    if (this.#left > 0) return;
    this.replies++;
    this.#left = 1;
  }
}
