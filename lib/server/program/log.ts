/**
 * The log, in Redis's line format: `pid:role date mark message`. The start makes one, for whoever reports.
 *
 * A log file is opened for each line, so that it may be moved away at any time (log rotation) and the next line begins a
 * new one. What cannot be written is lost: a full disk must not stop the server.
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { encodeLatin1 } from "../../bytes/latin1.ts";
import { fromBinary } from "../../bytes/paths.ts";
import { systemErrorCode, systemErrorText } from "../../bytes/system_errors.ts";
import { unixMs } from "../../runtime/clock.ts";
import { thisProcess } from "../../runtime/process.ts";

/** How much is logged: everything from this level up. */
export type LogLevel = "debug" | "verbose" | "notice" | "warning" | "nothing";

/** Who logs: primary, replica, child (or not yet serving), sentinel. */
export type LogRole = "M" | "S" | "C" | "X";

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, verbose: 1, notice: 2, warning: 3, nothing: 4 };
const MARKS = ".-*#";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const STANDARD_OUTPUT = 1;
/** How often a write to a standard output that is full is tried again. */
const MAX_TRIES = 100;

/** Writes the log. */
export class Log {
  level: LogLevel = "notice";
  role: LogRole = "C";
  /** Path of the log file, as a binary string; empty for standard output. */
  file = "";

  debug(message: string): void {
    this.#write(0, message);
  }

  verbose(message: string): void {
    this.#write(1, message);
  }

  notice(message: string): void {
    this.#write(2, message);
  }

  warning(message: string): void {
    this.#write(3, message);
  }

  /** Writes text as it is, without the line format, at level notice: for the banner. */
  raw(text: string): void {
    if (RANKS[this.level] <= RANKS.notice) this.#output(toBytes(text));
  }

  /** Why the log file cannot be opened, or null: asked once at start, where that is fatal. */
  check(): string | null {
    if (this.file === "") return null;
    const path = fromBinary(this.file);
    try {
      closeSync(openSync(path, "a"));
      return null;
    } catch (error) {
      return `Can't open the log file: ${systemErrorText(error)} ('${path}')`;
    }
  }

  #write(rank: number, message: string): void {
    if (rank < RANKS[this.level]) return;
    this.#output(toBytes(formatLogLine(thisProcess().id, this.role, new Date(unixMs()), MARKS[rank], message)));
  }

  #output(bytes: Uint8Array): void {
    if (this.file === "") return writeAll(STANDARD_OUTPUT, bytes);
    try {
      const file = openSync(fromBinary(this.file), "a", 0o644);
      try {
        writeAll(file, bytes);
      } finally {
        closeSync(file);
      }
    } catch {
      // The log is best effort; there is nowhere left to report to.
    }
  }
}

/** One line of the log, with the local time. */
export function formatLogLine(processId: number, role: LogRole, at: Date, mark: string, message: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${two(at.getDate())} ${MONTHS[at.getMonth()]} ${at.getFullYear()}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const milliseconds = String(at.getMilliseconds()).padStart(3, "0");
  return `${processId}:${role} ${date} ${time}.${milliseconds} ${mark} ${message}\n`;
}

/** The bytes of a message: of a binary string as they are, of any other in UTF-8. */
function toBytes(message: string): Uint8Array {
  for (let i = 0; i < message.length; i++) {
    if (message.charCodeAt(i) > 0xff) return new TextEncoder().encode(message);
  }
  return encodeLatin1(message);
}

function writeAll(file: number, bytes: Uint8Array): void {
  let tries = 0;
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      if (systemErrorCode(error) !== "EAGAIN" || ++tries > MAX_TRIES) return;
    }
  }
}
