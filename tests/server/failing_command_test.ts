/** A command that throws ends its own client; the server and all others go on as if it had not been. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_COMMANDS } from "../../lib/commands/all.ts";
import { command, FAST } from "../../lib/commands/command.ts";
import { CommandTable } from "../../lib/commands/table.ts";
import { Config } from "../../lib/config/config.ts";
import { NO_HANDLER, type Socket, type SocketHandler } from "../../lib/net/socket.ts";
import { applyConfig } from "../../lib/server/apply_config.ts";
import { Log } from "../../lib/server/log.ts";
import { Server } from "../../lib/server/server.ts";
import { decodeLatin1, encodeLatin1 } from "../../lib/bytes/latin1.ts";

/** A connection whose other end is the test. */
class FakeSocket implements Socket {
  handler: SocketHandler = NO_HANDLER;
  readonly remoteAddress = "127.0.0.1:1";
  readonly localAddress = "127.0.0.1:2";
  readonly isUnix = false;
  readonly pendingBytes = 0;
  received = "";
  closed = false;

  say(text: string): void {
    const bytes = encodeLatin1(text);
    this.handler.onData(bytes, 0, bytes.length);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.received += decodeLatin1(bytes, start, end);
  }

  send(): void {}
  pause(): void {}
  resume(): void {}

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

const EXPLODE = command("explode", -1, FAST, (session, request) => {
  session.reply.bulkString("half of a reply");
  throw new Error(`cannot do with ${request.argc}`);
}, { keys: [1, -1, 1] });

function start(): Server {
  const log = new Log();
  const server = new Server(log, new Config(), new CommandTable([...ALL_COMMANDS, EXPLODE]));
  applyConfig(server);
  log.level = "nothing";
  server.ready();
  return server;
}

function connect(server: Server): FakeSocket {
  const socket = new FakeSocket();
  server.accept(socket);
  return socket;
}

for (
  const [where, requests] of [
    ["alone", "EXPLODE\r\n"],
    [
      "in the middle of a pipeline",
      `${"SET key 1\r\n".repeat(40)}EXPLODE a b c d e f\r\n${"SET key 2\r\n".repeat(40)}`,
    ],
    ["in a transaction", "MULTI\r\nSET key 1\r\nEXPLODE\r\nSET key 2\r\nEXEC\r\n"],
    ["with the start of a request behind it", "EXPLODE\r\n*2\r\n$4\r\nECHO\r\n$4\r\nab"],
    ["of a client that touches nothing", "CLIENT NO-TOUCH on\r\nEXPLODE\r\n"],
  ] as const
) {
  test(`a command that throws ${where}`, () => {
    const server = start();
    const bystander = connect(server);
    bystander.say("*2\r\n$4\r\nECHO\r\n$5\r\nhel"); // a request under way meanwhile
    const socket = connect(server);
    socket.say(requests);
    assert.ok(socket.closed);
    assert.ok(!socket.received.includes("half"));
    assert.ok(!server.store.noTouch);
    assert.equal(server.current, null);
    bystander.say("lo\r\n");
    assert.equal(bystander.received, "$5\r\nhello\r\n");
    const later = connect(server);
    later.say(`${"SET other 3\r\nGET other\r\n".repeat(40)}`);
    assert.equal(later.received, "+OK\r\n$1\r\n3\r\n".repeat(40));
    assert.equal(server.clients.size, 2);
  });
}
