/** What the tests of a base file of commands share: from a data set to tokens, to commands, and back to a data set. */

import assert from "node:assert/strict";
import { decodeLatin1, encodeLatin1 } from "../../../lib/bytes/latin1.ts";
import { CommandEncoder } from "../../../lib/persistence/aof/command_encoder.ts";
import type { RdbInfo } from "../../../lib/persistence/rdb_writer.ts";
import { writeAll } from "../../../lib/persistence/save.ts";
import { CHUNK_BYTES, TokenWriter } from "../../../lib/persistence/token_writer.ts";
import { LogReplay } from "../../../lib/server/data/log_replay.ts";
import type { Server } from "../../../lib/server/server.ts";
import type { Keyspace } from "../../../lib/store/keyspace.ts";
import { concatBytes } from "../../bytes/concat.ts";
import { connect } from "../../server/fake_client.ts";
import { INFO, values } from "../helpers.ts";

/** A request in RESP. */
export function resp(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

/** Has a server do commands, of which none may fail. */
export function run(server: Server, ...commands: readonly (readonly string[])[]): void {
  const socket = connect(server);
  for (const words of commands) {
    socket.received = "";
    socket.say(resp(words));
    assert.doesNotMatch(socket.received, /^-/, words.join(" ").slice(0, 200));
  }
  socket.destroy();
}

/** The tokens of a data set, as a snapshot has them made. */
export function tokensOf(keyspace: Keyspace, info: RdbInfo = INFO): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new TokenWriter((chunk, length) => {
    chunks.push(chunk.slice(0, length));
    return chunk;
  }, new Uint8Array(CHUNK_BYTES));
  writeAll(keyspace, Object.assign(writer, { finish: () => {} }), info);
  return concatBytes(chunks);
}

/**
 * The file that an encoder makes of tokens which come in chunks of these sizes, again and again. As in the worker, a chunk
 * is another's once it was pushed.
 */
export function encode(tokens: Uint8Array, sizes: readonly number[] = [CHUNK_BYTES], timestamp: number | null = null) {
  const pieces: Uint8Array[] = [];
  const encoder = new CommandEncoder({ timestamp }, (bytes) => pieces.push(bytes.slice()));
  const chunk = new Uint8Array(Math.max(...sizes));
  for (let at = 0, i = 0; at < tokens.length; i++) {
    const part = tokens.subarray(at, at + sizes[i % sizes.length]);
    chunk.set(part);
    encoder.push(chunk, part.length);
    chunk.fill(0xee);
    at += part.length;
  }
  encoder.finish();
  const file = concatBytes(pieces);
  assert.equal(encoder.bytesOut, file.length);
  return file;
}

/** The commands in a file, as binary strings. */
export function commandsIn(file: Uint8Array): string[][] {
  const text = decodeLatin1(file);
  const commands: string[][] = [];
  let at = text.startsWith("#") ? text.indexOf("\n") + 1 : 0;
  const header = (kind: string) => {
    const end = text.indexOf("\r\n", at);
    assert.equal(text[at], kind);
    const count = Number(text.slice(at + 1, end));
    at = end + 2;
    return count;
  };
  while (at < text.length) {
    const words: string[] = [];
    for (let left = header("*"); left > 0; left--) {
      const length = header("$");
      words.push(text.slice(at, at + length));
      assert.equal(text.slice(at + length, at + length + 2), "\r\n");
      at += length + 2;
    }
    commands.push(words);
  }
  return commands;
}

/** Has a server load a file of commands, of which none may fail. */
export function replay(server: Server, file: Uint8Array | string): void {
  const bytes = typeof file === "string" ? encodeLatin1(file) : file;
  server.updateClock();
  const log = new LogReplay(server);
  server.phase.setLoading(true);
  try {
    log.run(bytes, 0, bytes.length);
    log.endFile();
  } finally {
    server.phase.setLoading(false);
  }
  assert.deepEqual([log.refused, log.firstRefusal], [0, ""]);
}

/** All data as lines, without what commands cannot say: when a consumer was seen. */
function linesOf(keyspace: Keyspace): string[] {
  return [...values(keyspace)].flatMap(([database, keys]) =>
    [...keys].flatMap(([key, described]) => {
      if (typeof described === "string" || !Array.isArray(described.value)) {
        return [`${database} ${key}: ${JSON.stringify(described)}`];
      }
      const lines = described.value.map((line) => line.replace(/^(consumer .*: )\d+(, \d+ pending)$/, "$1$2"));
      return [`${database} ${key}: ${described.expiry}`, ...lines];
    })
  );
}

/** Fails unless two data sets are the same but for what commands cannot say. */
export function expectLines(keyspace: Keyspace, other: Keyspace): void {
  const [found, expected] = [linesOf(keyspace), linesOf(other)];
  const differs = expected.findIndex((line, i) => line !== found[i]); // of what is large, only where it differs
  assert.equal(found[differs]?.slice(0, 500), expected[differs]?.slice(0, 500));
  assert.equal(found.length, expected.length);
}
