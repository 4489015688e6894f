/**
 * As much of WebAssembly's binary format (WebAssembly Core 2.0, chapter 5) as bytes/vectors.ts needs, which writes the code
 * of its functions with it: 32-bit integers, vectors of 128 bits, one loop, one memory.
 */

/** Instructions, encoded. */
export type Code = readonly number[];

export const I32 = 0x7f;
export const V128 = 0x7b;

/** A function that a module exports. What it takes are the first of its variables, all of them `I32`. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  /** The types of its other variables, which begin as 0. */
  readonly variables: readonly number[];
  /** Whether it leaves an `I32`. */
  readonly hasResult: boolean;
  readonly code: Code;
}

/** An unsigned integer (LEB128). */
function unsigned(value: number): Code {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)];
}

/** A signed one. */
function signed(value: number): Code {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = rest === 0 ? (low & 0x40) === 0 : rest === -1 && (low & 0x40) !== 0;
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

/** Log2 of the alignment in bytes that loads and stores may count on: here none. */
const ALIGNMENT = 0;

// --- Instructions -----------------------------------------------------------------------------------------------------

export const get = (variable: number): Code => [0x20, variable];
export const set = (variable: number): Code => [0x21, variable];
/** Sets a variable and leaves its value. */
export const tee = (variable: number): Code => [0x22, variable];
export const integer = (value: number): Code => [0x41, ...signed(value)];
export const ADD: Code = [0x6a];
export const SHIFT_LEFT: Code = [0x74];
export const SHIFT_RIGHT: Code = [0x76];
export const IS_BELOW: Code = [0x49];
export const storeInteger = (offset: number): Code => [0x36, ALIGNMENT, ...unsigned(offset)];

const vector = (operation: number): Code => [0xfd, ...unsigned(operation)];
export const load = (offset: number): Code => [...vector(0), ALIGNMENT, ...unsigned(offset)];
export const store = (offset: number): Code => [...vector(11), ALIGNMENT, ...unsigned(offset)];
/** A vector of which each byte is the integer's lowest. */
export const SPLAT_BYTE = vector(15);
export const NOT = vector(77);
export const AND = vector(78);
export const OR = vector(80);
export const XOR = vector(81);
/** Whether any bit of a vector is set. */
export const ANY_TRUE = vector(83);
/** The bits set in each byte. */
export const COUNT_BITS_OF_BYTES = vector(98);
/** Sums of pairs: of bytes as 16 bits, of those as 32 bits. */
export const ADD_PAIRS_OF_BYTES = vector(125);
export const ADD_PAIRS_OF_HALVES = vector(127);
/** Adds vectors of four 32-bit integers. */
export const ADD_INTEGERS = vector(174);
/** One of four 32-bit integers. */
export const lane = (index: number): Code => [...vector(27), index];

/** Code that is run again as long as it leaves a value that is not 0. */
export const repeat = (...code: Code[]): Code => [0x03, 0x40, ...code.flat(), 0x0d, 0, 0x0b];
/** Within the code given to `within`, not in a loop of it; and within a loop of it: ends that code where a value is not 0. */
export const leaveLoop: Code = [0x0d, 1];
export const within = (...code: Code[]): Code => [0x02, 0x40, ...code.flat(), 0x0b];

// --- Modules ----------------------------------------------------------------------------------------------------------

function list(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function sized(code: Code): Code {
  return [...unsigned(code.length), ...code];
}

function text(value: string): Code {
  return sized([...value].map((character) => character.charCodeAt(0)));
}

/** A module of functions over a memory of so many pages of 64 KiB, which it exports as `memory`. */
export function moduleOf(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const section = (id: number, items: readonly Code[]): Code => [id, ...sized(list(items))];
  const typeOf = ({ parameters, hasResult }: WasmFunction): Code => [
    0x60,
    ...list(new Array<Code>(parameters).fill([I32])),
    ...list(hasResult ? [[I32]] : []),
  ];
  const bodyOf = ({ variables, code }: WasmFunction): Code =>
    sized([...list(variables.map((type) => [1, type])), ...code, 0x0b]);
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, functions.map(typeOf)),
    ...section(3, functions.map((_, i) => unsigned(i))),
    ...section(5, [[1, pages, pages]]),
    ...section(7, [[...text("memory"), 2, 0], ...functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)])]),
    ...section(10, functions.map(bodyOf)),
  ]);
}
