/**
 * The commands that make a stream: its entries, what is known of the whole, its groups with their consumers, and what is
 * pending for each.
 *
 * Some of what RDB has is lost, as it is in Redis, because no command says it: when a consumer was seen last, which is when
 * the commands are run; and what is pending although the entry was deleted, which XCLAIM passes over. Redis loses a
 * consumer with it who has nothing else pending; here each is created, whatever is pending.
 */

import { Element } from "../../store/listpack.ts";
import { EntryReader } from "../../store/types/stream_entries.ts";
import { ID_BYTES, ID_TEXT_BYTES, StreamId } from "../../store/types/stream_ids.ts";
import type { TokenReader } from "../token_reader.ts";
import { type CommandWriter, wordOf } from "./command_writer.ts";
import { PendingEntries } from "./pending_entries.ts";
import type { ValueTransfer } from "./value_commands.ts";

const XADD = wordOf("XADD");
const XSETID = wordOf("XSETID");
const XGROUP = wordOf("XGROUP");
const XCLAIM = wordOf("XCLAIM");
const CREATE = wordOf("CREATE");
const CREATECONSUMER = wordOf("CREATECONSUMER");
const ENTRIESADDED = wordOf("ENTRIESADDED");
const ENTRIESREAD = wordOf("ENTRIESREAD");
const FORCE = wordOf("FORCE");
const JUSTID = wordOf("JUSTID");
const MAXDELETEDID = wordOf("MAXDELETEDID");
const RETRYCOUNT = wordOf("RETRYCOUNT");
const TIME = wordOf("TIME");
const NO_IDLE_MS = wordOf("0");
const UNKNOWN = wordOf("-1");
const TIME_BYTES = 8;
/** An entry that is added to a stream without entries, and goes at once: `MAXLEN 0`, the least ID, a field and a value. */
const NO_ENTRY = ["MAXLEN", "0", "0-1", "x", "y"].map(wordOf);

// For what is done in one go: wherever a function stops, another file's streams may be read before it goes on.
const reader = new EntryReader();
const field = new Element();
const value = new Element();
const id = new StreamId();
const idText = new Uint8Array(ID_TEXT_BYTES);

export function* streamCommands(stream: ValueTransfer): Generator<void, void> {
  const { key, input, output } = stream;
  let entries = 0;
  const nodeId = new StreamId();
  while (!input.plain()) yield;
  for (let nodes = input.size(); nodes > 0; nodes--) {
    while (!input.string()) yield;
    nodeId.readBytes(input.bytes, input.start);
    while (!input.string()) yield;
    entries += addEntries(stream, nodeId);
  }
  if (entries === 0) {
    output.begin(2 + NO_ENTRY.length, XADD);
    output.range(key);
    for (const word of NO_ENTRY) output.word(word);
  }
  yield* wholeCommand(stream);
  while (!input.plain()) yield;
  for (let groups = input.size(); groups > 0; groups--) yield* groupCommands(stream);
}

/** What is known of the whole. */
function* wholeCommand({ key, input, output }: ValueTransfer): Generator<void, void> {
  const maxDeletedId = new StreamId();
  while (!input.plain()) yield;
  input.size(); // how many entries there are
  output.begin(7, XSETID);
  output.range(key);
  while (!input.plain()) yield;
  writeId(output, readIdLengths(input, id));
  while (!input.plain()) yield;
  readIdLengths(input, id); // the first entry's, which the entries tell
  while (!input.plain()) yield;
  readIdLengths(input, maxDeletedId);
  while (!input.plain()) yield;
  input.longLength();
  output.word(ENTRIESADDED);
  output.unsignedWords(input.high, input.low);
  output.word(MAXDELETEDID);
  writeId(output, maxDeletedId);
}

/** Adds the entries of the node that was read; how many there are. */
function addEntries({ key, input, output }: ValueTransfer, nodeId: StreamId): number {
  let entries = 0;
  reader.begin(input.bytes, input.start, nodeId);
  for (let isThere = reader.toFirst(); isThere; isThere = reader.next()) {
    if (reader.isDeleted) continue;
    entries++;
    output.begin(3 + 2 * reader.pairs, XADD);
    output.range(key);
    writeId(output, reader.id);
    reader.beginFields();
    while (reader.nextField(field, value)) {
      output.element(field);
      output.element(value);
    }
  }
  return entries;
}

function* groupCommands(stream: ValueTransfer): Generator<void, void> {
  const { key, input, output } = stream;
  while (!input.string()) yield;
  const group = input.bytes.slice(input.start, input.start + input.length);
  output.begin(7, XGROUP);
  output.word(CREATE);
  output.range(key);
  output.argument(group, 0, group.length);
  while (!input.plain()) yield;
  writeId(output, readIdLengths(input, id));
  output.word(ENTRIESREAD);
  while (!input.plain()) yield;
  input.longLength();
  if (input.high < 0) output.word(UNKNOWN);
  else output.words(input.high, input.low);
  while (!input.plain()) yield;
  const count = input.size();
  const pending = new PendingEntries(count);
  for (let i = 0; i < count; i++) {
    while (!input.plain()) yield;
    readPending(input, pending);
  }
  while (!input.plain()) yield;
  for (let consumers = input.size(); consumers > 0; consumers--) yield* consumerCommands(stream, group, pending);
}

function* consumerCommands(
  { key, input, output }: ValueTransfer,
  group: Uint8Array,
  pending: PendingEntries,
): Generator<void, void> {
  while (!input.string()) yield;
  const consumer = input.bytes.slice(input.start, input.start + input.length);
  output.begin(5, XGROUP);
  output.word(CREATECONSUMER);
  output.range(key);
  output.argument(group, 0, group.length);
  output.argument(consumer, 0, consumer.length);
  while (!input.plain()) yield;
  input.take(TIME_BYTES); // when it was seen
  while (!input.plain()) yield;
  for (let left = input.size(); left > 0; left--) {
    while (!input.plain()) yield;
    pending.find(readRawId(input));
    output.begin(12, XCLAIM);
    output.range(key);
    output.argument(group, 0, group.length);
    output.argument(consumer, 0, consumer.length);
    output.word(NO_IDLE_MS);
    writeId(output, id);
    output.word(TIME);
    output.words(pending.timeHigh, pending.timeLow);
    output.word(RETRYCOUNT);
    output.unsignedWords(pending.deliveriesHigh, pending.deliveriesLow);
    output.word(JUSTID);
    output.word(FORCE);
  }
}

function readPending(input: TokenReader, pending: PendingEntries): void {
  readRawId(input);
  const timeLow = input.int32();
  const timeHigh = input.int32();
  input.longLength();
  pending.add(id, timeHigh, timeLow, input.high, input.low);
}

/** Reads an ID from two lengths. */
function readIdLengths(input: TokenReader, into: StreamId): StreamId {
  input.longLength();
  into.msHigh = input.high;
  into.msLow = input.low;
  input.longLength();
  into.seqHigh = input.high;
  into.seqLow = input.low;
  return into;
}

/** Reads `id` from 16 bytes. */
function readRawId(input: TokenReader): StreamId {
  return id.readBytes(input.plainBytes, input.take(ID_BYTES));
}

function writeId(output: CommandWriter, written: StreamId): void {
  output.argument(idText, 0, written.writeText(idText, 0));
}
