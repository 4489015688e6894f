/** How two states of the data of a server differ, expired keys apart: those may be gone. */

/** Values and expiries as text, by number of the database and key; see tests/model/plain.ts. */
export type Contents = ReadonlyMap<string, string>;

/** The first thing in which `found` is not what `wanted` has become by `nowMs` of Unix time; empty if there is none. */
export function firstDifference(wanted: Contents, found: Contents, nowMs: number): string {
  for (const [key, text] of wanted) {
    const other = found.get(key);
    if (other === text || (other === undefined && expiryOf(text) <= nowMs)) continue;
    return `${key} was ${shown(text)} and is ${shown(other)}`;
  }
  for (const [key, text] of found) if (!wanted.has(key)) return `${key} was not there and is ${shown(text)}`;
  return "";
}

function expiryOf(text: string): number {
  const expiry: string = JSON.parse(text)[1];
  return expiry === "null" ? Infinity : Number(expiry);
}

function shown(text: string | undefined): string {
  if (text === undefined) return "missing";
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
