/** The primary's side, with a host that is made up. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { newHandshake, type ReplicaConnection } from "../../lib/replication/attached_replica.ts";
import { type PrimaryHost, PrimarySide } from "../../lib/replication/primary.ts";
import { ReplicationStream } from "../../lib/replication/stream.ts";
import { files, useFiles } from "../../lib/runtime/files.ts";
import { sleep } from "../../lib/runtime/timers.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";

const SETTINGS = {
  diskless: false,
  disklessDelaySeconds: 0,
  disklessMaxReplicas: 0,
  timeoutSeconds: 60,
  backlogBytes: 16384,
  backlogTtlSeconds: 0,
};

const CONNECTION: ReplicaConnection = {
  id: 1,
  remoteAddress: "127.0.0.1:1",
  outputBytes: 0,
  deliver: () => {},
  stream: () => {},
  drop: () => {},
  dropAsFull: () => {},
  end: () => {},
};

/** A host of which the log is kept. */
function hostOf(said: string[], others: Partial<PrimaryHost>): PrimaryHost {
  return {
    slowsWriters: () => false,
    atEndOfTurn: (sender) => queueMicrotask(() => sender.send()),
    stream: new ReplicationStream(),
    nowMs: () => 0,
    log: (_level, message) => void said.push(message),
    settings: () => SETTINGS,
    outputLimit: () => ({ hardBytes: 0, softBytes: 0, softSeconds: 0 }),
    snapshotRunning: () => false,
    takeSnapshot: (_target, atStart) => Promise.resolve(atStart()),
    abortSnapshot: () => {},
    emptySnapshot: () => new Uint8Array(0),
    keepsSnapshots: () => false,
    rdbPath: () => ({ path: "", temporary: "" }),
    fileServed: () => {},
    forgetSelected: () => {},
    replicasChanged: () => {},
    countSync: () => {},
    ...others,
  };
}

test("a primary says why it does not let a replica continue", () => {
  const said: string[] = [];
  const host = hostOf(said, { snapshotRunning: () => true });
  const { stream } = host;
  const primary = new PrimarySide(host);
  stream.createBacklog(SETTINGS.backlogBytes);
  const first = stream.id;
  const bytes = new Uint8Array(1000);
  for (let i = 0; i < 40; i++) stream.append(bytes, 0, bytes.length);
  stream.shiftId();
  for (let i = 0; i < 10; i++) stream.append(bytes, 0, bytes.length);
  const ask = (id: string, offset: number) => {
    said.length = 0;
    primary.synchronise(CONNECTION, { ...newHandshake(), listeningPort: 7000 }, id, offset);
    return said[0];
  };
  const stranger = "a".repeat(40);
  assert.equal(
    ask(stranger, 1),
    `Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '${stranger}', my replication ` +
      `IDs are '${stream.id}' and '${first}')`,
  );
  assert.equal(
    ask(first, 40_002),
    "Partial resynchronization not accepted: Requested offset for second ID was 40002, but I can reply up to 40001",
  );
  const lacking = "Unable to partial resync with replica 127.0.0.1:7000 for lack of backlog (Replica request was: ";
  assert.equal(ask(first, 30_000), `${lacking}30000, it has 33617 to 50000).`);
  assert.equal(ask(stream.id, 50_002), `${lacking}50002, it has 33617 to 50000).`);
  assert.match(ask(stream.id, 50_001), /accepted\. Sending 0 bytes of backlog\.$/);
  assert.match(ask(first, 40_001), /accepted\. Sending 10000 bytes of backlog\.$/);
});

/** A connection of which what it was sent of the stream is kept, as text. */
function recorder(): ReplicaConnection & { sent: string; outputBytes: number; isDropped: boolean } {
  return {
    ...CONNECTION,
    sent: "",
    outputBytes: 0,
    isDropped: false,
    stream(bytes, start, end) {
      this.sent += decodeLatin1(bytes, start, end);
    },
    dropAsFull() {
      this.isDropped = true;
    },
  };
}

function feed(primary: PrimarySide, text: string): void {
  primary.feed(encodeLatin1(text), 0, text.length);
}

