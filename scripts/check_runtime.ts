/**
 * The step of `deno task check` that sees to it that only `lib/runtime/` asks the system for the time or for chance, or
 * sets timers: whatever else did would escape a simulation. Names each place that does, with its line.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";

/** Where what is asked for here is to be had. */
const OWNER = "lib/runtime/";

/** Globals that nothing else may name at all. */
const GLOBALS = new Set([
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
  "Temporal",
]);

/** Globals of which nothing else may name these members, nor hand the whole thing over. */
const MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["Date", ["now"]],
  ["Math", ["random"]],
  ["crypto", ["getRandomValues", "randomUUID"]],
  ["process", ["hrtime", "uptime"]],
  ["os", ["uptime"]],
  ["Atomics", ["wait", "waitAsync"]],
  ["AbortSignal", ["timeout"]],
]);
/** Those of them that are more than a bag of functions: they may be handed over, tested with `instanceof` and so on. */
const HANDED_OVER = new Set(["process", "os", "AbortSignal"]);

/** Modules of the runtimes that nothing else may import from, and names that nothing else may import from the rest. */
const MODULES = new Set(["timers", "timers/promises", "perf_hooks"]);
const IMPORTS = new Set([
  "getRandomValues",
  "hrtime",
  "randomBytes",
  "randomFill",
  "randomFillSync",
  "randomInt",
  "randomUUID",
  "uptime",
  "webcrypto",
]);

/** Files that may use some of it after all, as it is their runtime's own way of ending a turn; see lib/runtime/turns.ts. */
export const EXCEPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  // Bun looks at its sockets between immediates.
  ["lib/net/bun.ts", ["setImmediate"]],
  // Where the doorbell's connection has been cut, only a timer has Deno look at its sockets.
  ["lib/net/doorbell.ts", ["setTimeout"]],
]);

/** A place that asks the system. */
export interface Use {
  /** Counted from 1. */
  readonly line: number;
  /** What it names, such as `Date.now`. */
  readonly name: string;
}

/** The uses in a file, in order; `path` is relative to the repository, with slashes. */
export function usesIn(path: string, text: string): Use[] {
  if (path.startsWith(OWNER)) return [];
  const allowed = EXCEPTIONS.get(path) ?? [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const uses: Use[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return; // types ask for nothing
    const name = useAt(node);
    if (name !== null && !allowed.includes(name)) {
      uses.push({ line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, name });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

/** What a node asks the system for, or null. */
function useAt(node: ts.Node): string | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return moduleUse(node.moduleSpecifier);
  if (ts.isImportSpecifier(node)) return importUse(node);
  if (ts.isNewExpression(node)) {
    return isNamed(node.expression, "Date") && (node.arguments ?? []).length === 0 ? "new Date()" : null;
  }
  if (!ts.isCallExpression(node)) return nameUse(node);
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return moduleUse(node.arguments[0]);
  return isNamed(node.expression, "Date") ? "Date()" : null;
}

function moduleUse(module: ts.Node | undefined): string | null {
  if (module === undefined || !ts.isStringLiteralLike(module)) return null;
  return MODULES.has(module.text.replace(/^node:/, "")) ? module.text : null;
}

function importUse(node: ts.ImportSpecifier): string | null {
  const { text } = node.propertyName ?? node.name;
  const module = node.parent.parent.parent.moduleSpecifier;
  const isRuntimes = ts.isStringLiteralLike(module) && !module.text.startsWith(".");
  return isRuntimes && IMPORTS.has(text) ? text : null;
}

/** A global that is named, by itself or as a member of `globalThis`. */
function nameUse(node: ts.Node): string | null {
  const name = globalName(node);
  if (name === null) return null;
  const member = memberOf(node);
  if (GLOBALS.has(name)) return member === null ? name : `${name}.${member}`;
  const members = MEMBERS.get(name);
  if (members === undefined) return null;
  if (member !== null) return members.includes(member) ? `${name}.${member}` : null;
  if (name === "Date" && isConstructedOrTested(node)) return null; // `useAt` looks at its arguments
  return HANDED_OVER.has(name) ? null : name;
}

/** The name of a global that a node is, or null; of a name that only happens to be the same, null too. */
function globalName(node: ts.Node): string | null {
  if (isAccess(node)) return isNamed(node.expression, "globalThis") ? memberName(node) : null;
  if (!ts.isIdentifier(node)) return null;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return null;
  if (ts.isShorthandPropertyAssignment(parent)) return node.text;
  if (ts.isImportSpecifier(parent) || ts.isImportClause(parent) || ts.isExportSpecifier(parent)) return null;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return null;
  return isDeclared(node) ? null : node.text;
}

/** Whether a name is being given to something, rather than used. */
function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node;
  return "name" in parent && parent.name === node;
}

type Access = ts.PropertyAccessExpression | ts.ElementAccessExpression;

function isAccess(node: ts.Node): node is Access {
  return ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node);
}

/** The member that is asked of a node, where the node is an object that one is asked of; else null. */
function memberOf(node: ts.Node): string | null {
  const { parent } = node;
  return isAccess(parent) && parent.expression === node ? memberName(parent) : null;
}

/** The member that an access names; null where that is only known when it runs. */
function memberName(node: Access): string | null {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  return ts.isStringLiteralLike(node.argumentExpression) ? node.argumentExpression.text : null;
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

/** Whether it is what `new`, a call or `instanceof` is about. */
function isConstructedOrTested(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isNewExpression(parent) || ts.isCallExpression(parent)) return parent.expression === node;
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
}

/** The TypeScript files in a folder and below, with slashes. */
function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name).replaceAll("\\", "/"))
    .sort();
}

if (import.meta.main) {
  let found = 0;
  for (const path of sources("lib")) {
    for (const { line, name } of usesIn(path, readFileSync(path, "utf8"))) {
      console.error(`${path}:${line}: ${name} is for ${OWNER} alone, so that a simulation can replace it`);
      found++;
    }
  }
  if (found > 0) process.exit(1);
}
