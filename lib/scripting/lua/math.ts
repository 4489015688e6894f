/**
 * The `math` library (Lua 5.1 reference manual, 5.6). Its random numbers are those of Redis: of the generator that POSIX
 * calls `lrand48`, which begins as with a seed of 0 and goes on from script to script.
 */

import { intArgument, numberArgument } from "./arguments.ts";
import { ArgumentError, LibraryError } from "./errors.ts";
import type { LibraryFunctions } from "./library.ts";
import { power } from "./numbers.ts";
import { type LuaResult, type LuaValue, NOTHING } from "./values.ts";

/** The multiplier 0x5deece66d and a state, of 48 bits, in halves of 24 bits: their products are doubles without an error. */
const MULTIPLIER_HIGH = 0x5de;
const MULTIPLIER_LOW = 0xece66d;
const INCREMENT = 0xb;
const HALF_BITS = 24;
const HALF_LIMIT = 2 ** HALF_BITS;
/** The low bits of the state that a seed begins with. */
const SEED_LOW = 0x330en;
const SEED_BITS = 32;
/** Of the state, lrand48 gives the upper 31 bits: the higher half, and so many of the lower one. */
const LOW_BITS = 7;
const MOST_RANDOM = 2 ** 31 - 1;

/** The generator of `math.random`. */
export class ScriptRandom {
  #high = 0;
  #low = Number(SEED_LOW);

  /** All that the numbers to come depend on. */
  get state(): bigint {
    return (BigInt(this.#high) << BigInt(HALF_BITS)) | BigInt(this.#low);
  }

  /** Goes back to where it was. */
  set state(state: bigint) {
    this.#high = Number(state >> BigInt(HALF_BITS));
    this.#low = Number(BigInt.asUintN(HALF_BITS, state));
  }

  /** Begins anew; of the seed the lower 32 bits count. */
  seed(seed: number): void {
    this.state = (BigInt.asUintN(SEED_BITS, BigInt(seed)) << 16n) | SEED_LOW;
  }

  /** A number in [0, 1). */
  fraction(): number {
    const low = this.#low * MULTIPLIER_LOW + INCREMENT;
    const carry = Math.floor(low / HALF_LIMIT);
    const high = this.#high * MULTIPLIER_LOW + this.#low * MULTIPLIER_HIGH + carry;
    this.#low = low - carry * HALF_LIMIT;
    this.#high = high - Math.floor(high / HALF_LIMIT) * HALF_LIMIT;
    const drawn = this.#high * 2 ** LOW_BITS + (this.#low >>> (HALF_BITS - LOW_BITS));
    return drawn === MOST_RANDOM ? 0 : drawn / MOST_RANDOM;
  }
}

function ofOne(calculate: (x: number) => number) {
  return (...args: LuaValue[]): LuaResult => calculate(numberArgument(args, 1));
}

function ofTwo(calculate: (x: number, y: number) => number) {
  return (...args: LuaValue[]): LuaResult => {
    // C's compilers look at the last argument first: where both are wrong, the second is what the error names.
    const y = numberArgument(args, 2);
    return calculate(numberArgument(args, 1), y);
  };
}

export function mathFunctions(random: ScriptRandom): LibraryFunctions {
  return {
    abs: ofOne(Math.abs),
    acos: ofOne(Math.acos),
    asin: ofOne(Math.asin),
    atan: ofOne(Math.atan),
    atan2: ofTwo(Math.atan2),
    ceil: ofOne(Math.ceil),
    cos: ofOne(Math.cos),
    cosh: ofOne(Math.cosh),
    deg: ofOne((x) => x / (Math.PI / 180)),
    exp: ofOne(Math.exp),
    floor: ofOne(Math.floor),
    fmod: ofTwo((x, y) => x % y),
    mod: ofTwo((x, y) => x % y),
    frexp: (...args) => splitExponent(numberArgument(args, 1)),
    ldexp: (...args) => {
      const exponent = intArgument(args, 2); // first, as in `ofTwo`
      return timesPower(numberArgument(args, 1), exponent);
    },
    log: ofOne(Math.log),
    log10: ofOne(Math.log10),
    max: (...args) => extreme(args, (x, most) => x > most),
    min: (...args) => extreme(args, (x, least) => x < least),
    modf: (...args) => {
      const x = numberArgument(args, 1);
      // The rest has the sign of all of it, be it nought.
      return [Math.trunc(x), Math.abs(x) === Infinity ? 0 * Math.sign(x) : x % 1];
    },
    pow: ofTwo(power),
    rad: ofOne((x) => x * (Math.PI / 180)),
    random: (...args) => drawRandom(random, args),
    randomseed: (...args) => {
      random.seed(intArgument(args, 1));
      return NOTHING;
    },
    sin: ofOne(Math.sin),
    sinh: ofOne(Math.sinh),
    sqrt: ofOne(Math.sqrt),
    tan: ofOne(Math.tan),
    tanh: ofOne(Math.tanh),
  };
}

function extreme(args: readonly LuaValue[], isBeyond: (x: number, found: number) => boolean): number {
  let found = numberArgument(args, 1);
  for (let i = 2; i <= args.length; i++) {
    const x = numberArgument(args, i);
    if (isBeyond(x, found)) found = x;
  }
  return found;
}

function drawRandom(random: ScriptRandom, args: readonly LuaValue[]): number {
  const fraction = random.fraction();
  switch (args.length) {
    case 0:
      return fraction;
    case 1: {
      const most = intArgument(args, 1);
      if (most < 1) throw new ArgumentError(1, "interval is empty");
      return Math.floor(fraction * most) + 1;
    }
    case 2: {
      const [least, most] = [intArgument(args, 1), intArgument(args, 2)];
      if (least > most) throw new ArgumentError(2, "interval is empty");
      return Math.floor(fraction * (most - least + 1)) + least;
    }
    default:
      throw new LibraryError("wrong number of arguments");
  }
}

/** A mantissa in [0.5, 1) and a power of two, of which the number is the product (C's `frexp`). */
function splitExponent(x: number): [number, number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(x))) + 1);
  let mantissa = x * 2 ** -exponent;
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2;
    exponent++;
  }
  return [mantissa, exponent];
}

/** `x` times two to a power, in steps that do not overflow by themselves. */
function timesPower(x: number, power: number): number {
  const left = Math.max(-2200, Math.min(2200, power));
  const half = Math.trunc(left / 3);
  return x * 2 ** half * 2 ** half * 2 ** (left - 2 * half);
}
