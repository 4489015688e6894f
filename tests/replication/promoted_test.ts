/** A replica that is promoted, and follows another later: what its life before has to do with that, and what not. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type Clock, unixMs, useClock } from "../../lib/runtime/clock.ts";
import type { Server } from "../../lib/server/server.ts";
import { connect, type FakeSocket, startBelow } from "../server/fake_client.ts";

const HOUR_MS = 3_600_000;

let systemClock: Clock;
let passedMs = 0;

beforeEach(() => {
  const startMs = unixMs();
  passedMs = 0;
  systemClock = useClock({
    unixMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    preciseUnixMs: () => startMs + passedMs,
  });
});
afterEach(() => useClock(systemClock));

/** What INFO says of the time for which the link to the primary has been down. */
function downSeconds(server: Server): string | undefined {
  const client = connect(server);
  client.say("INFO replication\r\n");
  return /master_link_down_since_seconds:(-?\d+)/.exec(client.received)?.[1];
}

/** Has the link end as when the primary is gone, and all later ones come to nothing. */
function lose(primary: FakeSocket, server: Server): void {
  Object.assign(server.listeners?.network ?? {}, { connectTcp: () => new Promise(() => {}) });
  primary.destroy();
}

test("a replica that nobody followed for long has the stream for those who come when it is promoted", async () => {
  const { server } = await startBelow();
  const { primary, stream } = server.replication;
  const { id, offset } = stream;
  passedMs += 2 * HOUR_MS;
  primary.everySecond();
  connect(server).say("REPLICAOF NO ONE\r\n");
  primary.everySecond();
  const other = connect(server);
  other.say(`PSYNC ${id} ${offset + 1}\r\n`);
  assert.match(other.received, /^\+CONTINUE/);
});

test("a primary without replicas keeps the stream no longer than it is told to", async () => {
  const { server } = await startBelow();
  const { primary, stream } = server.replication;
  connect(server).say("REPLICAOF NO ONE\r\n");
  passedMs += HOUR_MS;
  primary.everySecond();
  assert.ok(stream.hasBacklog);
  passedMs += 1;
  primary.everySecond();
  assert.ok(!stream.hasBacklog);
});

test("the time for which a link was down ends with the role of a replica", async () => {
  const { server, primary } = await startBelow();
  lose(primary, server);
  passedMs += HOUR_MS;
  assert.equal(downSeconds(server), "3600");
  const client = connect(server);
  client.say("REPLICAOF NO ONE\r\n");
  assert.equal(downSeconds(server), undefined);
  client.say("REPLICAOF another 1\r\n");
  assert.equal(downSeconds(server), "-1", "that link has never been up");
  client.say("REPLICAOF NO ONE\r\n");
});

test("a replica that is told to follow another has been without a link since then", async () => {
  const { server } = await startBelow();
  Object.assign(server.listeners?.network ?? {}, { connectTcp: () => new Promise(() => {}) });
  const client = connect(server);
  client.say("REPLICAOF another 1\r\n");
  passedMs += 5000;
  assert.equal(downSeconds(server), "5");
  client.say("REPLICAOF NO ONE\r\n");
});
