/**
 * The table of all directives of Redis 7.2, and two of our own: type, limits, default, alias, and whether CONFIG SET may
 * change it. `config.ts` holds the values. Each directive is of one of four classes, by what would follow if it was passed
 * over:
 *
 * 1. Those without a mark are obeyed, but for those of class 4.
 * 2. `inert`: it can have no effect here, and nobody is let in, shown or robbed of anything for that: threads, the
 *    allocator, the process's title and score, the background (a supervisor sees that the process stays). Redis's own
 *    redis.conf sets some of them. Accepted, and named once in the log.
 * 3. `refused`: it asks for a protection that is not here: of who may come in or see what is sent (`aclfile`, `tls-…`,
 *    `socket-mark-id`), of which node owns a key (`cluster-enabled`). Whoever set it
 *    relies on it, so the server does not start without it. Of the lines, `user` and `loadmodule` are of this class: a
 *    module may be what checks passwords, and Redis does not start without one either (see default_user.ts for the one
 *    user who is taken).
 * 4. Those that only say how something of class 3 shall be (`acllog-max-len`, `cluster-node-timeout`) are kept for it. They
 *    protect nothing by themselves: Redis has no use for them either while `cluster-enabled` is `no`. What is said of TLS
 *    is refused even so, as a Redis that was built without it does.
 */

import {
  choice,
  choices,
  type Directive,
  INT_MAX,
  integer,
  LONG_MAX,
  memory,
  memoryOrPercent,
  octal,
  text,
  UINT_MAX,
  ULONG_MAX,
  yesNo,
} from "./kinds.ts";
import {
  activeDefragDirective,
  bindDirective,
  checkFileName,
  checkHostname,
  checkNodeName,
  checkTitleTemplate,
  keyspaceEventsDirective,
  oomScoreDirective,
  outputBufferLimitDirective,
  percentilesDirective,
  replicaofDirective,
  saveDirective,
} from "./special.ts";
import { parseCInteger } from "./syntax.ts";

const ONE_MIB = 1048576n;
const MAX_PORT = 65535n;
const MIN_BACKLOG_BYTES = 16384n;

const NO_TLS =
  "TLS is not supported yet, and nothing is sent in the clear that was to be encrypted. Remove the line, " +
  "and put a proxy that speaks TLS (such as stunnel) in front of a server that is bound to the loopback address";
const NO_CLUSTER = "cluster mode is not supported yet";
const NO_DEFRAG = "the arena does not fragment as jemalloc's heap does";
const NO_MODULES = "modules written for Redis cannot be loaded";
const NO_SYSLOG = "the system log is out of reach; set 'logfile', or log to standard output";
const NO_PINNING = "the runtime cannot bind its threads to processors";
const NO_FORK = "the runtime cannot fork; let a service manager or a container run the server in the background";
const NO_OOM_SCORE = "the process keeps the out-of-memory score it was started with";
const NO_DEPRECATED_LUA = "scripts have no newproxy, setfenv and getfenv here";
const NO_CRASH_LOG = "the runtime reports crashes itself";
const NO_USERS = "there are no users but 'default' yet";
const NO_ACL_FILE = `${NO_USERS}, and none of the restrictions in the file would hold. Remove the line, and set ` +
  "'requirepass' for a password";
const NO_MARKS =
  "the runtime cannot mark sockets, and traffic would pass by the rules made for the mark. Remove the line";
const NO_NODES = "cluster mode is not supported yet, and a server on its own would take keys that are other nodes'. " +
  "Set 'cluster-enabled no'";
const NO_REHASHING = "the keyspace table never rehashes as a whole";
const NO_IO_THREADS = "one thread does all input and output";

const ALWAYS_LAZY = "large values are freed in slices in any case";
const OWN_SLICES = "loading gives way to clients after a time, not after a number of bytes";

const YES_NO_LOCAL = ["no", "yes", "local"] as const;

/** Exclusive choices of `shutdown-on-sigterm` and `shutdown-on-sigint`. */
const shutdownOptions = () =>
  choices(
    ["default", "save", "nosave", "now", "force"],
    (chosen) =>
      chosen.includes("save") && chosen.includes("nosave")
        ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
        : null,
  );

