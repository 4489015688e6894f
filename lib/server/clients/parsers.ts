/**
 * Parsers of requests: one that all connections share, and one more for each whose request came in part, as that parser
 * knows the place in it. Used by connection.ts.
 */

import { RequestParser } from "../../resp/parser.ts";
import type { Settings } from "../program/settings.ts";

/** Parsers kept for connections to come. */
const MAX_POOLED = 64;

/** The parsers of all connections. */
export class Parsers {
  /** Parses for every connection whose request is not cut. */
  shared = new RequestParser();
  readonly #pool: RequestParser[] = [];

  constructor(readonly settings: Pick<Settings, "maxBulkBytes">) {}

  /** Takes the settings over. */
  configure(): void {
    this.shared.maxBulkBytes = this.settings.maxBulkBytes;
  }

  /** Takes the shared one, which is in a request, for one connection; another takes its place. */
  take(): RequestParser {
    const taken = this.shared;
    this.shared = this.#pool.pop() ?? new RequestParser();
    this.configure();
    return taken;
  }

  /** Gives one back that was taken. */
  give(parser: RequestParser): void {
    parser.reset();
    if (this.#pool.length < MAX_POOLED) this.#pool.push(parser);
  }

  /** Puts a new one in the place of the shared one, which may hold what nobody is to see any more. */
  renew(): void {
    this.shared = new RequestParser();
    this.configure();
  }
}
