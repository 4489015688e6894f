/** Limits: idle time, number of clients, and what their buffers may take. Each costs only the client that exceeds it. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { IS_ORACLE, ServerProcess, until } from "./server_process.ts";
import { encodeRequest, ReplyError, type TestClient } from "./test_client.ts";

const MIB = 1024 * 1024;

/** Runs `body` with a server of its own. */
async function withServer(args: string[], body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await ServerProcess.start({ args: ["--save", "", "--loglevel", "verbose", ...args] });
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

/** A figure of INFO; null for one that Redis has only had since 7.2. */
async function figure(client: TestClient, name: string): Promise<number | null> {
  if (IS_ORACLE && name.endsWith("_limit_disconnections")) return null;
  const match = new RegExp(`^${name}:(\\d+)`, "m").exec(String(await client.call("INFO")));
  assert.ok(match !== null, `INFO has ${name}`);
  return Number(match[1]);
}

/** A field of the line of the client named `name`; null when it is not there. */
async function field(client: TestClient, name: string, field: string): Promise<number | null> {
  const lines = String(await client.call("CLIENT LIST")).split("\n");
  const line = lines.find((line) => line.includes(` name=${name} `));
  return line === undefined ? null : Number(new RegExp(` ${field}=(\\d+)`).exec(line)?.[1]);
}

/** A client that is served, where others that are just going away may still be counted. */
function served(server: ServerProcess): Promise<TestClient> {
  return until("a client to be served", async () => {
    const client = await server.connect();
    return await client.call("PING").catch(() => null) === "PONG" ? client : null;
  }) as Promise<TestClient>; // `until` returns nothing that is null
}

/** A client with a name that reads nothing more. */
async function deaf(server: ServerProcess, name: string): Promise<TestClient> {
  const client = await server.connect();
  await client.expect(["CLIENT", "SETNAME", name], "OK");
  client.socket.pause();
  return client;
}

test("idle clients are closed, subscribers are not", async () => {
  await withServer(["--timeout", "1"], async (server) => {
    const [idle, subscriber] = [await server.connect(), await server.connect()];
    await subscriber.expect("SUBSCRIBE a", ["subscribe", "a", 1]);
    await idle.expect("PING", "PONG");
    assert.equal(await idle.readToEnd(), "");
    const other = await server.connect();
    await other.expect("PUBLISH a hello", 1);
    assert.deepEqual(await subscriber.read(), ["message", "a", "hello"]);
    await until("a log line", () => server.output.includes("Closing idle client"));
    await other.expect("CONFIG SET timeout 0", "OK");
  });
});

test("clients above maxclients are turned away, and maxclients may be raised", async () => {
  await withServer(["--maxclients", "3"], async (server) => {
    const clients = [await served(server), await served(server), await served(server)];
    const fourth = await server.connect();
    assert.deepEqual(await fourth.read(), new ReplyError("ERR max number of clients reached"));
    assert.equal(await fourth.readToEnd(), "");
    await clients[0].expect("CONFIG SET maxclients 4", "OK");
    await (await server.connect()).expect("PING", "PONG");
    assert.ok((await figure(clients[0], "rejected_connections") ?? 0) >= 1);
  });
});

test("a subscriber that does not read is closed alone", async () => {
  await withServer(["--client-output-buffer-limit", "pubsub 1mb 0 0"], async (server) => {
    const [publisher, listener, slow] = [await server.connect(), await server.connect(), await server.connect()];
    await slow.expect("CLIENT SETNAME slow", "OK");
    for (const subscriber of [listener, slow]) await subscriber.expect("SUBSCRIBE flood", ["subscribe", "flood", 1]);
    slow.socket.pause();
    const message = "x".repeat(64 * 1024);
    let sent = 0;
    while (await publisher.call("PUBLISH", "flood", message) === 2) {
      assert.deepEqual(await listener.read(), ["message", "flood", message]);
      assert.ok(++sent < 10_000, "the slow subscriber is never closed");
    }
    assert.deepEqual(await listener.read(), ["message", "flood", message]);
    await publisher.expect("PUBLISH flood end", 1);
    assert.deepEqual(await listener.read(), ["message", "flood", "end"]);
    assert.ok(sent * message.length >= MIB / 2, "it was not closed below the limit");
    await until(
      "a log line",
      () => /Client id=\d+ .*name=slow .*overcoming of output buffer limits/.test(server.output),
    );
    assert.equal(await figure(publisher, "client_output_buffer_limit_disconnections"), IS_ORACLE ? null : 1);
  });
});

test("the soft limit closes after its time", async () => {
  await withServer(["--client-output-buffer-limit", "pubsub 0 100kb 1"], async (server) => {
    const publisher = await server.connect();
    const slow = await server.connect();
    await slow.expect("CLIENT SETNAME slow", "OK");
    await slow.expect("SUBSCRIBE flood", ["subscribe", "flood", 1]);
    slow.socket.pause();
    const message = "x".repeat(64 * 1024);
    const omem = async (): Promise<number> => await field(publisher, "slow", "omem") ?? Infinity;
    while (await omem() < 200 * 1024) await publisher.call("PUBLISH", "flood", message);
    await until("the subscriber to be closed", async () => {
      await publisher.call("PUBLISH", "flood", "x");
      return await field(publisher, "slow", "omem") === null;
    });
  });
});

test("a normal client's output limit", async () => {
  await withServer(["--client-output-buffer-limit", "normal 3mb 0 0"], async (server) => {
    const client = await server.connect();
    await client.expect(["SETRANGE", "large", 4 * MIB, "x"], 4 * MIB + 1);
    await client.expect(["SETRANGE", "small", MIB, "x"], MIB + 1);
    const other = await server.connect();
    other.send("GET large");
    await other.readToEnd();
    await client.call("GET small");
    await client.expect("PING", "PONG");
    assert.equal(await figure(client, "client_output_buffer_limit_disconnections"), IS_ORACLE ? null : 1);
  });
});

for (
  const [name, request] of [
    ["HRANDFIELD of a huge count", ["HRANDFIELD", "hash", "-99999999999"]],
    ["HRANDFIELD of a huge count with values", ["HRANDFIELD", "hash", "-99999999999", "WITHVALUES"]],
    ["MGET of one long value many times", ["MGET", ...Array<string>(5000).fill("long")]],
    ["HMGET of one long value many times", ["HMGET", "hash", ...Array<string>(5000).fill("long")]],
    ["COMMAND INFO many times", ["COMMAND", "INFO", ...Array<string>(50_000).fill("get")]],
    ["COMMAND DOCS many times", ["COMMAND", "DOCS", ...Array<string>(50_000).fill("set")]],
  ] as const
) {
  test(`a reply beyond the output limit ends its client while it is written: ${name}`, async () => {
    await withServer(["--client-output-buffer-limit", "normal", "1mb", "0", "0"], async (server) => {
      const other = await served(server);
      await other.expect(["SET", "long", "x".repeat(100_000)], "OK");
      await other.expect(["HSET", "hash", "f", "v", "long", "x".repeat(100_000)], 2);
      const client = await server.connect();
      const reply = client.call(...request).then(() => "a reply", () => "no reply");
      assert.equal(await other.call("PING"), "PONG");
      assert.equal(await reply, "no reply");
      const closed = await figure(other, "client_output_buffer_limit_disconnections");
      assert.ok(closed === null || closed === 1, `${closed} clients were closed for it`);
      await other.expect("STRLEN long", 100_000);
      const transaction = await server.connect();
      for (const one of [["MULTI"], ["INCR", "counter"], request, ["INCR", "counter"]]) {
        assert.ok(!(await transaction.call(...one) instanceof ReplyError));
      }
      assert.equal(await transaction.call("EXEC").then(() => "a reply", () => "no reply"), "no reply");
      await other.expect("GET counter", "2");
      await other.expect("GET nothing", null);
    });
  });
}

test("an input that grows beyond client-query-buffer-limit closes that client", async () => {
  await withServer(["--client-query-buffer-limit", "1mb"], async (server) => {
    const [client, greedy] = [await server.connect(), await server.connect()];
    await greedy.expect("PING", "PONG");
    greedy.sendRaw(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${3 * MIB}\r\n` + "x".repeat(3 * MIB));
    await greedy.readToEnd();
    await until("a log line", () => server.output.includes("Closing client that reached max query buffer length"));
    await client.expect("EXISTS a", 0);
    await client.expect(["SET", "a", "x".repeat(MIB / 2)], "OK");
    assert.equal(await figure(client, "client_query_buffer_limit_disconnections"), IS_ORACLE ? null : 1);
  });
});

test("maxmemory-clients evicts the largest clients, and spares those that asked", async () => {
  await withServer([], async (server) => {
    const client = await server.connect();
    await client.expect("CLIENT NO-EVICT ON", "OK");
    /** Fills the input buffer of a client with part of a request. */
    const fill = async (name: string, bytes: number, spared: boolean): Promise<TestClient> => {
      const filled = await server.connect();
      await filled.expect(["CLIENT", "SETNAME", name], "OK");
      if (spared) await filled.expect("CLIENT NO-EVICT ON", "OK");
      filled.sendRaw(`*2\r\n$${bytes}\r\n` + "x".repeat(bytes));
      await until("the input to arrive", async () => (await field(client, name, "qbuf") ?? 0) >= bytes);
      return filled;
    };
    const large = await fill("large", 4 * MIB, false);
    const small = await fill("small", MIB / 2, false);
    await fill("spared", 8 * MIB, true);
    await client.expect(["CONFIG", "SET", "maxmemory-clients", 3 * MIB], "OK");
    await large.readToEnd();
    assert.equal(await field(client, "large", "qbuf"), null);
    assert.notEqual(await field(client, "small", "qbuf"), null);
    assert.notEqual(await field(client, "spared", "qbuf"), null);
    const growing = await server.connect();
    growing.sendRaw(`*2\r\n$${6 * MIB}\r\n` + "x".repeat(6 * MIB));
    await growing.readToEnd();
    assert.equal(await figure(client, "evicted_clients"), 2);
    await server.logged(/Evicting client: id=\d+ /);
    small.close();
  });
});

test("a deaf client is evicted for its output", async () => {
  await withServer(["--maxmemory-clients", "4mb"], async (server) => {
    const client = await server.connect();
    await client.expect(["SETRANGE", "k", 200_000, "v"], 200_001);
    const slow = await deaf(server, "slow");
    await until("the eviction", async () => {
      slow.sendRaw(encodeRequest(["GET", "k"]).repeat(10));
      return await field(client, "slow", "tot-mem") === null;
    });
    await client.expect("PING", "PONG");
  });
});

test("a deaf client with a deep pipeline is not served further until it reads", {
  skip: IS_ORACLE && "Redis lets the output grow",
}, async () => {
  await withServer([], async (server) => {
    const client = await server.connect();
    await client.expect(["SETRANGE", "k", MIB, "v"], MIB + 1);
    const slow = await deaf(server, "slow");
    const depth = 300;
    slow.sendRaw(encodeRequest(["GET", "k"]).repeat(depth) + encodeRequest(["SET", "reached", "1"]));
    // The system goes on taking some of it after the server has stopped: wait until nothing moves any more.
    let last = 0;
    await until("the output to fill up", async () => {
      const before = last;
      last = await field(client, "slow", "omem") ?? 0;
      return last > 16 * MIB && last === before;
    });
    for (let i = 0; i < 10; i++) {
      await client.expect("PING", "PONG");
      assert.ok((await field(client, "slow", "omem") ?? 0) < 64 * MIB);
    }
    await client.expect("EXISTS reached", 0);
    slow.socket.resume();
    for (let i = 0; i < depth; i++) assert.equal(String(await slow.read()).length, MIB + 1);
    assert.equal(await slow.read(), "OK");
  });
});

test("a client that sends without end does not keep others from being served", { timeout: 180_000 }, async () => {
  await withServer([], async (server) => {
    const client = await server.connect();
    const requests = Array.from({ length: 20_000 }, (_, i) => encodeRequest(["SET", `key:${i}`, "0123456789abcdef"]));
    const load = requests.join("");
    const sender = connect(server.port, "127.0.0.1");
    const send = () => {
      while (sender.write(load)) { /* until the system takes no more */ }
    };
    let received = 0;
    sender.on("data", (replies) => received += replies.length).on("drain", send).on("error", () => {});
    send();
    try {
      // Each answer comes while the other goes on sending, or never.
      for (let i = 0; i < 30; i++) {
        const before = received;
        assert.equal(await client.call("PING"), "PONG");
        await until("more replies to the other", () => received > before);
      }
    } finally {
      sender.destroy();
    }
  });
});

test("all that a client has sent is run, though it ends the connection at once", async () => {
  await withServer([], async (server) => {
    const client = await server.connect();
    const count = 30_000;
    const sender = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    sender.resume().on("error", () => {});
    sender.end(Array.from({ length: count }, (_, i) => encodeRequest(["SET", `key:${i}`, "value"])).join(""));
    await until("all keys", async () => await client.call("DBSIZE") === count);
    sender.destroy();
  });
});

test("a client that kills itself runs nothing of what it has sent behind that", async () => {
  await withServer([], async (server) => {
    const control = await server.connect();
    const client = await server.connect();
    const id = await client.call("CLIENT ID");
    const requests = [["CLIENT", "KILL", "ID", String(id), "SKIPME", "no"], ["SET", "behind", "1"]];
    client.socket.write(requests.map(encodeRequest).join(""));
    assert.equal(await client.readToEnd(), ":1\r\n");
    await control.expect("EXISTS behind", 0);
  });
});

test("a client that is killed while it waits for the end of a pause never runs what it has sent", async () => {
  await withServer([], async (server) => {
    const control = await server.connect();
    const client = await server.connect();
    const id = await client.call("CLIENT ID");
    await control.expect("CLIENT PAUSE 100000 WRITE", "OK");
    client.socket.write(["SET behind 1", "SET further 1"].map((line) => encodeRequest(line.split(" "))).join(""));
    await until("the client to wait", async () => await figure(control, "blocked_clients") === 1);
    await control.expect(["CLIENT", "KILL", "ID", String(id)], 1);
    await control.expect("CLIENT UNPAUSE", "OK");
    assert.equal(await client.readToEnd(), "");
    await control.expect("EXISTS behind further", 0);
    assert.equal(await figure(control, "blocked_clients"), 0);
  });
});

test("a client whose connection is gone counts no longer against maxmemory", async () => {
  await withServer([], async (server) => {
    const control = await server.connect();
    const used = await figure(control, "used_memory");
    await control.expect(["CONFIG", "SET", "maxmemory", String((used ?? 0) + 8 * 1024 * 1024)], "OK");
    for (let i = 0; i < 5; i++) {
      const large = await server.connect();
      await large.expect("CLIENT SETNAME large", "OK");
      large.socket.write(`*2\r\n$20000000\r\n${"x".repeat(10_000_000)}`);
      await until("the refusal", async () => await control.call("SET key value") instanceof ReplyError);
      large.close();
      const both = ["CLIENT LIST", "SET key value"].map((line) => encodeRequest(line.split(" "))).join("");
      await until("the client to be gone", async () => {
        control.socket.write(both);
        const list = String(await control.read());
        const reply = await control.read();
        if (list.includes("name=large")) return false;
        assert.equal(reply, "OK", "what a client has taken that is gone");
        return true;
      });
    }
  });
});
