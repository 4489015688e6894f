/**
 * The replica's side of the replication: the connection to the primary, the handshake, the snapshot, and the way back
 * after every loss.
 *
 * The old data is kept until the snapshot is there as a whole, unless `repl-diskless-load` says otherwise. Once in the
 * stream, what arrives goes to the server as the input of a client like any other, with the primary's rights.
 */

import { decodeLatin1, encodeLatin1 } from "../bytes/latin1.ts";
import { systemErrorText } from "../bytes/system_errors.ts";
import { NO_HANDLER, type Socket, type SocketHandler } from "../net/socket.ts";
import { LoadError } from "../persistence/load.ts";
import { RdbError } from "../persistence/rdb_format.ts";
import { Request } from "../resp/request.ts";
import { HeldUpError, type PrimaryGuard } from "./primary_guard.ts";
import type { SnapshotReceiver } from "./snapshot_receiver.ts";
import type { ReplicationStream } from "./stream.ts";

/** Longest line of the handshake, in bytes. */
const MAX_LINE_BYTES = 4096;
const MARK_BYTES = 40;
const NEWLINE = Uint8Array.of(10);
/**
 * A snapshot that cannot be loaded will hardly be another one a second later, but costs the primary one each time it is
 * asked for: the tries become fewer, in ms.
 */
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 5 * 60 * 1000;
/** The same where the primary has lost its data: it may be there again at any time, and costs little where it is not. */
const LONGEST_GUARDED_RETRY_MS = 60 * 1000;

export type LinkState = "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";

/** A failover by which whoever is followed takes the role of primary over from this server. */
export interface Handover {
  /** Whether it is to be asked to, with PSYNC. */
  readonly isDue: boolean;
  /** It has taken the role. */
  accepted(): void;
  /** It has not, or nobody knows: it is to be followed no longer. */
  refused(): void;
}

/** What the replica's side needs of the server. */
export interface ReplicaHost {
  readonly stream: ReplicationStream;
  readonly handover: Handover;
  readonly guard: Pick<PrimaryGuard, "follows" | "held" | "holdsUp" | "ordered">;
  nowMs(): number;
  log(level: "notice" | "warning", message: string): void;
  settings(): ReplicaSettings;
  connect(host: string, port: number): Promise<Socket>;
  /** A snapshot of the stream `id` is about to come: where it goes. */
  receiveSnapshot(id: string): SnapshotReceiver;
  /** The data set is that of a snapshot now, behind which the stream goes on in this database, over whatever link. */
  snapshotLoaded(selectedDatabase: number): void;
  /** The data set is the primary's now: the stream continues at its offset, on this socket. `rest` came already. */
  streamBegins(socket: Socket, rest: Uint8Array): void;
  /** The stream goes on under another name: those below must ask anew. */
  identityChanged(): void;
  /** The state of the link changed. */
  linkChanged(): void;
}

export interface ReplicaSettings {
  readonly user: string;
  readonly password: string;
  readonly port: number;
  readonly announcedAddress: string;
  readonly timeoutSeconds: number;
}

/** One thing said to the primary and what is to be made of its answer. */
interface Step {
  readonly send: readonly string[];
  /** Why the handshake must end with this answer, or null. */
  readonly refuse: (answer: string) => string | null;
}

/**
 * What a primary replies that knows PSYNC and cannot serve it now: it is asked again later. SYNC, which is for one that does
 * not know it, gives a replica no place in the stream, so that it and those below it can never continue.
 */
const NOT_NOW = /^-(NOMASTERLINK|LOADING|MASTERDOWN|BUSY)\b/;

const LOADING = "MASTER <-> REPLICA sync: Loading DB in memory";

export class ReplicaSide implements SocketHandler {
  state: LinkState = "none";
  /** The primary's address; null where there is none. */
  primary: { readonly host: string; readonly port: number } | null = null;
  /** When bytes came from the primary last, in ms. */
  lastInputMs = 0;
  /** Since when the link has been down, in ms; 0 if it never was up. */
  downSinceMs = 0;
  /** Progress of the snapshot: bytes in all (-1 unknown), and bytes read. */
  syncTotalBytes = -1;
  syncReadBytes = 0;
  /** Whether the next PSYNC may ask to continue the stream. */
  canContinue = false;

