/** Manifests for tests: the next file, named as the server would. */

import type { BaseFormat, Manifest } from "../../../lib/persistence/aof/manifest.ts";

const NONE: ReadonlySet<string> = new Set();

/** With the next base file. */
export function withBase(manifest: Manifest, fileName: string, format: BaseFormat): Manifest {
  return manifest.withBase(manifest.nextBase(fileName, format, NONE));
}

/** With the next incremental file. */
export function withIncrement(manifest: Manifest, fileName: string): Manifest {
  return manifest.withIncrement(manifest.nextIncrement(fileName, NONE));
}
