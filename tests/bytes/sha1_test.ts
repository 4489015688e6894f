/** SHA-1 against the runtime's own. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha1, SHA1_BYTES } from "../../lib/bytes/sha1.ts";

test("the digest of every length around the blocks' ends is right, from any offset", () => {
  const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 37 + (i >> 3)) & 255);
  const digest = new Uint8Array(SHA1_BYTES);
  for (let length = 0; length < 300; length++) {
    const start = length % 7;
    sha1(bytes, start, length, digest);
    const expected = createHash("sha1").update(bytes.subarray(start, start + length)).digest();
    assert.deepEqual([...digest], [...expected], `${length} bytes`);
  }
});

test("the input may be where the digest goes", () => {
  const digest = Uint8Array.from({ length: SHA1_BYTES }, (_, i) => i);
  const expected = createHash("sha1").update(digest).digest();
  sha1(digest, 0, SHA1_BYTES, digest);
  assert.deepEqual([...digest], [...expected]);
});
