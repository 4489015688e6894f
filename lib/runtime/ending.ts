/** The end of the process: a simulation, which has many servers in one process, ends the server alone. */

import process from "node:process";

/** Ends whatever asks; does not come back. */
export type Ending = (code: number) => never;

let ending: Ending = (code) => process.exit(code);

/** Replaces what ends the process; returns what did so far, to be put back. */
export function useEnding(replacement: Ending): Ending {
  const before = ending;
  ending = replacement;
  return before;
}

/** Ends the process with an exit code. */
export function endProcess(code: number): never {
  return ending(code);
}
