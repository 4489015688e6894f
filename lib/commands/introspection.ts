/**
 * COMMAND: what commands there are, how they are called and where their keys are. Clients route by it, redis-cli shows
 * hints from it. The commands' declarations say what they are, `docs/` what they mean.
 */

import { globMatchText } from "../bytes/glob.ts";
import type { ReplyWriter } from "../resp/reply.ts";
import { Request } from "../resp/request.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  ASKING,
  BLOCKING,
  type Command,
  command,
  DENYOOM,
  FAST,
  HIDDEN,
  LOADING,
  MOVABLE_KEYS,
  NO_ASYNC_LOADING,
  NO_AUTH,
  NO_MANDATORY_KEYS,
  NO_MULTI,
  NOSCRIPT,
  PUBSUB,
  READONLY,
  SKIP_MONITOR,
  SKIP_SLOWLOG,
  STALE,
  WRITE,
} from "./command.ts";
import type { CommandDeclaration } from "./declaration.ts";
import { ALL_DOCS } from "./docs/all.ts";
import { type ArgumentDoc, type CommandDoc, parseSyntax } from "./docs/doc.ts";
import { SYNTAX_ERROR } from "./errors.ts";
import { findKeys, hasKeys } from "./find_keys.ts";
import { help } from "./help.ts";
import { type BeginSearch, type FindKeys, flagNames, FoundKeys, type KeySpec } from "./key_specs.ts";
import type { CommandsHost } from "./host_facets.ts";
import type { Session } from "./session.ts";

/** Whom these commands run for. */
type Caller = Session<CommandsHost>;

/** Flags by name, in the order in which they are shown. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [WRITE, "write"],
  [READONLY, "readonly"],
  [DENYOOM, "denyoom"],
  [ADMIN, "admin"],
  [PUBSUB, "pubsub"],
  [NOSCRIPT, "noscript"],
  [BLOCKING, "blocking"],
  [LOADING, "loading"],
  [STALE, "stale"],
  [SKIP_MONITOR, "skip_monitor"],
  [SKIP_SLOWLOG, "skip_slowlog"],
  [ASKING, "asking"],
  [FAST, "fast"],
  [NO_AUTH, "no_auth"],
  [NO_ASYNC_LOADING, "no_async_loading"],
  [NO_MULTI, "no_multi"],
  [NO_MANDATORY_KEYS, "no_mandatory_keys"],
  [MOVABLE_KEYS, "movablekeys"],
  [ALLOW_BUSY, "allow_busy"],
];

/** ACL categories, in the order in which they are shown. */
const CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

/** The ACL categories of a command: those that follow from its flags, and its own. */
function categoriesOf({ flags, categories }: CommandDeclaration): string[] {
  const found = new Set(categories);
  if ((flags & WRITE) !== 0) found.add("write");
  // What a script reads is for its commands to say.
  if ((flags & READONLY) !== 0 && !found.has("scripting")) found.add("read");
  if ((flags & ADMIN) !== 0) found.add("admin").add("dangerous");
  if ((flags & PUBSUB) !== 0) found.add("pubsub");
  if ((flags & BLOCKING) !== 0) found.add("blocking");
  found.add((flags & FAST) !== 0 ? "fast" : "slow");
  return CATEGORIES.filter((category) => found.has(category));
}

function replySet(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** The ten fields of COMMAND INFO. */
function replyInfo(reply: ReplyWriter, of: CommandDeclaration): void {
  reply.array(10);
  reply.bulkString(of.name);
  reply.integer(of.arity);
  replySet(reply, FLAG_NAMES.filter(([flag]) => (of.flags & flag) !== 0).map(([, name]) => name));
  for (const number of of.keyRange) reply.integer(number);
  replySet(reply, categoriesOf(of).map((category) => `@${category}`));
  const tips = ALL_DOCS.get(of.name)?.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkString(tip);
  reply.set(of.keys.length);
  for (const spec of of.keys) replyKeySpec(reply, spec);
  const subcommands = [...of.subcommands?.values() ?? []];
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const subcommand of subcommands) replyInfo(reply, subcommand);
}

function replyKeySpec(reply: ReplyWriter, { flags, begin, find, notes }: KeySpec): void {
  reply.map(notes === "" ? 3 : 4);
  if (notes !== "") {
    reply.bulkString("notes");
    reply.bulkString(notes);
  }
  reply.bulkString("flags");
  replySet(reply, flagNames(flags));
  reply.bulkString("begin_search");
  replyTyped(reply, begin.type, beginFields(begin));
  reply.bulkString("find_keys");
  replyTyped(reply, find.type, findFields(find));
}

type Fields = readonly (readonly [name: string, value: number | string])[];

function beginFields(begin: BeginSearch): Fields {
  if (begin.type === "index") return [["index", begin.index]];
  return begin.type === "unknown" ? [] : [["keyword", begin.keyword], ["startfrom", begin.startFrom]];
}

