/**
 * A server of a chain of replication: a process with a door before it, through which all others come, and settings that it
 * keeps when it is ended and started again. Whom it follows, as it has been told, stands here, not what it makes of that.
 */

import { writeFileSync } from "node:fs";
import { until } from "../integration/server_process.ts";
import { type Reply, ReplyError } from "../integration/test_client.ts";
import { BULK_LIMIT_BYTES } from "../interop/differential/families.ts";
import { Member } from "../interop/sentinel/member.ts";
import { LOOPBACK, quietPort } from "../interop/sentinel/place.ts";
import type { Kind } from "../interop/sentinel/group.ts";
import { Door, type Weather } from "./door.ts";

/** Silence after which a link is given up, in seconds: long enough for a machine with much to do. */
export const TIMEOUT_S = 4;

const COMMON = [
  `repl-timeout ${TIMEOUT_S}`,
  "repl-ping-replica-period 1",
  "repl-diskless-sync-delay 0",
  "enable-debug-command yes",
  "shutdown-timeout 2",
  // A SETBIT far out is refused: else the test would be about values of half a gigabyte.
  `proto-max-bulk-len ${BULK_LIMIT_BYTES}`,
];

/** What of a configuration is drawn, and may change while the server runs. */
export type Settings = Map<string, string>;

/** How a server is made. */
export interface MemberPlan {
  readonly name: string;
  readonly kind: Kind;
  /** The program, as TREDIS_SERVER names it. */
  readonly program: string;
  readonly settings: Settings;
}

export class ChainMember {
  above: ChainMember | null = null;
  state: "up" | "stopped" | "dead" = "up";
  /** What its log had when each of its lives began. */
  readonly lives: number[] = [0];
  #reviving: Promise<void> | null = null;

  private constructor(readonly plan: MemberPlan, readonly process: Member, readonly door: Door) {}

  static async start(plan: MemberPlan, above: ChainMember | null): Promise<ChainMember> {
    const doorPort = await quietPort();
    const lines = linesOf(plan, above, doorPort);
    const process = await Member.start({ program: plan.program, place: LOOPBACK, lines });
    const member = new ChainMember(plan, process, await Door.start(process.port, doorPort));
    member.above = above;
    return member;
  }

  get name(): string {
    return this.plan.name;
  }

  get log(): string {
    return this.process.log;
  }

  /** What its links upwards are like from now on. */
  set weather(weather: Weather) {
    this.above?.door.setWeather(this.door.port, weather);
  }

  /** Cuts its links upwards, once so many bytes more have come down. */
  cut(afterBytes: number): void {
    this.above?.door.cut(this.door.port, afterBytes);
  }

  /** Runs a command; null where it has no reply. */
  ask(...words: (string | number)[]): Promise<Reply> {
    return this.process.ask(...words);
  }

  /** Runs a command that must not be refused, as soon as nothing is being loaded. */
  async do(...words: (string | number)[]): Promise<Reply> {
    let reply: Reply = null;
    await until(`${this.name} to have loaded`, async () => {
      reply = await this.ask(...words);
      return !(reply instanceof ReplyError && reply.message.startsWith("LOADING"));
    });
    return this.#unlessRefused(reply, words);
  }

  #unlessRefused(reply: Reply, words: readonly (string | number)[]): Reply {
    if (reply === null || reply instanceof ReplyError) {
      throw new Error(`${this.name} replied to ${words.join(" ")}: ${reply?.message ?? "nothing"}`);
    }
    return reply;
  }

  async set(name: string, value: string): Promise<void> {
    this.plan.settings.set(name, value);
    await this.ask("CONFIG", "SET", name, value); // Redis refuses some while it saves
  }

  /** A number of INFO; NaN where there is none. */
  async number(section: string, field: string): Promise<number> {
    return Number((await this.process.info(section)).get(field) ?? NaN);
  }

  /** How far it has come in the stream. */
  async offset(): Promise<number> {
    return await this.number("replication", this.above === null ? "master_repl_offset" : "slave_repl_offset");
  }

  async isConnected(): Promise<boolean> {
    return await this.process.follows() === `127.0.0.1:${this.above?.door.port}`;
  }

  // --- Its lives ------------------------------------------------------------------------------------------------------

  stop(): void {
    this.process.signal("SIGSTOP");
    this.state = "stopped";
  }

  async kill(): Promise<void> {
    await this.#reviving;
    this.state = "dead";
    await this.process.kill();
  }

  /** Ends it in order, with a file of what it has. */
  async shutDown(): Promise<void> {
    await this.revive();
    const reply = await this.ask("SHUTDOWN", "SAVE");
    if (reply === null) await until(`the end of ${this.name}`, () => this.process.hasCrashed);
    await this.kill(); // where it was refused, it is no clean end
  }

  /** Whatever has befallen it, it runs when this resolves. */
  revive(): Promise<void> {
    if (this.state === "stopped") this.process.signal("SIGCONT");
    if (this.state === "dead") this.#reviving = this.#startAgain().finally(() => this.#reviving = null);
    this.state = "up";
    return this.#reviving ?? Promise.resolve();
  }

  async #startAgain(): Promise<void> {
    this.lives.push(this.log.length);
    const lines = linesOf(this.plan, this.above, this.door.port);
    writeFileSync(this.process.file, lines.map((line) => `${line}\n`).join(""));
    await this.process.startAgain();
  }

  async remove(): Promise<void> {
    await this.process.stop();
    await this.door.stop();
  }
}

function linesOf({ kind, settings }: MemberPlan, above: ChainMember | null, doorPort: number): string[] {
  const lines = [...COMMON, `replica-announce-port ${doorPort}`];
  if (above !== null) lines.push(`replicaof 127.0.0.1 ${above.door.port}`);
  for (const [name, value] of settings) {
    if (kind === "tredis" || !name.startsWith("replica-empty-primary")) lines.push(`${name} ${value}`);
  }
  return lines;
}
