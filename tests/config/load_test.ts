import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBinary } from "../../lib/bytes/paths.ts";
import { parseCommandLine } from "../../lib/config/command_line.ts";
import { Config } from "../../lib/config/config.ts";
import { ConfigError, expandGlob, loadConfig } from "../../lib/config/load.ts";
import { fakeEnvironment } from "./fake_environment.ts";

function load(argv: string[], input = ""): Config {
  const config = new Config(fakeEnvironment());
  loadConfig(config, parseCommandLine(argv.map(toBinary)), {
    version: "7.2.4",
    readStandardInput: () => new TextEncoder().encode(input),
  });
  return config;
}

function refusal(argv: string[], input = ""): string {
  try {
    load(argv, input);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  assert.fail("it loads");
}

function directoryWith(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "tredis-load-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, "latin1");
  return directory;
}

test("the file comes first, then standard input, then the options", () => {
  const directory = directoryWith({ "redis.conf": "hz 11\ntimeout 1\nport 1\n" });
  const config = load([join(directory, "redis.conf"), "--port", "3", "-"], "timeout 2\nport 2");
  assert.deepEqual([config.number("hz"), config.number("timeout"), config.number("port")], [11, 2, 3]);
  assert.equal(config.file, toBinary(join(directory, "redis.conf")));
  assert.equal(load(["--port", "1"]).file, null);
});

test("aliases stand for their directive, the last one counting", () => {
  const config = load([
    "--hash-max-listpack-entries",
    "20",
    "--hash-max-ziplist-entries",
    "21",
    "--slave-priority",
    "5",
  ]);
  assert.equal(config.number("hash-max-listpack-entries"), 21);
  assert.equal(config.number("replica-priority"), 5);
});

test("quoted and escaped values keep their bytes", () => {
  const directory = directoryWith({ "redis.conf": "requirepass \"a\\x00b\\\"c\xe9\"\nmasterauth 'it\\'s'\n" });
  const config = load([join(directory, "redis.conf")]);
  assert.equal(config.text("requirepass"), 'a\0b"c\xe9');
  assert.equal(config.text("masterauth"), "it's");
});

test("include reads other files, wild cards those there are, in order", () => {
  const directory = directoryWith({
    "a.conf": "hz 1\nport 1\n",
    "b.conf": "hz 2\n",
    ".hidden.conf": "hz 99\n",
    "one.txt": "timeout 7\n",
  });
  const main = `include ${directory}/*.conf\ninclude ${directory}/none*.conf\ninclude ${directory}/one.txt\n`;
  writeFileSync(join(directory, "main.cfg"), main);
  const config = load([join(directory, "main.cfg")]);
  assert.deepEqual([config.number("hz"), config.number("port"), config.number("timeout")], [2, 1, 7]);
});

test("wild cards match in directories, too", () => {
  const directory = directoryWith({});
  for (const name of ["x1", "x2", "y"]) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, "z.conf"), "");
  }
  assert.deepEqual(expandGlob(`${directory}/x*/z.conf`), [`${directory}/x1/z.conf`, `${directory}/x2/z.conf`]);
  assert.deepEqual(expandGlob(`${directory}/x[2]/?.conf`), [`${directory}/x2/z.conf`]);
  assert.deepEqual(expandGlob(`${directory}/nope*/z.conf`), []);
});

test("a fault names file, line number, line and reason", () => {
  const directory = directoryWith({ "redis.conf": "# first\n\n  port 99999999 \n" });
  const path = join(directory, "redis.conf");
  assert.equal(
    refusal([path]),
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
      `Reading the configuration file, at line 3 of ${path}\n` +
      ">>> 'port 99999999'\nargument must be between 0 and 65535 inclusive",
  );
});

/** What `CONFIG GET save` shows after such lines and options; `%` is an include of a file with two save lines. */
const SAVES: readonly (readonly [lines: string, options: string, expected: string])[] = [
  ["", "", "3600 1 300 100 60 10000"],
  ["save 60 1|save 300 10", "", "60 1 300 10"],
  ["save 60 1", "--save 5 5 --save 6 6", "60 1 5 5 6 6"],
  ["%", "", "7 7 8 8"],
  ["save 60 1|%", "", "60 1 7 7 8 8"],
  ["%|%", "", "7 7 8 8 7 7 8 8"],
  // Below an include each line replaces what was there.
  ["%|save 60 1", "", "60 1"],
  ["save 60 1|%|save 5 5|save 6 6", "", "6 6"],
  ["save 60 1|%|save 5 5|%", "", "5 5 7 7 8 8"],
  ["%", "--save 5 5 --save 6 6", "6 6"],
];

