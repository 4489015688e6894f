import { test } from "node:test";
import assert from "node:assert/strict";
import { parseCommandLine } from "../../lib/config/command_line.ts";

function linesOf(...argv: string[]): readonly string[] {
  return parseCommandLine(argv).lines;
}

test("nothing runs with the defaults", () => {
  assert.deepEqual(parseCommandLine([]), {
    action: "run",
    configFile: null,
    readsStandardInput: false,
    lines: [],
    sentinel: false,
  });
});

test("a first argument without a dash is the configuration file", () => {
  const parsed = parseCommandLine(["redis.conf", "--port", "7000"]);
  assert.equal(parsed.configFile, "redis.conf");
  assert.deepEqual(parsed.lines, ['port "7000"']);
  assert.equal(parseCommandLine(["--port", "1", "redis.conf"]).configFile, null);
});

test("a dash at either end reads standard input, in the middle it is a value", () => {
  assert.equal(parseCommandLine(["-"]).readsStandardInput, true);
  assert.equal(parseCommandLine(["redis.conf", "-"]).readsStandardInput, true);
  assert.equal(parseCommandLine(["--hz", "1", "-"]).readsStandardInput, true);
  assert.deepEqual(parseCommandLine(["-", "--hz", "1"]).lines, ['hz "1"']);
  assert.equal(parseCommandLine(["--logfile", "-", "--hz", "1"]).readsStandardInput, false);
});

test("options take all values up to the next option", () => {
  assert.deepEqual(linesOf("--slaveof", "localhost", "6379", "--port", "6380"), [
    'slaveof "localhost" "6379"',
    'port "6380"',
  ]);
  assert.deepEqual(linesOf("--save", "60", "1", "--save", "300", "10"), ['save "60" "1"', 'save "300" "10"']);
});

test("the first value may begin with two dashes", () => {
  assert.deepEqual(linesOf("--proc-title-template", "--my--title", "--loglevel", "verbose"), [
    'proc-title-template "--my--title"',
    'loglevel "verbose"',
  ]);
  assert.deepEqual(linesOf("--port", "--loglevel", "verbose"), ['port "--loglevel" "verbose"']);
});

test("name and value may come in one argument", () => {
  assert.deepEqual(linesOf("--maxmemory 700mb", "--maxmemory-policy 'volatile-lru'"), [
    "maxmemory 700mb",
    "maxmemory-policy 'volatile-lru'",
  ]);
});

test("--save alone means no save points", () => {
  assert.deepEqual(linesOf("--save", "--loglevel", "verbose"), ['save ""', 'loglevel "verbose"']);
  assert.deepEqual(linesOf("--loglevel", "verbose", "--save"), ['loglevel "verbose"', 'save ""']);
  assert.deepEqual(linesOf("--save", ""), ['save ""']);
  assert.deepEqual(linesOf("--proc-title-template", "--save", "--save", "", "--hz", "5"), [
    'proc-title-template "--save"',
    'save ""',
    'hz "5"',
  ]);
});

test("actions are only known in the first place", () => {
  assert.equal(parseCommandLine(["-v"]).action, "version");
  assert.equal(parseCommandLine(["--version", "--port"]).action, "version");
  assert.equal(parseCommandLine(["-h"]).action, "help");
  assert.equal(parseCommandLine(["--help"]).action, "help");
  assert.equal(parseCommandLine(["--test-memory", "100"]).action, "test-memory");
  assert.equal(parseCommandLine(["--check-system"]).action, "check-system");
  assert.equal(parseCommandLine(["--port", "0", "-v"]).action, "run");
});

test("--sentinel is told and makes no line", () => {
  const parsed = parseCommandLine(["sentinel.conf", "--sentinel", "--port", "26379"]);
  assert.equal(parsed.sentinel, true);
  assert.deepEqual(parsed.lines, ['port "26379"']);
});
