/**
 * The connection of a session that is held over none: what runs its commands is not a client but the server itself, as
 * when it loads its append-only file, or a script. Nothing it is given goes anywhere.
 */

import { NO_HANDLER, type Socket } from "../../net/socket.ts";
import type { SessionConnection } from "./session_connection.ts";

const NO_SOCKET: Socket = {
  remoteAddress: "",
  localAddress: "",
  isUnix: false,
  pendingBytes: 0,
  handler: NO_HANDLER,
  write() {},
  send() {},
  pause() {},
  resume() {},
  rest() {},
  end() {},
  destroy() {},
  setKeepAlive() {},
};

/** A connection to nobody. */
export class NoConnection implements SessionConnection {
  readonly socket: Socket;
  readonly networkInputBytes = 0;
  readonly brokeProtocol = false;
  readonly threw = false;
  overSoftLimitSinceMs = 0;
  isSentTo = false;
  countedBytes = 0;
  readonly inputBytes = 0;
  readonly unparsedBytes = 0;
  readonly freeInputBytes = 0;
  readonly argumentBytes = 0;
  readonly outputBytes = 0;
  readonly bufferBytes = 0;
  readonly hasOutput = false;

  /** `name`: what is shown in the place of an address. */
  constructor(name = "") {
    this.socket = { ...NO_SOCKET, remoteAddress: name };
  }

  onData(): void {}
  proceed(): void {}
  flush(): void {}
  deliver(): void {}
  stream(): void {}
  deliverShared(): void {}
  takeOutputIntoReply(): void {}
  flushOutput(): void {}
}
