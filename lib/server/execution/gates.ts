/**
 * The states of the server in which commands may be refused, or need more than to be called: bits of the dispatcher's
 * `gates`. Set by those who know of the state; asked by the dispatcher before every command.
 */

/** The data set is being loaded. */
export const GATE_LOADING = 1 << 0;
/** The server is a replica. */
export const GATE_REPLICA = 1 << 1;
/** Its link to the primary is down and `replica-serve-stale-data` is no. */
export const GATE_STALE = 1 << 2;
/** Writes are refused with `writesRefused`. */
export const GATE_NO_WRITES = 1 << 3;
/** There is a memory limit. */
export const GATE_MEMORY = 1 << 4;
export const GATE_PAUSED = 1 << 5;
/** Somebody listens with MONITOR. */
export const GATE_MONITORED = 1 << 6;
/** A replica loads its primary's data set beside the one that it serves. */
export const GATE_ASYNC_LOADING = 1 << 7;
/** The system gives no more memory (`Arena.isShort`). */
export const GATE_SHORT = 1 << 8;
/** Writers are slowed down, as a replica is being synchronised. */
export const GATE_SLOWED = 1 << 9;
/** A script takes long: all but what may be asked of a busy server is refused. */
export const GATE_BUSY = 1 << 10;
