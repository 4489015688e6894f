/**
 * What stands in the place of arguments that neither MONITOR nor the slow log may show. Asked by both for each command
 * that they show.
 */

import type { Command } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";

/** Stands in the place of a secret. */
export const REDACTED = "(redacted)";

const NONE: ReadonlySet<number> = new Set();

/** Indices of the arguments that are secret. */
export function secretArguments(command: Command, request: Request): ReadonlySet<number> {
  return command.secrets === null ? NONE : command.secrets(request);
}
