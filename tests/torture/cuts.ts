/** Starts on damaged data, in this process: thousands of them, each with one thing wrong. */

import assert from "node:assert/strict";
import { encodeLatin1 } from "../../lib/bytes/latin1.ts";
import { Random } from "../integration/data_set.ts";
import { Damaged, garbage, makeLog, makeRdb, type SampleLog, stateAt, withBitTurned, withTail } from "./damage.ts";

const MANIFEST = "appendonly.aof.manifest";
const BITS = 8;

/** How much is tried: one place in so many, and so many bits of each. */
export interface Thoroughness {
  readonly seed: number;
  readonly oneIn: number;
  readonly bits: number;
}

/** Starts that have loaded something, and that have refused. */
export interface DamageReport {
  readonly loaded: number;
  readonly refused: number;
}

/** The places in `length` bytes that are tried. */
function* places(length: number, random: Random, oneIn: number): Generator<number> {
  for (let at = random.below(oneIn); at < length; at += oneIn) yield at;
}

async function inDamaged(body: (damaged: Damaged) => Promise<void>): Promise<DamageReport> {
  const damaged = new Damaged();
  try {
    await body(damaged);
  } finally {
    damaged.remove();
  }
  const { loaded, refused } = damaged;
  return { loaded, refused };
}

/** The part of a name's bytes that is kept. */
const cut = (bytes: Uint8Array, length: number) => bytes.slice(0, length);

/** Every damage to an append-only file that is not to lose what stands before it. */
export function damageLog(format: "rdb" | "aof", how: Thoroughness): Promise<DamageReport> {
  return inDamaged(async (damaged) => {
    const log = await makeLog(format);
    const random = new Random(how.seed);
    await cutIncrement(damaged, log, random, how);
    await cutBeforeEmpty(damaged, log, random, how);
    await cutBase(damaged, log, random, how);
    await turnBits(damaged, log, random, how);
    await addTails(damaged, log, random);
    await leaveOut(damaged, log);
    await cutManifest(damaged, log, random, how);
  });
}

/** The end of the last increment is missing: all before it is there, and the file ends with it. */
async function cutIncrement(damaged: Damaged, log: SampleLog, random: Random, { oneIn }: Thoroughness): Promise<void> {
  const bytes = bytesOf(log, log.increment);
  for (const length of places(bytes.length + 1, random, oneIn)) {
    const what = `the increment cut at ${length}`;
    damaged.layLog(log, { [log.increment]: cut(bytes, length) });
    const { isUp, digest, warnings } = await damaged.startLog(what);
    assert.ok(isUp, `${what}: ${warnings}`);
    assert.equal(digest, stateAt(log, length).digest, what);
    if (length % 8 !== 0) continue;
    damaged.layLog(log, { [log.increment]: cut(bytes, length) });
    const strict = await damaged.startLog(what, ["--aof-load-truncated", "no"]);
    assert.ok(!strict.isUp || strict.digest === digest, what);
  }
}

/** The same of the last but one, behind which nothing was written yet: a rewrite had just begun. */
async function cutBeforeEmpty(
  damaged: Damaged,
  log: SampleLog,
  random: Random,
  { oneIn }: Thoroughness,
): Promise<void> {
  const bytes = bytesOf(log, log.increment);
  const next = "appendonly.aof.3.incr.aof";
  const manifest = withTail(bytesOf(log, MANIFEST), encodeLatin1(`file ${next} seq 3 type i\n`));
  for (const length of places(bytes.length + 1, random, 4 * oneIn)) {
    const what = `the last increment but one cut at ${length}`;
    damaged.layLog(log, { [log.increment]: cut(bytes, length), [MANIFEST]: manifest, [next]: new Uint8Array(0) });
    const { isUp, digest, warnings } = await damaged.startLog(what);
    assert.ok(isUp, `${what}: ${warnings}`);
    assert.equal(digest, stateAt(log, length).digest, what);
    // What is behind it makes all the difference.
    const whole = stateAt(log, length).bytes === length;
    damaged.layLog(log, {
      [log.increment]: cut(bytes, length),
      [MANIFEST]: manifest,
      [next]: encodeLatin1("*1\r\n$4\r\nPING\r\n"),
    });
    const { isUp: isUpBefore, digest: found } = await damaged.startLog(`${what}, with something behind it`);
    if (whole) assert.equal(found, digest, what);
    else if (isUpBefore) assert.equal(found, digest, `${what}: annotations alone may be missing`);
  }
}

/** The end of the base is missing: nothing is loaded that would not be whole. */
async function cutBase(damaged: Damaged, log: SampleLog, random: Random, { oneIn }: Thoroughness): Promise<void> {
  const bytes = bytesOf(log, log.base);
  for (const length of places(bytes.length, random, oneIn)) {
    damaged.layLog(log, { [log.base]: cut(bytes, length) });
    const { isUp } = await damaged.startLog(`the base cut at ${length}`);
    assert.ok(!isUp || isCommandEnd(bytes, length), `the base cut at ${length} is loaded`);
  }
}