const GENERAL = {
  "always-show-logo": yesNo("no", { immutable: true }),
  "crash-log-enabled": yesNo("yes", { inert: NO_CRASH_LOG }),
  "crash-memcheck-enabled": yesNo("yes", { inert: NO_CRASH_LOG }),
  "daemonize": yesNo("no", { immutable: true, inert: NO_FORK }),
  "databases": integer(16, 1n, INT_MAX, { immutable: true }),
  "dir": text("", { protected: true, denyLoading: true }),
  "disable-thp": yesNo("yes", { immutable: true, inert: "huge pages are left as the system has them" }),
  "dynamic-hz": yesNo("yes", { inert: "what is due for clients does not depend on how many there are" }),
  "enable-debug-command": choice("no", YES_NO_LOCAL, { immutable: true }),
  "enable-module-command": choice("no", YES_NO_LOCAL, { immutable: true, inert: NO_MODULES }),
  "enable-protected-configs": choice("no", YES_NO_LOCAL, { immutable: true }),
  "hz": integer(10, 0n, INT_MAX, { adjust: (hz) => hz < 1n ? 1n : hz > 500n ? 500n : hz }),
  "ignore-warnings": text("", { inert: "none of the warnings it silences is given" }),
  "locale-collate": text("", { inert: "strings are compared by their bytes" }),
  "logfile": text("", { immutable: true }),
  "loglevel": choice("notice", ["debug", "verbose", "notice", "warning", "nothing"]),
  "oom-score-adj": choice("no", ["no", "yes", "relative", "absolute"], { inert: NO_OOM_SCORE }),
  "oom-score-adj-values": oomScoreDirective(["0", "200", "800"], { inert: NO_OOM_SCORE }),
  "pidfile": text("", { immutable: true }),
  "proc-title-template": text("{title} {listen-addr} {server-mode}", {
    check: checkTitleTemplate,
    inert: "the title of the process is the runtime's",
  }),
  "set-proc-title": yesNo("yes", { immutable: true, inert: "the title of the process is the runtime's" }),
  "shutdown-on-sigint": shutdownOptions(),
  "shutdown-on-sigterm": shutdownOptions(),
  "shutdown-timeout": integer(10, 0n, INT_MAX),
  "supervised": choice("no", ["upstart", "systemd", "auto", "no"], {
    immutable: true,
    inert: "no supervisor is notified; use a unit of type 'simple'",
  }),
  "syslog-enabled": yesNo("no", { immutable: true, inert: NO_SYSLOG }),
  "syslog-facility": choice(
    "local0",
    ["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
    { immutable: true, inert: NO_SYSLOG },
  ),
  "syslog-ident": text("redis", { immutable: true, inert: NO_SYSLOG }),
  "use-exit-on-panic": yesNo("no", { immutable: true, hidden: true, inert: NO_CRASH_LOG }),
  "watchdog-period": integer(0, 0n, INT_MAX, { hidden: true, inert: NO_CRASH_LOG }),
  "debug-context": text("", { hidden: true, inert: NO_CRASH_LOG }),
};

const THREADS = {
  "aof_rewrite_cpulist": text("", { immutable: true, inert: NO_PINNING }),
  "bgsave_cpulist": text("", { immutable: true, inert: NO_PINNING }),
  "bio_cpulist": text("", { immutable: true, inert: NO_PINNING }),
  "io-threads": integer(1, 1n, 128n, { immutable: true, inert: NO_IO_THREADS }),
  "io-threads-do-reads": yesNo("no", { immutable: true, inert: NO_IO_THREADS }),
  "server_cpulist": text("", { immutable: true, inert: NO_PINNING }),
};

const NETWORK = {
  "bind": bindDirective(["*", "-::*"]),
  "bind-source-addr": text(""),
  "client-output-buffer-limit": outputBufferLimitDirective(
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60".split(" "),
  ),
  "client-query-buffer-limit": memory(1073741824, ONE_MIB, LONG_MAX),
  "maxclients": integer(10000, 1n, UINT_MAX),
  "port": integer(6379, 0n, MAX_PORT),
  "protected-mode": yesNo("yes"),
  "proto-max-bulk-len": memory(536870912, ONE_MIB, LONG_MAX),
  "socket-mark-id": integer(0, 0n, UINT_MAX, {
    immutable: true,
    read: parseCInteger,
    refused: NO_MARKS,
  }),
  "tcp-backlog": integer(511, 0n, INT_MAX, { immutable: true }),
  "tcp-keepalive": integer(300, 0n, INT_MAX),
  "timeout": integer(0, 0n, INT_MAX),
  "unixsocket": text("", { immutable: true }),
  "unixsocketperm": octal(0, 0o777n, { immutable: true }),
};

const SECURITY = {
  "acl-pubsub-default": choice("resetchannels", ["allchannels", "resetchannels"], { inert: NO_USERS }),
  "aclfile": text("", { immutable: true, refused: NO_ACL_FILE }),
  "acllog-max-len": integer(128, 0n, LONG_MAX),
  "requirepass": text("", { sensitive: true }),
};

const MEMORY = {
  "active-defrag-cycle-max": integer(25, 1n, 99n, { inert: NO_DEFRAG }),
  "active-defrag-cycle-min": integer(1, 1n, 99n, { inert: NO_DEFRAG }),
  "active-defrag-ignore-bytes": memory(104857600, 1n, LONG_MAX, { inert: NO_DEFRAG }),
  "active-defrag-max-scan-fields": integer(1000, 1n, LONG_MAX, { inert: NO_DEFRAG }),
  "active-defrag-threshold-lower": integer(10, 0n, 1000n, { inert: NO_DEFRAG }),
  "active-defrag-threshold-upper": integer(100, 0n, 1000n, { inert: NO_DEFRAG }),
  "active-expire-effort": integer(1, 1n, 10n),
  "activedefrag": activeDefragDirective({ inert: NO_DEFRAG }),
  "activerehashing": yesNo("yes", { inert: NO_REHASHING }),
  "hash-max-listpack-entries": integer(512, 0n, LONG_MAX, { alias: "hash-max-ziplist-entries" }),
  "hash-max-listpack-value": memory(64, 0n, LONG_MAX, { alias: "hash-max-ziplist-value" }),
  "hll-sparse-max-bytes": memory(3000, 0n, LONG_MAX),
  "jemalloc-bg-thread": yesNo("yes", { inert: "there is no jemalloc" }),
  "lazyexpire-nested-arbitrary-keys": yesNo("yes", { hidden: true }),
  "lazyfree-lazy-eviction": yesNo("no"),
  "lazyfree-lazy-expire": yesNo("no"),
  "lazyfree-lazy-server-del": yesNo("no"),
  "lazyfree-lazy-user-del": yesNo("no"),
  "lazyfree-lazy-user-flush": yesNo("no", { inert: ALWAYS_LAZY }),
  "lfu-decay-time": integer(1, 0n, INT_MAX),
  "lfu-log-factor": integer(10, 0n, INT_MAX),
  "list-compress-depth": integer(0, 0n, INT_MAX),
  "list-max-listpack-size": integer(-2, -INT_MAX - 1n, INT_MAX, { alias: "list-max-ziplist-size" }),
  "maxmemory": memory(0, 0n, ULONG_MAX),
  "maxmemory-clients": memoryOrPercent(0),
  "maxmemory-eviction-tenacity": integer(10, 0n, 100n),
  "maxmemory-policy": choice("noeviction", [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
  ]),
  "maxmemory-samples": integer(5, 1n, INT_MAX),
  "sanitize-dump-payload": choice("no", ["no", "yes", "clients"], { inert: "payloads are always checked" }),
  "set-max-intset-entries": integer(512, 0n, LONG_MAX),
  "set-max-listpack-entries": integer(128, 0n, LONG_MAX),
  "set-max-listpack-value": memory(64, 0n, LONG_MAX),
  "stream-node-max-bytes": memory(4096, 0n, LONG_MAX),
  "stream-node-max-entries": integer(100, 0n, LONG_MAX),
  "tracking-table-max-keys": integer(1000000, 0n, LONG_MAX),
  "zset-max-listpack-entries": integer(128, 0n, LONG_MAX, { alias: "zset-max-ziplist-entries" }),
  "zset-max-listpack-value": memory(64, 0n, LONG_MAX, { alias: "zset-max-ziplist-value" }),
};

const OBSERVABILITY = {
  "busy-reply-threshold": integer(5000, 0n, LONG_MAX, { alias: "lua-time-limit" }),
  "latency-monitor-threshold": integer(0, 0n, LONG_MAX),
  "latency-tracking": yesNo("yes"),
  "latency-tracking-info-percentiles": percentilesDirective(["50", "99", "99.9"]),
  "lua-enable-deprecated-api": yesNo("no", { immutable: true, hidden: true, inert: NO_DEPRECATED_LUA }),
  "notify-keyspace-events": keyspaceEventsDirective(),
  "slowlog-log-slower-than": integer(10000, -1n, LONG_MAX),
  "slowlog-max-len": integer(128, 0n, LONG_MAX),
};

const PERSISTENCE = {
  "aof-disable-auto-gc": yesNo("no"),
  "aof-load-truncated": yesNo("yes"),
  "aof-rewrite-incremental-fsync": yesNo("yes"),
  "aof-timestamp-enabled": yesNo("no"),
  "aof-use-rdb-preamble": yesNo("yes"),
  "appenddirname": text("appendonlydir", { immutable: true, check: checkFileName("appenddirname", "dirname") }),
  "appendfilename": text("appendonly.aof", { immutable: true, check: checkFileName("appendfilename", "filename") }),
  "appendfsync": choice("everysec", ["everysec", "always", "no"]),
  "appendonly": yesNo("no", { denyLoading: true }),
  "auto-aof-rewrite-min-size": memory(67108864, 0n, LONG_MAX),
  "auto-aof-rewrite-percentage": integer(100, 0n, INT_MAX),
  "dbfilename": text("dump.rdb", { protected: true, check: checkFileName("dbfilename", "filename") }),
  "key-load-delay": integer(0, -INT_MAX - 1n, INT_MAX, { hidden: true }),
  "loading-process-events-interval-bytes": integer(2097152, 1024n, INT_MAX, { hidden: true, inert: OWN_SLICES }),
  "no-appendfsync-on-rewrite": yesNo("no"),
  "rdb-del-sync-files": yesNo("no"),
  "rdb-key-save-delay": integer(0, -INT_MAX - 1n, INT_MAX, { hidden: true }),
  "rdb-save-incremental-fsync": yesNo("yes"),
  "rdbchecksum": yesNo("yes", { immutable: true }),
  "rdbcompression": yesNo("yes"),
  "save": saveDirective("3600 1 300 100 60 10000".split(" ")),
  "stop-writes-on-bgsave-error": yesNo("yes"),
};

const REPLICATION = {
  "masterauth": text("", { sensitive: true }),
  "masteruser": text("", { sensitive: true }),
  "min-replicas-max-lag": integer(10, 0n, INT_MAX, { alias: "min-slaves-max-lag" }),
  "min-replicas-to-write": integer(0, 0n, INT_MAX, { alias: "min-slaves-to-write" }),
  "propagation-error-behavior": choice("ignore", ["ignore", "panic", "panic-on-replicas"]),
  "repl-backlog-size": memory(1048576, 1n, LONG_MAX, {
    adjust: (bytes) => bytes < MIN_BACKLOG_BYTES ? MIN_BACKLOG_BYTES : bytes,
  }),
  "repl-backlog-ttl": integer(3600, 0n, LONG_MAX),
  "repl-disable-tcp-nodelay": yesNo("no", { inert: "what replicas are due is sent at the end of each turn" }),
  "repl-diskless-load": choice("disabled", ["disabled", "on-empty-db", "swapdb"], { denyLoading: true }),
  "repl-diskless-sync": yesNo("yes"),
  "repl-diskless-sync-delay": integer(5, 0n, INT_MAX),
  "repl-diskless-sync-max-replicas": integer(0, 0n, INT_MAX),
  "repl-ping-replica-period": integer(10, 1n, INT_MAX, { alias: "repl-ping-slave-period" }),
  "repl-timeout": integer(60, 1n, INT_MAX),
  "replica-announce-ip": text("", { alias: "slave-announce-ip" }),
  "replica-announce-port": integer(0, 0n, MAX_PORT, { alias: "slave-announce-port" }),
  "replica-announced": yesNo("yes"),
  "replica-ignore-disk-write-errors": yesNo("no"),
  "replica-ignore-maxmemory": yesNo("yes", { alias: "slave-ignore-maxmemory" }),
  "replica-lazy-flush": yesNo("no", { alias: "slave-lazy-flush", inert: ALWAYS_LAZY }),
  "replica-priority": integer(100, 0n, INT_MAX, { alias: "slave-priority" }),
  "replica-read-only": yesNo("yes", { alias: "slave-read-only" }),
  "replica-serve-stale-data": yesNo("yes", { alias: "slave-serve-stale-data" }),
  "replicaof": replicaofDirective({ alias: "slaveof", immutable: true }),
};

/** What Redis does not have: its own redis.conf works here, and CONFIG REWRITE writes these only where they were set. */
const OWN = {
  "repl-sync-max-write-delay": integer(1000, 0n, 60_000n),
  "replica-empty-primary-guard": yesNo("yes"),
  "replica-empty-primary-percentage": integer(10, 0n, 100n),
};

const CLUSTER = {
  "cluster-allow-pubsubshard-when-down": yesNo("yes", { inert: NO_CLUSTER }),
  "cluster-allow-reads-when-down": yesNo("no", { inert: NO_CLUSTER }),
  "cluster-allow-replica-migration": yesNo("yes", { inert: NO_CLUSTER }),
  "cluster-announce-bus-port": integer(0, 0n, MAX_PORT, { inert: NO_CLUSTER }),
  "cluster-announce-hostname": text("", { check: checkHostname, inert: NO_CLUSTER }),
  "cluster-announce-human-nodename": text("", { check: checkNodeName, inert: NO_CLUSTER }),
  "cluster-announce-ip": text("", { inert: NO_CLUSTER }),
  "cluster-announce-port": integer(0, 0n, MAX_PORT, { inert: NO_CLUSTER }),
  "cluster-announce-tls-port": integer(0, 0n, MAX_PORT, { inert: NO_CLUSTER }),
  "cluster-config-file": text("nodes.conf", { immutable: true, inert: NO_CLUSTER }),
  "cluster-enabled": yesNo("no", { immutable: true, refused: NO_NODES }),
  "cluster-link-sendbuf-limit": memory(0, 0n, ULONG_MAX, { inert: NO_CLUSTER }),
  "cluster-migration-barrier": integer(1, 0n, INT_MAX, { inert: NO_CLUSTER }),
  "cluster-node-timeout": integer(15000, 0n, LONG_MAX, { inert: NO_CLUSTER }),
  "cluster-ping-interval": integer(1000, 0n, INT_MAX, { hidden: true, inert: NO_CLUSTER }),
  "cluster-port": integer(0, 0n, MAX_PORT, { immutable: true, inert: NO_CLUSTER }),
  "cluster-preferred-endpoint-type": choice("ip", ["ip", "hostname", "unknown-endpoint"], { inert: NO_CLUSTER }),
  "cluster-replica-no-failover": yesNo("no", { alias: "cluster-slave-no-failover", inert: NO_CLUSTER }),
  "cluster-replica-validity-factor": integer(10, 0n, INT_MAX, {
    alias: "cluster-slave-validity-factor",
    inert: NO_CLUSTER,
  }),
  "cluster-require-full-coverage": yesNo("yes", { inert: NO_CLUSTER }),
};

const TLS = {
  "tls-auth-clients": choice("yes", ["no", "yes", "optional"], { refused: NO_TLS }),
  "tls-ca-cert-dir": text("", { refused: NO_TLS }),
  "tls-ca-cert-file": text("", { refused: NO_TLS }),
  "tls-cert-file": text("", { refused: NO_TLS }),
  "tls-ciphers": text("", { refused: NO_TLS }),
  "tls-ciphersuites": text("", { refused: NO_TLS }),
  "tls-client-cert-file": text("", { refused: NO_TLS }),
  "tls-client-key-file": text("", { refused: NO_TLS }),
  "tls-client-key-file-pass": text("", { sensitive: true, refused: NO_TLS }),
  "tls-cluster": yesNo("no", { refused: NO_TLS }),
  "tls-dh-params-file": text("", { refused: NO_TLS }),
  "tls-key-file": text("", { refused: NO_TLS }),
  "tls-key-file-pass": text("", { sensitive: true, refused: NO_TLS }),
  "tls-port": integer(0, 0n, MAX_PORT, { refused: NO_TLS }),
  "tls-prefer-server-ciphers": yesNo("no", { refused: NO_TLS }),
  "tls-protocols": text("", { refused: NO_TLS }),
  "tls-replication": yesNo("no", { refused: NO_TLS }),
  "tls-session-cache-size": integer(20480, 0n, INT_MAX, { refused: NO_TLS }),
  "tls-session-cache-timeout": integer(300, 0n, INT_MAX, { refused: NO_TLS }),
  "tls-session-caching": yesNo("yes", { refused: NO_TLS }),
};

/** All directives with a value, by name. */
export const DIRECTIVES = {
  ...GENERAL,
  ...THREADS,
  ...NETWORK,
  ...SECURITY,
  ...MEMORY,
  ...OBSERVABILITY,
  ...PERSISTENCE,
  ...REPLICATION,
  ...OWN,
  ...CLUSTER,
  ...TLS,
};

/** The name of a directive. */
export type Name = keyof typeof DIRECTIVES;

/** The names of the directives of one kind. */
export type NameOf<K> = { [N in Name]: (typeof DIRECTIVES)[N]["kind"] extends K ? N : never }[Name];

/** The names that a choice has. */
export type ChoiceOf<N extends Name> = (typeof DIRECTIVES)[N]["choices"][number];

/** All names, in the order of the table. */
export const NAMES = Object.keys(DIRECTIVES) as Name[]; // the keys of the table are its type's

const BY_NAME = new Map<string, Name>();
for (const name of NAMES) {
  BY_NAME.set(name, name);
  const alias = (DIRECTIVES[name] as Directive).alias; // seen as any directive, as the table's types hide absent keys
  if (alias !== undefined) BY_NAME.set(alias, name);
}

/** The directive that a name or alias in any case stands for, or null. */
export function findDirective(name: string): Name | null {
  return BY_NAME.get(name.toLowerCase()) ?? null;
}

/** The declaration of a directive. */
export function directiveOf(name: Name): Directive {
  return DIRECTIVES[name];
}

/** Whether the value of the directive that a name in any case means is not to be shown. */
export function isSensitive(name: string): boolean {
  const found = findDirective(name);
  return found !== null && directiveOf(found).sensitive === true;
}

/** Directives that are lines rather than values: they are handed to whoever asked for them, and CONFIG shows none. */
export const LINE_DIRECTIVES = ["user", "rename-command", "loadmodule"] as const;
export type LineName = typeof LINE_DIRECTIVES[number];

/** Words, the name included, that a line of a line directive may have. */
export const LINE_WORDS: Readonly<Record<LineName, readonly [least: number, most: number]>> = {
  "user": [2, Infinity],
  "rename-command": [3, 3],
  "loadmodule": [2, Infinity],
};

/** Directives that old configurations hold and that Redis passes over since, if they have one argument. */
export const OBSOLETE_DIRECTIVES: readonly string[] = [
  "list-max-ziplist-entries",
  "list-max-ziplist-value",
  "lua-replicate-commands",
];

/** Why `loadmodule` is refused. */
export const NO_MODULES_REASON: string = `${NO_MODULES}. Remove the line`;
