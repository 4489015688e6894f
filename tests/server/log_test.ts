import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pid } from "node:process";
import { formatLogLine, Log, type LogLevel } from "../../lib/server/program/log.ts";
import { pidFilePath, removePidFile, writePidFile } from "../../lib/server/program/pid_file.ts";
import { REDIS_VERSION, showsBanner, versionLine } from "../../lib/server/program/banner.ts";

function temporary(name: string): string {
  return join(mkdtempSync(join(tmpdir(), "tredis-log-")), name);
}

test("a line has Redis's format", () => {
  const at = new Date(2026, 2, 5, 7, 8, 9, 42);
  assert.equal(formatLogLine(123, "M", at, "*", "Ready"), "123:M 05 Mar 2026 07:08:09.042 * Ready\n");
});

test("each level writes itself and what is graver", () => {
  const expected: [LogLevel, string][] = [
    ["debug", ".-*#"],
    ["verbose", "-*#"],
    ["notice", "*#"],
    ["warning", "#"],
    ["nothing", ""],
  ];
  for (const [level, marks] of expected) {
    const log = new Log();
    log.file = temporary("log");
    log.level = level;
    log.role = "S";
    log.debug("m");
    log.verbose("m");
    log.notice("m");
    log.warning("m");
    const text = existsSync(log.file) ? readFileSync(log.file, "latin1") : "";
    const pattern = new RegExp(`^${pid}:S \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3} (.) m$`);
    const written = text.split("\n").slice(0, -1).map((line) => pattern.exec(line)?.[1] ?? line);
    assert.equal(written.join(""), marks, level);
  }
});

test("bytes are written as they are, other text in UTF-8", () => {
  const log = new Log();
  log.file = temporary("log");
  log.notice("\xff\x00");
  log.notice("Ж");
  log.raw("raw\n");
  const written = readFileSync(log.file, "latin1");
  assert.ok(written.includes(" \xff\x00\n"));
  assert.ok(written.includes(" \xd0\x96\n"));
  assert.ok(written.endsWith("\nraw\n"));
});

test("a log file moved away is begun anew", () => {
  const log = new Log();
  log.file = temporary("log");
  log.notice("one");
  renameSync(log.file, `${log.file}.1`);
  log.notice("two");
  assert.match(readFileSync(`${log.file}.1`, "latin1"), /one\n$/);
  assert.match(readFileSync(log.file, "latin1"), /^[^\n]*two\n$/);
});

test("a log file that cannot be opened is told at start and survived later", () => {
  const log = new Log();
  assert.equal(log.check(), null);
  log.file = "/nonexistent/log";
  assert.equal(log.check(), "Can't open the log file: No such file or directory ('/nonexistent/log')");
  log.warning("lost");
});

test("a pid file is written if configured or daemonized, and removed", () => {
  assert.equal(pidFilePath("", false), null);
  assert.equal(pidFilePath("", true), "/var/run/redis.pid");
  assert.equal(pidFilePath("/x", false), "/x");
  const path = temporary("pid");
  assert.equal(writePidFile(path), null);
  assert.equal(readFileSync(path, "latin1"), `${pid}\n`);
  assert.equal(removePidFile(path), true);
  assert.equal(removePidFile(path), false);
  assert.equal(
    writePidFile("/nonexistent/pid"),
    "Failed to write PID file: No such file or directory ('/nonexistent/pid')",
  );
});

test("the version line names both versions; the banner needs somebody to see it", () => {
  assert.match(versionLine(), new RegExp(`^tredis server v=\\S+ redis_version=${REDIS_VERSION} .*bits=64`));
  assert.equal(showsBanner(false, false, true), true);
  assert.equal(showsBanner(false, false, false), false);
  assert.equal(showsBanner(false, true, true), false);
  assert.equal(showsBanner(true, true, false), true);
});
