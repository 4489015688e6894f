/** The grammar: all of its parts, and how often each is drawn. */

import { type Grammar, type Maker, often } from "../writer.ts";
import { CALLS, FUNCTION_LEAVES, FUNCTION_STATEMENTS, FUNCTIONS, YIELDS } from "./functions.ts";
import { LIBRARY_CALLS } from "./libraries.ts";
import { BOOLEAN_LEAVES, BOOLEANS, NUMBER_LEAVES, NUMBERS } from "./numbers.ts";
import { OBJECT_STATEMENTS, OBJECTS } from "./objects.ts";
import { REDIS_CALLS, REDIS_STATEMENTS } from "./redis_calls.ts";
import { STATEMENTS } from "./statements.ts";
import { SEARCHES, STRING_LEAVES, STRINGS } from "./strings.ts";
import { ARRAY_LEAVES, ARRAYS, ENTRIES, RECORD_LEAVES, RECORDS, TABLE_STATEMENTS } from "./tables.ts";

/** Anything of one of the kinds. */
const OF_A_KIND: readonly Maker[] = [
  (w) => w.number(),
  (w) => w.number(),
  (w) => w.string(),
  (w) => w.string(),
  (w) => w.boolean(),
  (w) => w.array(),
  (w) => w.record(),
  (w) => w.function(),
];

const ANY_LEAVES: readonly Maker[] = [
  ...NUMBER_LEAVES,
  ...STRING_LEAVES,
  ...BOOLEAN_LEAVES,
  ...ARRAY_LEAVES,
  ...RECORD_LEAVES,
  ...FUNCTION_LEAVES,
];

export const GRAMMAR: Grammar = {
  statements: [
    ...often(2, STATEMENTS),
    ...often(2, FUNCTION_STATEMENTS),
    ...TABLE_STATEMENTS,
    ...often(3, OBJECT_STATEMENTS),
    ...REDIS_STATEMENTS,
  ],
  leaves: {
    number: NUMBER_LEAVES,
    string: STRING_LEAVES,
    boolean: BOOLEAN_LEAVES,
    array: ARRAY_LEAVES,
    record: RECORD_LEAVES,
    function: FUNCTION_LEAVES,
    any: ANY_LEAVES,
  },
  expressions: {
    number: NUMBERS,
    string: STRINGS,
    boolean: BOOLEANS,
    array: ARRAYS,
    record: [...RECORDS, ...OBJECTS],
    function: FUNCTIONS,
    any: [
      ...often(5, OF_A_KIND),
      ...often(2, CALLS),
      ...often(2, ENTRIES),
      ...often(2, SEARCHES),
      ...LIBRARY_CALLS,
      ...REDIS_CALLS,
      ...often(2, YIELDS),
    ],
  },
};
