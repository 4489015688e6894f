/** INFO server: which program this is, where it runs, where it listens. */

import os from "node:os";
import process from "node:process";
import { Crc64 } from "../../../bytes/crc64.ts";
import { encodeLatin1 } from "../../../bytes/latin1.ts";
import { toBinary } from "../../../bytes/paths.ts";
import type { Config } from "../../../config/config.ts";
import { randomId } from "../../../replication/stream.ts";
import { preciseUnixMs, unixMs } from "../../../runtime/clock.ts";
import { thisProcess } from "../../../runtime/process.ts";
import type { Store } from "../../../store/store.ts";
import { REDIS_VERSION, runtimeName, TREDIS_VERSION } from "../../program/banner.ts";
import type { Settings } from "../../program/settings.ts";
import type { Shutdown } from "../../program/shutdown.ts";
import type { Field } from "./field.ts";

/** What the section tells of. */
export interface ServerSource {
  readonly config: Config;
  readonly settings: Pick<Settings, "hz">;
  readonly shutdown: Pick<Shutdown, "deadlineMs" | "pending">;
  readonly startedMs: number;
  readonly store: Pick<Store, "accessClock">;
}

const RUN_ID: string = randomId();

/** The fields of the section, in Redis\'s order. */
export function serverFields({ config, settings, shutdown, startedMs, store }: ServerSource): Field[] {
  const uptime = Math.floor((unixMs() - startedMs) / 1000);
  const build = new Crc64();
  build.update(encodeLatin1(`${TREDIS_VERSION} ${runtimeName()}`));
  const fields: Field[] = [
    ["redis_version", REDIS_VERSION],
    ["server_name", "tredis"],
    ["tredis_version", TREDIS_VERSION],
    ["tredis_runtime", runtimeName()],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", build.toString()],
    ["redis_mode", "standalone"],
    ["os", `${os.type()} ${os.release()} ${os.arch() === "x64" ? "x86_64" : os.arch()}`],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", multiplexing()],
    ["atomicvar_api", "none"],
    ["gcc_version", "0.0.0"],
    ["process_id", thisProcess().id],
    ["process_supervised", "no"],
    ["run_id", RUN_ID],
    ["tcp_port", config.number("port")],
    ["server_time_usec", Math.round(preciseUnixMs() * 1000)],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / 86_400)],
    ["hz", settings.hz],
    ["configured_hz", config.number("hz")],
    ["lru_clock", store.accessClock],
    ["executable", toBinary(process.execPath)],
    ["config_file", config.file ?? ""],
    ["io_threads_active", 0],
  ];
  if (shutdown.pending) fields.push(["shutdown_in_milliseconds", Math.max(0, shutdown.deadlineMs - unixMs())]);
  return [...fields, ...listenerFields(config)];
}

/** How the system tells the runtime of events on sockets. */
function multiplexing(): string {
  return process.platform === "linux" ? "epoll" : process.platform === "win32" ? "iocp" : "kqueue";
}

function listenerFields(config: Config): Field[] {
  const listeners: string[] = [];
  const port = config.number("port");
  if (port !== 0) {
    const addresses = config.list("bind").map((address) => `,bind=${address}`).join("");
    listeners.push(`name=tcp${addresses},port=${port}`);
  }
  const path = config.text("unixsocket");
  if (path !== "") listeners.push(`name=unix,bind=${path}`);
  return listeners.map((text, index) => [`listener${index}`, text]);
}