function findFields(find: FindKeys): Fields {
  if (find.type === "range") return [["lastkey", find.lastKey], ["keystep", find.keyStep], ["limit", find.limit]];
  if (find.type === "unknown") return [];
  return [["keynumidx", find.keyNumIndex], ["firstkey", find.firstKey], ["keystep", find.keyStep]];
}

function replyTyped(reply: ReplyWriter, type: string, fields: Fields): void {
  reply.map(2);
  reply.bulkString("type");
  reply.bulkString(type);
  reply.bulkString("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkString(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulkString(value);
  }
}

/** All commands that are shown. */
function shownCommands(session: Caller): CommandDeclaration[] {
  return [...session.host.commands.byName.values()].filter((one) => (one.flags & HIDDEN) === 0);
}

/** The command, or `container|subcommand`, that argument `index` names, or null. */
function commandNamed(session: Caller, request: Request, index: number): CommandDeclaration | null {
  const [name, subcommand, ...rest] = request.text(index).toLowerCase().split("|");
  const found = session.host.commands.byName.get(name) ?? null;
  if (subcommand === undefined || found === null) return found;
  return rest.length > 0 ? null : found.subcommands?.get(subcommand) ?? null;
}

/** `COMMAND` */
function commandAll(session: Caller): void {
  const all = shownCommands(session);
  session.reply.array(all.length);
  for (const one of all) replyInfo(session.reply, one);
}

/** `COMMAND COUNT` */
function commandCount(session: Caller): void {
  session.reply.integer(shownCommands(session).length);
}

/** `COMMAND INFO [name …]` */
function commandInfo(session: Caller, request: Request): void {
  if (request.argc === 2) return commandAll(session);
  session.reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    const found = commandNamed(session, request, i);
    if (found === null) session.reply.nil();
    else replyInfo(session.reply, found);
  }
}

/** `COMMAND DOCS [name …]`; unknown names are left out */
function commandDocs(session: Caller, request: Request): void {
  const asked: CommandDeclaration[] = [];
  if (request.argc === 2) asked.push(...shownCommands(session));
  for (let i = 2; i < request.argc; i++) {
    const found = commandNamed(session, request, i);
    if (found !== null) asked.push(found);
  }
  session.reply.map(asked.length);
  for (const one of asked) replyDocs(session.reply, one);
}

type Part = readonly [name: string, write: () => void];

/** The name of a command and the map of what there is to say about it. */
function replyDocs(reply: ReplyWriter, of: CommandDeclaration): void {
  reply.bulkString(of.name);
  const docs = ALL_DOCS.get(of.name);
  const parts: Part[] = docs === undefined ? [] : docParts(reply, docs, of.keys.length);
  if (of.subcommands !== null) {
    const subcommands = [...of.subcommands.values()];
    parts.push(["subcommands", () => {
      reply.map(subcommands.length);
      for (const subcommand of subcommands) replyDocs(reply, subcommand);
    }]);
  }
  replyParts(reply, parts);
}

function replyParts(reply: ReplyWriter, parts: readonly Part[]): void {
  reply.map(parts.length);
  for (const [name, write] of parts) {
    reply.bulkString(name);
    write();
  }
}

function docParts(reply: ReplyWriter, docs: CommandDoc, keySpecs: number): Part[] {
  const text = (name: string, value: string): Part => [name, () => reply.bulkString(value)];
  const parts = [
    text("summary", docs.summary),
    text("since", docs.since),
    text("group", docs.group),
    text("complexity", docs.complexity),
  ];
  const flags = [...(docs.deprecated === null ? [] : ["deprecated"]), ...(docs.isInternal ? ["syscmd"] : [])];
  if (flags.length > 0) parts.push(["doc_flags", () => replySet(reply, flags)]);
  if (docs.deprecated !== null) {
    parts.push(text("deprecated_since", docs.deprecated[0]), text("replaced_by", docs.deprecated[1]));
  }
  const syntax = parseSyntax(docs.syntax);
  const keys = { seen: 0, specs: keySpecs };
  if (syntax.length > 0) parts.push(["arguments", () => replyArguments(reply, syntax, keys)]);
  return parts;
}

function replyArguments(
  reply: ReplyWriter,
  all: readonly ArgumentDoc[],
  keys: { seen: number; readonly specs: number },
): void {
  reply.array(all.length);
  for (const one of all) {
    const text = (name: string, value: string): Part => [name, () => reply.bulkString(value)];
    const parts = [text("name", one.name), text("type", one.type)];
    const isLeaf = one.type !== "oneof" && one.type !== "block";
    if (isLeaf) parts.push(text("display_text", one.name));
    if (one.type === "key" && keys.specs > 0) {
      const index = Math.min(keys.seen++, keys.specs - 1);
      parts.push(["key_spec_index", () => reply.integer(index)]);
    }
    if (one.token !== null) parts.push(text("token", one.token));
    if (one.since !== null) parts.push(text("since", one.since));
    const flags: string[] = [];
    if (one.isOptional) flags.push("optional");
    if (one.isMultiple) flags.push("multiple");
    if (one.repeatsToken) flags.push("multiple_token");
    if (flags.length > 0) parts.push(["flags", () => replySet(reply, flags)]);
    if (!isLeaf) parts.push(["arguments", () => replyArguments(reply, one.parts, keys)]);
    replyParts(reply, parts);
  }
}

