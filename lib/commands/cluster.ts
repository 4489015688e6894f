/**
 * CLUSTER and what belongs to it, as an instance answers that is not part of a cluster. Clients ask at every connection
 * to learn which of the two they talk to, and tell by the words of this error.
 */

import {
  ADMIN,
  type Command,
  command,
  FAST,
  type Handler,
  LOADING,
  NO_ASYNC_LOADING,
  NOSCRIPT,
  STALE,
} from "./command.ts";

const disabled: Handler = (session) => session.reply.error("ERR This instance has cluster support disabled");

/** Declares a subcommand. */
function sub(name: string, arity: number, flags: number): Command {
  return command(`cluster|${name}`, arity, flags, disabled);
}

const ASKS = STALE;
const ASKS_ADMIN = STALE | ADMIN;
const CHANGES = STALE | ADMIN | NO_ASYNC_LOADING;
const CONNECTION = { categories: ["connection"] };

export const CLUSTER_COMMANDS: readonly Command[] = [
  command("cluster", -2, 0, disabled, {
    subcommands: [
      sub("addslots", -3, CHANGES),
      sub("addslotsrange", -4, CHANGES),
      sub("bumpepoch", 2, CHANGES),
      sub("count-failure-reports", 3, ASKS_ADMIN),
      sub("countkeysinslot", 3, ASKS),
      sub("delslots", -3, CHANGES),
      sub("delslotsrange", -4, CHANGES),
      sub("failover", -2, CHANGES),
      sub("flushslots", 2, CHANGES),
      sub("forget", 3, CHANGES),
      sub("getkeysinslot", 4, ASKS),
      sub("help", 2, LOADING | STALE),
      sub("info", 2, ASKS),
      sub("keyslot", 3, ASKS),
      sub("links", 2, ASKS),
      sub("meet", -4, CHANGES),
      sub("myid", 2, ASKS),
      sub("myshardid", 2, ASKS),
      sub("nodes", 2, ASKS),
      sub("replicas", 3, ASKS_ADMIN),
      sub("replicate", 3, CHANGES),
      sub("reset", -2, ADMIN | NOSCRIPT | STALE),
      sub("saveconfig", 2, CHANGES),
      sub("set-config-epoch", 3, CHANGES),
      sub("setslot", -4, CHANGES),
      sub("shards", 2, ASKS),
      sub("slaves", 3, ASKS_ADMIN),
      sub("slots", 2, ASKS),
    ],
  }),
  command("asking", 1, FAST, disabled, CONNECTION),
  command("readonly", 1, LOADING | STALE | FAST, disabled, CONNECTION),
  command("readwrite", 1, LOADING | STALE | FAST, disabled, CONNECTION),
];
