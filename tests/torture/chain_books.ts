/**
 * Books of how replicas have come to what their primaries have: by the rest of the stream, or by all data anew and then
 * why, as the logs of both sides tell it. What a tredis says there must make sense.
 */

import type { ChainMember } from "./chain_member.ts";

/** What replicas were given, and the reasons that were told for giving all. */
export interface Synchronisations {
  partial: number;
  full: number;
  readonly reasons: Record<string, number>;
}

/** As whoever asks has it. */
const ASKS = /Trying a partial resynchronization \(request/;
const HAS_NOTHING = /Partial resynchronization not possible \(no cached master\)/;
const CONTINUES = /Successful partial resynchronization with master/;
const IS_GIVEN_ALL = /Full resync from master: /;
const LOADS = /MASTER <-> REPLICA sync: (Loading DB in memory|Flushing old data)/;
const HAS_LOADED = /MASTER <-> REPLICA sync: Finished with success/;
/** As whoever is asked has it. */
const OTHER_ID = /Replication ID mismatch \(Replica asked for '(\w+)', my replication IDs are '(\w+)' and '(\w+)'\)/;
const BEYOND_SECOND_ID = /Requested offset for second ID was (\d+), but I can reply up to (\d+)/;
const LACKS_BACKLOG = /for lack of backlog \(Replica request was: (\d+)(?:, it has (\d+) to (\d+))?\)/;

/** The outcome of a synchronisation that stands in a log; null where there is none. */
export function outcomeIn(log: string): "partial" | "full" | null {
  if (IS_GIVEN_ALL.test(log)) return "full";
  return CONTINUES.test(log) ? "partial" : null;
}

export class Books {
  readonly all: Synchronisations = { partial: 0, full: 0, reasons: {} };

  /** Enters all that a member has logged, which is at its end. Throws where it has asked for too much, or given it. */
  enter(member: ChainMember): void {
    const { lives, log, plan } = member;
    for (const [i, start] of lives.entries()) {
      const lines = log.slice(start, lives[i + 1]).split("\n");
      const isJudged = plan.kind === "tredis";
      this.#enterAsking(lines, (line) => {
        if (isJudged) throw new Error(`${member.name} asks for all, though it has a place in the stream: ${line}`);
      });
      for (const line of lines) this.#enterRefusal(line, isJudged);
    }
  }

  #count(reason: string): void {
    this.all.reasons[reason] = (this.all.reasons[reason] ?? 0) + 1;
  }

  #enterAsking(lines: readonly string[], complain: (line: string) => void): void {
    let hasPlace = false;
    let reason = "";
    for (const line of lines) {
      if (ASKS.test(line)) reason = "refused";
      else if (HAS_NOTHING.test(line)) {
        if (hasPlace) complain(line);
        reason = "has nothing";
      } else if (LOADS.test(line)) hasPlace = false;
      else if (HAS_LOADED.test(line)) hasPlace = true;
      else if (CONTINUES.test(line)) {
        hasPlace = true;
        this.all.partial++;
      } else if (IS_GIVEN_ALL.test(line)) {
        this.all.full++;
        if (reason === "has nothing") this.#count(reason);
      }
    }
  }

  #enterRefusal(line: string, isJudged: boolean): void {
    const other = OTHER_ID.exec(line);
    const beyond = BEYOND_SECOND_ID.exec(line);
    const lacking = LACKS_BACKLOG.exec(line);
    let makesSense = true;
    if (other !== null) {
      this.#count("another stream");
      makesSense = other[1] !== other[2] && other[1] !== other[3];
    } else if (beyond !== null) {
      this.#count("beyond the promotion");
      makesSense = Number(beyond[1]) > Number(beyond[2]);
    } else if (lacking !== null) {
      this.#count("not in the backlog");
      const [, asked, first, last] = lacking.map(Number);
      makesSense = asked < first || asked > last + 1;
    }
    if (!makesSense && isJudged) throw new Error(`all data is given without need: ${line}`);
  }
}
