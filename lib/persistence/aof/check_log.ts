/** Checking a file of commands: how much of it a server would load, and what is wrong with the rest. */

import { files } from "../../runtime/files.ts";
import { LogFormatError, LogScanner } from "./log_scanner.ts";

const PIECE_BYTES = 1024 * 1024;

/** What a check has come to. */
export interface LogCheck {
  /** Bytes of the file up to the end of the last command, or transaction, that is whole. */
  readonly validBytes: number;
  /** Bytes that were read. */
  readonly bytes: number;
  readonly commands: number;
  /** Number of the line in which the file ends, or is wrong. */
  readonly line: number;
  /** What is wrong behind `validBytes`; null where the file merely ends too soon, or nothing is. */
  readonly error: LogFormatError | null;
  /** Where the first timestamp stands that is later than the one asked for, in bytes; -1 where there is none. */
  readonly laterAt: number;
}

/**
 * Checks what is left of an open file. `before`: what was read of it already and is to be checked first, which begins at
 * `offset`. `untilSeconds`: a time in seconds of Unix time, of which `laterAt` tells. Throws the system's error.
 */
export function checkLog(
  file: number,
  before: Uint8Array,
  offset: number,
  untilSeconds: number,
  onProgress: (bytes: number) => void,
): LogCheck {
  let laterAt = -1;
  const scanner = new LogScanner({
    onCommands: () => {},
    onTimestamp: (seconds, at) => {
      if (laterAt < 0 && seconds > untilSeconds) laterAt = at;
    },
  }, offset);
  let bytes = offset + before.length;
  let error: LogFormatError | null = null;
  const piece = new Uint8Array(PIECE_BYTES);
  try {
    scanner.push(before, 0, before.length);
    for (;;) {
      const count = files().read(file, piece, 0, piece.length);
      if (count === 0) break;
      bytes += count;
      scanner.push(piece, 0, count);
      onProgress(bytes);
    }
  } catch (thrown) {
    if (!(thrown instanceof LogFormatError)) throw thrown;
    error = thrown;
  }
  return { validBytes: scanner.validBytes, bytes, commands: scanner.commands, line: scanner.line, error, laterAt };
}
