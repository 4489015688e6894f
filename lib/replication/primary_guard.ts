/**
 * The guard against a primary that has lost its data: one without persistence that restarts comes back empty, under
 * another replication ID, and each replica that follows it would throw away the last copy there is. Owned by the link to the
 * primary (`replica.ts` asks it); docs/decisions.md tells why it decides as it does.
 *
 * What is held up is a full synchronisation with a stream that nobody has ordered and that does not continue the one
 * followed so far, if it has no keys, or far fewer than there are here. The data then stays until somebody confirms that it
 * may go, or the primary comes with a stream that has data again. A stream that was found empty stays held up however much
 * is written to it: what comes later is not what was lost.
 */

/** What the guard needs of the server. */
export interface GuardHost {
  nowMs(): number;
  settings(): GuardSettings;
  /** Keys in all databases, those that have expired among them. */
  keys(): number;
  /** How many of them have not expired: takes as long as to look at all that expire. */
  liveKeys(): Promise<number>;
}

export interface GuardSettings {
  readonly isOn: boolean;
  /** A data set with fewer keys than this percentage of ours counts as lost; with 0, only one without any. */
  readonly percentage: number;
}

/** A synchronisation that is held up. */
export interface HeldUp {
  /** The stream of the primary that has lost its data, and the keys that it was found with. */
  readonly id: string;
  readonly keys: number;
  /** Keys that are kept here. */
  readonly keptKeys: number;
  /** Since when, in ms. */
  readonly sinceMs: number;
}

/** Thrown where a snapshot must not take the place of the data. */
export class HeldUpError extends Error {
  override name = "HeldUpError";
}

export class PrimaryGuard {
  /** What is held up, or null. */
  held: HeldUp | null = null;
  /** The stream that was followed last of whoever is followed; null where that is as ordered, whatever it may bring. */
  #followed: string | null = null;
  /** The stream that may replace the data, as somebody has confirmed. */
  #accepted: string | null = null;

  constructor(readonly host: GuardHost) {}

  /** Somebody wants another primary to be followed, or none: its data, whatever it is. */
  ordered(): void {
    this.#followed = this.#accepted = this.held = null;
  }

  /** The data here is of a stream of whoever is followed: that is so from now on, or was so when it was saved. */
  follows(id: string): void {
    this.ordered();
    this.#followed = id;
  }

  /** What was decided is to be decided anew, as the settings are others. */
  reconsider(): void {
    this.held = null;
  }

  /** Confirms that a stream that is held up may replace the data. The error to reply with, or null. */
  accept(id: string): string | null {
    if (this.held === null) return "ERR No synchronization is held up";
    if (this.held.id !== id) return `ERR The synchronization held up is that of replication ID ${this.held.id}`;
    this.#accepted = id;
    this.held = null;
    return null;
  }

  /** Whether a full synchronisation with a stream may cost data that nobody wants to lose. A SYNC has no ID to tell it by. */
  suspects(id: string): boolean {
    const isNews = this.#followed !== null && id !== this.#followed && id !== this.#accepted && id !== "";
    return isNews && this.host.settings().isOn && this.host.keys() > 0;
  }

  /** Whether a stream is known to have lost its data: its snapshot need not come. */
  holdsUp(id: string): boolean {
    return this.held?.id === id && this.suspects(id);
  }

  /**
   * Decides on a stream whose snapshot has come, and whose keys `count` counts, as far as `enough`. Rejects with HeldUpError
   * where it must not replace the data. Only live keys count here, as a primary that restarts loads no others; as most
   * snapshots have enough keys in any case, they are seldom counted.
   */
  async decide(id: string, count: (enough: number) => Promise<number>): Promise<void> {
    const loss = this.suspects(id) ? await this.#lossBy(count) : null;
    if (loss === null || !this.suspects(id)) { // somebody may have decided meanwhile
      this.held = null; // what was held up so far is no more: the data is about to go
      return;
    }
    this.held = { id, ...loss, sinceMs: this.held?.sinceMs ?? this.host.nowMs() };
    throw new HeldUpError("the primary has lost its data");
  }

  /** What a snapshot with so many keys would cost, or null where it has enough of them. */
  async #lossBy(count: (enough: number) => Promise<number>): Promise<Pick<HeldUp, "keys" | "keptKeys"> | null> {
    const enough = this.#enough(this.host.keys());
    const keys = await count(enough);
    if (keys >= enough) return null;
    const keptKeys = await this.host.liveKeys();
    return keptKeys === 0 || keys >= this.#enough(keptKeys) ? null : { keys, keptKeys };
  }

  /** Keys that a data set must have to replace one of so many. */
  #enough(keys: number): number {
    return Math.max(1, Math.ceil(keys * this.host.settings().percentage / 100));
  }
}
