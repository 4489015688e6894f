/** A link to a primary that is lost at a bad moment, with a primary by hand: the stream goes on as if it had not been. */

import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { untilConnected } from "./data_set.ts";
import { ServerProcess, until } from "./server_process.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const ID = "0123456789abcdef0123456789abcdef01234567";
/** The key `a` in database 0, of a stream that had selected database 3. */
const SNAPSHOT = "REDIS0010\xfa\x0erepl-stream-db\x013\xfe\0\xfb\x01\0\0\x01a\x011\xff\0\0\0\0\0\0\0\0";
const SET = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n";

/** Sends its snapshot and closes the link, and lets the stream go on over the next one. */
function startPrimary(): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (chunk: string) => {
      if (chunk.includes("PING")) socket.write("+PONG\r\n");
      else if (chunk.includes("PSYNC") && chunk.includes(ID)) socket.write(`+CONTINUE ${ID}\r\n${SET}`);
      else if (chunk.includes("PSYNC")) {
        socket.end(`+FULLRESYNC ${ID} 100\r\n$${SNAPSHOT.length}\r\n${SNAPSHOT}`, "latin1");
      } else socket.write("+OK\r\n".repeat(chunk.match(/REPLCONF/g)?.length ?? 1));
    });
  });
  const stop = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  started.push({ stop });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

for (const load of ["disabled", "swapdb"]) {
  test(`a link lost while its snapshot is loaded goes on in the database that the stream had selected; load: ${load}`, async () => {
    const address = (await startPrimary()).address();
    assert.ok(typeof address === "object" && address !== null);
    const args = ["--save", "", "--repl-diskless-load", load, "--key-load-delay", "200000"];
    const server = await ServerProcess.start({ args });
    started.push(server);
    const client = await server.connect();
    await client.expect(["REPLICAOF", "127.0.0.1", address.port], "OK");
    await untilConnected(client);
    await client.expect("GET a", "1");
    await client.expect("SELECT 3", "OK");
    await until("the stream to go on", async () => await client.call("GET b") === "2");
  });
}
