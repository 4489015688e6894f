/**
 * PINGs two servers by turns, one at a time, until it is told to stop: a thread of its own, so that a latency is the
 * server's and not that of the event loop which makes the load. Given two ports; answers "stop" with the latencies of
 * each in ms.
 */

import type { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { open, sleep } from "./targets.ts";

try {
  setPriority(0, constants.priority.PRIORITY_HIGHEST); // of this thread, on Linux
} catch {
  // Not allowed to all: then it waits for a CPU as the load does.
}

const PING = "PING\r\n";
/** Pause between two PINGs, in ms. */
const BETWEEN_MS = 1;

let isDone = false;
parentPort?.on("message", () => isDone = true);

async function ping(socket: Socket, latencies: number[]): Promise<void> {
  const sentMs = performance.now();
  await new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
    socket.write(PING);
  });
  latencies.push(performance.now() - sentMs);
  await sleep(BETWEEN_MS);
}

const pinged: { readonly socket: Socket; readonly latencies: number[] }[] = [];
for (const port of workerData as number[]) pinged.push({ socket: await open(port), latencies: [] });
while (!isDone) for (const { socket, latencies } of pinged) await ping(socket, latencies);
for (const { socket } of pinged) socket.destroy();
parentPort?.postMessage(pinged.map(({ latencies }) => latencies));
