/** A working directory that no test really leaves. */

import type { Environment } from "../../lib/config/environment.ts";
import { processEnvironment } from "../../lib/config/environment.ts";

/** An environment whose directory is a variable; one that begins with `/nonexistent` cannot be entered. */
export function fakeEnvironment(directory = processEnvironment.currentDirectory()): Environment {
  let current = directory;
  return {
    currentDirectory: () => current,
    changeDirectory(path) {
      if (path === "" || path.startsWith("/nonexistent")) return "No such file or directory";
      current = path;
      return null;
    },
  };
}
