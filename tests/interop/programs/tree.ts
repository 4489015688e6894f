/**
 * Programs as trees, so that one can be made smaller without ceasing to be a program: statements can be left out, and an
 * expression can give way to one of its own parts.
 */

/** What may become of a part: a statement may go, an expression may become another one, all else stays as it is. */
export type NodeKind = "statement" | "expression" | "fixed";

export interface Node {
  readonly kind: NodeKind;
  readonly parts: readonly Part[];
}

export type Part = string | number | Node;

type Template = (texts: TemplateStringsArray, ...parts: Part[]) => Node;

function template(kind: NodeKind): Template {
  return (texts, ...parts) => ({ kind, parts: texts.flatMap((text, i) => i < parts.length ? [text, parts[i]] : text) });
}

export const expression: Template = template("expression");
export const statement: Template = template("statement");
export const fixed: Template = template("fixed");

/** Nodes one behind the other, with something between them. */
export function listed(nodes: readonly Part[], between = ", "): Node {
  return { kind: "fixed", parts: nodes.flatMap((node, i) => i === 0 ? [node] : [between, node]) };
}

/** Statements, each on lines of its own. */
export function lines(statements: readonly Part[]): Node {
  return listed(statements, "\n");
}

export function textOf(part: Part): string {
  return typeof part === "object" ? part.parts.map(textOf).join("") : String(part);
}

const NIL = expression`nil`;
const NOTHING = fixed``;

/** Trees that are smaller in one place, those that are so by much before those that are so by little. */
export function* smallerTrees(node: Node): Generator<Node> {
  const children = node.parts.flatMap((part, at) => typeof part === "object" ? [{ part, at }] : []);
  for (const { part, at } of children) {
    for (const other of instead(part)) yield { ...node, parts: node.parts.with(at, other) };
  }
  for (const { part, at } of children) {
    for (const other of smallerTrees(part)) yield { ...node, parts: node.parts.with(at, other) };
  }
}

/** What may stand in a node's place: something shorter. */
function instead(node: Node): Node[] {
  if (node.kind === "fixed") return [];
  const within = nearest(node, node.kind);
  if (node.kind === "statement") return within.length === 0 ? [NOTHING] : [NOTHING, lines(within)];
  const { length } = textOf(node);
  return [NIL, ...within].filter((other) => textOf(other).length < length);
}

/** The nodes of a kind within a node that are in no other such node within it. */
function nearest(node: Node, kind: NodeKind): Node[] {
  return node.parts.flatMap((part) => {
    if (typeof part !== "object") return [];
    return part.kind === kind ? [part] : nearest(part, kind);
  });
}
