/**
 * Follows a server as several replicas that read its stream and apply nothing, in a thread of their own: what the server's
 * side costs alone. Given a port and how many; says "online" when all have their snapshot, and ends when it is told to.
 */

import { once } from "node:events";
import type { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { encode, info, open, sleep } from "./targets.ts";

/** How often replicas say that they are there, in ms. */
const ACKNOWLEDGE_MS = 1000;

const { port, count } = workerData as { readonly port: number; readonly count: number };
const replicas: Socket[] = [];
for (let i = 0; i < count; i++) {
  const socket = await open(port);
  socket.write(encode("REPLCONF", "listening-port", String(1 + i)));
  await once(socket, "data"); // redis-server takes no PSYNC behind something that it has not replied to
  socket.on("data", () => {});
  socket.write(encode("PSYNC", "?", "-1"));
  replicas.push(socket);
}

const isOnline = async () => (await info(port, "connected_slaves")) === String(count) && await areAllOnline();

async function areAllOnline(): Promise<boolean> {
  for (let i = 0; i < count; i++) if (!(await info(port, `slave${i}`)).includes("state=online")) return false;
  return true;
}

while (!await isOnline()) await sleep(50);
const timer = setInterval(() => {
  for (const replica of replicas) replica.write(encode("REPLCONF", "ACK", "0"));
}, ACKNOWLEDGE_MS);
parentPort?.once("message", () => {
  clearInterval(timer);
  for (const replica of replicas) replica.destroy();
  parentPort?.postMessage("gone");
});
parentPort?.postMessage("online");
