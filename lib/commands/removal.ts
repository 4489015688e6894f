/** How it is propagated that a key has gone, other than by DEL itself: as what frees it in the same way elsewhere. */

import type { Config } from "../config/config.ts";

/** UNLINK where the setting has Redis free such values in the background, else DEL. */
export function removalWord(
  config: Config,
  setting:
    | "lazyfree-lazy-expire"
    | "lazyfree-lazy-eviction"
    | "lazyfree-lazy-server-del"
    | "lazyfree-lazy-user-del",
): "UNLINK" | "DEL" {
  return config.flag(setting) ? "UNLINK" : "DEL";
}
