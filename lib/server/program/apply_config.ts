/**
 * Carries the configuration into the parts that keep values of their own, at start and at every CONFIG SET. Called
 * once, at the start; the configuration calls back what changes later.
 */

import { EVENT_KEY_MISS, EVENT_NEW } from "../../commands/events.ts";
import type { Config } from "../../config/config.ts";
import type { Name } from "../../config/directives.ts";
import { random } from "../../runtime/random.ts";
import { Frequency } from "../../store/frequency.ts";
import type { Keyspace } from "../../store/keyspace.ts";
import type { Store } from "../../store/store.ts";
import type { Changes } from "../execution/changes.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";

/** The parts of the server that keep values of the configuration. */
export interface ConfiguredServer {
  /** To be told of look-ups that find nothing, and of new keys, where anybody asks for it. */
  readonly changes: Pick<Changes, "isNew" | "missed">;
  readonly clientMemory: { limitBytes: number };
  readonly config: Config;
  readonly latency: { thresholdMs: number };
  readonly log: Pick<Log, "file" | "level">;
  readonly memoryLimit: { configure(): void };
  readonly parsers: { configure(): void };
  readonly saving: { readonly snapshotter: { keyDelayMs: number } };
  readonly settings: Settings;
  readonly slowLog: { maxLength: number };
  readonly keyspace: Pick<Keyspace, "events">;
  readonly store: Store;
  readonly tracking: { maxKeys: number };
}

/** Sets what depends on the configuration, now and whenever it changes. */
export function applyConfig(server: ConfiguredServer): void {
  const { config, settings, keyspace, store, log } = server;
  /** Runs `apply` now, and at every change of one of `names`. */
  const follow = (names: readonly Name[], apply: () => void) => {
    apply();
    for (const name of names) {
      config.onChange(name, () => {
        apply();
      });
    }
  };
  follow(["loglevel"], () => log.level = config.choice("loglevel"));
  follow(["logfile"], () => log.file = config.text("logfile"));
  follow(["proto-max-bulk-len"], () => {
    settings.maxBulkBytes = config.number("proto-max-bulk-len");
    server.parsers.configure();
  });
  follow(["maxclients"], () => settings.maxClients = config.number("maxclients"));
  follow(["client-query-buffer-limit"], () => {
    settings.queryBufferLimitBytes = config.number("client-query-buffer-limit");
  });
  follow(["timeout"], () => settings.idleTimeoutSeconds = config.number("timeout"));
  follow(["client-output-buffer-limit"], () => {
    const limits = config.outputBufferLimits;
    settings.setOutputLimits(limits.normal, limits.slave, limits.pubsub);
  });
  follow(["slowlog-log-slower-than"], () => {
    settings.slowlogThresholdMicroseconds = config.number("slowlog-log-slower-than");
  });
  follow(["busy-reply-threshold"], () => settings.busyReplyThresholdMs = config.number("busy-reply-threshold"));
  follow(["slowlog-max-len"], () => server.slowLog.maxLength = config.number("slowlog-max-len"));
  follow(["latency-monitor-threshold"], () => server.latency.thresholdMs = config.number("latency-monitor-threshold"));
  follow(["tracking-table-max-keys"], () => server.tracking.maxKeys = config.number("tracking-table-max-keys"));
  follow(["maxmemory-clients", "maxmemory"], () => {
    const limit = config.number("maxmemory-clients");
    // A percentage, of `maxmemory`, is kept as a negative number.
    server.clientMemory.limitBytes = limit < 0 ? Math.floor((config.number("maxmemory") * -limit) / 100) : limit;
  });
  follow(["latency-tracking"], () => settings.latencyTracking = config.flag("latency-tracking"));
  follow(["notify-keyspace-events"], () => {
    const asked = settings.keyspaceEvents = config.setting("notify-keyspace-events").number;
    keyspace.events.onMiss = (asked & EVENT_KEY_MISS) === 0 ? null : server.changes.missed;
    keyspace.events.onNew = (asked & EVENT_NEW) === 0 ? null : server.changes.isNew;
  });
  follow(["requirepass"], () => settings.requirePassword = config.text("requirepass"));
  follow(["rdb-key-save-delay"], () => {
    server.saving.snapshotter.keyDelayMs = keyDelayMs(config.number("rdb-key-save-delay"));
  });
  follow(["key-load-delay"], () => settings.keyLoadDelayMs = keyDelayMs(config.number("key-load-delay")));
  follow(["hz"], () => settings.hz = config.number("hz"));
  follow(["active-expire-effort"], () => settings.activeExpireEffort = config.number("active-expire-effort"));
  follow(
    ["hash-max-listpack-entries"],
    () => store.hashes.maxListpackEntries = config.number("hash-max-listpack-entries"),
  );
  follow(["list-max-listpack-size"], () => {
    store.lists.maxListpackSize = config.number("list-max-listpack-size");
  });
  follow(["list-compress-depth"], () => store.lists.compressDepth = config.number("list-compress-depth"));
  follow(["set-max-intset-entries"], () => store.sets.maxIntsetEntries = config.number("set-max-intset-entries"));
  follow(["set-max-listpack-entries"], () => store.sets.maxListpackEntries = config.number("set-max-listpack-entries"));
  follow(["set-max-listpack-value"], () => store.sets.maxListpackValue = config.number("set-max-listpack-value"));
  follow(["zset-max-listpack-entries"], () => {
    store.sortedSets.maxListpackEntries = config.number("zset-max-listpack-entries");
  });
  follow(["zset-max-listpack-value"], () => {
    store.sortedSets.maxListpackValue = config.number("zset-max-listpack-value");
  });
  follow(["stream-node-max-bytes"], () => store.streams.maxNodeBytes = config.number("stream-node-max-bytes"));
  follow(["stream-node-max-entries"], () => store.streams.maxNodeEntries = config.number("stream-node-max-entries"));
  follow(["hash-max-listpack-value"], () => store.hashes.maxListpackValue = config.number("hash-max-listpack-value"));
  follow(["maxmemory-policy", "lfu-log-factor", "lfu-decay-time"], () => {
    const counts = config.choice("maxmemory-policy").endsWith("-lfu");
    if (!counts) return void (store.frequency = null);
    store.frequency ??= new Frequency(() => store.nowMs, random);
    store.frequency.logFactor = config.number("lfu-log-factor");
    store.frequency.decayMinutes = config.number("lfu-decay-time");
  });
  follow(
    [
      "maxmemory",
      "maxmemory-policy",
      "maxmemory-samples",
      "maxmemory-eviction-tenacity",
      "replica-ignore-maxmemory",
      "lazyfree-lazy-eviction",
    ],
    () => server.memoryLimit.configure(),
  );
}

/** A delay for each key in ms, from one in µs; below zero, so many keys take 1 µs. */
function keyDelayMs(delay: number): number {
  return (delay < 0 ? 1 / -delay : delay) / 1000;
}
