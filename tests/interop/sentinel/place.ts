/** Where a server of a group stands: at which address the test, and the others, reach it, and what runs it there. */

import { createServer } from "node:net";

export interface Place {
  /** The address by which the test talks to it. */
  readonly host: string;
  /** The address by which the servers of its group know it. */
  readonly address: string;
  /** Words that run a program there. */
  readonly under: readonly string[];
}

/** This machine's own address. */
export const LOOPBACK: Place = { host: "127.0.0.1", address: "127.0.0.1", under: [] };

/**
 * Ports below those that the system gives to outgoing connections. Sentinel tries again and again to reach a server that is
 * down; with a port of those it would come, by chance, to be connected with itself, and the server could not come back.
 */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
/** One after the other from anywhere on: a port that was given is not given again while its taker is yet to listen there. */
let nextPort = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));

/** A port that nobody listened on a moment ago, and that no outgoing connection will have. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = nextPort++;
    if (nextPort === LAST_PORT) nextPort = FIRST_PORT;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
