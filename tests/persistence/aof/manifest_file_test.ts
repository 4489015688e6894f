import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Manifest, ManifestError } from "../../../lib/persistence/aof/manifest.ts";
import { manifestPath, readManifest, writeManifest } from "../../../lib/persistence/aof/manifest_file.ts";
import { FileError } from "../../../lib/persistence/rdb_file.ts";
import { withDirectory } from "../helpers.ts";
import { withBase, withIncrement } from "./manifests.ts";
import { type Files, files, useFiles } from "../../../lib/runtime/files.ts";

const FILE = "appendonly.aof";
const OLD = withIncrement(withBase(Manifest.EMPTY, FILE, "rdb"), FILE);
const NEW = withIncrement(OLD, FILE);

test("a manifest that was written is read again; one that is not there is none", () =>
  withDirectory(async (folder) => {
    const path = manifestPath(folder, FILE);
    assert.equal(readManifest(path), null);
    await writeManifest(path, OLD);
    await writeManifest(path, NEW);
    assert.deepEqual(readManifest(path), NEW);
    assert.deepEqual(readdirSync(folder), ["appendonly.aof.manifest"]);
  }));

test("a manifest of nonsense is refused, and so is one that cannot be read", () =>
  withDirectory((folder) => {
    const path = manifestPath(folder, FILE);
    writeFileSync(path, "nonsense\n");
    assert.throws(() => readManifest(path), ManifestError);
    assert.throws(() => readManifest(folder), FileError);
    return Promise.resolve();
  }));

test("whichever call of the disk fails, the old manifest is whole, or the new one is there", () =>
  withDirectory(async (folder) => {
    const path = manifestPath(folder, FILE);
    const system = files();
    let [calls, failing] = [0, 0];
    const fails = () => {
      if (++calls === failing) throw Object.assign(new Error("failing"), { code: "EIO" });
    };
    const failingDisk: Files = {
      ...system,
      open: (name, purpose) => {
        fails();
        return system.open(name, purpose);
      },
      write: (file, bytes, start, length) => {
        fails();
        return system.write(file, bytes, start, length);
      },
      syncLater: async (file, part) => {
        fails();
        await system.syncLater(file, part);
      },
      rename: (from, to) => {
        fails();
        system.rename(from, to);
      },
    };
    for (failing = 1; failing < 20; failing++) {
      await writeManifest(path, OLD);
      calls = 0;
      useFiles(failingDisk);
      let error: unknown = null;
      try {
        await writeManifest(path, NEW);
      } catch (thrown) {
        error = thrown;
      } finally {
        useFiles(system);
      }
      const text = readFileSync(path, "latin1");
      assert.deepEqual(readdirSync(folder), ["appendonly.aof.manifest"]);
      if (error === null) {
        assert.equal(text, NEW.format());
        assert.ok(calls < failing && failing > 5, "each call was made to fail");
        return;
      }
      assert.ok(error instanceof FileError);
      assert.ok(text === OLD.format() || text === NEW.format());
    }
    assert.fail("it never went well");
  }));
