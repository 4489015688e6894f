/**
 * The step of `deno task check` that sees to it that only `lib/runtime/` asks the system for what a simulation replaces:
 * time, timers, chance, files, threads, other processes, the end; and that nothing detaches a buffer. Names each place that
 * does, with its line; runtime_rules.ts says what counts.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { DETACHING, EXCEPTIONS, GLOBALS, MEMBERS, MODULES, OWNER } from "./runtime_rules.ts";

/** Names of the object whose members the globals are. */
const GLOBAL_OBJECTS = ["globalThis", "global", "self"];

/** A place that asks the system. */
export interface Use {
  /** Counted from 1. */
  readonly line: number;
  /** What it names, such as `Date.now` or `fs.openSync`. */
  readonly name: string;
}

/** The uses in a file, in order; `path` is relative to the repository, with slashes. */
export function usesIn(path: string, text: string): Use[] {
  const isOwner = path.startsWith(OWNER);
  const allowed = EXCEPTIONS.find(({ file }) => file === path)?.names ?? [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const modules = modulesIn(source);
  const uses: Use[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || isTypeOnly(node)) return; // types ask for nothing
    const name = detaching(node) ?? (isOwner ? null : useAt(node, modules));
    if (name !== null && !allowed.includes(name)) {
      uses.push({ line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, name });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses;
}

/** The modules of the runtimes that are there as a whole, by the name that each has in the file. */
function modulesIn(source: ts.SourceFile): Map<string, string> {
  const modules = new Map([["process", "process"]]); // this one is a global, too
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const module = runtimeModule(statement.moduleSpecifier);
    const { name, namedBindings } = statement.importClause ?? {};
    if (module === null) continue;
    if (name !== undefined) modules.set(name.text, module);
    if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) {
      modules.set(namedBindings.name.text, module);
    }
  }
  return modules;
}

/** The module of the runtimes that a specifier names, without `node:`; null where it names a file. */
function runtimeModule(specifier: ts.Node | undefined): string | null {
  if (specifier === undefined || !ts.isStringLiteralLike(specifier) || specifier.text.startsWith(".")) return null;
  return specifier.text.replace(/^node:/, "");
}

function isTypeOnly(node: ts.Node): boolean {
  return (ts.isImportClause(node) || ts.isImportSpecifier(node) || ts.isExportDeclaration(node)) && node.isTypeOnly;
}

/** What a node detaches a buffer by, or null: a member, or what `postMessage` and `structuredClone` are given besides. */
function detaching(node: ts.Node): string | null {
  if (ts.isCallExpression(node) && /(^|\.)(postMessage|structuredClone)$/.test(node.expression.getText())) {
    if (node.arguments.length > 1 && !ts.isObjectLiteralExpression(node.arguments[1])) return DETACHING[0];
  }
  const named = ts.isPropertyAccessExpression(node) || ts.isPropertyAssignment(node) ||
      ts.isShorthandPropertyAssignment(node)
    ? node.name.getText()
    : "";
  return DETACHING.includes(named) ? named : null;
}

/** What a node asks the system for, or null. */
function useAt(node: ts.Node, modules: ReadonlyMap<string, string>): string | null {
  if (ts.isImportSpecifier(node)) return memberUse(runtimeModule(node.parent.parent.parent.moduleSpecifier), node);
  if (ts.isExportSpecifier(node)) return memberUse(runtimeModule(node.parent.parent.moduleSpecifier), node);
  if (ts.isExportDeclaration(node) && node.exportClause === undefined) return wholeUse(node.moduleSpecifier);
  if (ts.isNewExpression(node)) {
    return isNamed(node.expression, "Date") && (node.arguments ?? []).length === 0 ? "new Date()" : null;
  }
  if (ts.isCallExpression(node)) {
    if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return wholeUse(node.arguments[0]);
    return isNamed(node.expression, "Date") ? "Date()" : null;
  }
  return nameUse(node, modules);
}

/** One name of a module, imported or handed on. */
function memberUse(module: string | null, { propertyName, name }: ts.ImportSpecifier | ts.ExportSpecifier) {
  if (module === null) return null;
  const member = (propertyName ?? name).text;
  return mayUse(module, member) ? null : `${module}.${member}`;
}

/** All of a module at once. */
function wholeUse(specifier: ts.Node | undefined): string | null {
  const module = runtimeModule(specifier);
  return module === null || MODULES.get(module) === "all" ? null : module;
}

function mayUse(module: string, member: string): boolean {
  const allowed = MODULES.get(module) ?? [];
  return allowed === "all" || allowed.includes(member);
}

/** A global, or a module, that is named by itself or as a member of `globalThis`. */
function nameUse(node: ts.Node, modules: ReadonlyMap<string, string>): string | null {
  const name = globalName(node);
  if (name === null) return null;
  const member = memberOf(node);
  if (GLOBAL_OBJECTS.includes(name)) return member === null && !isAskedForMember(node) ? name : null;
  if (GLOBALS.has(name)) return member === null ? name : `${name}.${member}`;
  const module = modules.get(name);
  if (module !== undefined) {
    if (member === null) return MODULES.get(module) === "all" ? null : module;
    return mayUse(module, member) ? null : `${module}.${member}`;
  }
  const members = MEMBERS.get(name);
  if (members === undefined) return null;
  if (member !== null) return members.includes(member) ? `${name}.${member}` : null;
  return isConstructedOrTested(node) ? null : name; // of `new Date` and `Date()`, `useAt` looks at the arguments
}

/** The name of a global, or of an import, that a node is, or null; of a name that only happens to be the same, null too. */
function globalName(node: ts.Node): string | null {
  if (isAccess(node)) {
    const { expression } = node;
    return ts.isIdentifier(expression) && GLOBAL_OBJECTS.includes(expression.text) ? memberName(node) : null;
  }
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

/** Whether it is only asked whether it has a member, as in `"Bun" in globalThis`. */
function isAskedForMember(node: ts.Node): boolean {
  const { parent } = node;
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InKeyword;
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
      const why = DETACHING.includes(name)
        ? "detaches a buffer, and has V8 throw away all that it has compiled"
        : `is for ${OWNER} alone, so that a simulation can replace it`;
      console.error(`${path}:${line}: ${name} ${why}`);
      found++;
    }
  }
  if (found > 0) process.exit(1);
}
