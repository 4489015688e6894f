/** The servers that are measured: starting them, their CPU time and memory as the kernel counts them. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverWords } from "../server_words.ts";

const FIRST_PORT = 16390;

/** A server under measurement. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): void;
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
    const socket = await open(port).catch(() => null);
    if (socket !== null && child.pid !== undefined) {
      socket.destroy();
      const stop = () => {
        child.kill("SIGKILL");
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
  const time = (thread: string) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0];
  return new Map(readdirSync(`/proc/${pid}/task`).map((thread) => [thread, Number(time(thread))]));
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

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Sends requests that have one-line replies, in pipelines, and waits for all replies. `request(i)` gives bytes. */
export async function pipeline(port: number, count: number, request: (index: number) => string): Promise<void> {
  const batch = 1000;
  const socket = await open(port);
  let lines = 0;
  let wake = () => {};
  socket.on("data", (chunk: Uint8Array) => {
    for (const byte of chunk) if (byte === 10) lines++;
    wake();
  });
  for (let sent = 0; sent < count;) {
    let bytes = "";
    const end = Math.min(count, sent + batch);
    for (; sent < end; sent++) bytes += request(sent);
    socket.write(bytes);
    while (lines < sent - batch) await new Promise<void>((resolve) => wake = resolve);
  }
  while (lines < count) await new Promise<void>((resolve) => wake = resolve);
  socket.destroy();
}

/** A request in RESP; arguments are ASCII. */
export function encode(...args: string[]): string {
  return `*${args.length}\r\n` + args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
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
