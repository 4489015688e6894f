/**
 * What only `lib/runtime/` may ask the system for, and who may after all. Read by check_runtime.ts, which finds who does.
 *
 * Of the language's globals, those are named that ask for something; of the runtimes' modules, those that do not, so that
 * a module which nobody has thought of is found too.
 */

/** Where what is asked for here is to be had. */
export const OWNER = "lib/runtime/";

/** Globals that nothing else may name at all: time, timers, threads, the network, files, and each runtime's own. */
export const GLOBALS: ReadonlySet<string> = new Set([
  "performance",
  "Temporal",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
  "Worker",
  "SharedWorker",
  "MessageChannel",
  "BroadcastChannel",
  "fetch",
  "EventSource",
  "WebSocket",
  "XMLHttpRequest",
  "caches",
  "localStorage",
  "sessionStorage",
  "Bun",
  "Deno",
]);

/** Globals of which nothing else may name these members, nor hand the whole thing over. */
export const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["Date", ["now"]],
  ["Math", ["random"]],
  ["crypto", ["getRandomValues", "randomUUID"]],
  ["Atomics", ["wait", "waitAsync"]],
  ["AbortSignal", ["timeout"]],
]);

/**
 * Members that nothing in `lib/` may ask of anything: they detach buffers, and V8 throws away all that it has compiled when
 * one is for the first time (docs/decisions.md, "Nothing is detached").
 */
export const DETACHING: readonly string[] = ["transfer", "transferToFixedLength"];

/** Modules of the runtimes, with what anybody may import from them; from all others nobody may import anything. */
export const MODULES: ReadonlyMap<string, readonly string[] | "all"> = new Map<string, readonly string[] | "all">([
  ["buffer", "all"],
  ["path", "all"],
  ["crypto", ["createHash"]],
  ["os", ["arch", "release", "totalmem", "type"]],
  ["process", ["execPath", "platform", "versions"]],
]);

/** A file that may use some of it after all. */
export interface Exception {
  readonly file: string;
  readonly names: readonly string[];
  readonly why: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    file: "lib/net/bun.ts",
    names: ["Bun.connect", "Bun.listen", "process.getBuiltinModule", "setImmediate"],
    why:
      "the network of Bun, for which a simulation has its own; Bun looks at its sockets between immediates; and the collector",
  },
  {
    file: "lib/net/deno.ts",
    names: ["Deno.connect", "Deno.errors", "Deno.listen"],
    why: "the network of Deno",
  },
  {
    file: "lib/net/doorbell.ts",
    names: ["Deno.connect", "Deno.listen", "Deno.permissions", "setTimeout"],
    why:
      "how turns end on Deno; where the doorbell's connection has been cut, only a timer has Deno look at its sockets",
  },
  { file: "lib/net/node.ts", names: ["net.connect"], why: "links from an address of our choice, on either runtime" },
  {
    file: "lib/persistence/rdb_worker.ts",
    names: ["globalThis"],
    why: "the other end of a worker: a simulation runs what it does without it",
  },
  {
    file: "lib/config/environment.ts",
    names: ["process.chdir", "process.cwd"],
    why: "the working directory, which `Environment` is the door to",
  },
  { file: "lib/config/load.ts", names: ["fs.readFileSync", "fs.readdirSync"], why: "reads the configuration" },
  {
    file: "lib/config/rewrite.ts",
    names: [
      "fs.chmodSync",
      "fs.closeSync",
      "fs.fsyncSync",
      "fs.openSync",
      "fs.readFileSync",
      "fs.realpathSync",
      "fs.renameSync",
      "fs.statSync",
      "fs.unlinkSync",
      "fs.writeSync",
    ],
    why: "rewrites the configuration file",
  },
  {
    file: "lib/server/program/start.ts",
    names: ["process.on", "process.removeAllListeners", "process.stdout"],
    why: "the program's start: signals, errors that nobody caught, and whether somebody watches",
  },
  {
    file: "lib/server/program/checks/terminal.ts",
    names: ["process.stderr", "process.stdin", "process.stdout", "readline.createInterface"],
    why: "a program of its own, which shows how far it is and asks whoever sits there before it changes a file",
  },
  {
    file: "lib/server/program/descriptors.ts",
    names: ["fs.closeSync", "fs.openSync", "process.report"],
    why: "how many files the system lets the program open, at its start",
  },
  {
    file: "lib/server/program/launcher.ts",
    names: ["process.env", "process.ppid"],
    why: "which npm has started the program",
  },
  {
    file: "lib/server/program/proc.ts",
    names: ["Deno.Command", "Deno.permissions", "fs.readFileSync"],
    why: "what Linux tells of this process and its parents, at the program's start",
  },
  { file: "lib/server/program/log.ts", names: ["fs.closeSync", "fs.openSync", "fs.writeSync"], why: "the log file" },
  { file: "lib/server/program/pid_file.ts", names: ["fs.unlinkSync", "fs.writeFileSync"], why: "the pid file" },
  {
    file: "lib/server/program/listeners.ts",
    names: ["fs.chmodSync", "fs.rmSync"],
    why: "the name of the Unix socket, among files",
  },
];
