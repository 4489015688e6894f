/** Connections: how they are taken, turned away and refused, whatever the other end does. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { IS_ORACLE, ServerProcess, type StartOptions, until } from "./server_process.ts";
import { ReplyError, TestClient } from "./test_client.ts";

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

/** Runs `body` with a server of its own. */
async function withServer(options: StartOptions, body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await ServerProcess.start({ ...options, args: ["--save", "", ...(options.args ?? [])] });
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

/** Connects, and resets the connection at once. */
function connectAndReset(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.resetAndDestroy());
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

test("connections that are reset before they are taken hold up nobody", async () => {
  await withServer({ args: ["--enable-debug-command", "yes"] }, async (server) => {
    const busy = await server.connect();
    busy.send("DEBUG SLEEP 1");
    for (let i = 0; i < 100; i++) await connectAndReset(server.port);
    assert.equal(await busy.read(), "OK");
    const other = await server.connect();
    await other.expect("PING", "PONG");
    await busy.expect("CLIENT NO-EVICT ON", "OK");
    await until("only the two to be left", async () => {
      return String(await busy.call("CLIENT LIST")).trim().split("\n").length === 2;
    });
  });
});

test("with few descriptors, maxclients is lowered, the surplus told, and saving goes on", async () => {
  await withServer({ descriptors: 80 }, async (server) => {
    const first = await server.connect();
    const [, text] = await first.call("CONFIG GET maxclients") as [string, string];
    const most = Number(text);
    assert.ok(most > 10 && most < 80, text);
    await server.logged(/maxclients has been reduced to \d+ to compensate for low ulimit/);
    await first.expect(
      "CONFIG SET maxclients 1000",
      new RegExp(`The operating system is not able to handle the specified number of clients, try with ${most}$`),
    );
    const all = await Promise.all(Array.from({ length: 100 }, () => server.connect()));
    const replies = await Promise.all(all.map((client) => client.call("PING").catch(() => null)));
    const served = replies.filter((reply) => reply === "PONG").length;
    assert.equal(served, most - 1);
    for (const reply of replies) {
      // Whoever sends while being turned away may find the connection reset before the error has been read.
      if (reply instanceof ReplyError) assert.equal(reply.message, "ERR max number of clients reached");
    }
    const silent = await server.connect();
    assert.equal(await silent.readToEnd(), "-ERR max number of clients reached\r\n");
    await first.expect("BGSAVE", "Background saving started");
    await until("the snapshot", async () => {
      const info = String(await first.call("INFO persistence"));
      return info.includes("rdb_bgsave_in_progress:0") && info.includes("rdb_last_bgsave_status:ok");
    });
  });
});

test("without a word about addresses, a server is reached over IPv4 and IPv6", { skip: !HAS_IPV6 }, async () => {
  await withServer({}, async (server) => {
    for (const host of ["127.0.0.1", "::1"]) {
      const client = await TestClient.connect(server.port, host);
      const shown = host === "::1" ? "[::1]" : host;
      assert.ok(String(await client.call("CLIENT INFO")).includes(` addr=${shown}:`));
      client.close();
    }
    const client = await server.connect();
    for (const bind of ["127.0.0.1", "* -::*", "127.0.0.1 ::1", "* -::*"]) {
      await client.expect(["CONFIG", "SET", "bind", bind], "OK");
      await until(`connections with bind ${bind}`, async () => {
        const over4 = await TestClient.connect(server.port).catch(() => null);
        const over6 = await TestClient.connect(server.port, "::1").catch(() => null);
        over4?.close();
        over6?.close();
        return over4 !== null && (over6 !== null) === (bind !== "127.0.0.1");
      });
    }
  });
});

test("connections over IPv4 that come in by way of :: are from this machine", {
  skip: IS_ORACLE || !HAS_IPV6, // Redis takes none there
}, async () => {
  await withServer({ args: ["--bind", "::"] }, async (server) => {
    const client = await server.connect();
    assert.match(String(await client.call("CLIENT INFO")), / addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ /);
  });
});

test("a terminal that is closed does not end the server", async () => {
  await withServer({}, async (server) => {
    const client = await server.connect();
    server.signal("SIGHUP");
    await client.expect("PING", "PONG");
    await client.expect("SET a 1", "OK");
    const other = await server.connect();
    await other.expect("GET a", "1");
    assert.equal(server.exited, false);
  });
});
