/** Picks the network adapter of the runtime that this process runs on. */

import type { Network } from "./socket.ts";

export async function openNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).openBunNetwork();
  return (await import("./deno.ts")).openDenoNetwork();
}
