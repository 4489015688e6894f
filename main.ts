/** tredis: `main.ts ARGS`, on Deno or on Bun, is the whole program. */

import process from "node:process";

// As the first process of a container it would not even hear these without a handler, and to load the rest takes a while.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
// That a terminal is closed is no reason to end.
process.on("SIGHUP", () => {});

const { run } = await import("./lib/server/program/start.ts");
const exitCode = await run(process.argv0, process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  return 1;
});
if (exitCode !== null) process.exit(exitCode);
