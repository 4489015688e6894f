/** The replica's side, with a primary by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { NO_HANDLER, type Socket, type SocketHandler } from "../../lib/net/socket.ts";
import { ReplicaSide } from "../../lib/replication/replica.ts";
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
  write(): void {}
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
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
  keepsUp = true;
  onRoom: () => void = () => {};
  take(): boolean {
    return this.keepsUp;
  }
  finish(): Promise<number> {
    return Promise.resolve(0);
  }
  abort(): void {}
}

for (const announcement of [`$1000\r\n`, `$EOF:${randomId()}\r\n`]) {
  test(`the link is paused while its snapshot (${announcement.slice(0, 4)}) cannot be taken as quickly as it comes`, async () => {
    const socket = new FakeSocket();
    const receiver = new FakeReceiver();
    const replica = new ReplicaSide({
      stream: new ReplicationStream(),
      nowMs: () => 0,
      log() {},
      settings: () => ({ user: "", password: "", port: 0, announcedAddress: "", timeoutSeconds: 60 }),
      connect: () => Promise.resolve(socket),
      receiveSnapshot: () => receiver,
      streamBegins() {},
      identityChanged() {},
      linkChanged() {},
    });
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
