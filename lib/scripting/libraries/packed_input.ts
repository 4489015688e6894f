/** Reads numbers out of byte strings. Who calls has made sure that their bytes are there. */

const scratch = new DataView(new ArrayBuffer(8));
const TWO_32 = 2 ** 32;
const WORD_BYTES = 8;

export function readUint16(data: string, at: number): number {
  return (data.charCodeAt(at) << 8) | data.charCodeAt(at + 1);
}

/** As an int32; unsigned it is what `>>> 0` makes of it. */
export function readInt32(data: string, at: number): number {
  return (readUint16(data, at) << 16) | readUint16(data, at + 2);
}

/** The double nearest to an int64. */
export function readInt64(data: string, at: number): number {
  return readInt32(data, at) * TWO_32 + (readInt32(data, at + 4) >>> 0);
}

export function readFloat(data: string, at: number, isLittleEndian: boolean): number {
  scratch.setInt32(0, readInt32(data, at));
  return scratch.getFloat32(0, isLittleEndian);
}

export function readDouble(data: string, at: number, isLittleEndian: boolean): number {
  scratch.setInt32(0, readInt32(data, at));
  scratch.setInt32(4, readInt32(data, at + 4));
  return scratch.getFloat64(0, isLittleEndian);
}

/** The double nearest to an integer of any number of bytes, of which the lowest 8 count. */
export function readUnsigned(data: string, at: number, size: number, isLittleEndian: boolean): number {
  const low = readWord(data, at, size, isLittleEndian, 0);
  const high = size > 4 ? readWord(data, at, size, isLittleEndian, 4) : 0;
  return (high >>> 0) * TWO_32 + (low >>> 0);
}

/**
 * The same of a signed integer. Of more than 8 bytes it is what Redis makes of it on x86, where a shift by 64 bits is
 * one by 0: the sign bit is that of an integer 8 (16, 24) bytes shorter, and any bit above it counts as one too.
 */
export function readSigned(data: string, at: number, size: number, isLittleEndian: boolean): number {
  if (size === 0) return 0;
  let low = readWord(data, at, size, isLittleEndian, 0);
  if (size <= 4) return (low << (32 - 8 * size)) >> (32 - 8 * size);
  let high = readWord(data, at, size, isLittleEndian, 4);
  const signBit = 8 * ((size - 1) % WORD_BYTES) + 7;
  const lowMask = signBit < 32 ? -1 << signBit : 0;
  const highMask = signBit < 32 ? -1 : -1 << (signBit - 32);
  if (((low & lowMask) | (high & highMask)) !== 0) {
    low |= lowMask;
    high |= highMask;
  }
  return high * TWO_32 + (low >>> 0);
}

/** Up to four bytes of an integer, from the `first` on, counted from the lowest. */
function readWord(data: string, at: number, size: number, isLittleEndian: boolean, first: number): number {
  let word = 0;
  const end = Math.min(size, first + 4);
  for (let i = first; i < end; i++) {
    word |= data.charCodeAt(isLittleEndian ? at + i : at + size - 1 - i) << (8 * (i - first));
  }
  return word;
}
