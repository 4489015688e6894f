/**
 * A process of a group, be it a server with data or a sentinel: it has a configuration file, which it rewrites itself, and
 * can be ended and started again. Made by group.ts; what it says of itself is read here.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "../../integration/server_process.ts";
import { type Reply, ReplyError, type TestClient } from "../../integration/test_client.ts";
import { type Place, quietPort } from "./place.ts";

/** What a process is started as. */
export interface MemberOptions {
  /** The program; the server under test, where that is not said. */
  readonly program?: string;
  readonly place: Place;
  /** Lines of its configuration file, without its port and folder. */
  readonly lines: readonly string[];
  /** What clients must say first. */
  readonly password?: string;
  /** The address that it announces, if that is another than its own. */
  readonly announced?: string;
}

export class Member {
  #server: ServerProcess | null = null;
  #client: TestClient | null = null;
  /** What it logged in its lives before. */
  #pastLog = "";

  private constructor(readonly options: MemberOptions, readonly port: number, readonly folder: string) {}

  /** Writes the configuration file, and starts the process. */
  static async start(options: MemberOptions): Promise<Member> {
    const member = new Member(options, await quietPort(), mkdtempSync(join(tmpdir(), "tredis-sentinel-")));
    writeFileSync(member.file, options.lines.map((line) => `${line}\n`).join(""));
    await member.startAgain();
    return member;
  }

  get file(): string {
    return join(this.folder, "it.conf");
  }

  /** Its address, as the others know it. */
  get host(): string {
    return this.options.announced ?? this.options.place.address;
  }

  /** Address and port, as the others know it. */
  get name(): string {
    return `${this.host}:${this.port}`;
  }

  /** All that it has logged. */
  get log(): string {
    return this.#pastLog + (this.#server?.output ?? "");
  }

  /** Whether it has ended, and nobody has ended it. */
  get hasCrashed(): boolean {
    return this.#server?.exited === true;
  }

  /** Starts it from its configuration file as that is now. */
  async startAgain(): Promise<void> {
    const { options: { place, program }, folder, port } = this;
    const kind = program === undefined ? {} : { kind: program };
    this.#server = await ServerProcess.start({
      ...kind,
      first: [this.file],
      args: [],
      folder,
      port,
      host: place.host,
      under: place.under,
    });
  }

  /** Ends it at once, as a machine that fails does. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#pastLog = this.log;
    this.#server = null;
    this.#client?.close();
    await server.kill("SIGKILL");
  }

  /** Has it hang, or go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#server?.signal(signal);
  }

  /** Ends it, and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A connection of its own; Sentinel has it closed when it changes the role. */
  async connect(): Promise<TestClient> {
    if (this.#server === null) throw new Error(`${this.name} does not run`);
    const client = await this.#server.connect();
    const { password } = this.options;
    if (password !== undefined) await client.expect(["AUTH", password], "OK");
    return client;
  }

  /** Asks over a connection that is opened again whenever it is closed; null where there is no reply. */
  async ask(...words: (string | number)[]): Promise<Reply> {
    try {
      if (this.#client === null || this.#client.closed) this.#client = await this.connect();
      return await this.#client.call(...words);
    } catch {
      this.#client?.close(); // a reply that comes too late is none to what is asked next
      this.#client = null;
      return null;
    }
  }

  /** Fields of a section of INFO; none where there is no reply. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const reply = await this.ask("INFO", section);
    const text = typeof reply === "string" ? reply : "";
    return new Map([...text.matchAll(/^(\w+):(.*)\r$/gm)].map(([, name, value]) => [name, value]));
  }

  /** The primary that it follows over a link that is up; "" where it follows none. */
  async follows(): Promise<string> {
    const role = await this.ask("ROLE");
    return Array.isArray(role) && role[0] === "slave" && role[3] === "connected" ? `${role[1]}:${role[2]}` : "";
  }

  async isPrimary(): Promise<boolean> {
    const role = await this.ask("ROLE");
    return Array.isArray(role) && role[0] === "master";
  }

  /** The primary that its configuration file names, or "". */
  get configuredPrimary(): string {
    const line = /^(?:replicaof|slaveof) "?([^\s"]+)"? (\d+)/m.exec(readFileSync(this.file, "latin1"));
    return line === null ? "" : `${line[1]}:${line[2]}`;
  }

  /** A flat list of names and values, as Sentinel replies. */
  async askPairs(...words: string[]): Promise<ReadonlyMap<Reply, Reply>> {
    return pairs(await this.ask(...words));
  }
}

/** Names and values that come one after the other. */
export function pairs(reply: Reply): ReadonlyMap<Reply, Reply> {
  const found = new Map<Reply, Reply>();
  if (reply instanceof ReplyError || !Array.isArray(reply)) return found;
  for (let i = 0; i < reply.length; i += 2) found.set(reply[i], reply[i + 1]);
  return found;
}
