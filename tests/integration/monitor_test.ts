/** MONITOR: every command is shown as it is run. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ServerProcess } from "./server_process.ts";
import { ReplyError, type TestClient } from "./test_client.ts";

let server: ServerProcess;
let client: TestClient;
before(async () => {
  server = await ServerProcess.start();
  client = await server.connect();
});
after(() => server.stop());

async function monitor(): Promise<TestClient> {
  const monitor = await server.connect();
  await monitor.expect("MONITOR", "OK");
  return monitor;
}

/** The command part of the next line. */
async function shown(monitor: TestClient): Promise<string> {
  const line = String(await monitor.read());
  const match = /^\d{10}\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\] (.*)$/s.exec(line);
  assert.ok(match !== null, line);
  return match[2];
}

test("commands are shown with time, database, address and quoted arguments", async () => {
  const watching = await monitor();
  const address = /addr=(\S+)/.exec(String(await client.call("CLIENT INFO")))?.[1] ?? "";
  assert.match(String(await watching.read()), / "CLIENT" "INFO"$/);
  await client.expect("SELECT 2", "OK");
  assert.ok(String(await watching.read()).endsWith(` [2 ${address}] "SELECT" "2"`));
  await client.expect(["SET", "a b", 'quote" slash\\ \r\n\t\x07\b \x00\x1f\x7f\xff'], "OK");
  assert.equal(await shown(watching), '"SET" "a b" "quote\\" slash\\\\ \\r\\n\\t\\a\\b \\x00\\x1f\\x7f\\xff"');
  await client.expect("SELECT 0", "OK");
  watching.close();
});

test("commands for administrators and refused ones are not shown, secrets are hidden", async () => {
  const watching = await monitor();
  await client.call("CONFIG GET port");
  await client.call("CLIENT LIST");
  await client.call("GET");
  await client.call("NOSUCHCOMMAND");
  await client.call("AUTH secret");
  await client.call("AUTH user secret");
  await client.call("HELLO 2 AUTH user secret");
  await client.call("GET a");
  const redacted = '"(redacted)"';
  assert.equal(await shown(watching), `"AUTH" ${redacted}`);
  assert.equal(await shown(watching), `"AUTH" ${redacted} ${redacted}`);
  assert.equal(await shown(watching), `"HELLO" "2" "AUTH" ${redacted} ${redacted}`);
  assert.equal(await shown(watching), '"GET" "a"');
  watching.close();
});

test("a transaction is shown in the order in which it runs", async () => {
  const watching = await monitor();
  client.sendRaw("MULTI\r\nSET foo bar\r\nGET foo\r\nEXEC\r\n");
  for (let i = 0; i < 4; i++) await client.read();
  for (const line of ['"MULTI"', '"SET" "foo" "bar"', '"GET" "foo"', '"EXEC"']) {
    assert.equal(await shown(watching), line);
  }
  watching.close();
});

test("who monitors may ask no keys, sees its own commands after their replies, and ends with RESET", async () => {
  const watching = await monitor();
  await watching.expect("GET a", new ReplyError("ERR Replica can't interact with the keyspace"));
  await watching.expect("PING", "PONG");
  assert.equal(await shown(watching), '"PING"');
  assert.match(String(await watching.call("CLIENT LIST")), / flags=O /);
  watching.sendRaw("MULTI\r\nMONITOR\r\nEXEC\r\n");
  await watching.expect("RESET", "OK");
  assert.equal(await shown(watching), '"MULTI"');
  assert.equal(await watching.read(), "QUEUED");
  assert.deepEqual(await watching.read(), [
    new ReplyError("ERR MONITOR isn't allowed for DENY BLOCKING client"),
  ]);
  assert.equal(await shown(watching), '"EXEC"');
  assert.equal(await watching.read(), "RESET");
  await client.expect("PING", "PONG");
  await watching.expect("ECHO end", "end");
});

test("several monitors see the same, and one that goes away is forgotten", async () => {
  const [one, two] = [await monitor(), await monitor()];
  await client.expect("ECHO both", "both");
  assert.equal(await shown(one), '"ECHO" "both"');
  assert.equal(await shown(two), '"ECHO" "both"');
  one.close();
  await client.expect("ECHO rest", "rest");
  assert.equal(await shown(two), '"ECHO" "rest"');
});
