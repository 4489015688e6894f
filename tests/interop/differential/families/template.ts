/** How the families of commands are written down. */

import type { Values } from "../values.ts";

/** How far a command may be spoilt: in every way; but for its arguments' values and places; not at all. */
export type Spoiling = "any" | "length" | "none";

export type Made = readonly string[];

/** Commands of a kind: one, or a few that stay together. */
export interface Template {
  readonly make: (values: Values) => Made | readonly Made[];
  /** How often it is taken, beside others. */
  readonly weight: number;
  readonly spoiling: Spoiling;
  /** What becomes of it: see `Step`. */
  readonly kind: "calls" | "alone" | "timed" | "draw";
}

type Maker = Template["make"];

/** Templates that are alike in all but what they make. */
export function templates(weight: number, spoiling: Spoiling, makers: readonly Maker[]): Template[] {
  return makers.map((make) => ({ make, weight, spoiling, kind: "calls" }));
}

/** Templates of commands that are not to be spoilt, as they could wait or draw; by what becomes of them. */
export function special(weight: number, kind: Template["kind"], makers: readonly Maker[]): Template[] {
  return makers.map((make) => ({ make, weight, spoiling: "none", kind }));
}

/** A family of commands. */
export interface Family {
  readonly name: string;
  readonly templates: readonly Template[];
  /** All kinds share the same few keys. */
  readonly isMixed?: boolean;
  /** SORT is among its commands. */
  readonly sorts?: boolean;
  /** So are commands that may damage HyperLogLogs. */
  readonly damages?: boolean;
  readonly connections?: number;
  /** What waits, on connections of its own, for what `templates` do on the first. */
  readonly waiters?: readonly Template[];
}
