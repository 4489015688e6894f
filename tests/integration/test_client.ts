/**
 * A client for tests, which shows replies as the wire has them. Written without any library so that it can send what no
 * library would: cut requests, wrong ones, many at once.
 */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";

/** An error reply. */
export class ReplyError {
  constructor(readonly message: string) {}
}

/** An out-of-band message of RESP3. */
export class Push {
  constructor(readonly items: readonly Reply[]) {}
}

/** A reply: strings are binary strings, maps are Maps, RESP3 sets are Sets. */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | ReplyError
  | Push
  | readonly Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

const PATIENCE_MS = 60_000;

export class TestClient {
  #received = "";
  #at = 0;
  #wake: (() => void) | null = null;
  #closed = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.#received = this.#received.slice(this.#at) + chunk;
      this.#at = 0;
      this.#wake?.();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
    socket.on("error", () => {});
  }

  static connect(port: number, host = "127.0.0.1"): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      socket.once("connect", () => resolve(new TestClient(socket)));
      socket.once("error", reject);
    });
  }

  /** Connects to a Unix socket. */
  static connectUnix(path: string): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("connect", () => resolve(new TestClient(socket)));
      socket.once("error", reject);
    });
  }

  /** Sends a command and returns its reply. A single argument with spaces is split at them. */
  call(...args: (string | number)[]): Promise<Reply> {
    this.send(...args);
    return this.read();
  }

  /** Calls and compares: `expect("GET a", "1")`. */
  async expect(line: string | readonly (string | number)[], expected: Reply | RegExp): Promise<void> {
    const args = typeof line === "string" ? line.split(" ") : line;
    const reply = await this.call(...args);
    if (expected instanceof RegExp) {
      const text = reply instanceof ReplyError ? reply.message : String(reply);
      assert.match(text, expected, `reply to ${args.join(" ")}: ${text}`);
    } else {
      assert.deepEqual(reply, expected, `reply to ${args.join(" ")}`);
    }
  }

  /** Sends a command without waiting. */
  send(...args: (string | number)[]): void {
    const words = args.length === 1 ? String(args[0]).split(" ") : args.map(String);
    this.sendRaw(encodeRequest(words));
  }

  /** Sends bytes, given as a binary string. */
  sendRaw(bytes: string): void {
    this.socket.write(bytes, "latin1");
  }

  /** The next reply or message. */
  async read(): Promise<Reply> {
    return (await this.#next()).reply;
  }

  /** The next reply or message as the wire has it, as a binary string. */
  async readReplyBytes(): Promise<string> {
    return (await this.#next()).bytes;
  }

  async #next(): Promise<{ readonly reply: Reply; readonly bytes: string }> {
    for (;;) {
      const start = this.#at;
      const parsed = parseReply(this.#received, start);
      if (parsed !== null) {
        this.#at = parsed.next;
        return { reply: parsed.reply, bytes: this.#received.slice(start, parsed.next) };
      }
      await this.#more("a reply");
    }
  }

  /** The next `length` bytes, as a binary string. */
  async readRaw(length: number): Promise<string> {
    while (this.#received.length - this.#at < length) await this.#more(`${length} bytes`);
    this.#at += length;
    return this.#received.slice(this.#at - length, this.#at);
  }

  /** Everything up to the end of the connection. */
  async readToEnd(): Promise<string> {
    while (!this.#closed) await this.#more("the end", true);
    return this.#received.slice(this.#at);
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.socket.destroy();
  }

  async #more(what: string, endIsFine = false): Promise<void> {
    if (this.#closed && !endIsFine) throw new Error(`the connection ended while waiting for ${what}`);
    if (this.#closed) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
    }).finally(() => clearTimeout(timer));
    this.#wake = null;
  }
}

/** A request in RESP; arguments are binary strings. */
export function encodeRequest(args: readonly string[]): string {
  return `*${args.length}\r\n` + args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
}

interface Parsed {
  readonly reply: Reply;
  readonly next: number;
}

/** Parses one reply from `text` at `at`, or returns null where it is not whole. */
export function parseReply(text: string, at: number): Parsed | null {
  const lineEnd = text.indexOf("\r\n", at);
  if (lineEnd < 0) return null;
  const line = text.slice(at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (text[at]) {
    case "+":
      return { reply: line, next };
    case "-":
      return { reply: new ReplyError(line), next };
    case ":":
      return { reply: Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line), next };
    case "_":
      return { reply: null, next };
    case "#":
      return { reply: line === "t", next };
    case ",":
      return { reply: line === "inf" ? Infinity : line === "-inf" ? -Infinity : Number(line), next };
    case "(":
      return { reply: BigInt(line), next };
    case "$":
    case "=": {
      const length = Number(line);
      if (length < 0) return { reply: null, next };
      if (text.length < next + length + 2) return null;
      const start = text[at] === "=" ? next + 4 : next;
      return { reply: text.slice(start, next + length), next: next + length + 2 };
    }
    case "*":
    case ">":
    case "~":
    case "%":
      return parseAggregate(text, text[at], Number(line), next);
    default:
      throw new Error(`not a reply: ${JSON.stringify(text.slice(at, at + 40))}`);
  }
}

function parseAggregate(text: string, kind: string, length: number, at: number): Parsed | null {
  if (length < 0) return { reply: null, next: at };
  const items: Reply[] = [];
  for (let i = 0; i < (kind === "%" ? length * 2 : length); i++) {
    const item = parseReply(text, at);
    if (item === null) return null;
    items.push(item.reply);
    at = item.next;
  }
  if (kind === ">") return { reply: new Push(items), next: at };
  if (kind === "~") return { reply: new Set(items), next: at };
  if (kind === "*") return { reply: items, next: at };
  const map = new Map<Reply, Reply>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  return { reply: map, next: at };
}
