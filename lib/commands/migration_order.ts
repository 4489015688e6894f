/** What MIGRATE asks of the server: which keys go where. */

/** A key that is to go, as RESTORE takes it. */
export interface MigratingKey {
  readonly key: Uint8Array;
  /** Time left to it, in ms; 0: for ever. */
  readonly ttlMs: number;
  /** Its value, as DUMP gives it. */
  readonly payload: Uint8Array;
}

/** Keys, and where they are to go. */
export interface MigrationOrder {
  readonly host: string;
  readonly port: number;
  /** Database over there. */
  readonly databaseIndex: number;
  /** How long nothing may move until it has failed, in ms. */
  readonly timeoutMs: number;
  /** What AUTH is to be given over there: nothing, a password, or a user and a password. */
  readonly credentials: readonly Uint8Array[];
  /** Whether the keys stay here as well. */
  readonly copy: boolean;
  /** Whether they take the place of what has their names over there. */
  readonly replace: boolean;
  readonly items: readonly MigratingKey[];
}
