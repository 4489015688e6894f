import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Request } from "../../lib/resp/request.ts";
import { RequestBuilder } from "../../lib/resp/request_builder.ts";

/** Arguments and raw bytes of what a builder has made. */
function contents({ request }: RequestBuilder): { args: string[]; raw: Uint8Array } {
  const args = Array.from({ length: request.argc }, (_, i) => request.text(i));
  return { args, raw: request.bytes.slice(request.rawStart, request.rawEnd) };
}

function expected(...args: string[]): { args: string[]; raw: Uint8Array } {
  return { args, raw: Request.of(...args).bytes };
}

test("words, numbers, bytes and arguments of other requests become RESP", () => {
  const builder = new RequestBuilder();
  const from = Request.of("SETEX", "the key", "10", "a\r\n\x00\xffb");
  const bytes = encodeLatin1("..bytes..");
  builder.begin(7).word("SET").argument(from, 1).argument(from, 3).integer(-12).integer(2n ** 62n).bytes(bytes, 2, 5)
    .word("");
  assert.deepEqual(
    contents(builder),
    expected("SET", "the key", "a\r\n\x00\xffb", "-12", "4611686018427387904", "bytes", ""),
  );
});

test("a builder is used again, after requests of any size", () => {
  const builder = new RequestBuilder();
  const many = Array.from({ length: 300 }, (_, i) => "x".repeat(i));
  for (const args of [["PING"], ["SET", "a", "x".repeat(1_000_000)], many, ["DEL", "b"]]) {
    builder.begin(args.length);
    for (const arg of args) builder.word(arg);
    assert.deepEqual(contents(builder), expected(...args));
  }
});

test("what was built can be copied", () => {
  const builder = new RequestBuilder();
  const copy = builder.begin(2).word("DEL").word("first").request.copy();
  builder.begin(2).word("DEL").word("other");
  assert.deepEqual([copy.text(0), copy.text(1), copy.bytes], ["DEL", "first", Request.of("DEL", "first").bytes]);
});
