/** Puts strings together, up to the longest that there may be. */

import { decodeLatin1, LONGEST_STRING } from "../../bytes/latin1.ts";
import { LibraryError } from "./errors.ts";

/** So many pieces the runtime puts together at once; of more of them it makes a chain, which takes longer than copying. */
const FEW_PIECES = 32;
/** Pieces of this length and longer are not copied, in bytes. */
const LONG_PIECE = 128;
const BUFFER_BYTES = 64 * 1024;

/** A buffer that no builder has. It need not come back, as it does not when there was an error. */
let spareBuffer: Uint8Array | null = null;

/** Throws the error of a result that is longer than strings may be. */
export function checkLength(bytes: number): void {
  if (bytes > LONGEST_STRING) throw new LibraryError("resulting string too large");
}

/** A string that grows. */
export class TextBuilder {
  #text = "";
  #pieces = 0;
  /** Has what comes behind the text, once there were more than a few pieces. */
  #buffer: Uint8Array | null = null;
  #used = 0;

  add(text: string): void {
    if (this.#pieces < FEW_PIECES || text.length >= LONG_PIECE) this.#append(text);
    else this.#copy(text, 0, text.length);
  }

  /** Adds the part of a text from one place up to another. */
  addPart(text: string, from: number, to: number): void {
    if (from === to) return;
    if (this.#pieces < FEW_PIECES || to - from >= LONG_PIECE) this.#append(text.slice(from, to));
    else this.#copy(text, from, to);
  }

  finish(): string {
    if (this.#buffer === null) return this.#text;
    this.#flush();
    spareBuffer = this.#buffer;
    this.#buffer = null;
    return this.#text;
  }

  #append(text: string): void {
    if (this.#used > 0) this.#flush();
    checkLength(this.#text.length + text.length);
    this.#text += text;
    this.#pieces++;
  }

  #copy(text: string, from: number, to: number): void {
    if (this.#used + to - from > BUFFER_BYTES) this.#flush();
    const buffer = this.#buffer ?? this.#takeBuffer();
    let at = this.#used;
    for (let i = from; i < to; i++) buffer[at++] = text.charCodeAt(i);
    this.#used = at;
  }

  #takeBuffer(): Uint8Array {
    const buffer = spareBuffer ?? new Uint8Array(BUFFER_BYTES);
    spareBuffer = null;
    this.#buffer = buffer;
    return buffer;
  }

  #flush(): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    checkLength(this.#text.length + this.#used);
    this.#text += decodeLatin1(buffer, 0, this.#used);
    this.#used = 0;
  }
}
