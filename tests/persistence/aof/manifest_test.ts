import assert from "node:assert/strict";
import { test } from "node:test";
import { Manifest, ManifestError } from "../../../lib/persistence/aof/manifest.ts";
import { withBase, withIncrement } from "./manifests.ts";

const FILE = "appendonly.aof";

function refusal(text: string): [string, number] {
  try {
    Manifest.parse(text);
  } catch (error) {
    if (error instanceof ManifestError) return [error.message, error.line];
    throw error;
  }
  return ["", 0];
}

test("a manifest is read as it is written", () => {
  const text = "file appendonly.aof.2.base.rdb seq 2 type b\n" +
    "file appendonly.aof.1.base.rdb seq 1 type h\n" +
    "file appendonly.aof.3.incr.aof seq 3 type i\n" +
    "file appendonly.aof.7.incr.aof seq 7 type i\n";
  const manifest = Manifest.parse(text);
  assert.equal(manifest.format(), text);
  assert.deepEqual(manifest.loaded.map(({ name }) => name), [
    "appendonly.aof.2.base.rdb",
    "appendonly.aof.3.incr.aof",
    "appendonly.aof.7.incr.aof",
  ]);
  assert.equal(manifest.current?.sequence, 7);
  assert.equal(manifest.history.length, 1);
});

test("comments, keys of others and any order of keys are read", () => {
  const manifest = Manifest.parse("# a note\nseq 3 made 17 TYPE b file x.base.rdb\n");
  assert.deepEqual(manifest.base, { name: "x.base.rdb", sequence: 3, kind: "base" });
});

test("names that are no single word are quoted, and read again", () => {
  for (
    const name of ["my file.aof", "it's.aof", 'a"b.aof', "t\tb.aof", "\xe4\xff.aof", "ü".normalize("NFD") + ".aof"]
  ) {
    const binary = [...new TextEncoder().encode(name)].map((byte) => String.fromCharCode(byte)).join("");
    const manifest = withIncrement(withBase(Manifest.EMPTY, binary, "rdb"), binary);
    assert.deepEqual(Manifest.parse(manifest.format()), manifest, name);
  }
});

test("a manifest that cannot be right is refused, with the number of the line", () => {
  const base = "file a.1.base.rdb seq 1 type b\n";
  assert.deepEqual(refusal(""), ["Found an empty AOF manifest", 0]);
  assert.deepEqual(refusal(`${base}\nfile a.1.incr.aof seq 1 type i\n`), ["Invalid AOF manifest file format", 2]);
  assert.deepEqual(refusal(`${base}file a.2.base.rdb seq 2 type b\n`), ["Found duplicate base file information", 2]);
  assert.deepEqual(refusal(`${base}file a.2.incr.aof seq 2 type i\nfile a.2.incr.aof seq 2 type i\n`), [
    "Found a non-monotonic sequence number",
    3,
  ]);
  assert.deepEqual(refusal("file a seq 1 type x\n"), ["Unknown AOF file type", 1]);
  assert.deepEqual(refusal("file a seq 0 type b\n"), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal("file a seq -1 type b\n"), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal("file a seq 99999999999999999999 type b\n"), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal("file ../a seq 1 type b\n"), ["File can't be a path, just a filename", 1]);
  assert.deepEqual(refusal('file "" seq 1 type b\n'), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal('file "a seq 1 type b\n'), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal("file a seq 1 type b extra\n"), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal("file a seq 1 typ b\n"), ["Invalid AOF manifest file format", 1]);
  assert.deepEqual(refusal(`file ${"a".repeat(1010)} seq 1 type b\n`), [
    "The AOF manifest file contains too long line",
    1,
  ]);
});

test("a rewrite puts a base in the place of all that was there before it began", () => {
  const before = withIncrement(withBase(Manifest.EMPTY, FILE, "rdb"), FILE);
  const begun = withIncrement(before, FILE);
  const { current } = begun;
  assert.ok(current !== null);
  const after = withBase(begun, FILE, "aof").withoutIncrementsBefore(current);
  assert.equal(
    after.format(),
    "file appendonly.aof.2.base.aof seq 2 type b\n" +
      "file appendonly.aof.1.incr.aof seq 1 type h\n" +
      "file appendonly.aof.1.base.rdb seq 1 type h\n" +
      "file appendonly.aof.2.incr.aof seq 2 type i\n",
  );
  const cleaned = after.withoutHistory(after.history);
  assert.deepEqual([cleaned.loaded, cleaned.history], [after.loaded, []]);
  // A name never comes again, though its file has gone.
  assert.equal(withIncrement(cleaned, FILE).current?.name, "appendonly.aof.3.incr.aof");
});

test("a name is not given again while a file that is to be removed has it", () => {
  const old = withBase(withIncrement(withBase(Manifest.EMPTY, FILE, "rdb"), FILE), FILE, "rdb").withoutIncrementsBefore(
    null,
  );
  const read = Manifest.parse(old.format()); // which has forgotten the sequence of incremental files
  assert.equal(withIncrement(read, FILE).current?.name, "appendonly.aof.2.incr.aof");
  assert.equal(withIncrement(read.withoutHistory(read.history), FILE).current?.name, "appendonly.aof.1.incr.aof");
  assert.equal(
    read.nextBase(FILE, "rdb", new Set(["appendonly.aof.3.base.rdb"])).name,
    "appendonly.aof.4.base.rdb",
  );
});

test("the single file of servers before Redis 7 becomes the base", () => {
  const manifest = Manifest.ofSingleFile(FILE);
  assert.equal(manifest.format(), "file appendonly.aof seq 1 type b\n");
  assert.equal(withBase(manifest, FILE, "rdb").base?.name, "appendonly.aof.2.base.rdb");
});
