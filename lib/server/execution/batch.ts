/**
 * A batch: the next whole requests of one client's input, parsed and with their commands found before the first of them
 * runs, so that the keys of all can be fetched at once (see store/foresight.ts).
 *
 * There is one, filled and run by whichever client's input is being processed.
 */

import { bytesEqual } from "../../bytes/compare.ts";
import type { Command } from "../../commands/command.ts";
import type { KeyRange } from "../../commands/key_specs.ts";
import type { CommandTable } from "../../commands/table.ts";
import type { RequestParser } from "../../resp/parser.ts";
import { Request } from "../../resp/request.ts";
import type { Database } from "../../store/database.ts";
import { FORESIGHT, type Foresight } from "../../store/foresight.ts";

const MAX_REQUESTS = 32;
/** Fewer lookups than this are not worth fetching ahead: their misses overlap little. */
const FEWEST_LOOKUPS = 4;
/** Where the keys of EVAL and its like begin, behind their number. */
const FIRST_SCRIPT_KEY = 3;
const ZERO = 0x30;
/** Status of a batch behind whose last request there is room, or input, for more. */
export const FILLED = 0;

/** The requests that are run next. */
export class Batch {
  /** Requests in the batch. One without arguments is an empty line, to be passed over. */
  count = 0;
  /** Each request; the array's objects are exchanged with the parser's. */
  readonly requests: Request[] = Array.from({ length: MAX_REQUESTS }, () => new Request());
  /** Each request's command; null where there is none of that name. */
  readonly commands: (Command | null)[] = new Array(MAX_REQUESTS).fill(null);
  /** Offset after each request. */
  readonly ends = new Int32Array(MAX_REQUESTS);

  /** The key that was foreseen last: its index in the foresight, or -1, and where it lies. */
  #lastKey = -1;
  #lastKeyStart = 0;
  #lastKeyLength = 0;
  /** Whether each key so far was the same: a pipeline with two different ones most often has a new one each time. */
  #repeats = true;

  constructor(readonly table: CommandTable, readonly foresight: Foresight) {}

  /**
   * Takes the requests that lie whole in `bytes[start, end)`, at most `limit`. Returns FILLED, or the parser's
   * INCOMPLETE or PROTOCOL_ERROR about what comes behind the last.
   */
  fill(parser: RequestParser, bytes: Uint8Array, start: number, end: number, limit: number): number {
    const most = Math.min(limit, MAX_REQUESTS);
    const { requests } = this;
    let at = start;
    let count = 0;
    let status = FILLED;
    // The parser works on the batch's requests. It brings one that may be under way, and leaves with one.
    let spare = requests[0];
    requests[0] = parser.request;
    while (at < end && count < most) {
      const request = requests[count];
      parser.request = request;
      const next = parser.parse(bytes, at, end);
      if (next < 0) {
        requests[count] = spare;
        spare = request;
        status = next;
        break;
      }
      this.commands[count] = request.argc === 0 ? null : this.#commandOf(request, count);
      this.ends[count++] = at = next;
    }
    parser.request = spare;
    this.count = count;
    return status;
  }

  /** The command that a request names: in a pipeline, most often the one before it does too. */
  #commandOf(request: Request, index: number): Command | null {
    const { bytes, starts, lengths } = request;
    if (index > 0) {
      const before = this.requests[index - 1];
      if (
        before.argc > 0 && before.bytes === bytes && before.lengths[0] === lengths[0] &&
        bytesEqual(bytes, before.starts[0], bytes, starts[0], lengths[0])
      ) return this.commands[index - 1];
    }
    return this.table.find(bytes, starts[0], lengths[0]);
  }

  /** Fetches what the requests will look up in a database, if that is worth it. They lie in `bytes`. */
  foresee(bytes: Uint8Array, database: Database): void {
    const { foresight, count } = this;
    this.#lastKey = -1;
    this.#repeats = true;
    if (count === 1 && this.requests[0].argc <= FEWEST_LOOKUPS) return;
    for (let i = 0; i < count; i++) {
      const command = this.commands[i];
      const request = this.requests[i];
      if (command === null || request.bytes !== bytes) continue;
      if (command.runs !== null) this.#addScriptKeys(request);
      if (command.keyRange[0] === 0) continue;
      if (command.hasLoneKey) {
        if (request.argc > 1 && foresight.count < FORESIGHT) this.#addKey(request, 1);
      } else if (command.members === null) this.#addKeys(request, command.keyRange);
      else this.#addMembers(request, command.keyRange[0], command.members);
    }
    if (foresight.count >= FEWEST_LOOKUPS) database.foresee();
    else foresight.clear();
  }

  /** The keys of a script, as many as the argument before them says: of more than nine none. */
  #addScriptKeys(request: Request): void {
    const { argc, bytes, starts, lengths } = request;
    if (argc <= FIRST_SCRIPT_KEY || lengths[FIRST_SCRIPT_KEY - 1] !== 1) return;
    const end = Math.min(argc, FIRST_SCRIPT_KEY + bytes[starts[FIRST_SCRIPT_KEY - 1]] - ZERO);
    for (let i = FIRST_SCRIPT_KEY; i < end && this.foresight.count < FORESIGHT; i++) this.#addKey(request, i);
  }

  #addKeys(request: Request, keys: KeyRange): void {
    const end = lastOf(keys, request);
    for (let i = keys[0]; i <= end && this.foresight.count < FORESIGHT; i += keys[2]) this.#addKey(request, i);
  }

  #addMembers(request: Request, key: number, members: KeyRange): void {
    const { bytes, starts, lengths } = request;
    if (key >= request.argc || this.foresight.count === FORESIGHT) return;
    this.#addKey(request, key);
    const end = lastOf(members, request);
    for (let i = members[0]; i <= end && this.foresight.count < FORESIGHT; i += members[2]) {
      this.foresight.addMember(bytes, starts[i], lengths[i], this.#lastKey);
    }
  }

  /** Notes the key that is argument `index`. Often one key takes a whole pipeline: it is hashed and fetched once. */
  #addKey(request: Request, index: number): void {
    const { bytes } = request;
    const start = request.starts[index];
    const length = request.lengths[index];
    if (this.#repeats && this.#lastKey >= 0) {
      // Keys of one kind begin alike, so the last byte is compared first.
      if (
        length === this.#lastKeyLength &&
        bytes[start + length - 1] === bytes[this.#lastKeyStart + length - 1] &&
        bytesEqual(bytes, start, bytes, this.#lastKeyStart, length)
      ) {
        this.foresight.addAlias(bytes, start, length, this.#lastKey);
        return;
      }
      this.#repeats = false;
    }
    this.#lastKey = this.foresight.addKey(bytes, start, length);
    this.#lastKeyStart = start;
    this.#lastKeyLength = length;
  }
}

/** The last argument of a range that a request has. */
function lastOf(range: KeyRange, request: Request): number {
  return range[1] < 0 ? request.argc + range[1] : Math.min(range[1], request.argc - 1);
}
