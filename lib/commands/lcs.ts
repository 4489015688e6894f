/** The longest common subsequence of two strings, for LCS (Wagner and Fischer, 1974): O(n·m) time and memory. */

/** A run that both strings share, by the offsets of its first byte in each. */
export interface Match {
  readonly firstStart: number;
  readonly secondStart: number;
  readonly length: number;
}

export interface CommonSubsequence {
  readonly bytes: Uint8Array;
  /** The runs that make it up, the last one first, as LCS IDX replies. */
  readonly matches: readonly Match[];
}

const CELL_BYTES = 4;

/** The subsequence and its runs, or null where the table would take more than `maxBytes`. */
export function longestCommonSubsequence(a: Uint8Array, b: Uint8Array, maxBytes: number): CommonSubsequence | null {
  const columns = b.length + 1;
  if ((a.length + 1) * columns * CELL_BYTES > maxBytes) return null;
  const lengths = new Uint32Array((a.length + 1) * columns);
  for (let i = 1; i <= a.length; i++) {
    const row = i * columns;
    for (let j = 1; j <= b.length; j++) {
      const above = lengths[row - columns + j];
      const left = lengths[row + j - 1];
      if (a[i - 1] === b[j - 1]) lengths[row + j] = lengths[row - columns + j - 1] + 1;
      else lengths[row + j] = above > left ? above : left;
    }
  }
  return trace(a, b, lengths, columns);
}

/** Walks the table back from its last cell and collects the runs. */
function trace(a: Uint8Array, b: Uint8Array, lengths: Uint32Array, columns: number): CommonSubsequence {
  let i = a.length;
  let j = b.length;
  let left = lengths[i * columns + j];
  const bytes = new Uint8Array(left);
  const matches: Match[] = [];
  let run = 0;
  const endRun = () => {
    if (run > 0) matches.push({ firstStart: i, secondStart: j, length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      bytes[--left] = a[i - 1];
      run++;
      i--;
      j--;
      continue;
    }
    endRun();
    if (lengths[(i - 1) * columns + j] > lengths[i * columns + j - 1]) i--;
    else j--;
  }
  endRun();
  return { bytes, matches };
}
