/** What a case of the differential tester consists of: a list of steps, which both servers go through from empty on. */

/** Commands that stay together, on one connection. */
export interface Calls {
  readonly connection: number;
  readonly commands: readonly (readonly string[])[];
  /** Left out within a transaction: what it is compared by is not in one reply. */
  readonly alone?: boolean;
  /** Waits for time to pass: nothing else is done until it has its reply. */
  readonly timed?: boolean;
}

/** An SPOP: what each server has drawn is compared, and then made the same again. */
export interface Draw {
  readonly connection: number;
  readonly draw: readonly string[];
}

/** A value carried by DUMP and RESTORE from one server to both. */
export interface Carry {
  readonly connection: number;
  readonly from: 0 | 1;
  readonly key: string;
  readonly restore: readonly string[];
}

export type Step = Calls | Draw | Carry;

/** What is the same for all steps of a case. */
export interface Setting {
  readonly protocol: 2 | 3;
  /** What CONFIG SET is called with, on both servers. */
  readonly config: Readonly<Record<string, string>>;
  /** Connections to each server. */
  readonly connections: number;
  /** Whether steps may wait for each other, and are therefore sent one at a time. */
  readonly waits: boolean;
  /** Whether SORT may be among them, which leaves the sorted sets that it reads as skiplists in Redis. */
  readonly sorts: boolean;
  /**
   * Whether other commands may damage HyperLogLogs. Where that is found out, the case ends: what Redis has changed by then is
   * its own (see docs/differences.md).
   */
  readonly damages: boolean;
  /** Whether the keyspace events of both are compared, too. */
  readonly events: boolean;
}

export interface Case {
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

/** A reply in which the servers differ, or what they have in the end. */
export interface Difference {
  /** The index of the step, or how many there are, for what they have in the end. */
  readonly step: number;
  readonly args: readonly string[];
  readonly replies: readonly [here: string, redis: string];
}
