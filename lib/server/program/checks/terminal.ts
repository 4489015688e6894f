/** What the checkers say and ask on a terminal, and the files that they are given. */

import process from "node:process";
import { createInterface } from "node:readline";
import { decodeLatin1 } from "../../../bytes/latin1.ts";
import { systemErrorCode, systemErrorText } from "../../../bytes/system_errors.ts";
import { files, readAtLeast } from "../../../runtime/files.ts";

/** Characters of the bar. */
const WIDTH = 40;

/** The checker could not do what it was asked for, and says why. */
export class Refusal extends Error {
  override name = "Refusal";
}

export function say(text: string): void {
  console.log(text);
}

export function at(offset: number, text: string): void {
  say(`[offset ${offset}] ${text}`);
}

/** A bar on the terminal, if there is one. */
export class Progress {
  #shown = -1;

  constructor(readonly totalBytes: number) {}

  show(bytes: number): void {
    if (process.stderr.isTTY !== true || this.totalBytes === 0) return;
    const percent = Math.floor((100 * bytes) / this.totalBytes);
    if (percent === this.#shown) return;
    this.#shown = percent;
    const done = Math.floor((WIDTH * percent) / 100);
    process.stderr.write(`\r[${"#".repeat(done)}${".".repeat(WIDTH - done)}] ${percent}%`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown >= 0) process.stderr.write(`\r${" ".repeat(WIDTH + 8)}\r`);
    this.#shown = -1;
  }
}

/** Runs `body` with a file opened, and with its length. */
export function withFile<T>(path: string, body: (file: number, bytes: number) => T): T {
  let file: number;
  let bytes: number;
  try {
    file = files().open(path, "read");
    bytes = files().stat(path).bytes;
  } catch (error) {
    throw new Refusal(`Cannot open file ${path}: ${systemErrorText(error)}`);
  }
  try {
    return body(file, bytes);
  } catch (error) {
    if (systemErrorCode(error) === "") throw error;
    throw new Refusal(`Cannot read file ${path}: ${systemErrorText(error)}`);
  } finally {
    files().close(file);
  }
}

/** The first bytes of a file as a binary string; fewer where it has no more. */
export function beginningOf(path: string, length: number): string {
  return withFile(path, (file) => {
    const bytes = new Uint8Array(length);
    return decodeLatin1(bytes, 0, readAtLeast(file, bytes, length));
  });
}

/** Asks whoever sits there, or whatever answers in his place. */
export function isConfirmed(): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  return new Promise((resolve) => {
    reader.once("close", () => resolve(false));
    reader.question("Continue? [y/N]: ", (answer) => {
      resolve(answer.trim().toLowerCase() === "y");
      reader.close();
    });
  });
}
