/** LOLWUT: a drawing, different each time. It shows elementary cellular automata (Wolfram, 1983) in plain characters. */

import type { Request } from "../resp/request.ts";
import { random } from "../runtime/random.ts";
import { NOT_INTEGER } from "./errors.ts";
import type { Session } from "./session.ts";
import { REDIS_VERSION, TREDIS_VERSION } from "./connection.ts";

/** Rules worth looking at: chaos, nested triangles, and gliders. */
const RULES = [18, 22, 30, 45, 54, 60, 73, 90, 105, 110, 126, 150];
const DEFAULT_COLUMNS = 66;
const DEFAULT_ROWS = 24;
const MAX_COLUMNS = 1000;
const MAX_ROWS = 200;

/** Draws `rows` generations of a row of cells: from one cell, or from a random row. */
function automaton(rule: number, columns: number, rows: number, random: () => number): string {
  const fromOne = random() < 0.5;
  let cells = Array.from({ length: columns }, (_, i) => fromOne ? i === columns >> 1 : random() < 0.5);
  let text = "";
  for (let row = 0; row < rows; row++) {
    text += cells.map((alive) => alive ? "#" : " ").join("").trimEnd() + "\n";
    const before = cells;
    cells = before.map((alive, i) => {
      const left = before[(i + columns - 1) % columns];
      const right = before[(i + 1) % columns];
      return ((rule >> ((left ? 4 : 0) + (alive ? 2 : 0) + (right ? 1 : 0))) & 1) === 1;
    });
  }
  return text;
}

/** `LOLWUT [VERSION version] [columns [rows [rule]]]`; all versions draw alike */
export function lolwut(session: Session, request: Request): void {
  const { reply } = session;
  let first = 1;
  if (request.argc >= 3 && request.is(1, "version")) {
    if (Number.isNaN(request.integer(2))) return reply.error(NOT_INTEGER);
    first = 3;
  }
  const numbers: number[] = [];
  for (let i = first; i < request.argc && numbers.length < 3; i++) {
    const number = request.integer(i);
    if (Number.isNaN(number)) return reply.error(NOT_INTEGER);
    numbers.push(number);
  }
  const columns = Math.min(MAX_COLUMNS, Math.max(1, numbers[0] ?? DEFAULT_COLUMNS));
  const rows = Math.min(MAX_ROWS, Math.max(1, numbers[1] ?? DEFAULT_ROWS));
  const rule = (numbers[2] ?? RULES[Math.floor(random() * RULES.length)]) & 255;
  const drawing = automaton(rule, columns, rows, random);
  reply.verbatim(
    "txt",
    `${drawing}\nElementary cellular automaton, rule ${rule}. tredis ver. ${TREDIS_VERSION}, as Redis ver. ${REDIS_VERSION}\n`,
  );
}
