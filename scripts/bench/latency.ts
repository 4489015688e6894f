/**
 * How long a second client waits for PING while many keys are inserted, saved in the background, and expire, and while
 * single fields of one very large hash change, with and without a background save. Beside it, what another server answers in that does nothing meanwhile: what the machine lets everyone wait, be it for a CPU that
 * others use or because the host of a virtual machine has stopped it.
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ask, encode, open, pipeline, sleep, type Target } from "./targets.ts";

const VALUE = "0123456789abcdef";
/** Fields set by one request when the large hash is filled. */
const FIELDS_AT_ONCE = 100;
/** Changes of the large hash in a second, and how long they go on without a background save, in ms. */
const CHANGES_PER_SECOND = 10_000;
const CHANGES_MS = 10_000;

/** Measures PING of two servers during `work`. */
async function during(port: number, idlePort: number, work: () => Promise<void>): Promise<string> {
  const pinger = new Worker(new URL("./ping_worker.ts", import.meta.url), { workerData: [port, idlePort] });
  await work();
  pinger.postMessage("stop");
  const [[latencies, idle]]: number[][][] = await once(pinger, "message");
  await pinger.terminate(); // it would listen for another message
  return [...columns(latencies), ...columns(idle)].join(" | ");
}

function columns(latencies: number[]): string[] {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return [at(0.5), at(0.99), at(0.999), at(1)].map((ms) => ms.toFixed(2));
}

/** What a field of INFO persistence or keyspace says. */
async function info(port: number, pattern: RegExp): Promise<string> {
  const text = await ask(port, encode("INFO", "everything"), 200);
  return pattern.exec(text)?.[1] ?? "";
}

/** `idle`: a server that nobody else uses. */
export async function latency(targets: readonly Target[], idle: Target, keys: number): Promise<void> {
  console.log(
    `\n| server | PING while … (${keys} keys) | p50 ms | p99 | p99.9 | worst | idle ${idle.name}: p50 | p99 | p99.9 | worst |`,
  );
  console.log(`|---|---|---|---|---|---|---|---|---|---|`);
  for (const { name, port } of targets) {
    const row = async (what: string, work: () => Promise<void>) =>
      console.log(`| ${name} | ${what} | ${await during(port, idle.port, work)} |`);
    await row("idle", () => sleep(3000));
    await row("inserting", () => pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE)));
    await row("BGSAVE", async () => {
      await ask(port, encode("BGSAVE"), 100);
      while (await info(port, /rdb_bgsave_in_progress:(\d)/) === "1") await sleep(50);
    });
    await row("inserting with a TTL", () => {
      const dueMs = Date.now() + Math.max(20_000, keys / 100);
      return pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE, "PXAT", String(dueMs + (i % 1000))));
    });
    await row("expiring", async () => {
      while (await info(port, /db0:keys=(\d+)/) !== "") await sleep(200);
    });
    await row("filling one hash", () => pipeline(port, keys / FIELDS_AT_ONCE, (i) => fields(i * FIELDS_AT_ONCE)));
    await row("changing its fields", () => change(port, keys, () => sleep(CHANGES_MS)));
    await row("changing its fields, BGSAVE", () =>
      change(port, keys, async () => {
        await ask(port, encode("BGSAVE"), 100);
        while (await info(port, /rdb_bgsave_in_progress:(\d)/) === "1") await sleep(50);
      }));
  }
}

/** Sets fields of the large hash from number `first` on. */
function fields(first: number): string {
  const words = Array.from({ length: FIELDS_AT_ONCE }, (_, i) => [`field:${first + i}`, VALUE]).flat();
  return encode("HSET", "hash", ...words);
}

/** Changes random fields of the large hash at a steady rate for as long as `work` takes. */
async function change(port: number, count: number, work: () => Promise<void>): Promise<void> {
  const socket = await open(port);
  socket.resume();
  const startMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - startMs) * CHANGES_PER_SECOND / 1000);
    let bytes = "";
    for (; sent < due; sent++) bytes += encode("HSET", "hash", `field:${Math.floor(Math.random() * count)}`, VALUE);
    if (bytes !== "") socket.write(bytes);
  }, 5);
  await work();
  clearInterval(timer);
  socket.destroy();
}
