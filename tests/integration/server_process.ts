/**
 * Starts the server under test as a process of its own, on a free port and in a directory of its own.
 *
 * Which server that is comes from the environment variable TREDIS_SERVER: `deno` (the default), `bun`, the path of a
 * compiled executable, or `redis-server`, the oracle that every test must also pass unless it is marked as tredis's own.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { serverWords } from "../../scripts/server_words.ts";
import { ReplyError, TestClient } from "./test_client.ts";

/** How long a server may take to come up or to go away, on a slow machine. */
const PATIENCE_MS = 60_000;

/** What TREDIS_SERVER says. */
export const SERVER_UNDER_TEST: string = process.env.TREDIS_SERVER ?? "deno";
/** Whether it is Redis itself. */
export const IS_ORACLE: boolean = SERVER_UNDER_TEST.endsWith("redis-server");

/** So many ports are a process's own, below those that the system gives to connections. */
const PORTS = 200;
const FIRST_PORT = 11_000 + (process.pid % 50) * PORTS;
let portsTaken = 0;

/** A port that nobody listened on a moment ago, and that tests beside these do not take. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST_PORT + portsTaken++ % PORTS;
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} are taken`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Waits until `condition` gives something true, and returns it. */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  patienceMs: number = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface StartOptions {
  /** Arguments after `--port` and `--dir`. */
  readonly args?: readonly string[];
  /** Arguments before all others: a configuration file. */
  readonly first?: readonly string[];
  /** Standard input. */
  readonly input?: string;
  readonly kind?: string;
  readonly folder?: string;
  readonly port?: number;
  /** The most descriptors that the system gives it. */
  readonly descriptors?: number;
  /** Path of the socket by which to see that it is up, where there is no port. */
  readonly unixSocket?: string;
  /** The address at which it is reached, if that is not this machine's own. */
  readonly host?: string;
  /** Words before the program: what runs it, such as `ip netns exec`. */
  readonly under?: readonly string[];
}

/** A running server. */
export class ServerProcess {
  readonly #clients: TestClient[] = [];
  #output = "";
  #exited = false;
  exitCode: number | null = null;

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly folder: string,
    readonly host: string | undefined,
  ) {
    child.stdout?.on("data", (chunk) => this.#output += chunk);
    child.stderr?.on("data", (chunk) => this.#output += chunk);
    child.on("exit", (code) => {
      this.#exited = true;
      this.exitCode = code;
    });
  }

  /** Starts a server with `--port`, `--dir` and further arguments, and waits until it answers. */
  static async start(options: StartOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.launch(options);
    await server.isUp(options.unixSocket);
    return server;
  }

  /** The same without waiting for anything. */
  static async launch(options: StartOptions = {}): Promise<ServerProcess> {
    const port = options.port ?? await freePort();
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "tredis-test-"));
    const [program, ...first] = [...(options.under ?? []), ...serverWords(options.kind ?? SERVER_UNDER_TEST)];
    const given = [...first, ...(options.first ?? [])];
    const args = [...given, "--port", String(port), "--dir", folder, ...(options.args ?? ["--save", ""])];
    const words = options.descriptors === undefined
      ? [program, ...args]
      : ["sh", "-c", `ulimit -n ${options.descriptors} && exec "$0" "$@"`, program, ...args];
    const child = spawn(words[0], words.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
    const server = new ServerProcess(child, port, folder, options.host);
    server.child.stdin?.end(options.input ?? "");
    return server;
  }

  /** Waits until it answers, by its port or by a socket. Rejects where it ends instead. */
  async isUp(unixSocket?: string): Promise<void> {
    await until(`a server on port ${this.port}`, async () => {
      if (this.#exited) throw new Error(`the server ended with ${this.exitCode}: ${this.#output}`);
      const connecting = unixSocket === undefined
        ? TestClient.connect(this.port, this.host)
        : TestClient.connectUnix(unixSocket);
      const client = await connecting.catch(() => null);
      if (client === null) return false;
      const reply = await client.call("PING").catch(() => null);
      client.close();
      return !(reply instanceof ReplyError && reply.message.startsWith("LOADING"));
    }).catch((error) => {
      this.signal("SIGKILL"); // nobody else knows of it
      throw error;
    });
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has printed what matches: what it prints comes by another way than its replies, and may come later. */
  async logged(pattern: RegExp): Promise<void> {
    await until(`the line ${pattern}`, () => pattern.test(this.#output));
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** Opens a connection, which `stop` closes. */
  async connect(): Promise<TestClient> {
    const client = await TestClient.connect(this.port, this.host);
    this.#clients.push(client);
    return client;
  }

  /** Sends a signal: not by the child's own method, after which Deno tells no exit code. */
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGSTOP" | "SIGCONT" | "SIGHUP"): void {
    if (!this.#exited && this.child.pid !== undefined) process.kill(this.child.pid, signal);
  }

  /** Ends the process by a signal and waits until it is gone. */
  async kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT" = "SIGTERM"): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    this.signal(signal);
    await until("the end of the server", () => this.#exited);
  }

  /** Ends the process and removes its directory. */
  async stop(): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
