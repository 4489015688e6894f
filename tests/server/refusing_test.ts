/** EXEC asks again what each queued command would be asked, while the server is in a state that may refuse it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { GATE_LOADING, GATE_REPLICA } from "../../lib/server/execution/gates.ts";
import { connect, startWith } from "./fake_client.ts";

const LOADING = "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory\r\n";

for (const queued of ["SET a 1", "GET a", "INFO server\r\nSET a 1", "SET a 1\r\nINFO server"]) {
  test(`a transaction of '${queued.replace("\r\n", "', '")}' does not run in a data set that is being loaded`, () => {
    const server = startWith();
    const client = connect(server);
    client.say(`MULTI\r\n${queued}\r\n`);
    server.dispatcher.setGate(GATE_LOADING | GATE_REPLICA, true);
    server.dispatcher.writableReplica = true;
    client.received = "";
    client.say("EXEC\r\n");
    assert.equal(client.received, LOADING);
    assert.equal(server.keyspace.databases[0].size, 0);
  });
}

test("a transaction of commands that may run while loading does", () => {
  const server = startWith();
  const client = connect(server);
  client.say("MULTI\r\nLASTSAVE\r\nREPLCONF\r\n");
  server.dispatcher.setGate(GATE_LOADING, true);
  client.received = "";
  client.say("EXEC\r\n");
  assert.match(client.received, /^\*2\r\n:\d+\r\n\+OK\r\n$/);
});