  #socket: Socket | null = null;
  #steps: Step[] = [];
  #line = "";
  #receiver: SnapshotReceiver | null = null;
  #mark: Uint8Array | null = null;
  /** Last bytes received of a snapshot that ends with a mark. */
  #tail = new Uint8Array(0);
  #remaining = 0;
  #offsetAfterSync = 0;
  #idAfterSync = "";
  /** Told apart from those that came before it, so that what is late does no harm. */
  #attempt = 0;
  #usesSync = false;
  /** PSYNC has asked the other end to take the role over, which has not replied. */
  #handsOver = false;
  /** A snapshot has come and is being made the data set. */
  #isLoading = false;
  /** Why the last snapshot could not be loaded; null where it could, or none has come. */
  #unloadable: string | null = null;
  /** After that: how long to wait before the next try, and when that is, in ms. */
  #retryDelayMs = FIRST_RETRY_MS;
  #retryAtMs = 0;

  constructor(readonly host: ReplicaHost) {}

  /** Follows a primary, or (null) nobody any more. */
  follow(primary: { readonly host: string; readonly port: number } | null): void {
    // Sentinel promotes no replica whose link has been down for long: that must not be the time of another link.
    if (primary === null) this.downSinceMs = 0;
    else if (this.state === "connected") this.downSinceMs = this.host.nowMs();
    this.disconnect();
    this.primary = primary;
    this.host.guard.ordered();
    this.#loadable();
    this.#setState(primary === null ? "none" : "connect");
    if (primary !== null) this.connect();
  }

  /** What has kept the link from coming up does so no longer, as somebody has said: tries at once. */
  retry(): void {
    this.#loadable();
    void this.connect(); // where it is on its way already, what comes is judged anew
  }

  /** Ends the link; `connect` or the next second makes another. */
  disconnect(): void {
    this.#attempt++;
    const socket = this.#socket;
    this.#socket = null;
    this.#receiver?.abort();
    this.#receiver = null;
    if (socket !== null) {
      // In the stream the socket is a client's, which must hear of its end.
      if (this.state !== "connected") socket.handler = NO_HANDLER;
      socket.destroy();
    }
  }

  /** The client that applied the stream is gone. What it applied can be relied on, or not. */
  streamEnded(canContinue: boolean): void {
    if (this.state !== "connected") return;
    this.downSinceMs = this.host.nowMs();
    this.canContinue = canContinue;
    this.#socket = null;
    this.host.log("notice", "Connection with master lost.");
    this.#setState("connect");
    if (this.primary !== null) this.connect();
  }

  /** Regular work, once a second: new tries, time-outs. */
  everySecond(): void {
    if (this.primary === null) return;
    if (this.state === "connect") {
      if (this.host.nowMs() >= this.#retryAtMs) this.connect();
      return;
    }
    if (this.#isLoading) return this.#sendNewline();
    const silentSeconds = (this.host.nowMs() - this.lastInputMs) / 1000;
    if (silentSeconds <= this.host.settings().timeoutSeconds) return;
    if (this.state === "connected") {
      this.host.log("warning", "MASTER timeout: no data nor PING received...");
      this.#socket?.destroy();
    } else if (this.state === "sync") {
      this.#fail(
        "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in " +
          "redis.conf to a larger value.",
      );
    } else {
      this.#fail("Timeout connecting to the MASTER...");
    }
  }

  /** Tells the primary that we are alive while we load its snapshot. */
  #sendNewline(): void {
    this.#socket?.write(NEWLINE, 0, 1);
  }

  async connect(): Promise<void> {
    const { primary, host } = this;
    if (primary === null || this.state !== "connect") return;
    const attempt = ++this.#attempt;
    this.lastInputMs = host.nowMs();
    host.log("notice", `Connecting to MASTER ${primary.host}:${primary.port}`);
    this.#setState("connecting");
    let socket: Socket;
    try {
      socket = await host.connect(primary.host, primary.port);
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(`Error condition on socket for SYNC: ${systemErrorText(error)}`);
      return;
    }
    if (attempt !== this.#attempt) return socket.destroy();
    host.log("notice", "MASTER <-> REPLICA sync started");
    this.#socket = socket;
    socket.handler = this;
    this.#line = "";
    this.#usesSync = false;
    this.#handsOver = false;
    this.#steps = this.#handshakeSteps();
    this.#setState("handshake");
    this.#nextStep();
  }

  #handshakeSteps(): Step[] {
    const { user, password, port, announcedAddress } = this.host.settings();
    const tolerate = () => null;
    const steps: Step[] = [{
      send: ["PING"],
      refuse: (answer) => {
        const fine = answer.startsWith("+") || /^-(NOAUTH|NOPERM|ERR operation not permitted)/.test(answer);
        return fine ? null : `Error reply to PING from master: '${answer}'`;
      },
    }];
    if (password !== "") {
      steps.push({
        send: user === "" ? ["AUTH", password] : ["AUTH", user, password],
        refuse: (answer) => answer.startsWith("-") ? `Unable to AUTH to MASTER: ${answer}` : null,
      });
    }
    steps.push({ send: ["REPLCONF", "listening-port", String(port)], refuse: tolerate });
    if (announcedAddress !== "") steps.push({ send: ["REPLCONF", "ip-address", announcedAddress], refuse: tolerate });
    steps.push({ send: ["REPLCONF", "capa", "eof", "capa", "psync2"], refuse: tolerate });
    return steps;
  }

