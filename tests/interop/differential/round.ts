/** Rounds: random cases, each of which follows from its seed. */

import { Random } from "../../integration/data_set.ts";
import { makeConfig, makeSteps } from "./families.ts";
import type { Family } from "./families/template.ts";
import { runCase } from "./run.ts";
import type { Servers } from "./servers.ts";
import { shrink } from "./shrink.ts";
import type { Case, Difference, Step } from "./steps.ts";
import { Values } from "./values.ts";

export interface RoundOptions {
  readonly family: Family;
  readonly seed: number;
  readonly commands: number;
  /** Else it is drawn. */
  readonly protocol?: 2 | 3 | undefined;
}

/** Rounds in which the keyspace events are compared as well: one in so many. */
const ROUNDS_PER_EVENTS = 4;
/** Bytes of a reply or a command that are shown. */
const SHOWN_BYTES = 600;

export function makeCase({ family, seed, commands, protocol }: RoundOptions): Case {
  const values = new Values(new Random(Math.imul(seed, 2654435761)));
  const config = makeConfig(values);
  const thresholds = [
    "hash-max-listpack-entries",
    "zset-max-listpack-entries",
    "set-max-listpack-entries",
    "set-max-intset-entries",
  ];
  // An argument more, as a command that is made wrong may have, must not be the one by which 7.2 chooses otherwise.
  values.mostElements = Math.min(60, ...thresholds.map((name) => Number(config[name]) - 1).filter((most) => most > 0));
  values.fieldSpace = values.of([4, 20, 200, 2000]);
  const drawn = values.of([2, 3] as const);
  const setting = {
    protocol: protocol ?? drawn,
    config,
    connections: family.connections ?? 1,
    sorts: family.sorts === true,
    damages: family.damages === true,
    waits: family.waiters !== undefined,
    events: values.once(ROUNDS_PER_EVENTS),
  };
  return { setting, steps: makeSteps(values, family, commands) };
}

/** Runs a round; null, or the report on a difference, with the smallest case found. */
export async function runRound(servers: Servers, options: RoundOptions): Promise<string | null> {
  const made = makeCase(options);
  const difference = await runCase(servers, made).catch((error) => {
    servers.close();
    throw new Error(`${describe(options)}: ${error instanceof Error ? error.message : error}`);
  });
  if (difference === null) return null;
  const first = `${describe(options)} differs:\n${showDifference(difference)}`;
  const smaller = await shrink(servers, made, difference);
  if (smaller === null) return `${first}\nonly in the whole of the round, or not each time`;
  const { protocol, config, events } = smaller.smallest.setting;
  return [
    first,
    "the smallest case found, which --replay FILE runs again:",
    JSON.stringify({ ...smaller.smallest.setting, protocol, config, events }),
    ...smaller.smallest.steps.map((step) => JSON.stringify(step)),
    showDifference(smaller.difference),
  ].join("\n");
}

function describe({ family, seed, commands, protocol }: RoundOptions): string {
  const asked = protocol === undefined ? "" : ` --protocol ${protocol}`;
  return `--family ${family.name} --seed ${seed} --commands ${commands}${asked}`;
}

export function showDifference({ args, replies }: Difference): string {
  const show = (text: string) => JSON.stringify(text.slice(0, SHOWN_BYTES));
  return `  command ${JSON.stringify(args).slice(0, SHOWN_BYTES)}\n  here  ${show(replies[0])}\n  redis ${
    show(replies[1])
  }`;
}

/** A case from the lines in which a report shows it. */
export function readCase(text: string): Case {
  const [setting, ...steps] = text.split("\n").filter((line) => line.startsWith("{"));
  return { setting: JSON.parse(setting), steps: steps.map((line): Step => JSON.parse(line)) };
}
