/**
 * Runs scripts. Each begins as plain functions, which are quick and cannot be left. One that takes long, or makes a
 * coroutine, begins anew as generators, is handed the replies that it has had already (`noted_calls.ts`), and is left after
 * each slice from then on, until it has come to its end or is killed.
 *
 * One script runs at a time. Whoever has it run decides when slices are, and what becomes of its result.
 */

import { monotonicMs } from "../runtime/clock.ts";
import { runtimeHeap } from "../runtime/heap.ts";
import { CjsonLibrary } from "./libraries/cjson.ts";
import { NeedsGenerators } from "./lua/coroutines.ts";
import type { Mode } from "./lua/emit_expressions.ts";
import { LuaError, ScriptEnd } from "./lua/errors.ts";
import { ScriptRandom } from "./lua/math.ts";
import { CannotPause, type Running as RunningFunction } from "./lua/runtime.ts";
import { TURNS_PER_LOOK } from "./lua/state.ts";
import { type LuaFunction, type LuaResult, LuaTable } from "./lua/values.ts";
import { NotedCalls } from "./noted_calls.ts";
import { type CommandCalls, redisConstants, redisFunctions, type Running, SCRIPT_FUNCTIONS } from "./redis_library.ts";
import { errorTable, shownValue } from "./replies.ts";
import { ScriptRealm } from "./script_realm.ts";
import { Registration } from "./register_function.ts";
import type { Callable, ScriptRun } from "./script_run.ts";

/** Longest slice of a script that can be left, in ms. */
const SLICE_MS = 10;
/** A script that has taken long begins as plain functions again once it has taken less than this, in ms. */
const SHORT_MS = 50;
/** How often memory is looked at, in ms. */
const MEMORY_LOOK_MS = 5;
/** What there may be in the runtime's heap while a script runs, in bytes, and as a share of what there may be at all. */
const MOST_HEAP_BYTES = 1.25 * 1024 ** 3;
const MOST_HEAP_SHARE = 0.3;
/** Between two collections for a script that is near that there is so much more, in bytes. */
const HEAP_STEP_BYTES = 256 * 1024 ** 2;
const MS_PER_SECOND = 1000;

/** Ends plain functions that have run for long. */
class BeginsAnew extends ScriptEnd {}
/** Ends a script that is killed. */
class Killed extends ScriptEnd {}

/** Ends a library that takes long to load. */
class LoadedTooLong extends ScriptEnd {}

/** The keys of a run, and what it is called with besides: made anew for each beginning, as a script may change them. */
export interface RunArguments {
  keys(): string[];
  others(): string[];
}

/** How far a run has come. */
export type Progress = "done" | "left";

/** Runs one script at a time. */
export class ScriptEngine implements Running {
  run: ScriptRun | null = null;
  readonly noted = new NotedCalls();
  /** What a library registers that is being loaded. */
  readonly registration = new Registration();
  readonly #random = new ScriptRandom();
  readonly #cjson = new CjsonLibrary();
  readonly #realms = new Map<string, ScriptRealm>();
  /** The realm that the run is in. */
  #realm: ScriptRealm;
  /** The run as generators, while it is left. */
  #running: RunningFunction | null = null;
  /** When the run began, as far as is known; NaN until the clock is read first, as most are done before. */
  #startedMs = NaN;
  /** For how long it may run as plain functions, in ms. */
  #plainMs = Infinity;
  /** When plain functions have run for long, and when a slice ends, in ms. */
  #deadlineMs = 0;
  #lookedAtMemoryMs = 0;
  readonly #mostHeapBytes = Math.min(MOST_HEAP_BYTES, runtimeHeap().mostBytes() * MOST_HEAP_SHARE);
  /** When there is so much in the heap, what of it is in use is looked at. */
  #collectAtBytes = this.#mostHeapBytes;
  /** Whether it has been too much: what the script had is to be collected at its end. */
  #isOverfull = false;
  /** What the random numbers and cjson's settings were when the run began. */
  #randomBefore = 0n;
  #settingsBefore = this.#cjson.settings;

  /** `version`: the version of Redis that scripts are told. */
  constructor(readonly calls: CommandCalls, readonly version: string) {
    this.#realm = this.realm("script", "plain");
  }

