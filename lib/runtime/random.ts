/**
 * Randomness: numbers for whoever picks one of many, and bytes that nobody can guess. Nothing else in `lib/` asks the
 * system for either.
 *
 * A simulation puts a seeded generator in the place of the system's. The key of `bytes/hash.ts` was drawn when that module
 * was loaded, and stays; `seedHash` replaces it.
 */

/** Where chance comes from. */
export interface Random {
  /** A number in [0, 1), each as likely as any other. */
  readonly fraction: () => number;
  /** Fills an array with bytes, each as likely as any other. */
  readonly fill: (bytes: Uint8Array<ArrayBuffer>) => void;
}

const SYSTEM: Random = {
  fraction: Math.random,
  fill: (bytes) => void crypto.getRandomValues(bytes),
};

let source = SYSTEM;

/** Replaces the randomness of the whole process; returns the one that it had, to be put back. */
export function useRandom(replacement: Random): Random {
  const before = source;
  source = replacement;
  return before;
}

/** A number in [0, 1), each as likely as any other. Not for secrets: it may be guessed from those before. */
export function random(): number {
  return source.fraction();
}

/** `length` random bytes, which nobody can guess: for keys and ids. Throws above 64 KiB, as the system's source does. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  source.fill(bytes);
  return bytes;
}
