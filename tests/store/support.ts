/** What the store's tests share: repeatable randomness and bytes from strings. */

import { encodeLatin1 } from "../../lib/bytes/latin1.ts";

/** Pseudo-random numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whole pseudo-random numbers below a limit. */
export function below(random: () => number): (limit: number) => number {
  return (limit) => Math.floor(random() * limit);
}

export const bytesOf = encodeLatin1;
