/** Bitmaps: strings seen as bits, the first one the highest of the first byte. SETBIT and GETBIT. */

import type { Request } from "../resp/request.ts";
import { ENCODING_RAW, NO_EXPIRY, TYPE_STRING } from "../store/entry.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "./command.ts";
import { WRONG_TYPE } from "./errors.ts";
import { EVENT_STRING } from "./events.ts";
import { KEY_RO_ACCESS, KEY_RW_ACCESS_UPDATE } from "./key_specs.ts";
import type { Session } from "./session.ts";

const OFFSET_ERROR = "ERR bit offset is not an integer or out of range";
const VALUE_ERROR = "ERR bit is not an integer or out of range";

/** The bit offset in argument `index`; -1 after having replied with an error. */
function bitOffset(session: Session, request: Request, index: number): number {
  const offset = request.integer(index);
  if (offset >= 0 && Math.floor(offset / 8) < session.host.maxBulkBytes) return offset;
  session.reply.error(OFFSET_ERROR);
  return -1;
}

/** `SETBIT key offset value` */
function setbit(session: Session, request: Request): void {
  const { database, reply, host } = session;
  const { bytes, starts, lengths } = request;
  const entries = host.store.heap.entries;
  const offset = bitOffset(session, request, 2);
  if (offset < 0) return;
  const value = request.integer(3);
  if (value !== 0 && value !== 1) return reply.error(VALUE_ERROR);
  let ref = database.write(bytes, starts[1], lengths[1]);
  if (ref !== 0 && entries.type(ref) !== TYPE_STRING) return reply.error(WRONG_TYPE);
  const before = ref === 0 ? 0 : entries.valueWord(ref);
  const length = Math.max(before, Math.floor(offset / 8) + 1);
  if (ref === 0) ref = database.put(bytes, starts[1], lengths[1], TYPE_STRING, ENCODING_RAW, length, NO_EXPIRY);
  else if (length > before) ref = database.resizeValue(ref, length);
  entries.setTypeAndEncoding(ref, TYPE_STRING, ENCODING_RAW);
  const target = entries.bytes(ref);
  const start = entries.valueStart(ref);
  if (length > before) target.fill(0, start + before, start + length);
  const at = start + Math.floor(offset / 8);
  const mask = 0x80 >> (offset % 8);
  const old = (target[at] & mask) !== 0 ? 1 : 0;
  target[at] = value === 1 ? target[at] | mask : target[at] & ~mask;
  if (old !== value || length > before) host.changes.changed(session, request, 1, EVENT_STRING, "setbit");
  reply.integer(old);
}

/** `GETBIT key offset` */
function getbit(session: Session, request: Request): void {
  const { database, reply, host } = session;
  const entries = host.store.heap.entries;
  const offset = bitOffset(session, request, 2);
  if (offset < 0) return;
  const ref = database.read(request.bytes, request.starts[1], request.lengths[1]);
  if (ref === 0) return reply.integer(0);
  if (entries.type(ref) !== TYPE_STRING) return reply.error(WRONG_TYPE);
  const byte = Math.floor(offset / 8);
  if (byte >= entries.valueWord(ref)) return reply.integer(0);
  reply.integer((entries.bytes(ref)[entries.valueStart(ref) + byte] >> (7 - (offset % 8))) & 1);
}

const BITMAP = { categories: ["bitmap"] };

export const BITMAP_COMMANDS: readonly Command[] = [
  command("setbit", 4, WRITE | DENYOOM, setbit, { ...BITMAP, keys: KEY_RW_ACCESS_UPDATE }),
  command("getbit", 3, READONLY | FAST, getbit, { ...BITMAP, keys: KEY_RO_ACCESS }),
];
