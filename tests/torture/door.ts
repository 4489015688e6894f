/**
 * The door of a server: the only way by which others come to it. Whoever follows the server is known by the port that it
 * announces, and each has weather of its own: its link can be slow, late, or a black hole, and be cut, also in the middle
 * of what is being said. A CutProxy knows neither who comes nor what becomes of the next connection.
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { portOf } from "../integration/cut_proxy.ts";
import { delay } from "./delay.ts";

/** What a link is like, on the way down. */
export interface Weather {
  readonly bytesPerSecond: number;
  /** So long each piece is held up, in ms. */
  readonly delayMs: number;
  /** Nothing comes through, in either direction, and nobody is told. */
  readonly isHole: boolean;
}

export const FAIR: Weather = { bytesPerSecond: Infinity, delayMs: 0, isHole: false };
export const HOLE: Weather = { ...FAIR, isHole: true };

/** Pieces in which a slow link passes things on, a second. */
const PIECES_PER_SECOND = 20;
/** How often it is asked whether a hole is gone, in ms. */
const LOOK_MS = 20;
/** A replica tells who it is in the first bytes that it says. */
const ANNOUNCEMENT = /listening-port\r\n\$\d+\r\n(\d+)\r\n/;
const ANNOUNCED_WITHIN_BYTES = 2048;

export class Door {
  readonly #passages = new Set<Passage>();
  readonly #weather = new Map<number, Weather>();

  private constructor(readonly server: Server, readonly target: number) {}

  /** `port`: where it is; 0 for anywhere. */
  static async start(target: number, port: number): Promise<Door> {
    const server = createServer();
    const door = new Door(server, target);
    server.on("connection", (near) => door.#join(near));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return door;
  }

  get port(): number {
    return portOf(this.server);
  }

  #join(near: Socket): void {
    const weatherOf = (below: number) => this.#weather.get(below) ?? FAIR;
    const passage = new Passage(near, connect(this.target, "127.0.0.1"), weatherOf);
    this.#passages.add(passage);
    void passage.carry().then(() => this.#passages.delete(passage));
  }

  /** What the links of whoever announces a port are like from now on. */
  setWeather(below: number, weather: Weather): void {
    this.#weather.set(below, weather);
  }

  /** All links are as they should be. */
  clear(): void {
    this.#weather.clear();
    for (const passage of this.#passages) passage.cutAfterBytes = Infinity;
  }

  /** Cuts the links of whoever announces a port, once so many bytes more have come down. */
  cut(below: number, afterBytes: number): void {
    for (const passage of this.#passages) {
      if (passage.below !== below) continue;
      if (afterBytes === 0) passage.end();
      else passage.cutAfterBytes = afterBytes;
    }
  }

  stop(): Promise<void> {
    for (const passage of this.#passages) passage.end();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

/** A connection through a door. */
class Passage {
  /** The port that whoever comes has announced; 0 until then. */
  below = 0;
  cutAfterBytes = Infinity;
  #said = "";
  #isOver = false;

  constructor(readonly near: Socket, readonly far: Socket, readonly weatherOf: (below: number) => Weather) {
    for (const socket of [near, far]) socket.on("error", () => {});
  }

  /** Passes on what either side says, until both have come to their ends. */
  async carry(): Promise<void> {
    await Promise.all([this.#carry(this.near, this.far), this.#carry(this.far, this.near)]);
  }

  /** Passes on what comes, piece by piece, and then the end. */
  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Uint8Array>) { // no encoding is set
        if (from === this.near) this.#listen(chunk);
        for (let at = 0; at < chunk.length;) at += await this.#passOn(chunk.subarray(at), to, from === this.far);
      }
      await this.#leaveHole();
      to.end();
    } catch {
      this.end();
    }
  }

  /** Passes on some of what is there; how much. */
  async #passOn(bytes: Uint8Array, to: Socket, isDown: boolean): Promise<number> {
    await this.#leaveHole();
    const { bytesPerSecond, delayMs } = this.weatherOf(this.below);
    let length = bytes.length;
    if (isDown) {
      length = Math.min(length, this.cutAfterBytes, Math.ceil(bytesPerSecond / PIECES_PER_SECOND));
      if (bytesPerSecond !== Infinity) await delay(1000 / PIECES_PER_SECOND);
      if (delayMs > 0) await delay(delayMs);
      this.cutAfterBytes -= length;
    }
    if (this.#isOver) throw new Error("it was cut");
    if (this.cutAfterBytes <= 0) {
      await new Promise<void>((resolve) => to.write(bytes.subarray(0, length), () => resolve()));
      throw new Error("cut in the middle");
    }
    if (!to.write(bytes.subarray(0, length))) await drained(to);
    return length;
  }

  async #leaveHole(): Promise<void> {
    while (!this.#isOver && this.weatherOf(this.below).isHole) await delay(LOOK_MS);
  }

  #listen(chunk: Uint8Array): void {
    if (this.below !== 0 || this.#said.length > ANNOUNCED_WITHIN_BYTES) return;
    this.#said += String.fromCharCode(...chunk.subarray(0, ANNOUNCED_WITHIN_BYTES));
    this.below = Number(ANNOUNCEMENT.exec(this.#said)?.[1] ?? 0);
  }

  end(): void {
    this.#isOver = true;
    this.near.destroy();
    this.far.destroy();
  }
}

/** Waits until a socket takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