test("save lines add up, but for those below an include", () => {
  for (const [lines, options, expected] of SAVES) {
    const directory = directoryWith({ "included.conf": "save 7 7\nsave 8 8\n" });
    const main = join(directory, "redis.conf");
    writeFileSync(main, lines.replaceAll("%", `include ${directory}/included.conf`).replaceAll("|", "\n"));
    const config = load([main, ...(options === "" ? [] : options.split(" "))]);
    assert.equal(config.list("save").join(" "), expected, `${lines} ${options}`);
  }
});

test("a fault in an included file names that file", () => {
  const directory = directoryWith({ "inner.conf": "hz 1\nnonsense\n" });
  writeFileSync(join(directory, "outer.conf"), `port 1\ninclude ${directory}/inner.conf\n`);
  const message = refusal([join(directory, "outer.conf")]);
  assert.match(message, /at line 2 of .*inner\.conf\n>>> 'nonsense'\nBad directive or wrong number of arguments$/);
});

test("a fault on the command line or in standard input says so", () => {
  assert.match(refusal(["--hz", "1", "--port", "x"]), /Reading the command line, at line 2\n>>> 'port "x"'\n/);
  assert.match(refusal(["-"], "hz 1\nport x"), /at line 2 of standard input\n>>> 'port x'\n/);
});

test("what cannot be obeyed and must not be passed over is refused where it stands, the last word counting", () => {
  const directory = directoryWith({
    "more.conf": "# more\nuser default off\n",
    "redis.conf": "hz 5\ncluster-enabled yes\n",
  });
  const path = join(directory, "redis.conf");
  assert.match(
    refusal([path]),
    /at line 2 of .*\/redis\.conf\n>>> 'cluster-enabled yes'\ncluster mode is not supported/,
  );
  assert.equal(load([path, "--cluster-enabled", "no"]).flag("cluster-enabled"), false);
  assert.match(
    refusal([path, "--cluster-enabled", "YES"]),
    /Reading the command line, at line 1\n>>> 'cluster-enabled "YES"'\n/,
  );
  const included = refusal(["-"], `user default on nopass ~* &* +@all\ninclude ${directory}/more.conf\nhz 7`);
  assert.match(included, /at line 2 of .*\/more\.conf\n>>> 'user default off'\n/);
});

test("a byte order mark in front of a file is passed over", () => {
  const directory = directoryWith({
    "more.conf": "\xef\xbb\xbfhz 70\n",
    "redis.conf": "\xef\xbb\xbftimeout 5\ninclude MORE",
  });
  const path = join(directory, "redis.conf");
  writeFileSync(path, readFileSync(path, "latin1").replace("MORE", join(directory, "more.conf")), "latin1");
  const config = load([path]);
  assert.deepEqual([config.number("hz"), config.number("timeout")], [70, 5]);
  assert.equal(load(["-"], "\ufeffhz 33").number("hz"), 33);
});

test("what Redis has dropped and passes over is passed over", () => {
  assert.equal(load(["-"], "lua-replicate-commands yes\nhz 20").number("hz"), 20);
  assert.match(refusal(["-"], "lua-replicate-commands"), /Bad directive or wrong number of arguments/);
});

test("a file that cannot be read, or includes itself, is refused", () => {
  const directory = directoryWith({});
  assert.match(
    refusal([join(directory, "none.conf")]),
    /^Fatal error, can't open config file '.*none\.conf': No such file or directory$/,
  );
  assert.match(refusal([directory]), /Is a directory$/);
  writeFileSync(join(directory, "loop.conf"), `include ${directory}/loop.conf\n`);
  assert.match(refusal([join(directory, "loop.conf")]), /include is nested too deeply$/);
});

test("the configuration of Debian's package loads whole", { skip: !existsSync("/etc/redis/redis.conf") }, () => {
  const debian = readFileSync("/etc/redis/redis.conf", "latin1").replace(/^dir .*$/m, "dir /tmp");
  const directory = directoryWith({ "redis.conf": debian });
  const config = load([join(directory, "redis.conf")]);
  assert.equal(config.text("pidfile"), "/run/redis/redis-server.pid");
  assert.deepEqual(config.list("bind"), ["127.0.0.1", "-::1"]);
  assert.ok(config.inertWarnings().some((warning) => warning.startsWith("'daemonize yes'")));
});