  /** Where scripts, or functions of libraries, run in a mode. */
  realm(kind: Callable["kind"], mode: Mode): ScriptRealm {
    const name = `${kind} ${mode}`;
    let realm = this.#realms.get(name);
    if (realm === undefined) this.#realms.set(name, realm = this.#newRealm(kind, mode));
    return realm;
  }

  #newRealm(kind: Callable["kind"], mode: Mode): ScriptRealm {
    const functions = redisFunctions(this);
    const constants = redisConstants(this.version);
    return new ScriptRealm(mode, {
      random: this.#random,
      cjson: this.#cjson,
      redis: kind === "script"
        ? { functions: { ...functions, ...SCRIPT_FUNCTIONS }, constants }
        : { functions, constants, whileLoading: { register_function: this.registration.register, log: functions.log } },
      tick: () => this.#tick(),
      memoryBytes: () => this.#notedNumber(() => runtimeHeap().usedBytes()),
      clockSeconds: () => this.#notedNumber(() => monotonicMs() / MS_PER_SECOND),
    });
  }

  /** For how long the run has been under way, in ms. */
  get elapsedMs(): number {
    return Number.isNaN(this.#startedMs) ? 0 : monotonicMs() - this.#startedMs;
  }

  get depth(): number {
    return this.#realm.runtime.state.depth;
  }

  charge(bytes: number): void {
    this.#realm.runtime.state.charge(bytes);
  }

  notesFull(): never {
    throw new BeginsAnew();
  }

  /**
   * Begins a run. `mayBeLeft`: for how long it may run as plain functions, in ms, and that it may be left after that; null
   * where it must come to its end at once.
   */
  start(run: ScriptRun, given: RunArguments, mayBeLeft: { readonly afterMs: number } | null): Progress {
    this.run = run;
    this.#randomBefore = this.#random.state;
    this.#settingsBefore = this.#cjson.settings;
    this.#startedMs = NaN;
    const plain = run.callable.takesLong ? null : run.callable.plain();
    if (plain === null) return this.#startGenerator(run, given, mayBeLeft !== null);
    this.#plainMs = mayBeLeft?.afterMs ?? Infinity;
    this.noted.begin();
    this.#enter(this.realm(run.callable.kind, "plain"));
    try {
      run.result = this.#realm.runtime.first(this.#call(run, plain, given));
    } catch (thrown) {
      if (thrown instanceof NeedsGenerators) run.callable.needsGenerators();
      else if (thrown instanceof BeginsAnew) run.callable.takesLong = true;
      else this.#failed(run, thrown);
      if (run.error === null) return this.#beginAnew(run, given, mayBeLeft !== null);
    }
    return this.#ended();
  }

  #beginAnew(run: ScriptRun, given: RunArguments, mayBeLeft: boolean): Progress {
    this.#random.state = this.#randomBefore;
    this.#cjson.settings = this.#settingsBefore;
    run.forgetChoices();
    this.noted.handOut();
    return this.#startGenerator(run, given, mayBeLeft);
  }

  #startGenerator(run: ScriptRun, given: RunArguments, mayBeLeft: boolean): Progress {
    if (!this.noted.isHandingOut) this.noted.forget();
    this.#enter(this.realm(run.callable.kind, "generator"));
    this.#running = this.#realm.runtime.settle(this.#call(run, run.callable.generator(), given));
    let progress = this.goOn(mayBeLeft);
    while (progress === "left" && !mayBeLeft) progress = this.goOn(mayBeLeft);
    return progress;
  }

  /** Runs a slice of a script that was left. */
  goOn(mayBeLeft = true): Progress {
    const { run } = this;
    const running = this.#running;
    if (run === null || running === null) throw new Error("no script was left");
    this.#deadlineMs = mayBeLeft ? monotonicMs() + SLICE_MS : Infinity;
    this.#realm.runtime.state.turnsLeft = TURNS_PER_LOOK;
    try {
      const step = run.isKilled ? running.throw(new Killed()) : running.next();
      if (step.done !== true) return "left";
      run.result = this.#realm.runtime.first(step.value);
    } catch (thrown) {
      this.#failed(run, thrown);
    }
    return this.#ended();
  }

  /**
   * Runs what stands outside of the functions of a library, which registers those. Throws what it throws: `NeedsGenerators`
   * where it makes a coroutine. `mostMs`: how long it may take.
   */
  runLibrary(mode: Mode, body: LuaFunction, mostMs: number): void {
    this.#startedMs = this.#lookedAtMemoryMs = monotonicMs();
    this.#deadlineMs = this.#startedMs + mostMs;
    this.#enter(this.realm("function", mode));
    const { runtime } = this.#realm;
    const result = body();
    if (mode === "plain") return void runtime.first(result);
    const running = runtime.settle(result);
    while (running.next().done !== true) if (monotonicMs() >= this.#deadlineMs) throw new LoadedTooLong();
  }

  /** What an error of the library that was run last says; throws what is none. */
  libraryError(thrown: unknown): string {
    if (thrown instanceof LoadedTooLong) return "ERR FUNCTION LOAD timeout";
    const value = this.#realm.runtime.state.errorValue(thrown);
    if (!(value instanceof LuaTable)) return `ERR ${shownValue(value)}`;
    return shownValue(value.get("err") ?? "ERR unknown error");
  }

  /** Forgets a run that something of ours has ended in the middle. */
  abandon(): void {
    this.#ended();
  }

  #ended(): Progress {
    const { run } = this;
    if (run?.callable.takesLong && this.elapsedMs < SHORT_MS) run.callable.takesLong = false;
    this.run = null;
    this.#running = null;
    if (this.#isOverfull) {
      runtimeHeap().collect();
      this.#isOverfull = false;
      this.#collectAtBytes = this.#mostHeapBytes;
    }
    this.noted.forget();
    return "done";
  }

  #enter(realm: ScriptRealm): void {
    this.#realm = realm;
    realm.runtime.state.begin();
  }

  /** Calls the function of a run: those of libraries have their keys and arguments so, scripts as globals. */
  #call({ callable: { kind } }: ScriptRun, body: LuaFunction, given: RunArguments): LuaResult {
    if (kind === "function") return body(new LuaTable(given.keys()), new LuaTable(given.others()));
    this.#realm.setArguments(given.keys(), given.others());
    return body();
  }

  #failed(run: ScriptRun, thrown: unknown): void {
    const { state } = this.#realm.runtime;
    const site = state.placeOf(thrown);
    if (thrown instanceof Killed) {
      run.fail(errorTable("ERR Script killed by user with SCRIPT KILL..."), site); // of functions, too
    } else if (thrown instanceof CannotPause) {
      run.fail(
        errorTable("ERR the script was ended: it runs for long in a function that is too large to be interrupted"),
        site,
      );
    } else {
      run.fail(state.errorValue(thrown), site);
    }
  }

  /** A number that may be another one when it is asked for again. */
  #notedNumber(make: () => number): number {
    const { noted, run } = this;
    if (run === null) return make();
    if (noted.isHandingOut) return Number(noted.next(0));
    if (noted.isFull) this.notesFull();
    const value = make();
    if (noted.isNoting) noted.add(value, 0);
    return value;
  }

  #tick(): boolean {
    const { state } = this.#realm.runtime;
    state.turnsLeft = TURNS_PER_LOOK;
    const nowMs = monotonicMs();
    if (Number.isNaN(this.#startedMs)) this.#began(nowMs);
    if (nowMs - this.#lookedAtMemoryMs > MEMORY_LOOK_MS) {
      this.#lookedAtMemoryMs = nowMs;
      this.#lookAtMemory();
    }
    if (nowMs < this.#deadlineMs) return false;
    if (this.run === null) throw new LoadedTooLong();
    if (this.#running === null && this.noted.isNoting) throw new BeginsAnew();
    return true;
  }

  /** A run has been under way for some thousand turns: from now on it is looked at. */
  #began(nowMs: number): void {
    this.#startedMs = this.#lookedAtMemoryMs = nowMs;
    if (this.#running === null) this.#deadlineMs = nowMs + this.#plainMs;
  }

  /** Ends what runs with an error where it takes too much memory. What is to be collected takes none. */
  #lookAtMemory(): void {
    const heap = runtimeHeap();
    if (heap.usedBytes() < this.#collectAtBytes) return;
    heap.collect();
    const usedBytes = heap.usedBytes();
    this.#collectAtBytes = Math.max(this.#mostHeapBytes, usedBytes + HEAP_STEP_BYTES);
    if (usedBytes < this.#mostHeapBytes) return;
    this.#isOverfull = true;
    throw new LuaError("not enough memory");
  }
}