/** `COMMAND LIST [FILTERBY <MODULE name | ACLCAT category | PATTERN pattern>]` */
function commandList(session: Caller, request: Request): void {
  const { reply } = session;
  let filter: (one: CommandDeclaration) => boolean = () => true;
  if (request.argc > 2) {
    if (request.argc !== 5 || !request.is(2, "filterby")) return reply.error(SYNTAX_ERROR);
    const value = request.text(4);
    if (request.is(3, "module")) filter = () => false;
    else if (request.is(3, "aclcat")) filter = (one) => categoriesOf(one).includes(value.toLowerCase());
    else if (request.is(3, "pattern")) filter = (one) => globMatchText(value, one.name, true);
    else return reply.error(SYNTAX_ERROR);
  }
  const names: string[] = [];
  for (const one of shownCommands(session)) {
    for (const each of [one, ...one.subcommands?.values() ?? []]) if (filter(each)) names.push(each.name);
  }
  reply.array(names.length);
  for (const name of names) reply.bulkString(name);
}

/** The request that the arguments from `first` on are. */
function requestFrom(request: Request, first: number): Request {
  const inner = new Request();
  inner.bytes = request.bytes;
  for (let i = first; i < request.argc; i++) inner.push(request.starts[i], request.lengths[i]);
  return inner;
}

/** The command that a request names, or its subcommand, or null. */
function commandOf(session: Caller, { bytes, starts, lengths, argc }: Request): CommandDeclaration | null {
  const found = session.host.commands.find(bytes, starts[0], lengths[0]);
  if (found === null || found.subcommandIndex === null || argc === 1) return found;
  return found.subcommandIndex.find(bytes, starts[1], lengths[1]);
}

/** The keys of the request that the arguments from 2 on are; null after having replied with an error. */
function keysOf(session: Caller, inner: Request): FoundKeys | null {
  const { reply } = session;
  const of = commandOf(session, inner);
  const found = new FoundKeys();
  let error: string;
  if (of === null) error = "ERR Invalid command specified";
  else if (!hasKeys(of)) error = "ERR The command has no key arguments";
  else if (of.arity >= 0 ? inner.argc !== of.arity : inner.argc < -of.arity) {
    error = "ERR Invalid number of arguments specified for command";
  } else if (findKeys(of, inner, found) || (of.flags & NO_MANDATORY_KEYS) !== 0) return found;
  else error = "ERR Invalid arguments specified for command";
  reply.error(error);
  return null;
}

/** `COMMAND GETKEYS command [argument …]` */
function commandGetKeys(session: Caller, request: Request): void {
  const { reply } = session;
  const inner = requestFrom(request, 2);
  const found = keysOf(session, inner);
  if (found === null) return;
  reply.array(found.count);
  for (const index of found.indices) reply.bulk(inner.bytes, inner.starts[index], inner.lengths[index]);
}

/** `COMMAND GETKEYSANDFLAGS command [argument …]` */
function commandGetKeysAndFlags(session: Caller, request: Request): void {
  const { reply } = session;
  const inner = requestFrom(request, 2);
  const found = keysOf(session, inner);
  if (found === null) return;
  reply.array(found.count);
  for (const [i, index] of found.indices.entries()) {
    reply.array(2);
    reply.bulk(inner.bytes, inner.starts[index], inner.lengths[index]);
    replySet(reply, flagNames(found.flags[i]));
  }
}

const COMMAND_HELP = help("COMMAND", [
  ["(no subcommand)", "Describe all commands."],
  ["COUNT", "Count the commands."],
  ["LIST [FILTERBY <MODULE <name>|ACLCAT <category>|PATTERN <pattern>>]", "List the names of commands."],
  ["INFO [<command-name> ...]", "Describe the commands named, or all, as clients read it."],
  ["DOCS [<command-name> ...]", "Document the commands named, or all."],
  ["GETKEYS <full-command>", "Find the keys among a command's arguments."],
  ["GETKEYSANDFLAGS <full-command>", "Find the keys among a command's arguments, and what is done with each."],
]);

const FLAGS = LOADING | STALE;
const CONNECTION = { categories: ["connection"] };

export const INTROSPECTION_COMMANDS: readonly Command[] = [
  command("command", -1, FLAGS, commandAll, {
    categories: ["connection"],
    subcommands: [
      command("command|count", 2, FLAGS, commandCount, CONNECTION),
      command("command|docs", -2, FLAGS, commandDocs, CONNECTION),
      command("command|getkeys", -3, FLAGS, commandGetKeys, CONNECTION),
      command("command|getkeysandflags", -3, FLAGS, commandGetKeysAndFlags, CONNECTION),
      command("command|help", 2, FLAGS, COMMAND_HELP, CONNECTION),
      command("command|info", -2, FLAGS, commandInfo, CONNECTION),
      command("command|list", -2, FLAGS, commandList, CONNECTION),
    ],
  }),
];
