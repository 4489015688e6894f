/** What scripts return, and what ends them, as replies. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { ReplyWriter } from "../../lib/resp/reply.ts";
import { compileChunk, instantiate } from "../../lib/scripting/lua/compiler.ts";
import { LuaTable } from "../../lib/scripting/lua/values.ts";
import { errorTable, ReplyMaker, shownValue } from "../../lib/scripting/replies.ts";
import { call, MODES, newRuntime } from "./lua/run_lua.ts";

/** The reply to a client of RESP3 that a script has returned. */
function replyOf(source: string): string {
  const runtime = newRuntime("plain");
  const [value] = call(runtime, instantiate(compileChunk(source, "@user_script", "plain"), runtime));
  const reply = new ReplyWriter();
  reply.protocol = 3;
  new ReplyMaker(reply, 3).write(value);
  return decodeLatin1(reply.buffer, 0, reply.length);
}

test("a status and an error end before a character 0, as C's strings do", () => {
  assert.equal(replyOf("return {ok='a\\0b'}"), "+a\r\n");
  assert.equal(replyOf("return {err='ERR a\\0b'}"), "-ERR a\r\n");
  assert.equal(errorTable("ERR a\0b").get("err"), "ERR a");
});

test("an error has no ends of lines behind it, and spaces for those in it, however many there are", () => {
  assert.equal(replyOf("return {err='\\nA b\\n\\r\\n'}"), "- A b\r\n");
  assert.equal(errorTable("A \r\nb\nc\n").get("err"), "A b\nc");
  const many = 1_000_000; // the square of which would never end
  assert.equal(errorTable(`A ${"\n".repeat(many)}b`).get("err"), "A b");
  assert.equal(errorTable(`A b${"\n".repeat(many)}c`).get("err"), `A b${"\n".repeat(many)}c`);
  assert.equal(replyOf(`return {err='A' .. string.rep('\\n', ${many}) .. 'b'}`), `-A${" ".repeat(many)}b\r\n`);
});

test("verbatim strings and big numbers may have a character 0", () => {
  assert.equal(replyOf("return {verbatim_string={format='txt', string='a\\0b'}}"), "=7\r\ntxt:a\0b\r\n");
  assert.equal(replyOf("return {big_number='1\\0x'}"), "(1\0x\r\n");
});

test("a verbatim string's format that is too short is filled up with spaces", () => {
  assert.equal(replyOf("return {verbatim_string={format='x', string='y'}}"), "=5\r\nx  :y\r\n");
});

test("an error that is a function or a table is shown by its type", () => {
  assert.equal(shownValue(() => undefined), "function: 0x0");
  assert.equal(shownValue(new LuaTable()), "table: 0x0");
});

test("an error in a function that a library has called is told from there", () => {
  for (const mode of MODES) {
    const runtime = newRuntime(mode);
    const source = "return string.gsub('x', '.', function()\nlocal t = nil\nreturn t.x\nend)";
    try {
      call(runtime, instantiate(compileChunk(source, "@user_script", mode), runtime));
      assert.fail("it has not failed");
    } catch (error) {
      assert.equal(runtime.state.placeOf(error).line, 3, mode);
    }
  }
});
