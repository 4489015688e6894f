/** The connections of the differential tester to two servers: this one, and the one that is right. */

import { encodeRequest } from "../../integration/test_client.ts";
import { Wire } from "./wire.ts";
import type { Setting } from "./steps.ts";

/** Where two servers listen; the second is the one that is right. */
export type Ports = readonly [here: number, redis: number];

/** Ends what a listener has received. */
const LAST_EVENT = "the last event of the case";

/** Two servers with the same connections to each. */
export class Servers {
  #connections: (readonly [Wire, Wire])[] = [];
  #control: readonly [Wire, Wire] | null = null;
  #listeners: readonly [Wire, Wire] | null = null;
  /** Ids of those that may wait. */
  readonly #ids = new WeakMap<Wire, number>();

  constructor(readonly ports: Ports) {}

  /** Sets both servers back to the state in which a case begins. */
  async prepare({ protocol, config, connections, waits, events }: Setting): Promise<void> {
    // Connections that may wait for something are new ones each time.
    if (waits) this.close();
    // Listeners of a case that ended early.
    for (const wire of this.#listeners ?? []) wire.close();
    this.#listeners = null;
    while (this.#connections.length < connections) this.#connections.push(await this.#open());
    this.#control ??= await this.#open();
    for (const [name, value] of Object.entries(config)) await this.control("CONFIG", "SET", name, value);
    // Keys set to expire in the past stay until somebody looks, so that it does not matter when the cycle comes by.
    await this.control("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await this.control("CONFIG", "SET", "notify-keyspace-events", events ? "KEA" : "");
    for (let connection = 0; connection < this.#connections.length; connection++) {
      await this.call(connection, "RESET");
      await this.call(connection, "CLIENT", "SETNAME", "");
      await this.call(connection, "HELLO", String(protocol));
      if (!waits) continue;
      for (const which of [0, 1] as const) {
        const id = await this.callOne(which, connection, "CLIENT", "ID");
        this.#ids.set(this.#connections[connection][which], Number(id.slice(1)));
      }
    }
    await this.control("FLUSHALL");
    if (!events) return;
    this.#listeners = await this.#open();
    for (const wire of this.#listeners) {
      wire.send(encodeRequest(["PSUBSCRIBE", "__key*__:*", LAST_EVENT]));
      await wire.take(2);
    }
  }

  async #open(): Promise<[Wire, Wire]> {
    return [await Wire.connect(this.ports[0]), await Wire.connect(this.ports[1])];
  }

  close(): void {
    for (const wire of [...this.#connections.flat(), ...this.#control ?? [], ...this.#listeners ?? []]) wire.close();
    this.#connections = [];
    this.#control = null;
    this.#listeners = null;
  }

  wires(connection: number): readonly [Wire, Wire] {
    return this.#connections[connection];
  }

  send(connection: number, bytes: string): void {
    for (const wire of this.#connections[connection]) wire.send(bytes);
  }

  /** The next replies of each server. */
  async take(connection: number, count: number): Promise<[string[], string[]]> {
    const [first, second] = this.#connections[connection];
    return [await first.take(count), await second.take(count)];
  }

  async call(connection: number, ...args: string[]): Promise<[string, string]> {
    this.send(connection, encodeRequest(args));
    const [[a], [b]] = await this.take(connection, 1);
    return [a, b];
  }

  /** Sends a request to one of the servers only. */
  async callOne(which: 0 | 1, connection: number, ...args: readonly string[]): Promise<string> {
    const wire = this.#connections[connection][which];
    wire.send(encodeRequest(args));
    return (await wire.take(1))[0];
  }

  /** Calls by a connection that no case uses. */
  async control(...args: string[]): Promise<[string, string]> {
    this.#control ??= await this.#open();
    for (const wire of this.#control) wire.send(encodeRequest(args));
    const [[a], [b]] = await Promise.all(this.#control.map((wire) => wire.take(1)));
    return [a, b];
  }

  /** Clients of one of the servers that wait for a key. */
  async blockedClients(which: 0 | 1): Promise<number> {
    const wire = (this.#control ??= await this.#open())[which];
    wire.send(encodeRequest(["INFO", "clients"]));
    const [info] = await wire.take(1);
    return Number(/blocked_clients:(\d+)/.exec(info)?.[1]);
  }

  /** Lets a connection that waits go, as if its time were up. */
  async unblock(connection: number): Promise<void> {
    for (const which of [0, 1] as const) {
      const id = this.#ids.get(this.#connections[connection][which]);
      const wire = (this.#control ??= await this.#open())[which];
      wire.send(encodeRequest(["CLIENT", "UNBLOCK", String(id)]));
      await wire.take(1);
    }
  }

  /** All keyspace events since `prepare`, and the end of listening. */
  async events(): Promise<[string[], string[]]> {
    const listeners = this.#listeners;
    if (listeners === null) return [[], []];
    await this.control("PUBLISH", LAST_EVENT, "");
    const all: [string[], string[]] = [[], []];
    for (const [which, wire] of listeners.entries()) {
      for (let event = ""; !event.includes(LAST_EVENT);) {
        [event] = await wire.take(1);
        all[which].push(event);
      }
      wire.close();
    }
    this.#listeners = null;
    return all;
  }
}
