/** The servers that are measured: starting them, their CPU time and memory as the kernel counts them. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { serverWords } from "../server_words.ts";
import { ReplyCounter } from "./replies.ts";

/** The first of the ports in use, unless BENCH_PORT says another: two benchmarks at a time need ports of their own. */
const FIRST_PORT = Number(process.env.BENCH_PORT ?? 16390);

/** A server under measurement. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it, and waits until its port is free again. */
  stop(): Promise<void>;
}

/** Starts the servers named, each on a port and in a directory of its own, without save points. */
export async function startTargets(names: readonly string[]): Promise<Target[]> {
  const targets: Target[] = [];
  for (const [i, name] of names.entries()) targets.push(await startTarget(name, FIRST_PORT + i));
  return targets;
}

/** Starts one server more, beside those that `startTargets` has started; `beside` tells several such from one another. */
export function startAnother(name: string, beside = 0, extra: readonly string[] = []): Promise<Target> {
  return startTarget(name, FIRST_PORT - 1 - beside, extra);
}

async function startTarget(name: string, port: number, extra: readonly string[] = []): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "tredis-bench-"));
  const [program, ...args] = name.includes(" ")
    ? name.split(" ")
    : serverWords(name === "redis" ? "redis-server" : name);
  const options = [
    "--port",
    String(port),
    "--save",
    "",
    "--dir",
    folder,
    "--loglevel",
    "warning",
    "--maxclients",
    "20000",
    ...extra,
  ];
  const child: ChildProcess = spawn(program, [...args, ...options], { stdio: ["ignore", "ignore", "inherit"] });
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break;
    const socket = await open(port).catch(() => null);
    if (socket !== null && child.pid !== undefined) {
      socket.destroy();
      const stop = async () => {
        const isGone = new Promise((resolve) => child.once("exit", resolve));
        if (child.exitCode === null && child.kill("SIGKILL")) await isGone;
        rmSync(folder, { recursive: true, force: true });
      };
      return { name, port, pid: child.pid, stop };
    }
    await sleep(50);
  }
  throw new Error(`${name} does not listen on port ${port}`);
}

/** Opens a connection. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** User and system time that each thread of a process has taken so far, in ns. */
export function cpuOf(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      times.set(thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]));
    } catch {
      // It has ended since the threads were listed.
    }
  }
  return times;
}

/** User and system time that a process has taken since `before`, in µs. What threads took that have ended is lost. */
export function cpuMicrosecondsSince(before: ReadonlyMap<string, number>, pid: number): number {
  let nanoseconds = 0;
  for (const [thread, time] of cpuOf(pid)) nanoseconds += time - (before.get(thread) ?? 0);
  return nanoseconds / 1000;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes?.[1]) * 1024;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The geometric mean, as is fit for ratios. */
export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * Sends requests in pipelines of at most `batch`, and waits for all replies. `request(i)` gives one in RESP.
 */
export async function pipeline(
  port: number,
  count: number,
  request: (index: number) => string,
  batch = 1000,
): Promise<void> {
  const socket = await open(port);
  const counter = new ReplyCounter();
  let wake = () => {};
  socket.on("data", (chunk: Uint8Array) => {
    counter.read(chunk);
    wake();
  });
  socket.on("close", () => {
    if (counter.replies < count) throw new Error(`the server on port ${port} closed a connection that loads it`);
  });
  for (let sent = 0; sent < count;) {
    let bytes = "";
    const end = Math.min(count, sent + batch);
    for (; sent < end; sent++) bytes += request(sent);
    socket.write(bytes);
    while (counter.replies < sent - batch) await new Promise<void>((resolve) => wake = resolve);
  }
  while (counter.replies < count) await new Promise<void>((resolve) => wake = resolve);
  socket.destroy();
}

/** A request in RESP; arguments are ASCII. */
export function encode(...args: string[]): string {
  let request = `*${args.length}\r\n`;
  for (const arg of args) request += `$${arg.length}\r\n${arg}\r\n`;
  return request;
}

/** Sends one request and returns what comes within `ms`. */
export async function ask(port: number, request: string, ms: number): Promise<string> {
  const socket = await open(port);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => text += chunk);
  socket.write(request);
  await sleep(ms);
  socket.destroy();
  return text;
}

/** Sends one request and returns its whole reply as it came. Throws where it is an error. */
export async function call(port: number, ...args: string[]): Promise<string> {
  const socket = await open(port);
  const counter = new ReplyCounter();
  let text = "";
  await new Promise<void>((resolve, reject) => {
    socket.on("close", () => reject(new Error(`${args[0]}: the server on port ${port} closed the connection`)));
    socket.on("data", (chunk: Uint8Array) => {
      counter.read(chunk);
      for (const byte of chunk) text += String.fromCharCode(byte);
      if (counter.replies > 0) resolve();
    });
    socket.write(encode(...args));
  });
  socket.destroy();
  if (text.startsWith("-")) throw new Error(`${args[0]}: ${text.trim()}`);
  return text;
}

/** What a field of INFO says; "" where there is none. */
export async function info(port: number, field: string): Promise<string> {
  return new RegExp(`^${field}:(.*)\r$`, "m").exec(await call(port, "INFO", "everything"))?.[1] ?? "";
}

/** Empties a server and waits until it has freed all that it held: what it does beside would count for what comes next. */
export async function empty(port: number): Promise<void> {
  await call(port, "FLUSHALL");
  while (await info(port, "lazyfree_pending_objects") !== "0") await sleep(20);
}
