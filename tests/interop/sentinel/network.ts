/**
 * A network of namespaces, as of machines beside each other, that can be cut off from one another. All are joined by a
 * bridge; beside that each has a link of its own to the test, which stays when the one to the bridge is cut: by that the
 * test, or a client, talks to a server that its group has lost.
 *
 * Names tell the process that made them, so that what one has left behind, because it was killed, the next one removes.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import type { Place } from "./place.ts";

/** Addresses of the bridge's network, and of the links to the test: of those for tests of networks (RFC 2544). */
const BRIDGE_NETWORK = "198.18.0";
const TEST_NETWORK = "198.19";
/** Longest name of a network device on Linux is 15 bytes: this, the process's id, a letter and a digit. */
const PREFIX = "trd";

/** A machine of the network. */
export interface Machine extends Place {
  /** Lets nothing pass any more between it and the others, without a word to either. */
  cut(): void;
  heal(): void;
}

/** Runs `ip`; what it says where it fails. */
function ip(...words: string[]): string | null {
  const { error, status, stderr } = spawnSync("ip", words, { encoding: "utf8" });
  if (error !== undefined) return error.message;
  return status === 0 ? null : `ip ${words.join(" ")}: ${stderr.trim()}`;
}

/** Runs `ip`, which must not fail. */
function mustIp(line: string): void {
  const failure = ip(...line.split(" "));
  if (failure !== null) throw new Error(failure);
}

/** The system gives no network, to this user or to nobody; the message says why. */
export class NoNetworkError extends Error {}

/** Makes a namespace or device, which the system may refuse. */
function create(line: string): void {
  const failure = ip(...line.split(" "));
  if (failure !== null) throw new NoNetworkError(`no network of namespaces: ${failure}`);
}

export class Network {
  readonly machines: Machine[] = [];
  readonly #name = `${PREFIX}${process.pid}`;
  readonly #atExit = () => this.stop();

  private constructor() {}

  /** Makes a network of machines; throws NoNetworkError where the system refuses. */
  static start(machines: number): Network {
    removeLeftovers();
    const network = new Network();
    process.on("exit", network.#atExit);
    try {
      create(`link add ${network.#bridge} type bridge`);
      mustIp(`link set ${network.#bridge} up`);
      for (let i = 1; i <= machines; i++) network.machines.push(network.#addMachine(i));
    } catch (cause) {
      network.stop();
      throw new NoNetworkError(`no network of namespaces: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    }
    return network;
  }

  get #bridge(): string {
    return `${this.#name}b`;
  }

  #addMachine(number: number): Machine {
    const bridge = this.#bridge;
    const space = `${this.#name}n${number}`;
    const toBridge = `${this.#name}v${number}`;
    const toTest = `${this.#name}t${number}`;
    create(`netns add ${space}`);
    create(`link add ${toBridge} type veth peer name shared netns ${space}`);
    create(`link add ${toTest} type veth peer name own netns ${space}`);
    mustIp(`link set ${toBridge} master ${bridge} up`);
    mustIp(`address add ${TEST_NETWORK}.${number}.1/24 dev ${toTest}`);
    mustIp(`link set ${toTest} up`);
    mustIp(`-n ${space} address add ${BRIDGE_NETWORK}.${number}/24 dev shared`);
    mustIp(`-n ${space} address add ${TEST_NETWORK}.${number}.2/24 dev own`);
    for (const device of ["lo", "shared", "own"]) mustIp(`-n ${space} link set ${device} up`);
    return {
      host: `${TEST_NETWORK}.${number}.2`,
      address: `${BRIDGE_NETWORK}.${number}`,
      under: ["ip", "netns", "exec", space],
      cut: () => mustIp(`link set ${toBridge} nomaster`),
      heal: () => mustIp(`link set ${toBridge} master ${bridge}`),
    };
  }

  /** Removes it; what runs in it should be ended by then. */
  stop(): void {
    process.off("exit", this.#atExit);
    removeAll(this.#name);
  }
}

/** Removes what processes made that are gone. */
function removeLeftovers(): void {
  const pids = new Set(devicesAndSpaces().map((name) => new RegExp(`^${PREFIX}(\\d+)[bntv]`).exec(name)?.[1]));
  for (const pid of pids) if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeAll(`${PREFIX}${pid}`);
}

/** Removes a network, or what there is of it. Links go with the namespace at their other end, but not at once. */
function removeAll(name: string): void {
  const ours = devicesAndSpaces().filter((one) => new RegExp(`^${name}[bntv]\\d*$`).test(one));
  for (const one of ours) if (!one.startsWith(`${name}n`)) ip("link", "delete", one);
  for (const one of ours) if (one.startsWith(`${name}n`)) ip("netns", "delete", one);
}

function devicesAndSpaces(): string[] {
  const list = (...words: string[]) => spawnSync("ip", words, { encoding: "utf8" }).stdout ?? "";
  const devices = [...list("-o", "link", "show").matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name);
  const spaces = list("netns", "list").split("\n").map((line) => line.split(" ")[0]);
  return [...devices, ...spaces];
}
