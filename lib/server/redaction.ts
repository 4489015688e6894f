/** Which arguments are secrets that neither MONITOR nor the slow log may show. */

import type { Command } from "../commands/command.ts";
import type { Request } from "../resp/request.ts";

/** Stands in the place of a secret. */
export const REDACTED = "(redacted)";

const SECRET_DIRECTIVES = new Set([
  "masteruser",
  "masterauth",
  "requirepass",
  "tls-key-file-pass",
  "tls-client-key-file-pass",
]);
const NONE: ReadonlySet<number> = new Set();

/** Indices of the arguments that are secret. */
export function secretArguments(command: Command, request: Request): ReadonlySet<number> {
  if (command.name === "auth") return authSecrets(request);
  if (command.name === "hello") return helloSecrets(request);
  if (command.name === "config|set") return configSecrets(request);
  return NONE;
}

function authSecrets(request: Request): ReadonlySet<number> {
  return new Set(request.argc === 2 ? [1] : [1, 2]);
}

function helloSecrets(request: Request): ReadonlySet<number> {
  for (let i = 2; i + 2 < request.argc; i++) if (request.is(i, "auth")) return new Set([i + 1, i + 2]);
  return NONE;
}

function configSecrets(request: Request): ReadonlySet<number> {
  const secrets = new Set<number>();
  for (let i = 2; i + 1 < request.argc; i += 2) {
    if (SECRET_DIRECTIVES.has(request.text(i).toLowerCase())) secrets.add(i + 1);
  }
  return secrets;
}
