import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeLatin1 } from "../../lib/bytes/latin1.ts";
import { toBinary } from "../../lib/bytes/paths.ts";
import { CONFIG_COMMANDS } from "../../lib/commands/config.ts";
import type { Client } from "../../lib/commands/caller.ts";
import { Config } from "../../lib/config/config.ts";
import { ReplyWriter } from "../../lib/resp/reply.ts";
import { Request } from "../../lib/resp/request.ts";
import { fakeEnvironment } from "../config/fake_environment.ts";

/** A session with no more than CONFIG uses. */
class Prompt {
  readonly reply = new ReplyWriter();
  readonly config = new Config(fakeEnvironment());
  resets = 0;
  readonly #session: Client;

  constructor() {
    const host = { config: this.config, loading: false, resetStatistics: () => void this.resets++ };
    this.#session = { reply: this.reply, host, isLocal: true } as unknown as Client; // CONFIG touches nothing else
  }

  ask(...args: string[]): string {
    const command = CONFIG_COMMANDS[0].subcommands?.get(args[1]) ?? CONFIG_COMMANDS[0];
    command.handler(this.#session, Request.of(...args));
    const text = decodeLatin1(this.reply.buffer, 0, this.reply.length);
    this.reply.clear();
    return text;
  }
}

test("CONFIG GET replies with names and values, in RESP3 as a map", () => {
  const prompt = new Prompt();
  assert.equal(prompt.ask("config", "get", "hz"), "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
  assert.equal(prompt.ask("config", "get", "nothing"), "*0\r\n");
  prompt.reply.protocol = 3;
  assert.equal(
    prompt.ask("config", "get", "hz", "slaveo?"),
    "%2\r\n$2\r\nhz\r\n$2\r\n10\r\n$7\r\nslaveof\r\n$0\r\n\r\n",
  );
});

test("CONFIG SET wants pairs and sets bytes as they are", () => {
  const prompt = new Prompt();
  assert.equal(prompt.ask("config", "set", "requirepass", "\x00\xff", "hz", "20"), "+OK\r\n");
  assert.equal(prompt.config.text("requirepass"), "\x00\xff");
  assert.equal(prompt.ask("config", "set", "hz", "20", "port"), "-ERR syntax error\r\n");
  assert.equal(
    prompt.ask("config", "set", "a\nb", "1"),
    "-ERR Unknown option or number of arguments for CONFIG SET - 'a b'\r\n",
  );
});

test("CONFIG REWRITE writes the file and tells the log", () => {
  const prompt = new Prompt();
  const told: string[] = [];
  prompt.config.note = (message) => void told.push(message);
  prompt.config.warn = (message) => void told.push(message);
  assert.equal(prompt.ask("config", "rewrite"), "-ERR The server is running without a config file\r\n");
  const path = join(mkdtempSync(join(tmpdir(), "tredis-rewrite-")), "redis.conf");
  writeFileSync(path, "hz 10\n");
  prompt.config.file = toBinary(path);
  prompt.ask("config", "set", "hz", "33");
  assert.equal(prompt.ask("config", "rewrite"), "+OK\r\n");
  assert.match(readFileSync(path, "latin1"), /^hz 33\n/);
  prompt.config.file = "/nonexistent/redis.conf";
  assert.equal(prompt.ask("config", "rewrite"), "-ERR Rewriting config file: No such file or directory\r\n");
  assert.deepEqual(told, ["CONFIG REWRITE executed with success.", "CONFIG REWRITE failed: No such file or directory"]);
});

test("CONFIG RESETSTAT resets the statistics, and HELP lists the subcommands", () => {
  const prompt = new Prompt();
  assert.equal(prompt.ask("config", "resetstat"), "+OK\r\n");
  assert.equal(prompt.resets, 1);
  assert.match(prompt.ask("config", "help"), /^\*11\r\n\+CONFIG <subcommand>/);
});
