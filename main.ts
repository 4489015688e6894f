/** tredis: `main.ts ARGS`, on Deno or on Bun, is the whole program. */

import process from "node:process";
import { run } from "./lib/server/start.ts";

const exitCode = await run(process.argv.slice(2));
if (exitCode !== null) process.exit(exitCode);
