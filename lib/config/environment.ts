/** What the configuration needs of the process: the working directory, and files. Tests bring their own. */

import { chdir, cwd } from "node:process";
import { fromBinary, toBinary } from "../bytes/paths.ts";
import { systemErrorText } from "../bytes/system_errors.ts";

export interface Environment {
  /** Absolute path of the working directory, as a binary string. */
  currentDirectory(): string;
  /** Makes another directory the working one; why it cannot be, or null. */
  changeDirectory(path: string): string | null;
}

/** The process itself. */
export const processEnvironment: Environment = {
  currentDirectory: () => toBinary(cwd()),
  changeDirectory(path) {
    if (path === "") return "No such file or directory";
    try {
      chdir(fromBinary(path));
      return null;
    } catch (error) {
      return systemErrorText(error);
    }
  },
};
