/**
 * Who is let in: makes clients of connections, and turns away those that are too many, or that come from afar where no
 * password keeps strangers out. Called by the listeners, and by the replication for the link that it opens itself.
 */

import { systemErrorText } from "../../bytes/system_errors.ts";
import type { Config } from "../../config/config.ts";
import type { Acceptor, NetworkError, Socket } from "../../net/socket.ts";
import { monotonicMs } from "../../runtime/clock.ts";
import type { Settings } from "../program/settings.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { UNAUTHENTICATED } from "./flags.ts";
import { type ClientSession, isLoopback } from "./session.ts";

/** What a client from another machine is told as long as nobody has set a password. */
const PROTECTED_MODE_ERROR =
  "DENIED Redis is running in protected mode because protected mode is enabled and no password " +
  "is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to " +
  "connect from external computers to Redis you may adopt one of the following solutions: " +
  "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by " +
  "connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible " +
  "from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
  "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the " +
  "protected mode option to 'no', and then restarting the server. " +
  "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
  "4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in " +
  "order for the server to start accepting connections from the outside.";
/** How often it is logged, at most, that connections cannot be taken, in ms. */
const ACCEPT_LOG_MS = 1000;
/** Somebody who sends HTTP is told of no more often than this, in ms. */
const HTTP_TOLD_EVERY_MS = 60_000;

/** What admission needs of the server, with what the connections it makes do. */
export interface AdmissionHost extends ConnectionHost {
  readonly clients: Map<number, ClientSession>;
  readonly config: Config;
  readonly dispatcher: ConnectionHost["dispatcher"] & { onHttp: (client: ClientSession) => void };
  readonly settings: ConnectionHost["settings"] & Pick<Settings, "maxClients">;
}

/** Lets connections in. */
export class Admission implements Acceptor {
  #nextId = 1;
  /** When it was logged last that a connection could not be taken, in ms. */
  #failedMs = -Infinity;
  /** When it was logged last that a client sends HTTP, in ms. */
  #httpToldMs = -Infinity;

  constructor(readonly server: AdmissionHost) {
    server.dispatcher.onHttp = (client) => this.#cutOffHttp(client);
  }

  /** Takes a connection in, or turns it away. */
  accept(socket: Socket): void {
    const { clients, config, settings, statistics, passwordRequired } = this.server;
    if (clients.size >= settings.maxClients) return this.#turnAway(socket, "ERR max number of clients reached");
    const isNear = socket.isUnix || isLoopback(socket.remoteAddress);
    if (config.flag("protected-mode") && !passwordRequired && !isNear) {
      return this.#turnAway(socket, PROTECTED_MODE_ERROR);
    }
    const client = this.addClient(socket);
    socket.setKeepAlive(config.number("tcp-keepalive"));
    statistics.connectionsReceived++;
    if (passwordRequired) client.flags |= UNAUTHENTICATED;
  }

  /** Makes a client of a connection, whoever opened it. */
  addClient(socket: Socket): ClientSession {
    const connection = new Connection(this.server, socket, this.#nextId++);
    const { session } = connection;
    socket.handler = connection;
    this.server.clients.set(session.id, session);
    return session;
  }

  /** Tells at once, and closes: the turn may bring more connections than there are descriptors. */
  #turnAway(socket: Socket, error: string): void {
    this.server.statistics.connectionsRejected++;
    const bytes = new TextEncoder().encode(`-${error}\r\n`);
    socket.write(bytes, 0, bytes.length);
    socket.end();
    socket.send();
  }

  acceptFailed(error: NetworkError): void {
    if (monotonicMs() - this.#failedMs < ACCEPT_LOG_MS) return;
    this.#failedMs = monotonicMs();
    this.server.log.warning(`Accepting client connection: accept: ${systemErrorText(error)}`);
  }

  /** Ends a connection that brings HTTP, before anything of its body is taken for a command. */
  #cutOffHttp(client: ClientSession): void {
    const { serving, store, log } = this.server;
    serving.closeSoon(client);
    if (store.nowMs - this.#httpToldMs < HTTP_TOLD_EVERY_MS) return;
    this.#httpToldMs = store.nowMs;
    log.warning(
      "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is " +
        "likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. " +
        `Connection from ${client.connection.socket.remoteAddress} aborted.`,
    );
  }
}
