/** The commands that a directive must allow before anybody may call them: DEBUG, and those of MODULE that load code. */

import type { Config } from "../config/config.ts";
import type { ProtectedName } from "./declaration.ts";

const DIRECTIVES = { DEBUG: "enable-debug-command", MODULE: "enable-module-command" } as const satisfies Record<
  ProtectedName,
  string
>;

/** Why a client may not call a protected command, or null. */
export function protectedRefusal(
  container: ProtectedName,
  host: { readonly config: Config },
  session: { readonly isLocal: boolean },
): string | null {
  const directive = DIRECTIVES[container];
  const allowed = host.config.choice(directive);
  if (allowed === "yes" || (allowed === "local" && session.isLocal)) return null;
  return `ERR ${container} command not allowed. If the ${directive} option is set to "local", you can run it from a ` +
    "local connection, otherwise you need to set this option in the configuration file, and then restart the server.";
}
