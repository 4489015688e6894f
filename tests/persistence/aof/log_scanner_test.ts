import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLatin1, encodeLatin1 } from "../../../lib/bytes/latin1.ts";
import { LogFormatError, LogScanner } from "../../../lib/persistence/aof/log_scanner.ts";

const resp = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

interface Found {
  /** The commands, as they came. */
  text: string;
  timestamps: [number, number][];
  scanner: LogScanner;
}

/** Scans a file in pieces of a size. */
function scan(file: string, pieceBytes = file.length): Found {
  const found = { text: "", timestamps: [] as [number, number][] };
  const scanner = new LogScanner({
    onCommands: (bytes, start, end) => void (found.text += decodeLatin1(bytes, start, end)),
    onTimestamp: (seconds, offset) => void found.timestamps.push([seconds, offset]),
  });
  const bytes = encodeLatin1(`..${file}`);
  for (let at = 2; at < bytes.length; at += pieceBytes) {
    scanner.push(bytes, at, Math.min(bytes.length, at + pieceBytes));
  }
  return { ...found, scanner };
}

function refusal(file: string): [string, number] {
  try {
    scan(file);
  } catch (error) {
    if (error instanceof LogFormatError) return [error.reason, error.offset];
    throw error;
  }
  return ["", 0];
}

const COMMANDS = resp("SELECT", "0") + resp("SET", "key", "a\r\nb") + resp("SET", "", "") + resp("mULTI") +
  resp("RPUSH", "list", "x".repeat(300)) + resp("exec") + resp("SET", "large", "y".repeat(200_000));

test("commands come as they stand in the file, whatever the pieces", () => {
  for (const size of [1, 2, 3, 7, 64, 1000, 65_536, COMMANDS.length]) {
    const { text, scanner } = scan(COMMANDS, size);
    assert.equal(text, COMMANDS);
    assert.deepEqual([scanner.validBytes, scanner.isCut, scanner.commands], [COMMANDS.length, false, 7]);
  }
});

test("a file that ends anywhere counts up to the last command outside of a transaction", () => {
  const file = resp("SET", "a", "1") + "#TS:17\r\n" + resp("MULTI") + resp("SET", "b", "2") + resp("EXEC") +
    resp("SET", "c", "3");
  const ends = [
    0,
    resp("SET", "a", "1").length,
    file.indexOf(resp("MULTI")),
    file.indexOf(resp("SET", "c", "3")),
    file.length,
  ];
  for (let length = 0; length <= file.length; length++) {
    const { scanner } = scan(file.slice(0, length), 5);
    const wanted = ends.findLast((end) => end <= length);
    assert.equal(scanner.validBytes, wanted, `of ${length} bytes`);
    assert.equal(scanner.isCut, length !== wanted);
  }
});

test("what is whole is told of before what is wrong behind it", () => {
  const whole = encodeLatin1("*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
  for (const wrong of ["!!!", "\0\0", "*1\r\n$1\r\naa\r\n", "*1\r\n!1\r\n"]) {
    const told: string[] = [];
    const scanner = new LogScanner({
      onCommands: (bytes, start, end) => void told.push(decodeLatin1(bytes, start, end)),
    });
    const bytes = encodeLatin1(decodeLatin1(whole) + wrong);
    assert.throws(() => scanner.push(bytes, 0, bytes.length), LogFormatError);
    assert.deepEqual([told.join(""), scanner.validBytes], [decodeLatin1(whole), whole.length], wrong);
  }
});

test("timestamps are told of, and other annotations passed over", () => {
  const file = `#TS:1700000000\r\n${resp("SET", "a", "1")}# a note\r\n#TS:1700000001\n${resp("SET", "b", "2")}`;
  for (const size of [1, 9, file.length]) {
    const { text, timestamps, scanner } = scan(file, size);
    assert.equal(text, resp("SET", "a", "1") + resp("SET", "b", "2"));
    assert.deepEqual(timestamps, [[1_700_000_000, 0], [1_700_000_001, file.indexOf("#TS:1700000001")]]);
    assert.equal(scanner.validBytes, file.length);
  }
});

test("what no server has written is refused, and where", () => {
  const first = resp("SET", "a", "1");
  const at = first.length;
  assert.deepEqual(refusal(`${first}SET b 2\r\n`), ["expected '*', got 'S'", at]);
  assert.deepEqual(refusal(`${first}\0\0\0`), ["expected '*', got byte 0", at]);
  assert.deepEqual(refusal(`${first}*x\r\n`), ["invalid multibulk length", at]);
  assert.deepEqual(refusal(`${first}*0\r\n`), ["a command without arguments", at]);
  assert.deepEqual(refusal(`${first}*-1\r\n`), ["a command without arguments", at]);
  assert.deepEqual(refusal(`${first}*1\r\n:1\r\n`), ["expected '$', got ':'", at]);
  assert.deepEqual(refusal(`${first}*1\r.$4\r\nPING\r\n`), ["a line without its end", at]);
  assert.deepEqual(refusal(`${first}*1\r\n$4\r.PING\r\n`), ["a line without its end", at]);
  assert.deepEqual(refusal(`${first}*1\r\n$4\r\nPING..`), ["an argument without its end", at]);
  assert.deepEqual(refusal(`${first}*1\r\n$-1\r\n`), ["invalid bulk length", at]);
  assert.deepEqual(refusal(`${resp("MULTI")}${resp("MULTI")}`), ["MULTI within MULTI", resp("MULTI").length]);
  assert.deepEqual(refusal(`${first}${resp("EXEC")}`), ["EXEC without MULTI", at]);
  assert.deepEqual(refusal(`#TS:never\r\n`), ["a timestamp that is no number", 0]);
  assert.deepEqual(refusal(`#${"-".repeat(2000)}`), ["an annotation without an end", 0]);
});

test("a bit that has flipped is found, or makes another command of the same form: it never ends in another error", () => {
  const file = resp("SET", "a", "1") + "#TS:17\r\n" + resp("MULTI") + resp("SET", "b", "2") + resp("EXEC");
  for (let at = 0; at < file.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = String.fromCharCode(file.charCodeAt(at) ^ (1 << bit));
      refusal(file.slice(0, at) + flipped + file.slice(at + 1));
    }
  }
});
