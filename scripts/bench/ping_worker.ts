/**
 * PINGs a server, one at a time, until it is told to stop: a thread of its own, so that a latency is the server's and not
 * that of the event loop which makes the load. Given a port; answers "stop" with the latencies in ms.
 */

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
const socket = await open(workerData);
const latencies: number[] = [];
while (!isDone) {
  const sentMs = performance.now();
  await new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
    socket.write(PING);
  });
  latencies.push(performance.now() - sentMs);
  await sleep(BETWEEN_MS);
}
socket.destroy();
parentPort?.postMessage(latencies);
