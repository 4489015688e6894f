/**
 * The commands that make lists, sets, hashes and sorted sets, out of the tokens of each RDB type that their writers
 * (../types/) have. Streams, which are more than their elements, are stream_commands.ts's.
 *
 * A command has 64 elements at most, as in Redis, and says at its beginning how many. Nothing is held back for that: how
 * many come stands before them; of a list it is said by each node, whose elements no command shares with another's.
 */

import { formatDouble } from "../../bytes/doubles.ts";
import { highWord, intsetCount, lowWord, readInteger } from "../../store/intset.ts";
import { Element, entryBytes, firstElement, listpackCount } from "../../store/listpack.ts";
import { scoreOfWords } from "../../store/types/scores.ts";
import { QUICKLIST_NODE_PACKED } from "../rdb_format.ts";
import { StringSlot } from "../rdb_input.ts";
import type { TokenReader } from "../token_reader.ts";
import { type CommandWriter, type Word, wordOf } from "./command_writer.ts";

/** Most elements of a command. */
const MOST_ELEMENTS = 64;

const RPUSH = wordOf("RPUSH");
const SADD = wordOf("SADD");
const ZADD = wordOf("ZADD");
const HMSET = wordOf("HMSET");

/** One key's value on its way from tokens to commands. */
export interface ValueTransfer {
  readonly key: StringSlot;
  readonly input: TokenReader;
  readonly output: CommandWriter;
}

/** Reads the tokens of a value and writes its commands; stops wherever the next chunk must come. */
export type ValueCommands = (value: ValueTransfer) => Generator<void, void>;

/** Begins a command if the one before has all it may have. `words`: that each element is. */
function beginElement({ key, output }: ValueTransfer, name: Word, index: number, count: number, words: 1 | 2): void {
  if (index % MOST_ELEMENTS !== 0) return;
  output.begin(2 + words * Math.min(MOST_ELEMENTS, count - index), name);
  output.range(key);
}

/** For what is done in one go: wherever a function stops, another file's values may be read before it goes on. */
const element = new Element();

/** Writes the elements of the listpack that was read. */
function writeListpack(value: ValueTransfer, name: Word, words: 1 | 2): void {
  const { input, output } = value;
  const { bytes, start } = input;
  const count = listpackCount(bytes, start) / words;
  let at = firstElement(start);
  for (let i = 0; i < count; i++) {
    beginElement(value, name, i, count, words);
    for (let word = 0; word < words; word++) {
      at = element.read(bytes, at);
      output.element(element);
    }
  }
}

/** A list: nodes, each with its kind before it. */
export function* listCommands(value: ValueTransfer): Generator<void, void> {
  const { input } = value;
  while (!input.plain()) yield;
  for (let nodes = input.size(); nodes > 0; nodes--) {
    while (!input.plain()) yield;
    if (input.size() !== QUICKLIST_NODE_PACKED) throw new Error("a list's node that is no listpack");
    while (!input.string()) yield;
    writeListpack(value, RPUSH, 1);
  }
}

/** Members of a set, or fields and values of a hash: strings behind their number. */
function* writeStrings(value: ValueTransfer, name: Word, words: 1 | 2): Generator<void, void> {
  const { input, output } = value;
  while (!input.plain()) yield;
  const count = input.size();
  for (let i = 0; i < count; i++) {
    beginElement(value, name, i, count, words);
    for (let word = 0; word < words; word++) while (!input.pass(output)) yield;
  }
}

export function setCommands(value: ValueTransfer): Generator<void, void> {
  return writeStrings(value, SADD, 1);
}

export function* intsetCommands(value: ValueTransfer): Generator<void, void> {
  const { input, output } = value;
  while (!input.string()) yield;
  const { bytes, start } = input;
  const count = intsetCount(bytes, start);
  for (let i = 0; i < count; i++) {
    beginElement(value, SADD, i, count, 1);
    readInteger(bytes, start, i);
    output.words(highWord, lowWord);
  }
}

export function hashCommands(value: ValueTransfer): Generator<void, void> {
  return writeStrings(value, HMSET, 2);
}

export function* hashListpackCommands(value: ValueTransfer): Generator<void, void> {
  while (!value.input.string()) yield;
  writeListpack(value, HMSET, 2);
}

/** A sorted set: members, each with its score behind it, which a command has before it. */
export function* sortedSetCommands(value: ValueTransfer): Generator<void, void> {
  const { input, output } = value;
  const member = new StringSlot();
  while (!input.plain()) yield;
  const count = input.size();
  for (let i = 0; i < count; i++) {
    while (!input.string()) yield;
    member.copy(input.bytes, input.start, input.length);
    while (!input.plain()) yield;
    const low = input.int32();
    beginElement(value, ZADD, i, count, 2);
    writeScore(output, scoreOfWords(low, input.int32()));
    output.range(member);
  }
}

function writeScore(output: CommandWriter, score: number): void {
  if (Number.isSafeInteger(score) && !Object.is(score, -0)) output.integer(score);
  else output.text(formatDouble(score));
}

/** One in a listpack has the scores as the text that they have in a command, too. */
export function* sortedSetListpackCommands(value: ValueTransfer): Generator<void, void> {
  const { input, output } = value;
  while (!input.string()) yield;
  const { bytes, start } = input;
  const count = listpackCount(bytes, start) / 2;
  let at = firstElement(start);
  for (let i = 0; i < count; i++) {
    beginElement(value, ZADD, i, count, 2);
    const end = element.read(bytes, at + entryBytes(bytes, at));
    output.element(element);
    element.read(bytes, at);
    output.element(element);
    at = end;
  }
}
