/** A command that throws ends its own client; the server and all others go on as if it had not been. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, FAST } from "../../lib/commands/command.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import { KEYS_RO } from "../../lib/commands/key_specs.ts";
import { connect, startWith } from "./fake_client.ts";

const EXPLODE = command("explode", -1, FAST, (session, request) => {
  session.reply.bulkString("half of a reply");
  throw new Error(`cannot do with ${request.argc}`);
}, { keys: KEYS_RO });

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
  test(`a command that throws ${where}`, async () => {
    const server = startWith(EXPLODE);
    const bystander = connect(server);
    bystander.say("*2\r\n$4\r\nECHO\r\n$5\r\nhel"); // a request under way meanwhile
    const socket = connect(server);
    socket.say(requests);
    while (socket.isPaused && !socket.closed) await nextTurn(); // slow machines take more than a turn
    assert.ok(socket.closed);
    assert.ok(!socket.received.includes("half"));
    assert.ok(!server.store.noTouch);
    assert.equal(server.current, null);
    bystander.say("lo\r\n");
    assert.equal(bystander.received, "$5\r\nhello\r\n");
    const later = connect(server);
    later.say(`${"SET other 3\r\nGET other\r\n".repeat(40)}`);
    while (later.isPaused) await nextTurn();
    assert.equal(later.received, "+OK\r\n$1\r\n3\r\n".repeat(40));
    assert.equal(server.clients.size, 2);
  });
}
