/** What counts against `maxmemory`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, startWith } from "./fake_client.ts";

const MIB = 2 ** 20;

test("output that has gone since it was counted neither evicts keys nor has writes refused", () => {
  for (const policy of ["noeviction", "allkeys-lru"]) {
    const server = startWith();
    const client = connect(server);
    client.say("SET key value\r\n");
    const limit = server.memory.countedBytes + MIB;
    client.say(`CONFIG SET maxmemory ${limit} maxmemory-policy ${policy}\r\n`);
    client.pendingBytes = 5 * MIB;
    client.say("PING\r\n");
    for (const task of server.cron.tasks) task();
    assert.ok(server.memory.countedBytes > limit);
    client.pendingBytes = 0;
    client.received = "";
    client.say("SET other value\r\n");
    assert.equal(client.received, "+OK\r\n");
    assert.equal(server.statistics.evictedKeys, 0);
    client.received = "";
    client.say("GET key\r\n");
    assert.equal(client.received, "$5\r\nvalue\r\n");
  }
});

test("the backlog that is there for loading only is none of what the server uses at its start", () => {
  const server = startWith();
  server.replication.beginLoading();
  assert.ok(server.memory.measure().backlogBytes > 0);
  server.ready();
  assert.equal(server.memory.measure().backlogBytes, 0);
  assert.equal(server.memory.startupBytes, server.memory.measure().usedBytes);
});
