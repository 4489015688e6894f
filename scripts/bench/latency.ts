/**
 * How long a second client waits for PING while many keys are inserted, saved in the background, and expire, while keys
 * change at a steady rate, with and without a background save or rewrite, and while single fields of one very large hash
 * do. Beside it, what another server answers
 * in that does nothing meanwhile: what the machine lets everyone wait, be it for a CPU that others use or because the host
 * of a virtual machine has stopped it.
 */

import { COLUMNS, during } from "./pinging.ts";
import { call, encode, info, open, pipeline, sleep, type Target } from "./targets.ts";

const VALUE = "0123456789abcdef";
/** Fields set by one request when the large hash is filled. */
const FIELDS_AT_ONCE = 100;
/** Writes in a second: changes of keys, and of the large hash. How long they go on with nothing beside them, in ms. */
const WRITES_PER_SECOND = 50_000;
const CHANGES_PER_SECOND = 10_000;
const STEADY_MS = 10_000;

/** Saves in the background, and waits until that is done. */
async function save(port: number): Promise<void> {
  await call(port, "BGSAVE");
  while (await info(port, "rdb_bgsave_in_progress") === "1") await sleep(50);
}

/** Rewrites the append-only file, and waits until that is done. */
async function rewrite(port: number): Promise<void> {
  await call(port, "BGREWRITEAOF");
  await rewritten(port);
}

async function rewritten(port: number): Promise<void> {
  const underWay = async () => await info(port, "aof_rewrite_in_progress") + await info(port, "aof_rewrite_scheduled");
  while (await underWay() !== "00") await sleep(50);
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
    const write = (work: () => Promise<void>) =>
      steadily(port, WRITES_PER_SECOND, () => encode("SET", `key:${below(keys)}`, VALUE), work);
    await row("writing", () => write(() => sleep(STEADY_MS)));
    await row("writing, BGSAVE", () => write(() => save(port)));
    await call(port, "CONFIG", "SET", "appendonly", "yes");
    await rewritten(port);
    await row("writing, AOF", () => write(() => sleep(STEADY_MS)));
    await row("writing, AOF, BGREWRITEAOF", () => write(() => rewrite(port)));
    await call(port, "CONFIG", "SET", "appendonly", "no");
    await row("inserting with a TTL", () => {
      const dueMs = Date.now() + Math.max(20_000, keys / 100);
      return pipeline(port, keys, (i) => encode("SET", `key:${i}`, VALUE, "PXAT", String(dueMs + (i % 1000))));
    });
    await row("expiring", async () => {
      while (await info(port, "db0") !== "") await sleep(200);
    });
    await row("filling one hash", () => pipeline(port, keys / FIELDS_AT_ONCE, (i) => fields(i * FIELDS_AT_ONCE)));
    const change = (work: () => Promise<void>) =>
      steadily(port, CHANGES_PER_SECOND, () => encode("HSET", "hash", `field:${below(keys)}`, VALUE), work);
    await row("changing its fields", () => change(() => sleep(STEADY_MS)));
    await row("changing its fields, BGSAVE", () => change(() => save(port)));
  }
}

/** Sets fields of the large hash from number `first` on. */
function fields(first: number): string {
  const words = Array.from({ length: FIELDS_AT_ONCE }, (_, i) => [`field:${first + i}`, VALUE]).flat();
  return encode("HSET", "hash", ...words);
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}

/** Sends requests at a steady rate for as long as `work` takes, and waits for none of the replies. */
async function steadily(
  port: number,
  perSecond: number,
  request: () => string,
  work: () => Promise<void>,
): Promise<void> {
  const socket = await open(port);
  socket.resume();
  const startMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - startMs) * perSecond / 1000);
    let bytes = "";
    for (; sent < due; sent++) bytes += request();
    if (bytes !== "") socket.write(bytes);
  }, 5);
  await work();
  clearInterval(timer);
  socket.destroy();
}
