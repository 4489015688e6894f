/** The client's end of a connection to a server. */

import { unixMs } from "../../lib/runtime/clock.ts";
import { sleep, startTimer } from "../../lib/runtime/timers.ts";
import { nextTurn } from "../../lib/runtime/turns.ts";
import type { SimulatedNetwork, SimulatedSocket } from "./network.ts";
import { encodeRequests, type Reply, ReplyReader } from "./resp.ts";

/** A reply that has not come after so long never will, in ms. */
const REPLY_TIMEOUT_MS = 3000;
/** Errors that say that nothing was done, and that another try later, or elsewhere, may do. */
export const NOT_NOW =
  /^-(LOADING|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|EXECABORT|UNBLOCKED|ERR WAIT cannot be used with replica instances)/;
/** The error of a request for which there was not enough memory. */
export const NO_MEMORY = "-OOM command not allowed, there is no memory for it.";

/** Whether a request that waited was told to stop: before it waited it may have made what it needs, as a consumer. */
export function isUnblocked(reply: Reply): boolean {
  return reply.kind === "line" && reply.text.startsWith("-UNBLOCKED");
}

/** A connection with the replies that have come over it. */
export class Connection {
  readonly #reader = new ReplyReader();
  /** Called with whether it has what a reply is waited for. */
  #wake: ((inTime: boolean) => void) | null = null;
  /** When the reply that is waited for must have come, in ms. */
  #deadlineMs = 0;
  #isTimerSet = false;
  #isClosed = false;

  constructor(readonly socket: SimulatedSocket) {
    socket.handler = {
      onData: (bytes, start, end) => {
        this.#reader.add(bytes, start, end);
        this.#wake?.(true);
      },
      beforeSend: () => null,
      onDrain: () => {},
      onClose: () => {
        this.#isClosed = true;
        this.#wake?.(true);
      },
    };
  }

  send(requests: readonly (readonly string[])[]): void {
    const request = encodeRequests(requests);
    this.socket.write(request, 0, request.length);
  }

  /** Whether the other end is closed, or gone, even if that has not been heard of here. */
  get isLost(): boolean {
    const { peer } = this.socket;
    return this.#isClosed || peer.isClosed || peer.scope.isDead;
  }

  /** The next reply; null where the connection is lost, or the reply takes longer than so many ms. */
  async reply(withinMs = REPLY_TIMEOUT_MS): Promise<Reply | null> {
    for (;;) {
      const reply = this.#reader.next();
      if (reply !== null || this.#isClosed) return reply;
      this.#deadlineMs = unixMs() + withinMs;
      if (!this.#isTimerSet) this.#setTimer();
      const inTime = await new Promise<boolean>((resolve) => this.#wake = resolve);
      this.#wake = null;
      if (!inTime) return null;
    }
  }

  /** One timer serves the replies of seconds: most come long before it goes off. */
  #setTimer(): void {
    this.#isTimerSet = true;
    startTimer(() => {
      this.#isTimerSet = false;
      if (this.#wake === null || this.#isClosed) return;
      if (unixMs() < this.#deadlineMs) this.#setTimer();
      else this.#wake(false);
    }, this.#deadlineMs - unixMs());
  }

  /** Ends it; resolves when the server can have nothing of it any more. */
  async close(): Promise<void> {
    this.socket.destroy();
    const { peer } = this.socket;
    while (!peer.isClosed && !peer.scope.isDead) await sleep(1);
  }
}

/** Connects to a server, and selects a database; null where that does not work now. */
export async function openConnection(
  { network, port }: { readonly network: SimulatedNetwork; readonly port: number },
  client: string,
  host: string,
  database: number,
): Promise<Connection | null> {
  let socket: SimulatedSocket;
  try {
    socket = await network.connect(client, host, port);
  } catch {
    return null;
  }
  const connection = new Connection(socket);
  await nextTurn();
  connection.send([["SELECT", String(database)]]);
  const reply = await connection.reply();
  if (reply?.kind === "line" && reply.text === "+OK") return connection;
  await connection.close();
  return null;
}
