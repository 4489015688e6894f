import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the servers of the README's session have a directory and a port each", () => {
  const starts = readFileSync("README.md", "utf8").match(/^\$ deno task start .*$/gm) ?? [];
  assert.ok(starts.length > 1);
  for (const option of [/--dir (\S+)/, /--port (\S+)/]) {
    const values = starts.map((line) => option.exec(line)?.[1]);
    assert.ok(!values.includes(undefined), starts.join("\n"));
    assert.equal(new Set(values).size, values.length, starts.join("\n"));
  }
});
