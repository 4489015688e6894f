/** Clients that ask Sentinel for the primary: they go on writing when it is killed, and lose nothing that was safe. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { afterEach, test } from "node:test";
import { DENO } from "../../scripts/run.ts";
import { havePeers, PYTHON } from "./peers.ts";
import { GROUP, Group, type Kind } from "./sentinel/group.ts";

const FOLDER = join("tests", "interop", "clients");
const TIMEOUT_MS = 600_000;

const started: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** What a client says in the end. */
interface Outcome {
  /** Keys that a replica had when the client went on. */
  readonly safe: readonly string[];
  readonly failed: number;
  /** Port of the primary that it found last. */
  readonly last: string;
}

/** A client that writes, as a program of its own. */
class Writer {
  #output = "";
  #errors = "";
  #isOver = false;

  constructor(readonly child: ChildProcess) {
    child.stdout?.on("data", (chunk) => this.#output += chunk);
    child.stderr?.on("data", (chunk) => this.#errors += chunk);
    child.on("close", () => this.#isOver = true);
  }

  static start(program: string, args: readonly string[]): Writer {
    const writer = new Writer(spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] }));
    started.push(writer);
    return writer;
  }

  get isReady(): boolean {
    assert.ok(!this.#isOver, `it ended too early: ${this.#errors}`);
    return this.#output.startsWith("ready\n");
  }

  /** What it has said in the end, when that has come. */
  get outcome(): Outcome | null {
    if (!this.#isOver) return null;
    const last = this.#output.trim().split("\n").at(-1) ?? "";
    assert.ok(last.startsWith("{"), `it ended without a word: ${this.#errors}`);
    return JSON.parse(last);
  }

  stop(): void {
    if (!this.#isOver) this.child.kill("SIGKILL");
  }
}

const GROUPS: readonly (readonly Kind[])[] = process.env.SENTINEL_PAIRINGS === "all"
  ? [["redis", "tredis", "tredis"], ["tredis", "tredis", "redis"], ["tredis", "redis", "redis"]]
  : [["tredis", "tredis", "redis"]];

for (const kinds of GROUPS) {
  const name = `ioredis and redis-py go on when ${kinds[0]} is killed, before ${kinds.slice(1).join(" and ")}`;
  test(name, { timeout: TIMEOUT_MS }, async (context) => {
    if (!havePeers(context, "redis-server", "redis-sentinel", "redis-py")) return;
    const group = await Group.start(started, kinds.map((kind) => ({ kind })));
    const [primary] = group.members;
    const words = [GROUP, ...group.sentinels.map((one) => String(one.port))];
    const writers = [
      Writer.start(DENO, ["run", "-A", "--no-check", join(FOLDER, "ioredis_sentinel.ts"), ...words]),
      Writer.start(PYTHON, [join(FOLDER, "redis_py_sentinel.py"), ...words]),
    ];
    await group.until("the clients to write", () => writers.every((one) => one.isReady));
    await primary.kill();
    for (const writer of writers) {
      const { safe, failed, last } = await group.until("a client to have gone on", () => writer.outcome);
      const promoted = group.members.find((one) => String(one.port) === last);
      assert.ok(promoted !== undefined && promoted !== primary && await promoted.isPrimary());
      assert.ok(failed > 0 && safe.length > 0, `${failed} failed, ${safe.length} are safe`);
      const client = await promoted.connect();
      for (const key of safe) client.send("EXISTS", key);
      const lost = [];
      for (const key of safe) if (await client.read() !== 1) lost.push(key);
      assert.deepEqual(lost, []);
    }
  });
}
