/** `deno task check`: format, lint, types on both runtimes, and imports that run downwards. */

import { DENO, runSteps } from "./run.ts";

runSteps([
  { name: "format", command: [DENO, "fmt", "--check"] },
  { name: "lint", command: [DENO, "lint"] },
  { name: "types, as Deno sees them", command: [DENO, "check", "main.ts", "scripts/", "tests/"] },
  { name: "types of the Bun adapter, as Bun sees them", command: ["node_modules/.bin/tsc", "-p", "tsconfig.json"] },
  {
    name: "imports run downwards, without a circle",
    command: ["node_modules/.bin/depcruise", "--config", ".dependency-cruiser.cjs", "main.ts", "lib"],
  },
]);
