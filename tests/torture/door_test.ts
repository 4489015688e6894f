/** The door through which replicas come to a server: what becomes of each one's link. */

import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { portOf } from "../integration/cut_proxy.ts";
import { until } from "../integration/server_process.ts";
import { Door, FAIR, HOLE } from "./door.ts";

/** The port that a replica announces; another, that somebody else does. */
const PORT = 7001;
const OTHER_PORT = 7002;

let server: Server;
let door: Door;
/** What the server has at the other ends, in the order in which they came. */
const accepted: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    accepted.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  door = await Door.start(portOf(server), 0);
});

afterEach(async () => {
  await door.stop();
  for (const socket of accepted.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

/** A replica: what it has received, and whether its link has ended. */
async function announce(port: number): Promise<{ received: number; isOver: boolean }> {
  const replica = { received: 0, isOver: false };
  const number = accepted.length;
  const socket = connect(door.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", (chunk) => void (replica.received += chunk.length));
  socket.on("close", () => void (replica.isOver = true));
  socket.write(`*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n${port}\r\n`);
  await until("the door to know who comes", () => accepted.length > number && accepted[number].bytesRead > 0);
  return replica;
}

test("a link is cut after so many bytes, and no other is", async () => {
  const [one, other] = [await announce(PORT), await announce(OTHER_PORT)];
  door.cut(PORT, 1500);
  for (const socket of accepted) for (let i = 0; i < 4; i++) socket.write(new Uint8Array(500));
  await until("the end of the one", () => one.isOver);
  await until("all to have come to the other", () => other.received === 2000);
  assert.equal(one.received, 1500);
  assert.ok(!other.isOver);
});

test("nothing comes through a hole until it is gone, not even the end", async () => {
  const replica = await announce(PORT);
  door.setWeather(PORT, HOLE);
  accepted[0].end(new Uint8Array(700));
  const another = await announce(OTHER_PORT);
  accepted[1].write(new Uint8Array(10));
  await until("what is said to another", () => another.received === 10);
  assert.deepEqual(replica, { received: 0, isOver: false });
  door.setWeather(PORT, FAIR);
  await until("the end", () => replica.isOver);
  assert.equal(replica.received, 700);
});

test("a slow link takes its time", async () => {
  const replica = await announce(PORT);
  door.setWeather(PORT, { ...FAIR, bytesPerSecond: 10_000 });
  const startMs = Date.now();
  accepted[0].write(new Uint8Array(3000));
  await until("all of it", () => replica.received === 3000);
  assert.ok(Date.now() - startMs >= 200);
});
