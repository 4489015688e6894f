/**
 * Transactions as scripts: the same requests, called by a script, or by a function of a library, have the same replies and
 * the same effects, as one, as EXEC would have them.
 */

import type { Chance } from "./chance.ts";

/** Calls each request among the arguments, which its number of words stands before; gives the replies. */
const CALLS_ALL = `
  local replies, at = {}, 1
  while at <= #ARGV do
    local count = tonumber(ARGV[at])
    replies[#replies + 1] = redis.pcall(unpack(ARGV, at + 1, at + count))
    at = at + count + 1
  end
  return replies`;

/** The same in a coroutine, for which a script begins anew behind its first call, and is handed that reply again. */
const CALLS_ALL_IN_COROUTINE = `
  local first = tonumber(ARGV[1])
  local replies, at = {redis.pcall(unpack(ARGV, 2, 1 + first))}, 2 + first
  local call = coroutine.wrap(function()
    while true do
      local count = tonumber(ARGV[at])
      local from = at + 1
      at = at + count + 1
      coroutine.yield(redis.pcall(unpack(ARGV, from, from + count - 1)))
    end
  end)
  while at <= #ARGV do replies[#replies + 1] = call() end
  return replies`;

/** Of which no server may lose the library that it has acknowledged, wherever the data goes. */
export const LIBRARY = `#!lua name=simulation
redis.register_function('call_all', function(KEYS, ARGV) ${CALLS_ALL} end)`;
export const LIBRARY_NAME = "simulation";

/** What a transaction may ask for and a script may not: streams' readers with BLOCK, and WAITAOF. */
function isTransactionsOnly([name, ...args]: readonly string[]): boolean {
  return name === "WAITAOF" || /^XREAD/.test(name) && args.includes("BLOCK");
}

/** Requests as one that runs them all, of any kind; null: as a transaction. */
export function scripted(requests: readonly (readonly string[])[], chance: Chance): string[] | null {
  if (requests.some(isTransactionsOnly)) return null;
  const args = requests.flatMap((words) => [String(words.length), ...words]);
  switch (chance.below(4)) {
    case 0:
      return ["EVAL", CALLS_ALL, "0", ...args];
    case 1:
      // A text of its own each time: a script that is known makes its coroutine at once.
      return ["EVAL", `${CALLS_ALL_IN_COROUTINE} -- ${chance.below(1000)}`, "0", ...args];
    case 2:
      return ["FCALL", "call_all", "0", ...args];
    default:
      return null;
  }
}
