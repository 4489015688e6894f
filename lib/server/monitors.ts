/** MONITOR: the clients that are shown every command, and the lines they are shown. Called by the dispatcher. */

import { encodeLatin1 } from "../bytes/latin1.ts";
import { quote } from "../bytes/quoting.ts";
import { ADMIN, type Command, SKIP_MONITOR } from "../commands/command.ts";
import type { Request } from "../resp/request.ts";
import { type Client, MONITOR } from "./client.ts";
import { GATE_MONITORED } from "./dispatcher.ts";
import { REDACTED, secretArguments } from "./redaction.ts";
import type { Server } from "./server.ts";

export class Monitors {
  readonly #clients = new Set<Client>();

  constructor(readonly server: Server) {
    server.dispatcher.onMonitored = (client, command, request) => this.#show(client, command, request);
  }

  add(client: Client): void {
    client.flags |= MONITOR;
    this.#clients.add(client);
    this.server.dispatcher.setGate(GATE_MONITORED, true);
  }

  remove(client: Client): void {
    client.flags &= ~MONITOR;
    if (this.#clients.delete(client)) this.server.dispatcher.setGate(GATE_MONITORED, this.#clients.size > 0);
  }

  /** Shows a command that has run, unless it is one for administrators. */
  #show(client: Client, command: Command, request: Request): void {
    if ((command.flags & (ADMIN | SKIP_MONITOR)) !== 0) return;
    const secrets = secretArguments(command, request);
    const at = ((performance.timeOrigin + performance.now()) / 1000).toFixed(6);
    const { isUnix, remoteAddress } = client.socket;
    const from = isUnix ? `unix:${remoteAddress.replace(/:0$/, "")}` : remoteAddress;
    const words = [`+${at} [${client.database.index} ${from}]`];
    for (let i = 0; i < request.argc; i++) words.push(quote(secrets.has(i) ? REDACTED : request.text(i)));
    const line = encodeLatin1(words.join(" ") + "\r\n");
    for (const monitor of this.#clients) monitor.deliver(line, 0, line.length);
  }
}
