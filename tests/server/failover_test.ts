/** A failover, with replicas by hand: which of them may take the role, when, and what they are asked. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newHandshake, Replica, type ReplicaConnection } from "../../lib/replication/attached_replica.ts";
import { ReplicationStream } from "../../lib/replication/stream.ts";
import { Failover } from "../../lib/server/data/failover.ts";

/** Bytes of what asks replicas how far they are. */
const QUESTION_BYTES = 37;

interface World {
  readonly failover: Failover;
  readonly stream: ReplicationStream;
  /** What happened, in order. */
  readonly events: string[];
  /** Adds a replica that is online, and announces this port. */
  add(port: number): Replica;
  /** A replica says how far it is. */
  acknowledge(replica: Replica, offset: number): void;
  /** The periodic work. */
  tick(): void;
}

function makeWorld(): World {
  const stream = new ReplicationStream();
  stream.createBacklog(16_384);
  const events: string[] = [];
  const tasks: (() => void)[] = [];
  const all = new Set<Replica>();
  const replicas = {
    side: { replicas: all, addressOf: () => "10.0.0.1" },
    askForAcknowledgements: () => {
      events.push(`ask at ${stream.offset}`);
      stream.offset += QUESTION_BYTES;
    },
    onAcknowledged: () => {},
  };
  const server = {
    cron: { every: () => true, tasks },
    log: { notice() {} },
    pausing: { hold: () => void events.push("hold"), letGo: () => void events.push("let go") },
  };
  const role = {
    isReplica: () => false,
    follow: (host: string, port: number) => void events.push(`follow ${host}:${port}`),
    takeBack: () => void events.push("take back"),
  };
  const connection: ReplicaConnection = {
    id: 1,
    remoteAddress: "10.0.0.1:50000",
    outputBytes: 0,
    deliver() {},
    stream() {},
    dropAsFull() {},
    drop() {},
    end() {},
  };
  return {
    failover: new Failover(server, stream, replicas, role),
    stream,
    events,
    add: (port) => {
      const replica = new Replica(connection, { ...newHandshake(), listeningPort: port }, stream, 0);
      replica.state = "online";
      all.add(replica);
      return replica;
    },
    acknowledge: (replica, offset) => {
      replica.acknowledgedOffset = offset;
      replicas.onAcknowledged();
    },
    tick: () => tasks.forEach((task) => task()),
  };
}

const TO_ANY = { target: null, timeoutMs: null, isForced: false };

test("replicas are asked once how far they are, and one that has all but the question has all", async () => {
  const { failover, stream, events, add, acknowledge, tick } = makeWorld();
  stream.offset = 100;
  const [slow, quick] = [add(1), add(2)];
  assert.equal(failover.begin(TO_ANY), null);
  assert.deepEqual(events, ["hold"], "nothing else within the command, which may be one of a transaction");
  await Promise.resolve();
  tick();
  acknowledge(slow, 99);
  assert.deepEqual(events, ["hold", "ask at 100"]);
  acknowledge(quick, 100);
  assert.deepEqual(events, ["hold", "ask at 100", "follow 10.0.0.1:2"]);
  assert.equal(failover.state, "failover-in-progress");
  failover.accepted();
  assert.deepEqual(events.slice(3), ["let go"]);
  assert.equal(failover.state, "no-failover");
});

test("one that has all is not asked", async () => {
  const { failover, stream, events, add } = makeWorld();
  stream.offset = 100;
  add(1).acknowledgedOffset = 100;
  assert.equal(failover.begin(TO_ANY), null);
  await Promise.resolve();
  assert.deepEqual(events, ["hold", "follow 10.0.0.1:1"]);
});

test("what comes into the stream behind the question must be acknowledged too", async () => {
  const { failover, stream, events, add, acknowledge, tick } = makeWorld();
  stream.offset = 100;
  const replica = add(1);
  failover.begin(TO_ANY);
  await Promise.resolve();
  stream.offset += 14; // a PING
  acknowledge(replica, 100);
  tick();
  assert.deepEqual(events, ["hold", "ask at 100", "ask at 151"]);
  acknowledge(replica, 137);
  assert.equal(failover.state, "waiting-for-sync");
  acknowledge(replica, 151);
  assert.equal(failover.state, "failover-in-progress");
});

test("a question of a failover before it says nothing of where this one's stands", async () => {
  const { failover, stream, events, add, acknowledge } = makeWorld();
  stream.offset = 100;
  const replica = add(1);
  failover.begin(TO_ANY);
  await Promise.resolve();
  assert.ok(failover.abort());
  failover.begin(TO_ANY);
  await Promise.resolve();
  assert.deepEqual(events, ["hold", "ask at 100", "let go", "hold", "ask at 137"]);
  acknowledge(replica, 100);
  assert.equal(failover.state, "waiting-for-sync");
});

test("the role goes to nobody who tells no port, waits for a snapshot, is gone, or claims more than there is", async () => {
  const { failover, stream, add, tick } = makeWorld();
  stream.offset = 100;
  const [nameless, waiting, gone, boastful] = [add(0), add(1), add(2), add(3)];
  for (const replica of [nameless, waiting, gone]) replica.acknowledgedOffset = 100;
  boastful.acknowledgedOffset = 1000;
  waiting.state = "wait_end";
  gone.gone = true;
  failover.begin(TO_ANY);
  await Promise.resolve();
  tick();
  assert.equal(failover.state, "waiting-for-sync");
  failover.abort();
});

test("a target that has come anew is found, though its old connection is there still", async () => {
  const { failover, stream, events, add } = makeWorld();
  stream.offset = 100;
  const old = add(1);
  old.state = "wait_start";
  add(1).acknowledgedOffset = 100;
  assert.equal(failover.begin({ ...TO_ANY, target: { host: "10.0.0.1", port: 1 } }), null);
  await Promise.resolve();
  assert.deepEqual(events, ["hold", "follow 10.0.0.1:1"]);
});

test("the role is taken back where it is not taken, before writes go on", async () => {
  const { failover, stream, events, add } = makeWorld();
  stream.offset = 100;
  add(1).acknowledgedOffset = 100;
  for (const end of [() => failover.refused(), () => failover.abort()]) {
    failover.begin(TO_ANY);
    await Promise.resolve();
    end();
    assert.deepEqual(events.splice(0), ["hold", "follow 10.0.0.1:1", "take back", "let go"]);
  }
});
