/** A replica by hand, which shows what a server propagates, command by command. */

import type { ServerProcess } from "./server_process.ts";
import type { TestClient } from "./test_client.ts";

/** Has a server send its snapshots at once, and nothing into the stream but what commands do. */
export const PROMPT_STREAM = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "3600"];

/** Connects as a replica to a server with `PROMPT_STREAM`, and reads past the snapshot. */
export async function followStream(server: ServerProcess): Promise<TestClient> {
  const stream = await server.connect();
  stream.send("SYNC");
  await readSnapshot(stream);
  return stream;
}

/** Connects as a replica that says it listens on a port, and reads past the snapshot. */
export async function attachReplica(server: ServerProcess, port: number): Promise<TestClient> {
  const stream = await server.connect();
  await stream.expect(["REPLCONF", "listening-port", port], "OK");
  await stream.expect("REPLCONF capa psync2", "OK");
  stream.send("PSYNC", "?", "-1");
  await readSnapshot(stream);
  return stream;
}

async function readSnapshot(stream: TestClient): Promise<void> {
  let line = "";
  while (!/\$\d+\r\n$/.test(line)) line += await stream.readRaw(1);
  await stream.readRaw(Number(/\$(\d+)\r\n$/.exec(line)?.[1]));
}

/** What came through the stream before `SET mark <mark>`, a command a line. */
export async function streamedUntil(stream: TestClient, mark: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = (await stream.read() as string[]).join(" ");
    if (line === `SET mark ${mark}`) return lines;
    if (line !== "PING" && !line.startsWith("SELECT")) lines.push(line);
  }
}
