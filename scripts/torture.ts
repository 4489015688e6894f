/**
 * `deno task torture [--kills N] [--minutes M] [--server deno|bun|EXECUTABLE] [--seed N] [--only PART,…] [--brief]`: what is
 * written must be there again, whatever befalls (see tests/torture/). The parts: `kills` ends a server by SIGKILL `N` times
 * under load and looks at what is there after each; `replicas` does so to a replica, with a fifth of them; `chains` cuts,
 * kills, halts and promotes in chains of replication with redis-server for `M` minutes, after which all must agree; `damage`
 * starts servers on files that are cut, turned and overwritten anywhere; `faults` has each call of the disk fail, or the
 * server end at it; `full` fills a small file system, for which it must be allowed to mount one; `checks` compares check-aof
 * with redis-check-aof. Each part goes by the seed, which is drawn where none is given. With `--brief` a few of each are
 * tried.
 */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import { tortureChains } from "../tests/torture/chains.ts";
import { compareChecks } from "../tests/torture/checks.ts";
import { damageLog, damageRdb } from "../tests/torture/cuts.ts";
import { failEachCall, type Life } from "../tests/torture/faults.ts";
import { canMount, FULL_DISK } from "../tests/torture/full_disk.ts";
import { torture } from "../tests/torture/kills.ts";
import { tortureReplica } from "../tests/torture/replicas.ts";
import { canRun, misused } from "./usage.ts";

const SEEDS = 2 ** 31;
/** With `--brief`, one call of the disk in so many is made to fail. */
const ONE_IN = 29;
/** Of so many kills one is of a replica. */
const KILLS_OF_A_REPLICA = 5;
const PARTS = ["kills", "replicas", "chains", "damage", "faults", "full", "checks"] as const;

/** The arguments, or the end of the script where they make no sense. */
function readArguments() {
  try {
    return parseArgs({
      options: {
        kills: { type: "string", default: "200" },
        minutes: { type: "string", default: "5" },
        server: { type: "string", default: "deno" },
        seed: { type: "string" },
        only: { type: "string", default: PARTS.join(",") },
        brief: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    misused(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumberOf(name: string, text: string): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (!Number.isInteger(number) || number < 0) misused(`--${name} ${text}: that is no whole number`);
  return number;
}

const given = readArguments();
const { brief, server: kind } = given;
const kills = wholeNumberOf("kills", given.kills);
const minutes = wholeNumberOf("minutes", given.minutes);
const seed = given.seed === undefined ? Math.floor(Math.random() * SEEDS) : wholeNumberOf("seed", given.seed);
const wanted = given.only.split(",");
for (const name of wanted) {
  if (!PARTS.some((part) => part === name)) misused(`no part '${name}'; there are ${PARTS.join(", ")}`);
}
if (!canRun(kind)) misused(`no server '${kind}': that is neither deno, bun nor a program that can be run`);

const LIVES: readonly Life[] = (["always", "everysec", "no"] as const).flatMap((policy) => [
  { policy, preamble: "yes", lasts: false, code: "EIO" },
  { policy, preamble: "no", lasts: false, code: "ENOSPC" },
  { policy, preamble: "yes", lasts: true, code: "ENOSPC" },
  { policy, preamble: "no", lasts: true, code: "EIO" },
  { policy, preamble: "yes", lasts: true, code: "SIGKILL" },
  { policy, preamble: "no", lasts: true, code: "SIGKILL" },
]);

function show(report: object): string {
  return JSON.stringify(report).replaceAll('"', "").replaceAll(",", ", ");
}

/** What each part does; what there is to say of it. */
const WORK: Readonly<Record<typeof PARTS[number], () => Promise<string>>> = {
  async kills() {
    return show(await torture({ kind, seed, kills, tell: console.log }));
  },
  async replicas() {
    return show(await tortureReplica({ kind, seed, kills: Math.ceil(kills / KILLS_OF_A_REPLICA), tell: console.log }));
  },
  async chains() {
    if (!canRun("redis-server")) return "skipped, as there is no redis-server here";
    const report = await tortureChains({ kind, seed, minutes: brief ? 0 : minutes, tell: console.log });
    return show(report);
  },
  async damage() {
    const how = brief ? { seed, oneIn: 40, bits: 1 } : { seed, oneIn: 1, bits: 3 };
    const [rdb, aof, dump] = [await damageLog("rdb", how), await damageLog("aof", how), await damageRdb(how)];
    return `base in RDB ${show(rdb)}, base of commands ${show(aof)}, RDB file ${show(dump)}`;
  },
  async faults() {
    const said: string[] = [];
    for (const life of LIVES) {
      const first = brief ? 1 + seed % ONE_IN : 1;
      said.push(`\n  ${show(life)}: ${show(await failEachCall(life, first, brief ? ONE_IN : 1))}`);
    }
    return said.join("");
  },
  async full() {
    if (!canMount()) return "skipped, as no file system can be mounted here";
    for (const scenario of Object.values(FULL_DISK)) await scenario(kind);
    return Object.keys(FULL_DISK).map((name) => `\n  ${name}`).join("");
  },
  async checks() {
    if (spawnSync("redis-check-aof", ["--version"], { stdio: "ignore" }).error !== undefined) {
      return "skipped, as there is no redis-check-aof here";
    }
    return `${await compareChecks(kind, seed, brief ? 5 : 100)} files`;
  },
};
console.log(`torture with seed ${seed}, server ${kind}`);
for (const part of PARTS) {
  if (!wanted.includes(part)) continue;
  const startMs = Date.now();
  try {
    const said = await WORK[part]();
    console.log(`${part}: ${said} (${((Date.now() - startMs) / 1000).toFixed(0)} s)`);
  } catch (error) {
    console.log(error instanceof Error ? error.stack : error);
    const again = `--server ${kind} --seed ${seed} --only ${part} --kills ${kills} --minutes ${minutes}`;
    console.log(`FAILED: ${part}. Once more: deno task torture ${again}`);
    process.exit(1);
  }
}
process.exit(0);
