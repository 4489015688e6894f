/**
 * States of a client, as bits of its session's `flags`. Those in CLIENT_GATES are looked at before every command, by the
 * dispatcher; those in STOPPED before each request is run, by the connection.
 */

export const UNAUTHENTICATED = 1 << 0;
export const IN_TRANSACTION = 1 << 1;
/** In RESP2 with subscriptions: only a few commands are allowed. */
export const SUBSCRIBED = 1 << 2;
export const REPLY_OFF = 1 << 3;
export const REPLY_SKIP = 1 << 4;
export const TRACKING = 1 << 5;
export const NO_TOUCH = 1 << 6;
export const REPLICA = 1 << 7;
export const PRIMARY = 1 << 8;
export const MONITOR = 1 << 9;
/** All states that make the dispatcher take the long way. */
export const CLIENT_GATES = (1 << 10) - 1;
export const NO_EVICT = 1 << 10;
/** Requests wait in the input buffer until the flag goes. */
export const BLOCKED = 1 << 11;
export const POSTPONED = 1 << 12;
export const OUTPUT_FULL = 1 << 13;
export const CLOSING = 1 << 14;
/** CLIENT REPLY SKIP was called while the reply to it is itself skipped. */
export const REPLY_SKIP_NEXT = 1 << 15;
/** Its requests have taken long: the rest of them waits for the next turn. */
export const GIVING_WAY = 1 << 16;
/** It is to be closed at once, whatever it has not been sent, or is closed. A client that is CLOSING may take its time. */
export const DROPPED = 1 << 17;
/** It is the server itself, which loads what it has written: what it asks for was allowed then. */
export const LOADER = 1 << 18;
/** Nothing is delivered any more, or ever: the link to the primary is no place for messages. */
export const DEAF = CLOSING | PRIMARY;
/** Requests are not run. */
export const STOPPED = BLOCKED | POSTPONED | OUTPUT_FULL | CLOSING | GIVING_WAY;

/** Whether a client with these flags is a replica, and not a monitor, which counts as one. */
export function isReplica({ flags }: { readonly flags: number }): boolean {
  return (flags & (REPLICA | MONITOR)) === REPLICA;
}
