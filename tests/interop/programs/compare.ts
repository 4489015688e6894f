/**
 * Whether two servers' replies to the same program mean the same: byte for byte, but for what no program can know. All
 * else that may differ is kept out of programs where they are written (`grammar/`).
 */

/** The sign of what is no number, which each engine's arithmetic leaves as it likes. */
const SIGNED_NAN = /-nan/g;
/** Where tables and functions lie. */
const ADDRESS = /\b(table|function|thread|userdata): 0x[0-9a-f]+/g;
/** Lengths, as what stands in a string may be longer for one of these. */
const LENGTH = /\$\d+\r\n/g;
/** Doubles that are replies: 7.2 writes them in their shortest form, 7.0 with 17 digits. */
const LONG_DOUBLE = /^([,$]-?\d+\.\d{12,}(?:e[-+]\d+)?)\r$/gm;
/**
 * Where an error came to be that a function of a library made which another one had called: Redis names C's code.
 */
const PLACE_IN_C = / on =\[C\]:-1\.\r\n$/;
const PLACE = / on @user_script:\d+\.\r\n$/;

/** What cannot be in JSON: which of several that is told of is the first in the order of a table, which is each server's own. */
const NOT_IN_JSON = /Cannot serialise [^"\r]*/g;
/** An object of JSON in which there is none; the order of what is in it is each server's own. */
const OBJECT = /\{([^{}]*)\}/g;

export function sameReply(here: string, redis: string): boolean {
  if (here === redis) return true;
  const place = PLACE_IN_C.exec(redis)?.[0];
  return withoutChance(place === undefined ? here : here.replace(PLACE, place)) === withoutChance(redis);
}

function withoutChance(reply: string): string {
  return reply.replace(SIGNED_NAN, "nan").replace(ADDRESS, "$1").replace(LENGTH, "$")
    .replace(NOT_IN_JSON, "Cannot serialise").replace(
      LONG_DOUBLE,
      (_, double) => `${double[0]}${Number(double.slice(1))}\r`,
    ).replace(/.*\r$/gm, withoutOrder);
}

/** A line with what is in objects of JSON in one order, the innermost first. */
function withoutOrder(line: string): string {
  for (;;) {
    const sorted = line.replace(OBJECT, (_, entries: string) => `<${entries.split(",").sort().join()}>`);
    if (sorted === line) return line;
    line = sorted;
  }
}
