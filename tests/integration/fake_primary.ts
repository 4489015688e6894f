/** A primary by hand, which answers the handshake as it should, and PSYNC and SYNC with what the test wants. */

import { createServer, type Socket } from "node:net";
import { parseReply, type Reply } from "./test_client.ts";

export interface FakePrimaryOptions {
  /** What PSYNC and SYNC are answered with. */
  readonly answer: string;
  /** What PING is answered with. */
  readonly greeting?: string;
  /** Whether the connection lasts after the answer. */
  readonly staysOpen?: boolean;
  /** Where it listens; any free port, if that is not said. */
  readonly port?: number;
}

export class FakePrimary {
  /** Connections that have begun with a PING. */
  connections = 0;
  /** What it was asked with each PSYNC or SYNC, in words. */
  readonly asked: Reply[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  private constructor(readonly options: FakePrimaryOptions) {}

  static start(options: FakePrimaryOptions): Promise<FakePrimary> {
    const primary = new FakePrimary(options);
    return new Promise((resolve) => primary.#server.listen(options.port ?? 0, "127.0.0.1", () => resolve(primary)));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (chunk: string) => {
      if (chunk.includes("PING")) {
        this.connections++;
        socket.write(this.options.greeting ?? "+PONG\r\n", "latin1");
      } else if (chunk.includes("SYNC")) {
        this.asked.push(parseReply(chunk, 0)?.reply ?? chunk);
        socket.write(this.options.answer, "latin1");
        if (!this.options.staysOpen) socket.end();
      } else {
        socket.write("+OK\r\n".repeat(chunk.match(/REPLCONF/g)?.length ?? 1));
      }
    });
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
