/** COMMAND about keys of commands that are still to come: what their specs look like, and what is no error for them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, NO_MANDATORY_KEYS } from "../../lib/commands/command.ts";
import { ACCESS, index, keynum, keySpec, keyword, oneKey, range, RO, UNKNOWN } from "../../lib/commands/key_specs.ts";
import { connect, startWith } from "../server/fake_client.ts";

const BY_NUMBER = [keySpec(RO, index(2), keynum())];
const SCRIPT = command("script-like", -3, NO_MANDATORY_KEYS, () => {}, { keys: BY_NUMBER });
const UNION = command("union-like", -3, 0, () => {}, { keys: BY_NUMBER });
const STREAMS = command("streams-like", -2, 0, () => {}, {
  keys: [keySpec(RO | ACCESS, keyword("STREAMS", 1), range(-1, 1, 2))],
});
const SORT = command("sort-like", -2, 0, () => {}, { keys: [oneKey(RO), keySpec(RO, UNKNOWN, UNKNOWN, "why")] });

/** The reply to a request, as it is sent. */
function ask(request: string): string {
  const socket = connect(startWith(SCRIPT, UNION, STREAMS, SORT));
  socket.say(request + "\r\n");
  return socket.received.replaceAll("\r\n", " ");
}

test("that a script names no keys is no error; that a union names none is one", () => {
  assert.equal(ask("COMMAND GETKEYS script-like x 0"), "*0 ");
  assert.equal(ask("COMMAND GETKEYS script-like x 2 a b c"), "*2 $1 a $1 b ");
  assert.equal(ask("COMMAND GETKEYS union-like x 0"), "-ERR Invalid arguments specified for command ");
  assert.equal(ask("COMMAND GETKEYSANDFLAGS union-like x 1 a"), "*1 *2 $1 a *1 +RO ");
  assert.equal(ask("COMMAND GETKEYS sort-like a"), "-ERR Invalid arguments specified for command ");
  assert.equal(ask("COMMAND GETKEYS streams-like a b"), "-ERR Invalid arguments specified for command ");
});

test("specs of all kinds are shown, and that keys move", () => {
  const text = (word: string) => `$${word.length} ${word} `;
  const both = text("type") + text("unknown") + text("spec") + "*0 ";
  assert.ok(
    ask("COMMAND INFO sort-like").includes(
      `*8 ${text("notes")}${text("why")}${text("flags")}*1 +RO ${text("begin_search")}*4 ${both}` +
        `${text("find_keys")}*4 ${both}`,
    ),
  );
  assert.ok(
    ask("COMMAND INFO streams-like").includes(
      `${text("keyword")}${text("spec")}*4 ${text("keyword")}${text("STREAMS")}${text("startfrom")}:1 `,
    ),
  );
  assert.ok(
    ask("COMMAND INFO union-like").includes(
      `${text("keynum")}${text("spec")}*6 ${text("keynumidx")}:0 ${text("firstkey")}:1 ${text("keystep")}:1 `,
    ),
  );
  assert.ok(ask("COMMAND INFO union-like").startsWith(`*1 *10 ${text("union-like")}:-3 *1 +movablekeys :0 :0 :0 `));
});