  /** Says the next thing of the handshake, or asks for synchronisation. */
  #nextStep(): void {
    const step = this.#steps[0];
    if (step !== undefined) return this.#send(...step.send);
    const { stream, handover } = this.host;
    this.#handsOver = handover.isDue;
    const words = this.#handsOver ? ["FAILOVER"] : [];
    if (this.canContinue) {
      this.host.log("notice", `Trying a partial resynchronization (request ${stream.id}:${stream.offset + 1}).`);
      this.#send("PSYNC", stream.id, String(stream.offset + 1), ...words);
    } else {
      this.host.log("notice", "Partial resynchronization not possible (no cached master)");
      this.#send("PSYNC", "?", "-1", ...words);
    }
  }

  #send(...args: string[]): void {
    const { bytes } = Request.of(...args);
    this.#socket?.write(bytes, 0, bytes.length);
  }

  beforeSend(): null {
    return null;
  }

  onDrain(): void {}

  onClose(): void {
    this.#socket = null;
    if (this.#handsOver) return this.#refusedRole();
    this.#fail("Connection with master lost during synchronization");
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.lastInputMs = this.host.nowMs();
    let at = start;
    while (at < end && this.#socket !== null) {
      if (this.#receiver !== null) {
        at = this.#takeSnapshot(bytes, at, end);
        continue;
      }
      const byte = bytes[at++];
      if (byte !== 10) {
        this.#line += String.fromCharCode(byte);
        if (this.#line.length > MAX_LINE_BYTES) this.#fail("The master sends no line but an endless one");
        continue;
      }
      const line = this.#line.replace(/\r$/, "");
      this.#line = "";
      if (line === "") continue; // keep-alives of a primary that prepares its snapshot
      if (this.state === "handshake") this.#answered(line, bytes.slice(at, end));
      else this.#snapshotAnnounced(line);
      if (this.state === "connected") return;
    }
  }

  /** An answer of the handshake has come; `rest` is what came behind it. */
  #answered(line: string, rest: Uint8Array): void {
    const step = this.#steps.shift();
    if (step !== undefined) {
      const refusal = step.refuse(line);
      // That is a replica whose own link is down, as it would be to this very server: it has not taken the role, and each
      // would wait for the other for ever.
      if (refusal !== null && line.startsWith("-MASTERDOWN") && this.host.handover.isDue) return this.#refusedRole();
      if (refusal !== null) return this.#fail(refusal);
      return this.#nextStep();
    }
    if (line.startsWith("+FULLRESYNC ")) return this.#fullResync(line);
    if (line.startsWith("+CONTINUE")) return this.#continue(line, rest);
    if (this.#handsOver) return this.#refusedRole();
    if (this.#usesSync && line.startsWith("$")) {
      this.#setState("sync");
      return this.#snapshotAnnounced(line);
    }
    if (NOT_NOW.test(line)) {
      return this.#fail(`Master is currently unable to PSYNC but should be in the future: ${line}`);
    }
    if (this.#usesSync) return this.#fail(`Unexpected reply to SYNC from master: ${line}`);
    this.host.log(
      "notice",
      `Master does not support PSYNC or is in error state (reply: ${line}); retrying with SYNC...`,
    );
    this.#usesSync = true;
    this.#idAfterSync = "";
    this.#offsetAfterSync = 0;
    this.#send("SYNC");
  }

  #fullResync(line: string): void {
    this.#takenRole();
    const [, id, offset] = line.split(" ");
    if (!/^[0-9a-f]{40}$/.test(id ?? "") || !/^\d+$/.test(offset ?? "")) {
      return this.#fail("Master replied with wrong +FULLRESYNC syntax.");
    }
    this.host.log("notice", `Full resync from master: ${id}:${offset}`);
    if (this.host.guard.holdsUp(id)) return this.#heldUp();
    this.#idAfterSync = id;
    this.#offsetAfterSync = Number(offset);
    // Our own data, and the stream that it belongs to, are kept until the snapshot takes their place: whoever is followed
    // next may be one with whom they can be continued.
    this.#setState("sync");
  }

  /** Whoever was asked to take the role over has done so. */
  #takenRole(): void {
    if (this.#handsOver) this.host.handover.accepted();
    this.#handsOver = false;
  }

  /** It has not; that it is followed ends with that. */
  #refusedRole(): void {
    this.#handsOver = false;
    this.host.handover.refused();
  }

  #continue(line: string, rest: Uint8Array): void {
    const { host } = this;
    host.log("notice", "Successful partial resynchronization with master.");
    const id = line.split(" ")[1];
    if (id !== undefined && id !== host.stream.id) {
      host.stream.secondId = host.stream.id;
      host.stream.secondOffset = host.stream.offset + 1;
      host.stream.id = id;
      host.log("notice", `Master replication ID changed to ${id}`);
      host.identityChanged();
    }
    this.#takenRole();
    this.#begin(rest);
  }

  /** `$<length>` or `$EOF:<mark>` comes before the snapshot. */
  #snapshotAnnounced(line: string): void {
    if (line.startsWith("-")) return this.#fail(`MASTER aborted replication with an error: ${line}`);
    if (!line.startsWith("$")) {
      return this.#fail(`Bad protocol from MASTER, the first byte is not '$' (we received '${line}')`);
    }
    this.#mark = null;
    this.syncReadBytes = 0;
    if (line.startsWith("$EOF:") && line.length === 5 + MARK_BYTES) {
      this.#mark = encodeLatin1(line.slice(5));
      this.#tail = new Uint8Array(0);
      this.syncTotalBytes = -1;
    } else {
      const length = /^\$\d+$/.test(line) ? Number(line.slice(1)) : NaN;
      if (!Number.isSafeInteger(length)) return this.#fail(`Bad length of the snapshot from MASTER: '${line}'`);
      this.#remaining = this.syncTotalBytes = length;
    }
    let receiver: SnapshotReceiver;
    try {
      receiver = this.#receiver = this.host.receiveSnapshot(this.#idAfterSync);
    } catch (error) {
      return this.#fail(
        `Opening the temp file needed for MASTER <-> REPLICA synchronization: ${systemErrorText(error)}`,
      );
    }
    const socket = this.#socket;
    receiver.onRoom = () => socket?.resume();
    const what = this.#mark === null ? `${this.syncTotalBytes} bytes from master` : "streamed RDB from master with EOF";
    this.host.log(
      "notice",
      `MASTER <-> REPLICA sync: receiving ${what} to ${receiver.loadsAsItComes ? "parser" : "disk"}`,
    );
    if (receiver.loadsAsItComes) this.host.log("notice", LOADING);
  }

  /** Takes a piece of the snapshot; returns the offset after it. */
  #takeSnapshot(bytes: Uint8Array, at: number, end: number): number {
    const receiver = this.#receiver;
    if (receiver === null) return end;
    try {
      if (this.#mark === null) {
        const length = Math.min(this.#remaining, end - at);
        if (!receiver.take(bytes, at, at + length)) this.#socket?.pause();
        this.#remaining -= length;
        this.syncReadBytes += length;
        if (this.#remaining === 0) this.#snapshotComplete(receiver, bytes.slice(at + length, end));
        return this.#remaining === 0 ? end : at + length;
      }
      this.#takeMarked(receiver, bytes, at, end);
    } catch (error) {
      this.#notLoaded(error);
    }
    return end;
  }

  /** Takes a piece of a snapshot that ends with a mark: the primary sends nothing behind that before we acknowledge. */
  #takeMarked(receiver: SnapshotReceiver, bytes: Uint8Array, at: number, end: number): void {
    const joined = new Uint8Array(this.#tail.length + end - at);
    joined.set(this.#tail);
    joined.set(bytes.subarray(at, end), this.#tail.length);
    this.syncReadBytes += end - at;
    const kept = Math.min(MARK_BYTES, joined.length);
    if (!receiver.take(joined, 0, joined.length - kept)) this.#socket?.pause();
    this.#tail = joined.slice(joined.length - kept);
    if (kept === MARK_BYTES && decodeLatin1(this.#tail) === decodeLatin1(this.#mark ?? this.#tail)) {
      this.#snapshotComplete(receiver, new Uint8Array(0));
    }
  }

  /** The snapshot is there: makes it the data set. The socket waits meanwhile. */
  async #snapshotComplete(receiver: SnapshotReceiver, rest: Uint8Array): Promise<void> {
    const attempt = this.#attempt;
    const socket = this.#socket;
    if (socket === null) return;
    let early = rest;
    this.#isLoading = true;
    if (!receiver.loadsAsItComes) this.host.log("notice", LOADING);
    // What arrives while the snapshot is being loaded is kept: it is the beginning of the stream.
    socket.handler = {
      onData: (bytes, start, end) => {
        const joined = new Uint8Array(early.length + end - start);
        joined.set(early);
        joined.set(bytes.subarray(start, end), early.length);
        early = joined;
        socket.pause();
      },
      beforeSend: () => null,
      onDrain: () => {},
      onClose: () => {
        this.#socket = null;
      },
    };
    let isReplaced = false;
    try {
      const selectedDatabase = await receiver.finish(() => {
        isReplaced = true;
        // Should the rest fail, there is no data that could be continued.
        this.canContinue = false;
        this.host.stream.adopt(this.#idAfterSync, this.#offsetAfterSync);
      });
      this.host.snapshotLoaded(selectedDatabase);
    } catch (error) {
      this.#isLoading = false;
      // Nothing is left that is a part of the stream: what is saved now must not say that it is.
      if (isReplaced) this.host.stream.changeId();
      if (attempt === this.#attempt) this.#notLoaded(error);
      return;
    }
    this.#isLoading = false;
    if (attempt !== this.#attempt) return;
    this.#receiver = null;
    this.#loadable();
    this.host.log("notice", "MASTER <-> REPLICA sync: Finished with success");
    this.canContinue = this.#idAfterSync !== "";
    if (this.#socket === null) return this.#fail("Connection with master lost while loading its snapshot");
    socket.resume();
    this.#begin(early);
  }

  #begin(rest: Uint8Array): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#setState("connected");
    this.downSinceMs = 0;
    this.canContinue = true;
    this.lastInputMs = this.host.nowMs();
    this.host.guard.follows(this.host.stream.id);
    this.host.streamBegins(socket, rest);
  }

  /** A snapshot could not be made the data set. Where that is the snapshot's own fault, the next try can wait. */
  #notLoaded(error: unknown): void {
    if (error instanceof HeldUpError) return this.#heldUp();
    const reason = systemErrorText(error);
    if (!(error instanceof LoadError || error instanceof RdbError)) {
      return this.#fail(`Failed trying to load the MASTER synchronization DB: ${reason}`);
    }
    const isNews = reason !== this.#unloadable;
    this.#unloadable = reason;
    this.#delayRetry(LONGEST_RETRY_MS);
    this.#fail(
      isNews
        ? `Failed trying to load the MASTER synchronization DB: ${reason}. It will be asked for again, less and less often`
        : null,
    );
  }

  /** The data is kept from a primary that has lost its own: says so, and what can be done. The next try can wait. */
  #heldUp(): void {
    const { guard: { held }, stream } = this.host;
    const { primary } = this;
    if (held === null || primary === null) return this.#fail("The data is kept");
    const delayMs = this.#delayRetry(LONGEST_GUARDED_RETRY_MS);
    this.#fail(
      `Keeping the ${held.keptKeys} keys of replication ID ${stream.id}: the primary ${primary.host}:${primary.port} has ` +
        `come back with another ID, ${held.id}, and ${held.keys} keys. It is asked again in ${
          delayMs / 1000
        } seconds. ` +
        `To have its data replace what is here, send REPLICAOF ACCEPT ${held.id}; to make this server the primary, ` +
        "REPLICAOF NO ONE",
    );
  }

  /** Has the next try wait, each time for longer, up to a limit; for how long, in ms. */
  #delayRetry(longestMs: number): number {
    const delayMs = Math.min(this.#retryDelayMs, longestMs);
    this.#retryAtMs = this.host.nowMs() + delayMs;
    this.#retryDelayMs = Math.min(delayMs * 2, longestMs);
    return delayMs;
  }

  /** Nothing is known against the next snapshot. */
  #loadable(): void {
    this.#unloadable = null;
    this.#retryDelayMs = FIRST_RETRY_MS;
    this.#retryAtMs = 0;
  }

  /** Gives this try up; `reason`, if it is to be told, is for the log. */
  #fail(reason: string | null): void {
    if (this.state === "none" || this.state === "connected") return;
    if (reason !== null) this.host.log("warning", reason);
    this.disconnect();
    if (this.downSinceMs === 0) this.downSinceMs = this.host.nowMs();
    if (this.primary !== null) this.#setState("connect");
  }

  #setState(state: LinkState): void {
    this.state = state;
    this.host.linkChanged();
  }
}
