/**
 * Makes the commands of an append-only file's base out of the tokens (../token_writer.ts) that are made to be RDB: the
 * worker that encodes snapshots has it in the place of the RDB encoder where `aof-use-rdb-preamble` is off. The main thread
 * does not know which of them its tokens go to.
 *
 * It reads the records that RdbWriter writes (../rdb_writer.ts), and the values of the RDB types that the writers of value
 * types have (../types/). How a key was used, and what the file says of itself, is left out: no command says it.
 */

import { encodeLatin1 } from "../../bytes/latin1.ts";
import {
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRETIME_MS,
  OPCODE_FREQ,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_RESIZEDB,
  OPCODE_SELECTDB,
  RDB_HEADER_BYTES,
  RDB_TYPE_HASH,
  RDB_TYPE_HASH_LISTPACK,
  RDB_TYPE_LIST_QUICKLIST_2,
  RDB_TYPE_SET,
  RDB_TYPE_SET_INTSET,
  RDB_TYPE_STREAM_LISTPACKS_2,
  RDB_TYPE_STRING,
  RDB_TYPE_ZSET_2,
  RDB_TYPE_ZSET_LISTPACK,
} from "../rdb_format.ts";
import type { ByteSink } from "../rdb_encoder.ts";
import { StringSlot } from "../rdb_input.ts";
import { TokenReader } from "../token_reader.ts";
import { CommandWriter, wordOf } from "./command_writer.ts";
import { streamCommands } from "./stream_commands.ts";
import {
  hashCommands,
  hashListpackCommands,
  intsetCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  sortedSetListpackCommands,
  type ValueCommands,
  type ValueTransfer,
} from "./value_commands.ts";

const FUNCTION = wordOf("FUNCTION");
const LOAD = wordOf("LOAD");
const PEXPIREAT = wordOf("PEXPIREAT");
const SELECT = wordOf("SELECT");
const SET = wordOf("SET");

/** Of all RDB types but that of strings, which are most of the keys mostly: for them there is no generator. */
const VALUE_COMMANDS: ReadonlyMap<number, ValueCommands> = new Map([
  [RDB_TYPE_LIST_QUICKLIST_2, listCommands],
  [RDB_TYPE_SET, setCommands],
  [RDB_TYPE_SET_INTSET, intsetCommands],
  [RDB_TYPE_ZSET_2, sortedSetCommands],
  [RDB_TYPE_ZSET_LISTPACK, sortedSetListpackCommands],
  [RDB_TYPE_HASH, hashCommands],
  [RDB_TYPE_HASH_LISTPACK, hashListpackCommands],
  [RDB_TYPE_STREAM_LISTPACKS_2, streamCommands],
]);

function commandsOf(type: number): ValueCommands {
  const commands = VALUE_COMMANDS.get(type);
  if (commands === undefined) throw new Error(`no commands for the RDB type ${type}`);
  return commands;
}

export interface CommandEncoderOptions {
  /** When the data set was so, in seconds of Unix time, which the file begins with; null: it does not say. */
  readonly timestamp: number | null;
}

export class CommandEncoder {
  readonly #input = new TokenReader();
  readonly #output: CommandWriter;
  readonly #records: Generator<void, void>;
  #isOver = false;
  /** The database that is selected, or -1. */
  #database = -1;
  /** Whether the next key expires, and when, in ms of Unix time. */
  #isExpiring = false;
  #expiryHigh = 0;
  #expiryLow = 0;

  constructor({ timestamp }: CommandEncoderOptions, sink: ByteSink) {
    this.#output = new CommandWriter(sink);
    this.#records = this.#transfer();
    if (timestamp === null) return;
    const annotation = encodeLatin1(`#TS:${timestamp}\r\n`);
    this.#output.append(annotation, 0, annotation.length);
  }

  /** Bytes given to the sink. */
  get bytesOut(): number {
    return this.#output.bytesOut;
  }

  /** Encodes a chunk of tokens. */
  push(chunk: Uint8Array, length: number): void {
    this.#input.push(chunk, length);
    this.#isOver = this.#records.next().done === true;
  }

  /** Gives what was gathered to the sink. */
  flush(): void {
    this.#output.flush();
  }

  /** Ends the file: gives everything to the sink. */
  finish(): void {
    if (!this.#isOver) throw new Error("the tokens end before the data does");
    this.flush();
  }

  /** Reads all records, and stops wherever the next chunk must come. */
  *#transfer(): Generator<void, void> {
    const input = this.#input;
    const output = this.#output;
    const key = new StringSlot();
    const value: ValueTransfer = { key, input, output };
    while (!input.plain()) yield;
    input.take(RDB_HEADER_BYTES);
    for (;;) {
      while (!input.plain()) yield;
      const opcode = input.byte();
      if (opcode === OPCODE_EOF) return;
      if (opcode === OPCODE_AUX) {
        for (let i = 0; i < 2; i++) while (!input.string()) yield;
        continue;
      }
      if (opcode === OPCODE_FUNCTION2) {
        output.begin(3, FUNCTION);
        output.word(LOAD);
        while (!input.pass(output)) yield;
        continue;
      }
      if (this.#readOperands(opcode)) continue;
      while (!input.string()) yield;
      key.copy(input.bytes, input.start, input.length);
      if (opcode === RDB_TYPE_STRING) {
        output.begin(3, SET);
        output.range(key);
        while (!input.pass(output)) yield;
      } else {
        yield* commandsOf(opcode)(value);
      }
      if (this.#isExpiring) this.#expire(key);
    }
  }

  /** Reads what follows an opcode of lengths and numbers alone; false where it is no such opcode but a type. */
  #readOperands(opcode: number): boolean {
    const input = this.#input;
    switch (opcode) {
      case OPCODE_SELECTDB:
        this.#select(input.size());
        return true;
      case OPCODE_RESIZEDB:
        input.size();
        input.size();
        return true;
      case OPCODE_IDLE:
        input.size();
        return true;
      case OPCODE_FREQ:
        input.byte();
        return true;
      case OPCODE_EXPIRETIME_MS:
        this.#isExpiring = true;
        this.#expiryLow = input.int32();
        this.#expiryHigh = input.int32();
        return true;
    }
    return false;
  }

  #expire(key: StringSlot): void {
    this.#isExpiring = false;
    this.#output.begin(3, PEXPIREAT);
    this.#output.range(key);
    this.#output.words(this.#expiryHigh, this.#expiryLow);
  }

  #select(database: number): void {
    if (database === this.#database) return;
    this.#database = database;
    this.#output.begin(2, SELECT);
    this.#output.integer(database);
  }
}