/** Whether a base of commands, which has neither an end nor a checksum, may end here. */
function isCommandEnd(bytes: Uint8Array, length: number): boolean {
  return bytes[0] !== encodeLatin1("R")[0] && (length === 0 || bytes[length - 1] === 10);
}

/** Bits are turned: what has a checksum is refused; of the rest nobody can tell, but it ends in order. */
async function turnBits(damaged: Damaged, log: SampleLog, random: Random, how: Thoroughness): Promise<void> {
  for (const [name, bytes] of log.files) {
    const isSummed = name === log.base && name.endsWith(".rdb");
    for (const at of places(bytes.length, random, how.oneIn)) {
      const first = random.below(BITS);
      for (let i = 0; i < how.bits; i++) {
        const bit = (first + i) % BITS;
        const what = `bit ${bit} of byte ${at} of ${name} turned`;
        damaged.layLog(log, { [name]: withBitTurned(bytes, at, bit) });
        const { isUp, digest } = await damaged.startLog(what);
        if (isSummed && isUp) assert.equal(digest, stateAt(log, Infinity).digest, what);
      }
    }
  }
}

/** Something is behind the end: zeros, as a file system leaves them that has lost power, or whatever there was before. */
async function addTails(damaged: Damaged, log: SampleLog, random: Random): Promise<void> {
  const tails: Uint8Array[] = [1, 2, 7, 512, 4096].map((length) => new Uint8Array(length));
  for (let i = 0; i < 20; i++) tails.push(garbage(random, 1 + random.below(200)));
  for (const tail of tails) {
    for (const name of [log.increment, log.base]) {
      const what = `${tail.length} bytes (${tail.slice(0, 8)}…) behind ${name}`;
      damaged.layLog(log, { [name]: withTail(bytesOf(log, name), tail) });
      const { isUp, digest } = await damaged.startLog(what);
      if (isUp) assert.equal(digest, stateAt(log, Infinity).digest, what);
    }
  }
  // The last bytes were never written, and are zero.
  const bytes = bytesOf(log, log.increment);
  for (const at of places(bytes.length, random, 97)) {
    const zeroed = bytes.slice();
    zeroed.fill(0, at);
    damaged.layLog(log, { [log.increment]: zeroed });
    const { isUp, digest } = await damaged.startLog(`zeros from ${at} on`);
    if (isUp) assert.equal(digest, stateAt(log, at).digest, `zeros from ${at} on`);
  }
}

/** Files are not there. */
async function leaveOut(damaged: Damaged, log: SampleLog): Promise<void> {
  for (const name of [log.base, log.increment]) {
    damaged.layLog(log, { [name]: null });
    assert.equal((await damaged.startLog(`${name} is not there`)).isUp, false);
  }
}

/** The manifest is cut: what is left of it names files, or is refused. */
async function cutManifest(damaged: Damaged, log: SampleLog, random: Random, { oneIn }: Thoroughness): Promise<void> {
  const bytes = bytesOf(log, MANIFEST);
  const states = new Set(log.states.map(({ digest }) => digest));
  for (const length of places(bytes.length, random, oneIn)) {
    damaged.layLog(log, { [MANIFEST]: cut(bytes, length) });
    const { isUp, digest } = await damaged.startLog(`the manifest cut at ${length}`);
    assert.ok(!isUp || states.has(digest), `the manifest cut at ${length}`);
  }
}

/** Every damage to an RDB file: it is loaded as it was, or not at all. */
export function damageRdb(how: Thoroughness): Promise<DamageReport> {
  return inDamaged(async (damaged) => {
    const { bytes, digest: whole } = await makeRdb();
    const random = new Random(how.seed);
    for (const length of places(bytes.length, random, how.oneIn)) {
      assert.equal((await damaged.startRdb(`cut at ${length}`, cut(bytes, length))).isUp, false, `cut at ${length}`);
      const zeroed = bytes.slice();
      zeroed.fill(0, length);
      const { isUp, digest } = await damaged.startRdb(`zeros from ${length} on`, zeroed);
      assert.ok(!isUp || digest === whole, `zeros from ${length} on are loaded`);
    }
    for (const at of places(bytes.length, random, how.oneIn)) {
      for (let i = 0; i < how.bits; i++) {
        const bit = (at + i) % BITS;
        const { isUp, digest } = await damaged.startRdb(
          `bit ${bit} of byte ${at} turned`,
          withBitTurned(bytes, at, bit),
        );
        assert.ok(!isUp || digest === whole, `bit ${bit} of byte ${at} turned is loaded`);
      }
    }
    for (const length of [1, 8, 100, 4096]) {
      for (const tail of [new Uint8Array(length), garbage(random, length)]) {
        const { isUp, digest } = await damaged.startRdb("something behind it", withTail(bytes, tail));
        assert.ok(!isUp || digest === whole, `${length} bytes behind it`);
      }
    }
  });
}

function bytesOf(log: SampleLog, name: string): Uint8Array {
  const bytes = log.files.get(name);
  if (bytes === undefined) throw new Error(`there is no ${name}`);
  return bytes;
}
