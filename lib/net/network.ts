/** Picks the network adapter of the runtime that this process runs on. */

import type { Network } from "./socket.ts";

export async function openNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return new (await import("./bun.ts")).BunNetwork();
  return new (await import("./deno.ts")).DenoNetwork();
}
