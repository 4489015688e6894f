/**
 * A replica with an append-only file that is killed again and again while its primary is written to, also while it is
 * given all the data anew: started alone on what it has left, it shows of each client a state that has been, with all that
 * WAITAOF has told to be durable there.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../integration/data_set.ts";
import { ServerProcess } from "../integration/server_process.ts";
import { TestClient } from "../integration/test_client.ts";
import { delay } from "./delay.ts";
import { show } from "./model.ts";
import type { KillOptions } from "./kills.ts";
import { Writer } from "./writer.ts";

const WRITERS = 3;
/** A replica lives for so long, in ms, from its start on. */
const LIFE_MS = 1500;
/** A client waits for the replica's word for so long, in ms. */
const ASKING = "WAITAOF 0 1 100";
/** So little that a replica which was away is given everything. */
const BACKLOG = "16kb";
const ARGS = ["--save", "", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes"];

export interface ReplicaReport {
  readonly kills: number;
  readonly units: number;
  /** Units that the replica has told to be durable. */
  readonly durable: number;
}

/** Kills a replica so many times. Rejects where something is there, or not there, wrongly. */
export async function tortureReplica({ kind, seed, kills, tell }: KillOptions): Promise<ReplicaReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), "tredis-torture-"));
  const primary = await ServerProcess.start({ kind, args: [...ARGS, "--repl-backlog-size", BACKLOG] });
  const writers = Array.from({ length: WRITERS }, (_, database) => {
    return new Writer(database, new Random(seed + 1 + database), ASKING);
  });
  let replica: ServerProcess | null = null;
  try {
    for (let round = 0; round < kills; round++) {
      const writing = Promise.all(writers.map((writer) => writer.write(primary.port)));
      replica = await ServerProcess.launch({ kind, folder, args: replicaArgs(random, primary.port) });
      await disturb(random, primary, replica);
      await replica.kill("SIGKILL");
      for (const writer of writers) writer.stop();
      await writing;
      replica = await ServerProcess.start({ kind, folder, args: [...ARGS, "--appendonly", "yes"] });
      const client = await replica.connect();
      for (const writer of writers) {
        const shown = await show(client, writer.database);
        if (writer.canBe(shown, 0, false)) continue;
        tell(replica.output);
        throw new Error(`round ${round}: ${writer.describe(shown)}`);
      }
      await replica.kill("SIGKILL");
    }
    rmSync(folder, { recursive: true });
    const sum = (count: (writer: Writer) => number) => writers.reduce((all, writer) => all + count(writer), 0);
    return { kills, units: sum(({ sent }) => sent), durable: sum(({ durable }) => durable) };
  } finally {
    await replica?.kill("SIGKILL");
    await primary.stop();
  }
}

function replicaArgs(random: Random, primaryPort: number): string[] {
  return [
    ...ARGS,
    "--appendonly",
    "yes",
    "--replicaof",
    "127.0.0.1",
    String(primaryPort),
    "--appendfsync",
    random.of(["always", "everysec", "no"]),
    "--aof-use-rdb-preamble",
    random.of(["yes", "no"]),
    "--repl-diskless-load",
    random.of(["disabled", "on-empty-db", "swapdb"]),
  ];
}

/** A life of a replica, in which its link is cut, its file rewritten, or turned off and on. */
async function disturb(random: Random, primary: ServerProcess, replica: ServerProcess): Promise<void> {
  for (let leftMs = random.below(LIFE_MS); leftMs > 0;) {
    const ms = 1 + random.below(Math.max(1, Math.min(leftMs, LIFE_MS / 5)));
    await delay(ms);
    leftMs -= ms;
    if (random.below(4) === 0) await ask(primary.port, "CLIENT KILL TYPE replica");
    else await ask(replica.port, random.of(["BGREWRITEAOF", "BGREWRITEAOF", "CONFIG SET appendonly yes", "BGSAVE"]));
  }
}

/** Asks a server for something that it may refuse, or not be there for. */
async function ask(port: number, line: string): Promise<void> {
  const client = await TestClient.connect(port).catch(() => null);
  if (client === null) return;
  await client.call(line).catch(() => null);
  client.close();
}
