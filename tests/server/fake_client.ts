/** A server without a network, and clients whose other end is the test. */

import assert from "node:assert/strict";
import { ALL_COMMANDS } from "../../lib/commands/all.ts";
import type { Command } from "../../lib/commands/command.ts";
import { CommandTable } from "../../lib/commands/table.ts";
import { Config } from "../../lib/config/config.ts";
import { type Network, NO_HANDLER, type Socket, type SocketHandler } from "../../lib/net/socket.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { applyConfig } from "../../lib/server/program/apply_config.ts";
import { Listeners } from "../../lib/server/program/listeners.ts";
import { Log } from "../../lib/server/program/log.ts";
import { Server } from "../../lib/server/server.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";

/** A connection whose other end is the test. */
export class FakeSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly remoteAddress = "127.0.0.1:1";
  readonly localAddress = "127.0.0.1:2";
  readonly isUnix = false;
  pendingBytes = 0;
  received = "";
  closed = false;
  isPaused = false;

  say(text: string): void {
    const bytes = encodeLatin1(text);
    this.handler.onData(bytes, 0, bytes.length);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.received += decodeLatin1(bytes, start, end);
  }

  send(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  rest(): void {}

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.handler.onClose();
  }

  setKeepAlive(): void {}
}

/** Starts a server that has some more commands. */
export function startWith(...commands: Command[]): Server {
  const log = new Log();
  const server = new Server(log, new Config(), new CommandTable([...ALL_COMMANDS, ...commands]));
  applyConfig(server);
  log.level = "nothing";
  server.ready();
  return server;
}

export function connect(server: Server): FakeSocket {
  const socket = new FakeSocket();
  server.admission.accept(socket);
  return socket;
}

/** A server that follows a primary, which is played by the test, and has come into its stream. */
export async function startBelow(): Promise<{ server: Server; primary: FakeSocket }> {
  const server = startWith();
  const primary = new FakeSocket();
  const network: Network = {
    listenTcp: () => assert.fail("it listens"),
    listenUnix: () => assert.fail("it listens"),
    connectTcp: () => Promise.resolve(primary),
    atEndOfTurn: (sender) => queueMicrotask(() => sender.send()),
  };
  server.listeners = new Listeners(network, server.config, server.admission, () => {});
  connect(server).say("REPLICAOF primary 1\r\n");
  await until(() => primary.handler !== NO_HANDLER);
  primary.say("+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n");
  assert.equal(server.replication.replica.state, "connected");
  return { server, primary };
}

/** Waits until something is so; it must come within some turns. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo() && turns < 100; turns++) await nextTurn();
  assert.ok(isSo());
}
