/** Memory of idle connections. */

import type { Socket } from "node:net";
import { open, residentBytes, sleep, type Target } from "./targets.ts";

const AT_ONCE = 200;

export async function idle(targets: readonly Target[], connections: number): Promise<void> {
  console.log(`\n| server | ${connections} idle connections: KiB each | answered |`);
  console.log(`|---|---|---|`);
  for (const target of targets) {
    const before = residentBytes(target.pid);
    const sockets: Socket[] = [];
    while (sockets.length < connections) {
      const wave = Math.min(AT_ONCE, connections - sockets.length);
      sockets.push(...await Promise.all(Array.from({ length: wave }, () => open(target.port))));
    }
    let answers = 0;
    for (const socket of sockets) {
      socket.once("data", () => answers++);
      socket.write("PING\r\n");
    }
    for (let tries = 0; tries < 300 && answers < connections; tries++) await sleep(100);
    await sleep(1000);
    const each = (residentBytes(target.pid) - before) / connections / 1024;
    console.log(`| ${target.name} | ${each.toFixed(1)} | ${answers} |`);
    for (const socket of sockets) socket.destroy();
    await sleep(500);
  }
}
