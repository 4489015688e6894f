/**
 * Places in a script at which something can go wrong: what messages say of them. Compiled code notes the place of each call
 * before it makes it, so that whoever is called, or its error, can be told from where (see `state.ts`).
 */

/** How a value came to be at a place, as messages name it: `local 'x'`, `field '?'`. */
export interface Origin {
  readonly kind: "local" | "upvalue" | "global" | "field" | "method";
  readonly name: string;
}

/**
 * What is done at a place: an operation, which may call a metamethod; a call, which as a tail call takes the place of the
 * function that makes it; or what a generic `for` calls for each turn.
 */
export type SiteKind = "operation" | "call" | "tail call" | "turn";

export interface Site {
  /** What messages call the source. */
  readonly chunk: string;
  /** What it is called by whoever has loaded it: a name behind `@` or `=`, or the source itself. */
  readonly source: string;
  readonly line: number;
  /** What is called or used there; null for what has no name. Of operations with two operands, that of the left one. */
  readonly origin: Origin | null;
  /** The same of the right one. */
  readonly otherOrigin: Origin | null;
  readonly kind: SiteKind;
}
