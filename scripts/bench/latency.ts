/**
 * How long a second client waits for PING while many keys are inserted, saved in the background, and expire, and while
 * single fields of one very large hash change, with and without a background save. Beside it, what another server answers
 * in that does nothing meanwhile: what the machine lets everyone wait, be it for a CPU that others use or because the host
 * of a virtual machine has stopped it.
 */

import { COLUMNS, during } from "./pinging.ts";
import { call, encode, info, open, pipeline, sleep, type Target } from "./targets.ts";

const VALUE = "0123456789abcdef";
/** Fields set by one request when the large hash is filled. */
const FIELDS_AT_ONCE = 100;
/** Changes of the large hash in a second, and how long they go on without a background save, in ms. */
const CHANGES_PER_SECOND = 10_000;
const CHANGES_MS = 10_000;

/** Saves in the background, and waits until that is done. */
async function save(port: number): Promise<void> {
  await call(port, "BGSAVE");
  while (await info(port, "rdb_bgsave_in_progress") === "1") await sleep(50);
}

/** `idle`: a server that nobody else uses. */
export async function latency(targets: readonly Target[], idle: Target, keys: number): Promise<void> {
  console.log(
    `\n| server | PING while … (${keys} keys) | ${COLUMNS} | idle ${idle.name}: ${COLUMNS} |`,
  );
  console.log(`|---|---|---|---|---|---|---|---|---|---|`);
  for (const { name, port } of targets) {
    const row = async (what: string, work: () => Promise<void>) =>
      console.log(`| ${name} | ${what} | ${await during(port, idle.port, work)} |`);
    await row("idle", () => sleep(3000));
    await row("inserting", () => pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE)));
    await row("BGSAVE", () => save(port));
    await row("inserting with a TTL", () => {
      const dueMs = Date.now() + Math.max(20_000, keys / 100);
      return pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE, "PXAT", String(dueMs + (i % 1000))));
    });
    await row("expiring", async () => {
      while (await info(port, "db0") !== "") await sleep(200);
    });
    await row("filling one hash", () => pipeline(port, keys / FIELDS_AT_ONCE, (i) => fields(i * FIELDS_AT_ONCE)));
    await row("changing its fields", () => change(port, keys, () => sleep(CHANGES_MS)));
    await row("changing its fields, BGSAVE", () => change(port, keys, () => save(port)));
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
