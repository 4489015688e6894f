/** Commands that scripts of tests call: a few that keep something, with no server behind them. */

import { ReplyWriter } from "../../lib/resp/reply.ts";
import type { Request } from "../../lib/resp/request.ts";
import { RequestBuilder } from "../../lib/resp/request_builder.ts";
import { type RunArguments, ScriptEngine } from "../../lib/scripting/engine.ts";
import type { CommandCalls, LogLevel } from "../../lib/scripting/redis_library.ts";
import { ScriptCache } from "../../lib/scripting/script_cache.ts";
import { ScriptRun } from "../../lib/scripting/script_run.ts";
import { shownValue } from "../../lib/scripting/replies.ts";
import { LuaTable, type LuaValue } from "../../lib/scripting/lua/values.ts";

export class FakeCalls implements CommandCalls {
  readonly builder = new RequestBuilder();
  readonly reply = new ReplyWriter();
  /** What has been called, a command a line. */
  readonly called: string[] = [];
  readonly logged: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #list: string[] = [];

  call(run: ScriptRun, request: Request): string | null {
    const words = Array.from({ length: request.argc }, (_, i) => request.text(i));
    this.called.push(words.join(" "));
    const { reply } = this;
    reply.clear();
    reply.protocol = run.protocol;
    switch (words[0]) {
      case "incr": {
        const value = (this.#numbers.get(words[1]) ?? 0) + 1;
        this.#numbers.set(words[1], value);
        run.hasWritten = true;
        reply.integer(value);
        return null;
      }
      case "push":
        this.#list.push(words[1]);
        reply.array(this.#list.length);
        for (const one of this.#list) reply.bulkString(one);
        return null;
      case "fail":
        reply.error("WRONG kind");
        return null;
      default:
        return "ERR Unknown Redis command called from script";
    }
  }

  mayCall(): boolean | null {
    return true;
  }

  log(_level: LogLevel, text: string): void {
    this.logged.push(text);
  }
}

/** What scripts of tests are given. */
export const GIVEN: RunArguments = { keys: () => ["key"], others: () => ["argument"] };

/** An engine, and how tests run scripts in it. */
export function newEngine() {
  const calls = new FakeCalls();
  const engine = new ScriptEngine(calls, "7.2.4");
  const scripts = new ScriptCache(engine);
  return {
    calls,
    engine,
    scripts,
    /** What a script gives, or its error; `afterMs`: for how long it may run as plain functions. */
    run(source: string, afterMs = Infinity): string {
      const script = scripts.evaluated(source);
      if (typeof script === "string") return script;
      const run = new ScriptRun(script, false);
      let progress = engine.start(run, GIVEN, { afterMs });
      while (progress === "left") progress = engine.goOn();
      return run.error === null ? shown(run.result) : `ERR ${shown(run.error.value)}`;
    },
  };
}

/** A value as text, tables by their values from 1 on, or by their error. */
export function shown(value: LuaValue): string {
  if (!(value instanceof LuaTable)) return shownValue(value);
  const error = value.get("err");
  if (error !== undefined) return shownValue(error);
  return `{${Array.from({ length: value.length }, (_, i) => shown(value.get(i + 1))).join()}}`;
}
