/**
 * What is done to long strings in vectors of 128 bits, which JavaScript has not: WebAssembly has. Its memory is its own, so
 * that strings are copied into it, a window at a time, and back; that is still two to five times as fast as 32 bits at
 * a time. Used by bits.ts and hyperloglog.ts, one thing after the other, on one page of memory.
 */

import {
  ADD,
  ADD_INTEGERS,
  ADD_PAIRS_OF_BYTES,
  ADD_PAIRS_OF_HALVES,
  AND,
  ANY_TRUE,
  type Code,
  COUNT_BITS_OF_BYTES,
  get,
  I32,
  integer,
  IS_BELOW,
  lane,
  leaveLoop,
  load,
  moduleOf,
  NOT,
  OR,
  repeat,
  set,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SPLAT_BYTE,
  store,
  storeInteger,
  tee,
  V128,
  type WasmFunction,
  within,
  XOR,
} from "./wasm.ts";

/** Bytes of a window. */
export const WINDOW_BYTES = 28 * 1024;
/**
 * Where the windows lie. Long strings begin a few bytes behind a multiple of 4 KiB in the arena: if windows began at one, Bun
 * would copy out of them at a fifteenth of its speed, as processors take a read for one of what was just written where the
 * lower 12 bits of both addresses agree.
 */
const FIRST = 2048;
const SECOND = FIRST + WINDOW_BYTES;
/** Bytes that are looked at together by `skip`. */
export const SKIPPED_BYTES = 32;
/** Bytes of a block of `blocksNotZero`. */
export const BLOCK_BYTES = 16;

/**
 * Works on the beginning of the first window, `length` bytes of it, which are rounded up: what lies behind them is changed as
 * well, or, by those that look, must not be there. `length` is at least 1.
 */
interface Operations {
  /** Combines the first window with the second. */
  and(length: number): void;
  or(length: number): void;
  xor(length: number): void;
  /** Turns all bits. */
  not(length: number): void;
  /** How many bits are set. Rounds up to 16 bytes. */
  count(length: number): number;
  /** Offset of the first `SKIPPED_BYTES` that are not all `byte`; `length` or more if there are none. */
  skip(length: number, byte: number): number;
  /** Finds the blocks of which not all bytes are 0: their offsets, as 32-bit integers in the second window. How many. */
  blocksNotZero(length: number): number;
}

// The variables of all functions.
const LENGTH = 0;
const AT = 1;

/** Goes `step` bytes further, and on as long as that is within the length. */
const further = (step: number): Code => [get(AT), integer(step), ADD, tee(AT), get(LENGTH), IS_BELOW].flat();

/** Two vectors of the first window are combined with two of the second, or turned. */
function combining(name: string, operation: Code): WasmFunction {
  const one = (offset: number): Code => {
    const other = operation === NOT ? [] : [...get(AT), ...load(SECOND + offset)];
    return [get(AT), get(AT), load(FIRST + offset), other, operation, store(FIRST + offset)].flat();
  };
  const code = repeat(one(0), one(16), further(32));
  return { name, parameters: 1, variables: [I32], hasResult: false, code };
}

/** Bits of bytes are added up to four sums, which no window makes too large. */
function counting(): WasmFunction {
  const SUMS = 2;
  const counts = [COUNT_BITS_OF_BYTES, ADD_PAIRS_OF_BYTES, ADD_PAIRS_OF_HALVES].flat();
  const loop = repeat([get(SUMS), get(AT), load(FIRST), counts, ADD_INTEGERS, set(SUMS)].flat(), further(16));
  const sum = [0, 1, 2, 3].flatMap((i) => [...get(SUMS), ...lane(i), ...(i === 0 ? [] : ADD)]);
  return { name: "count", parameters: 1, variables: [I32, V128], hasResult: true, code: [...loop, ...sum] };
}

function skipping(): WasmFunction {
  const BYTE = 1;
  const PLACE = 2;
  const SKIPPED = 3;
  const other = (offset: number): Code => [get(PLACE), load(FIRST + offset), get(SKIPPED), XOR].flat();
  const code = [
    [get(BYTE), SPLAT_BYTE, set(SKIPPED)].flat(),
    within(
      repeat(
        [other(0), other(16), OR, ANY_TRUE, leaveLoop].flat(),
        [get(PLACE), integer(SKIPPED_BYTES), ADD, tee(PLACE), get(LENGTH), IS_BELOW].flat(),
      ),
    ),
    get(PLACE),
  ].flat();
  return { name: "skip", parameters: 2, variables: [I32, V128], hasResult: true, code };
}

/** Each block's offset is written, and the place is kept where the block is one that is looked for: no branch is mistaken. */
function listing(): WasmFunction {
  const TO = 2;
  const code = [
    repeat(
      [get(TO), get(AT), storeInteger(SECOND)].flat(),
      [get(TO), get(AT), load(FIRST), ANY_TRUE, integer(2), SHIFT_LEFT, ADD, set(TO)].flat(),
      further(BLOCK_BYTES),
    ),
    [get(TO), integer(2), SHIFT_RIGHT].flat(),
  ].flat();
  return { name: "blocksNotZero", parameters: 1, variables: [I32, I32], hasResult: true, code };
}

const FUNCTIONS: readonly WasmFunction[] = [
  combining("and", AND),
  combining("or", OR),
  combining("xor", XOR),
  combining("not", NOT),
  counting(),
  skipping(),
  listing(),
];

/** The operations, and the windows that they work on. */
export interface Vectors {
  readonly first: Uint8Array<ArrayBuffer>;
  readonly second: Uint8Array<ArrayBuffer>;
  /** The same in 32-bit integers. */
  readonly firstWords: Int32Array<ArrayBuffer>;
  readonly secondWords: Int32Array<ArrayBuffer>;
  readonly operations: Operations;
}

let made: Vectors | null = null;

/** The vectors, made by the first who needs them. Throws where there is no memory for them. */
export function vectors(): Vectors {
  return made ?? (made = make());
}

function make(): Vectors {
  const module = new WebAssembly.Module(moduleOf(FUNCTIONS, 1));
  const { exports } = new WebAssembly.Instance(module);
  const buffer = (exports.memory as WebAssembly.Memory).buffer as ArrayBuffer; // as the module declares no shared memory
  return {
    first: new Uint8Array(buffer, FIRST, WINDOW_BYTES),
    second: new Uint8Array(buffer, SECOND, WINDOW_BYTES),
    firstWords: new Int32Array(buffer, FIRST, WINDOW_BYTES / 4),
    secondWords: new Int32Array(buffer, SECOND, WINDOW_BYTES / 4),
    operations: exports as unknown as Operations, // as FUNCTIONS has them
  };
}
