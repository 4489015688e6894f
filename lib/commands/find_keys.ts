/**
 * Finds the keys of a request by the specs on its command's declaration (key_specs.ts). Whoever must know which keys a
 * request names asks here: client-side tracking, COMMAND GETKEYS. Only the foresight of server/execution/batch.ts, which
 * may guess, reads the range that was derived beforehand.
 */

import type { Request } from "../resp/request.ts";
import type { CommandDeclaration } from "./declaration.ts";
import { type BeginSearch, type FindKeys, type FoundKeys, INCOMPLETE, type KeySpec } from "./key_specs.ts";
import { NOT_KEY, VARIABLE_FLAGS } from "./key_specs.ts";

/** Whether a command can have keys; channels are none. */
export function hasKeys(command: CommandDeclaration): boolean {
  return command.keyFinder !== null || command.keys.some((spec) => (spec.flags & NOT_KEY) === 0);
}

/**
 * Finds the keys of a request in the order of the specs. Specs with any of the flags in `passedOver` are left out; 0 has
 * channels found too, for whoever routes requests. Returns whether the keys could be found: arguments that no spec, and
 * not the command's own finder, can follow are an error that the command itself will tell. Nothing is found then.
 */
export function findKeys(
  command: CommandDeclaration,
  request: Request,
  found: FoundKeys,
  passedOver = NOT_KEY,
): boolean {
  found.clear();
  if (followSpecs(command.keys, request, found, passedOver)) return true;
  found.clear();
  if (command.keyFinder !== null && command.keyFinder(request, found)) return true;
  found.clear();
  return false;
}

function followSpecs(specs: readonly KeySpec[], request: Request, found: FoundKeys, passedOver: number): boolean {
  for (const spec of specs) {
    if ((spec.flags & passedOver) !== 0) continue;
    if ((spec.flags & (INCOMPLETE | VARIABLE_FLAGS)) !== 0) return false;
    const begin = beginOf(spec.begin, request);
    if (begin === 0 || !addKeys(spec.find, begin, request, spec.flags, found)) return false;
  }
  return true;
}

/** The argument where the search begins, or 0. */
function beginOf(begin: BeginSearch, request: Request): number {
  if (begin.type === "index") return begin.index;
  if (begin.type === "unknown") return 0;
  const word = begin.keyword.toLowerCase();
  const forwards = begin.startFrom > 0;
  const step = forwards ? 1 : -1;
  for (let i = forwards ? begin.startFrom : request.argc + begin.startFrom; i > 0 && i < request.argc; i += step) {
    if (request.is(i, word)) return i + 1;
  }
  return 0;
}

/** Adds the keys from argument `begin` on. False if they cannot be where the spec says. */
function addKeys(find: FindKeys, begin: number, request: Request, flags: number, found: FoundKeys): boolean {
  if (find.type === "unknown") return false;
  const { argc } = request;
  let first = begin;
  let last: number;
  if (find.type === "keynum") {
    const at = begin + find.keyNumIndex;
    const count = at < argc ? request.integer(at) : NaN;
    if (!(count > 0)) return false;
    first += find.firstKey;
    last = first + (count - 1) * find.keyStep;
  } else if (find.lastKey >= 0) {
    last = begin + find.lastKey;
  } else if (find.limit === 0) {
    last = argc + find.lastKey;
  } else {
    last = begin + Math.trunc((argc - begin) / find.limit) + find.lastKey;
  }
  if (last >= argc || last < first) return false;
  for (let i = first; i <= last; i += find.keyStep) found.add(i, flags);
  return true;
}
