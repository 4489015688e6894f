/**
 * A server on a file system that becomes full and has room again: what is there stays, writes are refused or the server
 * ends, nothing that was acknowledged is lost, and it goes on by itself.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess, until } from "../integration/server_process.ts";
import { ReplyError, type TestClient } from "../integration/test_client.ts";

const SIZE = "4m";
const FILLER_BYTES = 64 * 1024;
const VALUE_BYTES = 1000;

/** A small file system, mounted for as long as a test runs. */
class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), "tredis-full-"));
  readonly isMounted: boolean;

  constructor() {
    const options = ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", this.folder];
    this.isMounted = spawnSync("mount", options, { stdio: "ignore" }).status === 0;
  }

  get #filler(): string {
    return join(this.folder, "filler");
  }

  /** Leaves no room, or hardly any. */
  fill(): void {
    for (let bytes = FILLER_BYTES; bytes > 0; bytes = Math.floor(bytes / 2)) {
      try {
        for (;;) writeFileSync(this.#filler, new Uint8Array(bytes), { flag: "a" });
      } catch {
        // No room for so much; for less there may be.
      }
    }
  }

  free(): void {
    rmSync(this.#filler);
  }

  remove(): void {
    if (this.isMounted) spawnSync("umount", ["-l", this.folder], { stdio: "ignore" });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a small file system can be mounted here. */
export function canMount(): boolean {
  const disk = new SmallDisk();
  disk.remove();
  return disk.isMounted;
}

/** A server on a small disk, and what it has acknowledged. */
class Tenant {
  #server: ServerProcess | null = null;
  acknowledged = 0;

  constructor(readonly disk: SmallDisk, readonly kind: string, readonly policy: string) {}

  async start(): Promise<TestClient> {
    const args = ["--save", "", "--appendonly", "yes", "--appendfsync", this.policy, "--rdbcompression", "no"];
    this.#server = await ServerProcess.start({ kind: this.kind, folder: this.disk.folder, args });
    return await this.server.connect();
  }

  get server(): ServerProcess {
    if (this.#server === null) throw new Error("there is no server");
    return this.#server;
  }

  async end(): Promise<void> {
    await this.#server?.kill("SIGKILL");
  }

  /** Writes one value after the other until one is refused, or so many are there. The refusal, or "". */
  async write(client: TestClient, most: number): Promise<string> {
    for (let i = 0; i < most; i++) {
      const reply = await client.call("RPUSH", "list", `${this.acknowledged}:`.padEnd(VALUE_BYTES, "x"));
      if (reply instanceof ReplyError) return reply.message;
      this.acknowledged = Number(reply);
    }
    return "";
  }

  /** All that was acknowledged is there after a kill; at most `unknown` more. */
  async checkAfterKill(unknown: number): Promise<TestClient> {
    await this.end();
    const client = await this.start();
    const length = Number(await client.call("LLEN", "list"));
    assert.ok(
      length >= this.acknowledged && length <= this.acknowledged + unknown,
      `${length}, not ${this.acknowledged}`,
    );
    for (const at of [0, length - 1]) {
      assert.equal(String(await client.call("LINDEX", "list", at)).split(":")[0], String(at));
    }
    this.acknowledged = length;
    return client;
  }
}

/** What befalls a server on a small disk. */
type Scenario = (kind: string) => Promise<void>;

async function onDisk(kind: string, policy: string, body: (tenant: Tenant) => Promise<void>): Promise<void> {
  const disk = new SmallDisk();
  if (!disk.isMounted) throw new Error("a small file system cannot be mounted here");
  const tenant = new Tenant(disk, kind, policy);
  try {
    await body(tenant);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.stack : error}\n${tenant.server.output.slice(-4000)}`);
  } finally {
    await tenant.end();
    disk.remove();
  }
}

const isStatus = async (client: TestClient, status: string) =>
  String(await client.call("INFO persistence")).includes(`${status}\r\n`);

/** Writes are refused while there is no room, reads go on, and when there is room again so do writes. */
const refusing = (policy: string): Scenario => (kind) =>
  onDisk(kind, policy, async (tenant) => {
    const client = await tenant.start();
    assert.equal(await tenant.write(client, 100), "");
    tenant.disk.fill();
    assert.match(
      await tenant.write(client, Infinity),
      /^MISCONF Errors writing to the AOF file: No space left on device/,
    );
    assert.equal(await client.call("LLEN", "list"), tenant.acknowledged);
    assert.ok(await isStatus(client, "aof_last_write_status:err"));
    assert.match(await tenant.write(client, 1), /^MISCONF/);
    tenant.disk.free();
    await until("writes", async () => await tenant.write(client, 1) === "");
    assert.equal(await tenant.write(client, 100), "");
    assert.ok(await isStatus(client, "aof_last_write_status:ok"));
    assert.match(tenant.server.output, /AOF write error looks solved/);
    // Under everysec a sync may hold up what was just written.
    if (policy === "everysec") assert.deepEqual(await client.call("WAITAOF 1 0 0"), [1, 0]);
    await tenant.checkAfterKill(0);
  });

/** What was acknowledged and could not be written is not to be lost by a shutdown, unless that is forced. */
const shuttingDown: Scenario = (kind) =>
  onDisk(kind, "everysec", async (tenant) => {
    const client = await tenant.start();
    assert.equal(await tenant.write(client, 100), "");
    tenant.disk.fill();
    assert.match(await tenant.write(client, Infinity), /^MISCONF/);
    const reply = await client.call("SHUTDOWN");
    assert.match(reply instanceof ReplyError ? reply.message : "", /Errors trying to SHUTDOWN/);
    assert.match(tenant.server.output, /Error trying to write the AOF, can't exit\./);
    tenant.disk.free();
    client.send("SHUTDOWN");
    await until("the end", () => tenant.server.exited);
    assert.equal(tenant.server.exitCode, 0);
    await tenant.checkAfterKill(0);
  });

/** With `always` nobody can be told whether his write is done: the server ends, and has all that was acknowledged. */
const ending: Scenario = (kind) =>
  onDisk(kind, "always", async (tenant) => {
    const client = await tenant.start();
    assert.equal(await tenant.write(client, 100), "");
    tenant.disk.fill();
    await assert.rejects(tenant.write(client, Infinity), /the connection ended/);
    await until("the end", () => tenant.server.exited);
    assert.equal(tenant.server.exitCode, 1);
    assert.match(tenant.server.output, /Error writing to the AOF file.*No space left on device/);
    assert.match(tenant.server.output, /Can't recover from AOF write error when the AOF fsync policy is 'always'/);
    tenant.disk.free();
    const again = await tenant.checkAfterKill(1);
    assert.equal(await tenant.write(again, 100), "");
    await tenant.checkAfterKill(0);
  });

/** Saves and rewrites that find no room fail, leave nothing behind, and do when there is room. */
const rewriting = (leavesSome: boolean): Scenario => (kind) =>
  onDisk(kind, "no", async (tenant) => {
    const client = await tenant.start();
    assert.equal(await tenant.write(client, 1000), "");
    assert.equal(await client.call("SAVE"), "OK");
    // So much room that a part of the data goes there; or none, not even for a manifest.
    if (leavesSome) tenant.disk.fill();
    else assert.equal(await tenant.write(client, 700), "");
    const names = readdirSync(tenant.disk.folder).sort();
    assert.ok(await client.call("SAVE") instanceof ReplyError);
    assert.equal(await client.call("BGSAVE"), "Background saving started");
    await until("the failure", () => isStatus(client, "rdb_last_bgsave_status:err"));
    for (let failures = 1; failures <= 4; failures++) {
      await client.call("BGREWRITEAOF");
      await until("the end of the rewrite", async () =>
        await isStatus(client, "aof_rewrite_in_progress:0") && await isStatus(client, "aof_last_bgrewrite_status:err"));
    }
    assert.deepEqual(readdirSync(tenant.disk.folder).sort(), names);
    assert.equal(await client.call("LLEN", "list"), tenant.acknowledged);
    if (leavesSome) {
      tenant.disk.free();
    } else rmSync(join(tenant.disk.folder, "dump.rdb"));
    const again = await tenant.checkAfterKill(0);
    assert.equal(await again.call("BGREWRITEAOF"), "Background append only file rewriting started");
    await until("the end of the rewrite", () =>
      isStatus(again, "aof_rewrite_in_progress:0"));
    assert.ok(await isStatus(again, "aof_last_bgrewrite_status:ok"), "there is room");
    assert.equal(await tenant.write(again, 10), "");
    await tenant.checkAfterKill(0);
  });

export const FULL_DISK: Readonly<Record<string, Scenario>> = {
  "a full disk refuses writes under everysec until there is room": refusing("everysec"),
  "a full disk refuses writes under no until there is room": refusing("no"),
  "a full disk ends the server under always, with all acknowledged": ending,
  "a shutdown on a full disk is refused while there is something to be written": shuttingDown,
  "on a full disk nothing can be saved or rewritten, and nothing is lost": rewriting(true),
  "on a disk with too little room nothing can be saved or rewritten, and nothing is lost": rewriting(false),
};
