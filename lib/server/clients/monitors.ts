/**
 * MONITOR: the clients that are shown every command, and the lines they are shown. Called by the dispatcher. Owned by
 * the server; MONITOR adds, the end of a client removes.
 */

import { decodeLatin1, encodeLatin1 } from "../../bytes/latin1.ts";
import { quote } from "../../bytes/quoting.ts";
import { ADMIN, type Command, SKIP_MONITOR } from "../../commands/command.ts";
import type { Request } from "../../resp/request.ts";
import { preciseUnixMs } from "../../runtime/clock.ts";
import { MONITOR } from "./flags.ts";
import type { ClientSession } from "./session.ts";
import type { Dispatcher } from "../execution/dispatcher.ts";
import { GATE_MONITORED } from "../execution/gates.ts";
import { REDACTED, secretArguments } from "../reports/redaction.ts";

/** Longer arguments are shown piece by piece, in bytes. */
const PIECE_BYTES = 1024 * 1024;

const NO_SECRETS: ReadonlySet<number> = new Set();

/** What monitors need of the server. */
export interface MonitorsHost {
  readonly dispatcher: Pick<Dispatcher, "onMonitored" | "setGate">;
}

/** The clients that are shown every command. */
export class Monitors {
  readonly #clients = new Set<ClientSession>();

  constructor(readonly server: MonitorsHost) {
    server.dispatcher.onMonitored = (client, command, request) => this.#show(client, command, request);
  }

  add(client: ClientSession): void {
    client.flags |= MONITOR;
    this.#clients.add(client);
    this.server.dispatcher.setGate(GATE_MONITORED, true);
  }

  remove(client: ClientSession): void {
    client.flags &= ~MONITOR;
    if (this.#clients.delete(client)) this.server.dispatcher.setGate(GATE_MONITORED, this.#clients.size > 0);
  }

  /** Shows a command that has run, unless it is one for administrators. */
  #show(client: ClientSession, command: Command, request: Request): void {
    if ((command.flags & (ADMIN | SKIP_MONITOR)) !== 0) return;
    this.#showWith(client, request, secretArguments(command, request));
  }

  /** Shows that a script is about to run: before the commands that it calls. */
  showScript(client: ClientSession, request: Request): void {
    this.#showWith(client, request, NO_SECRETS);
  }

  #showWith(client: ClientSession, request: Request, secrets: ReadonlySet<number>): void {
    const at = (preciseUnixMs() / 1000).toFixed(6);
    const { isUnix, remoteAddress } = client.connection.socket;
    const from = isUnix ? `unix:${remoteAddress.replace(/:0$/, "")}` : remoteAddress;
    const head = `+${at} [${client.database.index} ${from}]`;
    const isLong = (index: number) => request.lengths[index] > PIECE_BYTES && !secrets.has(index);
    let words = head;
    for (let i = 0; i < request.argc; i++) {
      if (isLong(i) || words.length > PIECE_BYTES) {
        this.#deliver(words);
        words = "";
      }
      if (isLong(i)) this.#deliverLong(request, i);
      else words += ` ${quote(secrets.has(i) ? REDACTED : request.text(i))}`;
    }
    this.#deliver(words + "\r\n");
  }

  /** An argument that may be too long for one string once it is quoted, piece by piece. */
  #deliverLong(request: Request, index: number): void {
    const start = request.starts[index];
    const end = start + request.lengths[index];
    this.#deliver(' "');
    for (let at = start; at < end; at += PIECE_BYTES) {
      this.#deliver(quote(decodeLatin1(request.bytes, at, Math.min(end, at + PIECE_BYTES))).slice(1, -1));
    }
    this.#deliver('"');
  }

  #deliver(text: string): void {
    const bytes = encodeLatin1(text);
    for (const monitor of this.#clients) monitor.connection.deliver(bytes, 0, bytes.length);
  }
}
