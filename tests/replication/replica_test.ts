/** The replica's side, with a primary by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { NO_HANDLER, type Socket, type SocketHandler } from "../../lib/net/socket.ts";
import { LoadError } from "../../lib/persistence/load.ts";
import { PrimaryGuard } from "../../lib/replication/primary_guard.ts";
import { type ReplicaHost, ReplicaSide } from "../../lib/replication/replica.ts";
import type { SnapshotReceiver } from "../../lib/replication/snapshot_receiver.ts";
import { randomId, ReplicationStream } from "../../lib/replication/stream.ts";

/** A socket of which the other end is the test. */
class FakeSocket implements Socket {
  readonly remoteAddress = "127.0.0.1:1";
  readonly localAddress = "127.0.0.1:2";
  readonly isUnix = false;
  readonly pendingBytes = 0;
  handler: SocketHandler = NO_HANDLER;
  isPaused = false;
  sent = "";
  write(bytes: Uint8Array, start: number, end: number): void {
    this.sent += decodeLatin1(bytes, start, end);
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  rest(): void {}
  end(): void {}
  destroy(): void {}
  send(): void {}
  setKeepAlive(): void {}

  /** Has bytes arrive. */
  bring(text: string): void {
    const bytes = encodeLatin1(text);
    this.handler.onData(bytes, 0, bytes.length);
  }
}

/** A receiver that keeps up as the test says. */
class FakeReceiver implements SnapshotReceiver {
  readonly loadsAsItComes = false;
  keepsUp = true;
  onRoom: () => void = () => {};
  take(): boolean {
    return this.keepsUp;
  }
  /** Why it cannot be loaded, or null. */
  fault: Error | null = null;
  finish(): Promise<number> {
    return this.fault === null ? Promise.resolve(0) : Promise.reject(this.fault);
  }
  abort(): void {}
}

/** What a replica's side needs of a server that hands no role over, but for what the test has of its own. */
function hostWith(own: Partial<ReplicaHost>): ReplicaHost {
  return {
    stream: new ReplicationStream(),
    handover: { isDue: false, accepted() {}, refused() {} },
    guard: { held: null, ordered() {}, follows() {}, holdsUp: () => false },
    nowMs: () => 0,
    log() {},
    settings: () => ({ user: "", password: "", port: 0, announcedAddress: "", timeoutSeconds: 60 }),
    connect: () => Promise.resolve(new FakeSocket()),
    receiveSnapshot: () => new FakeReceiver(),
    snapshotLoaded() {},
    streamBegins() {},
    identityChanged() {},
    linkChanged() {},
    ...own,
  };
}

for (const announcement of [`$1000\r\n`, `$EOF:${randomId()}\r\n`]) {
  test(`the link is paused while its snapshot (${announcement.slice(0, 4)}) cannot be taken as quickly as it comes`, async () => {
    const socket = new FakeSocket();
    const receiver = new FakeReceiver();
    const replica = new ReplicaSide(hostWith({
      connect: () => Promise.resolve(socket),
      receiveSnapshot: () => receiver,
    }));
    replica.follow({ host: "primary", port: 1 });
    await Promise.resolve();
    socket.bring("+PONG\r\n+OK\r\n+OK\r\n");
    socket.bring(`+FULLRESYNC ${randomId()} 0\r\n${announcement}`);
    socket.bring("x".repeat(100));
    assert.equal(socket.isPaused, false);
    receiver.keepsUp = false;
    socket.bring("x".repeat(100));
    assert.equal(socket.isPaused, true);
    receiver.onRoom();
    assert.equal(socket.isPaused, false);
    replica.follow(null);
  });
}

test("a snapshot that cannot be loaded is asked for again less and less often, and told of once", async () => {
  const receiver = new FakeReceiver();
  receiver.fault = new LoadError("a value of type 2, set, is not supported");
  const messages: string[] = [];
  let nowMs = 0;
  let socket = new FakeSocket();
  let connections = 0;
  const replica = new ReplicaSide(hostWith({
    nowMs: () => nowMs,
    log: (level, message) => {
      if (level === "warning") messages.push(message);
    },
    connect: () => {
      connections++;
      return Promise.resolve(socket = new FakeSocket());
    },
    receiveSnapshot: () => receiver,
  }));
  /** Lets a second pass; a connection that this opens brings a snapshot. */
  const second = async () => {
    nowMs += 1000;
    const before = connections;
    replica.everySecond();
    if (connections > before) await bringSnapshot();
  };
  const bringSnapshot = async () => {
    await Promise.resolve();
    socket.bring(`+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${randomId()} 0\r\n$3\r\nabc`);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  replica.follow({ host: "primary", port: 1 });
  await bringSnapshot();
  const triesAt: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const before = connections;
    await second();
    if (connections > before) triesAt.push(nowMs / 1000);
  }
  assert.deepEqual(triesAt.slice(0, 5), [2, 6, 14, 30, 62]);
  assert.ok(triesAt.length <= 12, `${triesAt.length} tries in 1000 s`);
  assert.equal(messages.length, 1, messages.join("\n"));
  assert.match(messages[0], /a value of type 2, set, is not supported/);
  // Another primary has another snapshot.
  receiver.fault = null;
  replica.follow({ host: "another", port: 1 });
  await bringSnapshot();
  assert.equal(replica.state, "connected");
});

for (const error of ["NOMASTERLINK", "LOADING", "MASTERDOWN", "BUSY"]) {
  test(`a primary that cannot be followed now (${error}) is asked again later, and not for a SYNC, which tells no place`, async () => {
    let nowMs = 0;
    let socket = new FakeSocket();
    let connections = 0;
    const replica = new ReplicaSide(hostWith({
      nowMs: () => nowMs,
      connect: () => {
        connections++;
        return Promise.resolve(socket = new FakeSocket());
      },
    }));
    replica.follow({ host: "primary", port: 1 });
    await Promise.resolve();
    const { sent } = socket;
    socket.bring(`+PONG\r\n+OK\r\n+OK\r\n-${error} not now\r\n`);
    assert.match(socket.sent.slice(sent.length), /PSYNC/);
    assert.doesNotMatch(socket.sent, /\nSYNC\r\n/);
    nowMs += 1000;
    replica.everySecond();
    await Promise.resolve();
    assert.equal(connections, 2);
    replica.follow(null);
  });
}

test("a stream that is held up is asked for again less and less often, once a minute in the end, and its snapshot is not", async () => {
  const messages: string[] = [];
  let nowMs = 0;
  let connections = 0;
  let socket = new FakeSocket();
  const lost = randomId();
  const guard = new PrimaryGuard({
    nowMs: () => nowMs,
    settings: () => ({ isOn: true, percentage: 10 }),
    keys: () => 1000,
    liveKeys: () => Promise.resolve(1000),
  });
  const receiver = new FakeReceiver();
  const taken: string[] = [];
  const replica = new ReplicaSide(hostWith({
    guard,
    nowMs: () => nowMs,
    log: (level, message) => void (level === "warning" && messages.push(message)),
    connect: () => {
      connections++;
      return Promise.resolve(socket = new FakeSocket());
    },
    receiveSnapshot: (id) => {
      taken.push(id);
      return {
        ...receiver,
        loadsAsItComes: false,
        take: () => true,
        abort() {},
        finish: async () => {
          await guard.decide(id, () => Promise.resolve(id === lost ? 3 : 1000));
          return 0;
        },
      };
    },
  }));
  /** A connection to a primary with this stream has been made. */
  const answer = async (id: string) => {
    await Promise.resolve();
    socket.bring(`+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC ${id} 0\r\n`);
    if (replica.state === "sync") socket.bring("$3\r\nabc");
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const pass = async (seconds: number, id: string) => {
    const triesAt: number[] = [];
    for (let i = 0; i < seconds; i++) {
      nowMs += 1000;
      const before = connections;
      replica.everySecond();
      if (connections === before) continue;
      triesAt.push(nowMs / 1000);
      await answer(id);
    }
    return triesAt;
  };
  replica.follow({ host: "primary", port: 1 });
  guard.follows(randomId());
  await answer(lost);
  assert.deepEqual(await pass(300, lost), [2, 6, 14, 30, 62, 122, 182, 242]);
  assert.deepEqual(taken, [lost]);
  assert.equal(messages.length, 9);
  const what = /Keeping the 1000 keys .* another ID, [0-9a-f]{40}, and 3 keys\. .* REPLICAOF ACCEPT [0-9a-f]{40};/;
  for (const message of messages) assert.match(message, what);
  // It is somebody's wish now.
  assert.equal(guard.accept(lost), null);
  replica.retry();
  await answer(lost);
  assert.equal(replica.state, "connected");
  assert.deepEqual(taken, [lost, lost]);
});

// --- Whoever is followed is to take the role over -----------------------------------------------------------------

/** A link whose other end is asked to take the role over, and what came of that. */
async function handOver(): Promise<
  { replica: ReplicaSide; socket: () => FakeSocket; outcomes: string[]; connections: () => number; pass: () => void }
> {
  const outcomes: string[] = [];
  const stream = new ReplicationStream();
  stream.offset = 41;
  let nowMs = 0;
  let socket = new FakeSocket();
  let connections = 0;
  const replica: ReplicaSide = new ReplicaSide(hostWith({
    stream,
    handover: {
      get isDue() {
        return outcomes.length === 0;
      },
      accepted: () => void outcomes.push("accepted"),
      refused: () => {
        outcomes.push("refused");
        replica.follow(null);
      },
    },
    nowMs: () => nowMs,
    connect: () => {
      connections++;
      return Promise.resolve(socket = new FakeSocket());
    },
  }));
  replica.canContinue = true;
  replica.follow({ host: "target", port: 1 });
  await Promise.resolve();
  const pass = () => {
    nowMs += 61_000;
    replica.everySecond();
  };
  return { replica, socket: () => socket, outcomes, connections: () => connections, pass };
}

const GREETED = "+PONG\r\n+OK\r\n+OK\r\n";

const ACCEPTANCES: readonly (readonly [how: string, answer: string])[] = [
  ["and what is asked for", `+CONTINUE ${randomId()}\r\n`],
  ["and a snapshot", `+FULLRESYNC ${randomId()} 0\r\n`],
  ["and nonsense", "+FULLRESYNC nonsense\r\n"],
];

for (const [how, answer] of ACCEPTANCES) {
  test(`PSYNC asks the other end to take the role over, which it does, ${how}`, async () => {
    const { replica, socket, outcomes } = await handOver();
    socket().bring(GREETED);
    assert.match(socket().sent, /\*4\r\n\$5\r\nPSYNC\r\n\$40\r\n[0-9a-f]{40}\r\n\$2\r\n42\r\n\$8\r\nFAILOVER\r\n$/);
    assert.deepEqual(outcomes, []);
    socket().bring(answer);
    assert.deepEqual(outcomes, ["accepted"]);
    replica.follow(null);
  });
}

for (const answer of ["-ERR PSYNC FAILOVER replid must match my replid.", "-LOADING not now", "+OK", "$5"]) {
  test(`it has not, and is asked neither again nor for a SYNC: ${answer.slice(0, 10)}`, async () => {
    const { replica, socket, outcomes, connections, pass } = await handOver();
    socket().bring(`${GREETED}${answer}\r\n`);
    assert.deepEqual(outcomes, ["refused"]);
    pass();
    assert.equal(replica.state, "none");
    assert.equal(connections(), 1);
    assert.doesNotMatch(socket().sent, /\nSYNC\r\n/);
  });
}

test("one that has lost its own link, and says only that, has not taken it", async () => {
  const { replica, socket, outcomes } = await handOver();
  socket().bring("-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n");
  assert.deepEqual(outcomes, ["refused"]);
  assert.equal(replica.state, "none");
});

test("one that loads its data is asked again", async () => {
  const { replica, socket, outcomes, pass, connections } = await handOver();
  socket().bring("-LOADING Redis is loading the dataset in memory\r\n");
  assert.deepEqual(outcomes, []);
  pass();
  await Promise.resolve();
  assert.equal(connections(), 2);
  replica.follow(null);
});

test("a connection that ends before the answer comes is a refusal, and none where it ends before the question", async () => {
  const { socket, outcomes, replica, connections, pass } = await handOver();
  socket().bring("+PONG\r\n");
  socket().handler.onClose();
  assert.deepEqual(outcomes, []);
  assert.equal(replica.state, "connect");
  pass();
  await Promise.resolve();
  assert.equal(connections(), 2);
  socket().bring(GREETED);
  socket().handler.onClose();
  assert.deepEqual(outcomes, ["refused"]);
});

test("one that is silent for too long is asked once more", async () => {
  const { socket, outcomes, connections, pass, replica } = await handOver();
  socket().bring(GREETED);
  pass();
  assert.deepEqual(outcomes, []);
  pass();
  await Promise.resolve();
  assert.equal(connections(), 2);
  socket().bring(`${GREETED}+CONTINUE ${randomId()}\r\n`);
  assert.deepEqual(outcomes, ["accepted"]);
  replica.follow(null);
});
