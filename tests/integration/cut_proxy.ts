/** A TCP proxy for tests that cuts connections, at once or after a number of bytes, or stops reading. */

import { connect, createServer, type Server, type Socket } from "node:net";

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

export class CutProxy {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Bytes from the server after which each new connection is cut. */
  cutAfterBytes = Infinity;
  /** Whether new connections are refused. */
  refuses = false;
  connections = 0;

  private constructor(readonly server: Server, public target: number) {}

  static start(target: number): Promise<CutProxy> {
    return new Promise((resolve) => {
      const server = createServer();
      const proxy = new CutProxy(server, target);
      server.on("connection", (socket) => proxy.#join(socket));
      server.listen(0, "127.0.0.1", () => resolve(proxy));
    });
  }

  get port(): number {
    return portOf(this.server);
  }

  #join(near: Socket): void {
    this.connections++;
    if (this.refuses) return void near.destroy();
    const far = connect(this.target, "127.0.0.1");
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of pair) {
      socket.on("error", end);
      socket.on("close", end);
    }
    near.on("data", (chunk) => far.write(chunk));
    let left = this.cutAfterBytes;
    far.on("data", (chunk: Uint8Array) => {
      if (chunk.length < left) {
        left -= chunk.length;
        if (!near.write(chunk)) {
          far.pause();
          near.once("drain", () => far.resume());
        }
        return;
      }
      near.end(chunk.subarray(0, left));
      far.destroy();
    });
  }

  /** Stops passing on what comes from the server. */
  stall(): void {
    for (const [, far] of this.#pairs) far.pause();
  }

  /** Cuts all connections. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  stop(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
