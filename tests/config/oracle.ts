/** A real redis-server for tests that compare with it, and just enough of a client to ask it. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import process from "node:process";

/** Whether redis-server is installed. In CI it must be. */
export function hasOracle(): boolean {
  const installed = spawnSync("redis-server", ["--version"]).status === 0;
  if (!installed && process.env.CI !== undefined) throw new Error("CI needs redis-server");
  return installed;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export type Reply = string | null | number | Reply[];

export class Oracle {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #socket: Socket;
  #received = "";
  #wake: (() => void) | null = null;

  private constructor(port: number, child: ChildProcess, socket: Socket) {
    this.port = port;
    this.#process = child;
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      this.#received += text;
      this.#wake?.();
    });
  }

  /** Starts a redis-server in `directory` and connects to it. */
  static async start(directory: string, ...options: string[]): Promise<Oracle> {
    const port = await freePort();
    const all = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory, ...options];
    const child = spawn("redis-server", all, { stdio: "ignore" });
    for (;;) {
      const socket = connect(port, "127.0.0.1");
      const connected = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (connected) return new Oracle(port, child, socket);
      if (child.exitCode !== null) throw new Error("redis-server ended");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  /** Sends a command; its reply, an error as its text with `-` before it. */
  async ask(...args: string[]): Promise<Reply> {
    const parts = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
    this.#socket.write(`*${args.length}\r\n${parts.join("")}`, "latin1");
    return await this.#read();
  }

  async #read(): Promise<Reply> {
    const line = await this.#line();
    const count = Number(line.slice(1));
    switch (line[0]) {
      case "+":
        return line.slice(1);
      case "-":
        return line;
      case ":":
        return count;
      case "$":
        return count < 0 ? null : await this.#bytes(count);
      default: {
        const items: Reply[] = [];
        for (let i = 0; i < count; i++) items.push(await this.#read());
        return items;
      }
    }
  }

  async #line(): Promise<string> {
    while (!this.#received.includes("\r\n")) await this.#more();
    const end = this.#received.indexOf("\r\n");
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 2);
    return line;
  }

  async #bytes(count: number): Promise<string> {
    while (this.#received.length < count + 2) await this.#more();
    const bytes = this.#received.slice(0, count);
    this.#received = this.#received.slice(count + 2);
    return bytes;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }
}

/** What redis-server prints when it refuses to start. */
export function refusalOf(directory: string, args: readonly string[], input = ""): string {
  const run = spawnSync("redis-server", [...args], { cwd: directory, input, encoding: "latin1", timeout: 5000 });
  return run.stdout + run.stderr;
}
