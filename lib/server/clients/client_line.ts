/**
 * A client on one line, as CLIENT LIST and the log show it (Redis documentation, "CLIENT LIST"). Called by the server
 * for CLIENT LIST, and for every line of the log that names a client.
 */

import {
  BLOCKED,
  CLOSING,
  IN_TRANSACTION,
  MONITOR,
  NO_EVICT,
  NO_TOUCH,
  POSTPONED,
  PRIMARY,
  REPLICA,
  SUBSCRIBED,
} from "./flags.ts";
import type { ClientSession } from "./session.ts";

/** The line, without a line break. */
export function describeClient(client: ClientSession, nowMs: number): string {
  const { connection, tracking, transaction } = client;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const outputBytes = client.replica?.behindBytes ?? connection.outputBytes;
  return [
    `id=${client.id}`,
    `addr=${client.remoteAddress}`,
    `laddr=${client.localAddress}`,
    "fd=-1", // the runtimes keep it to themselves
    `name=${client.name}`,
    `age=${seconds(client.createdMs)}`,
    `idle=${seconds(client.lastActiveMs)}`,
    `flags=${flagLetters(client)}`,
    `db=${client.database.index}`,
    `sub=${client.channels.size}`,
    `psub=${client.patterns.size}`,
    `ssub=${client.shardChannels.size}`,
    `multi=${transaction === null ? -1 : transaction.queue.length}`,
    `qbuf=${connection.unparsedBytes}`,
    `qbuf-free=${connection.freeInputBytes}`,
    `argv-mem=${connection.argumentBytes}`,
    `multi-mem=${client.transactionBytes}`,
    "rbs=0 rbp=0 obl=0", // replies are gathered in one buffer that all clients share
    `oll=${outputBytes > 0 ? 1 : 0}`,
    `omem=${outputBytes}`,
    `tot-mem=${client.memoryBytes}`,
    `events=${outputBytes > 0 ? "rw" : "r"}`,
    `cmd=${client.lastCommand?.name ?? "NULL"}`,
    `user=${client.user}`,
    `redir=${tracking === null ? -1 : tracking.redirect}`,
    `resp=${client.protocol}`,
    `lib-name=${client.libraryName}`,
    `lib-ver=${client.libraryVersion}`,
  ].join(" ");
}

function flagLetters(client: ClientSession): string {
  const { flags, tracking } = client;
  let letters = "";
  if ((flags & MONITOR) !== 0) letters += "O";
  else if ((flags & REPLICA) !== 0) letters += "S";
  if ((flags & PRIMARY) !== 0) letters += "M";
  if ((flags & SUBSCRIBED) !== 0) letters += "P";
  if ((flags & IN_TRANSACTION) !== 0) letters += "x";
  if ((flags & (BLOCKED | POSTPONED)) !== 0) letters += "b";
  if (tracking !== null) letters += "t";
  if (tracking?.redirectBroken) letters += "R";
  if (tracking?.broadcast) letters += "B";
  if (client.watchBroken) letters += "d";
  if ((flags & CLOSING) !== 0) letters += "c";
  if (client.connection.socket.isUnix) letters += "U";
  if ((flags & NO_EVICT) !== 0) letters += "e";
  if ((flags & NO_TOUCH) !== 0) letters += "T";
  return letters === "" ? "N" : letters;
}