test("what a turn has written is sent once, to whoever came before it or in its middle", async () => {
  const host = hostOf([], {});
  const { stream } = host;
  const primary = new PrimarySide(host);
  const handshake = newHandshake();
  const [early, late, whole] = [recorder(), recorder(), recorder()];
  primary.synchronise(early, handshake, null, -1); // makes the backlog, and waits for a snapshot
  primary.synchronise(early, handshake, stream.id, 1);
  feed(primary, "one,");
  primary.synchronise(whole, { ...handshake, withoutKeys: true }, "?", -1);
  feed(primary, "and,");
  primary.synchronise(late, handshake, stream.id, 3);
  feed(primary, "two,");
  assert.equal(late.sent, "e,and,", "what there was when it came");
  await nextTurn();
  assert.deepEqual([early.sent, late.sent, whole.sent], ["one,and,two,", "e,and,two,", "and,two,"]);
  feed(primary, "x".repeat(100_000));
  assert.equal(early.sent.length, 100_012, "much does not wait for the end of the turn");
  await nextTurn();
  assert.deepEqual([early.sent.length, late.sent.length, whole.sent.length], [100_012, 100_010, 100_008]);
});

test("a replica that takes nothing keeps the stream in the backlog, gets all of it later, and is dropped where that is too much", async () => {
  let nowMs = 1;
  const host = hostOf([], {
    nowMs: () => nowMs,
    outputLimit: () => ({ hardBytes: 10_000_000, softBytes: 3_000_000, softSeconds: 5 }),
  });
  const { stream } = host;
  stream.createBacklog(SETTINGS.backlogBytes);
  const primary = new PrimarySide(host);
  const [slow, dead] = [recorder(), recorder()];
  for (const one of [slow, dead]) primary.synchronise(one, newHandshake(), stream.id, 1);
  slow.outputBytes = dead.outputBytes = 2_000_000;
  const text = Array.from({ length: 20 }, (_, i) => String(i).padEnd(100_000, ".")).join("");
  feed(primary, text);
  await nextTurn();
  assert.deepEqual([slow.sent, dead.sent], ["", ""]);
  assert.ok(stream.backlogExcessBytes > 1_900_000, "it is there once, for both");
  slow.outputBytes = 0;
  for (let turns = 0; slow.sent.length < text.length && turns < 1000; turns++) await sleep(5);
  assert.equal(slow.sent, text);
  primary.everySecond();
  nowMs += 6000;
  assert.deepEqual([slow.isDropped, dead.isDropped], [false, false]);
  primary.everySecond(); // nobody has written meanwhile
  assert.deepEqual([slow.isDropped, dead.isDropped], [false, true]);
  for (const replica of primary.replicas) primary.forget(replica);
  assert.equal(stream.backlogExcessBytes, 0);
});

test("a snapshot that cannot be read while it is sent costs the replica its link, and nothing is left open", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tredis-primary-"));
  const path = join(folder, "dump.rdb");
  writeFileSync(path, new Uint8Array(1000));
  const said: string[] = [];
  const host = hostOf(said, { rdbPath: () => ({ path, temporary: join(folder, "temp") }) });
  const opened = new Set<number>();
  const disk = files();
  useFiles({
    ...disk,
    open: (name, purpose) => {
      const file = disk.open(name, purpose);
      opened.add(file);
      return file;
    },
    close: (file) => {
      opened.delete(file);
      disk.close(file);
    },
    read: () => {
      throw new Error("Input/output error");
    },
  });
  try {
    const primary = new PrimarySide(host);
    let isDropped = false;
    primary.synchronise({ ...CONNECTION, drop: () => void (isDropped = true) }, newHandshake(), "?", -1);
    for (let turns = 0; !isDropped && turns < 100; turns++) await nextTurn();
    assert.ok(isDropped, said.join("\n"));
    assert.match(said.at(-1) ?? "", /the snapshot cannot be read: Input\/output error/);
    assert.equal(opened.size, 0);
  } finally {
    useFiles(disk);
    rmSync(folder, { recursive: true, force: true });
  }
});
