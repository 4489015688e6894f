/** A start on damaged data loads what is whole, or refuses in words that help: a few hundred of `deno task torture`'s. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { encodeRequest } from "../integration/test_client.ts";
import { damageLog, damageRdb } from "./cuts.ts";
import { withTail } from "./damage.ts";
import { Host } from "./host.ts";

const HOW = { seed: 20261127, oneIn: 40, bits: 1 };
/** A file is read in pieces of so many bytes. */
const PIECE_BYTES = 256 * 1024;

for (const format of ["rdb", "aof"] as const) {
  test(`an append-only file with a base in ${format} that is damaged is loaded as far as it is whole, or refused`, async () => {
    const { loaded, refused } = await damageLog(format, HOW);
    assert.ok(loaded > 0 && refused > 0);
  });
}

test("an RDB file that is damaged is refused", async () => {
  const { refused } = await damageRdb(HOW);
  assert.ok(refused > 0);
});

/** An RDB file of exactly so many bytes. */
async function rdbOf(folder: string, bytes: number): Promise<Uint8Array> {
  const host = await Host.start(folder, { args: ["--rdbcompression", "no"] });
  try {
    const client = host.client();
    const path = join(folder, "dump.rdb");
    let length = bytes - 1000;
    for (let i = 0; i < 2; i++) {
      await client.do("SET", "padding", "x".repeat(length));
      await client.do("SAVE");
      length += bytes - statSync(path).size;
    }
    return new Uint8Array(readFileSync(path));
  } finally {
    await host.kill();
  }
}

test("commands behind RDB data that ends where a piece of the file does are loaded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tredis-damage-"));
  try {
    const rdb = await rdbOf(folder, PIECE_BYTES);
    assert.equal(rdb.length, PIECE_BYTES);
    const directory = join(folder, "appendonlydir");
    mkdirSync(directory);
    writeFileSync(join(directory, "base"), withTail(rdb, encodeLatin1(encodeRequest(["SET", "behind", "1"]))));
    writeFileSync(join(directory, "appendonly.aof.manifest"), "file base seq 1 type b\n");
    const host = await Host.start(folder, { args: ["--appendonly", "yes"] });
    assert.equal(await host.ask("GET", "behind"), "$1\r\n1\r\n");
    await host.kill();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
