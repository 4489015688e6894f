/**
 * Writes programs at random: it draws from a grammar, and knows what the place that it has come to allows, as the names
 * that are there, `...` and `break`.
 *
 * What Lua leaves open must not come to be: no table has a hole, so that `#` has one answer only; nothing goes on forever,
 * as every function and every loop calls `tick`, which throws in the end.
 */

import type { Random } from "../../integration/data_set.ts";
import { expression, fixed, lines, listed, type Node, type Part, statement } from "./tree.ts";

/** What a value mostly is: now and then it is something else, so that programs fail as well. */
export const KINDS = ["number", "string", "boolean", "array", "record", "function"] as const;
export type Kind = typeof KINDS[number] | "any";

export type Maker = (w: Writer) => Node;

export interface Grammar {
  readonly statements: readonly Maker[];
  /** What is nested in nothing. */
  readonly leaves: Readonly<Record<Kind, readonly Maker[]>>;
  readonly expressions: Readonly<Record<Kind, readonly Maker[]>>;
}

/** Makers that are drawn more often than others. */
export function often(weight: number, makers: readonly Maker[]): Maker[] {
  return Array.from({ length: weight }, () => makers).flat();
}

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "s", "t", "u"];
const MOST_NESTED_EXPRESSIONS = 5;
const MOST_NESTED_BLOCKS = 4;
const MOST_NESTED_FUNCTIONS = 3;
/** So many nodes have what is nested in them; those that come later are leaves. */
const MOST_NODES = 60;

interface Variable {
  readonly name: string;
  readonly kind: Kind;
}

export class Writer {
  #variables: Variable[] = [];
  #nested = 0;
  #blocks = 0;
  #functions = 0;
  #nodes = 0;
  /** Whether `...` and `break` may stand here. */
  hasVarargs = true;
  isInLoop = false;

  /** `isBare`: nothing catches what the program throws. Redis 7.0 does not survive all of it (see `thrown`). */
  constructor(readonly random: Random, readonly grammar: Grammar, readonly isBare: boolean) {}

  below(limit: number): number {
    return this.random.below(limit);
  }

  of<T>(choices: readonly T[]): T {
    return this.random.of(choices);
  }

  /** Whether something that happens once in `times` happens. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** `least` to `most` of something. */
  some<T>(least: number, most: number, make: () => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, make);
  }

  /** White space where a line may end. */
  gap(): string {
    return this.once(25) ? "\n" : " ";
  }

  // --- Names ----------------------------------------------------------------------------------------------------------

  /** A new name, for a value of a kind. To be called once the value is written, as only then it can be used. */
  declare(kind: Kind): string {
    const name = this.of(NAMES);
    this.#variables.push({ name, kind });
    return name;
  }

  /** A name that is given. */
  declareAs(name: string, kind: Kind): void {
    this.#variables.push({ name, kind });
  }

  /** The name of a variable of a kind, if there is one. */
  variable(kind: Kind): string | undefined {
    const seen = new Map(this.#variables.map((variable) => [variable.name, variable.kind]));
    const names = [...seen].filter((entry) => kind === "any" || entry[1] === kind).map(([name]) => name);
    return names.length === 0 ? undefined : this.of(names);
  }

  /** The kind of what a name stands for. */
  kindOf(name: string): Kind {
    return this.#variables.findLast((variable) => variable.name === name)?.kind ?? "any";
  }

  // --- Expressions ----------------------------------------------------------------------------------------------------

  expression(wanted: Kind): Node {
    const kind = this.once(40) ? "any" : wanted;
    this.#nodes++;
    if (this.once(4)) {
      const name = this.variable(kind);
      if (name !== undefined) return expression`${name}`;
    }
    const isLeaf = this.#nested >= MOST_NESTED_EXPRESSIONS || this.#nodes > MOST_NODES || this.once(6);
    this.#nested++;
    const made = this.of((isLeaf ? this.grammar.leaves : this.grammar.expressions)[kind])(this);
    this.#nested--;
    return made;
  }

  number(): Node {
    return this.expression("number");
  }

  string(): Node {
    return this.expression("string");
  }

  boolean(): Node {
    return this.expression("boolean");
  }

  array(): Node {
    return this.expression("array");
  }

  record(): Node {
    return this.expression("record");
  }

  function(): Node {
    return this.expression("function");
  }

  any(): Node {
    return this.expression("any");
  }

  /** A value that is not nil, for a table. */
  solid(): Node {
    return fixed`(${this.any()} or 1)`;
  }

  /** A few values with commas between them; the last may be several. */
  values(most: number, make: () => Part = () => this.any()): Node {
    return listed(this.some(0, most, make), `,${this.gap()}`);
  }

  /** What is thrown: where nobody catches it, no table, as an error's table without a text ends redis-server 7.0.15. */
  thrown(): Node {
    return this.isBare ? fixed`str(${this.any()})` : this.any();
  }

  /** The name of a function: for `error`, that of one that throws no tables where nobody catches them. */
  named(functions: readonly string[]): string {
    const name = this.of(functions);
    return name === "error" && this.isBare ? "throw" : name;
  }

  // --- Blocks and functions -------------------------------------------------------------------------------------------

  statement(): Node {
    return this.of(this.grammar.statements)(this);
  }

  /** Statements with names of their own; `first` is called for what stands before them. */
  block(most: number, first: () => Part[] = () => []): Node {
    const before = this.#variables.length;
    this.#blocks++;
    const isDeep = this.#blocks > MOST_NESTED_BLOCKS || this.#nodes > MOST_NODES;
    const statements = [...first(), ...this.some(1, isDeep ? 1 : most, () => this.statement())];
    this.#blocks--;
    this.#variables.length = before;
    return fixed`\n${lines(statements)}\n`;
  }

  /** Whether a statement with blocks may stand here. */
  get mayNest(): boolean {
    return this.#blocks <= MOST_NESTED_BLOCKS && this.#nodes <= MOST_NODES;
  }

  get mayDefine(): boolean {
    return this.#functions < MOST_NESTED_FUNCTIONS && this.mayNest;
  }

  /** A loop's body, which has the names that `declare` gives. */
  loop(most: number, declare: () => void = () => {}): Node {
    const was = this.isInLoop;
    this.isInLoop = true;
    const body = this.block(most, () => {
      declare();
      return ["tick()"];
    });
    this.isInLoop = was;
    return body;
  }

  /** A function's parameters and body, as they stand behind `function`. */
  routine(most = 3): Node {
    const [hadVarargs, wasInLoop, before, nested] = [
      this.hasVarargs,
      this.isInLoop,
      this.#variables.length,
      this.#nested,
    ];
    this.#functions++;
    this.#nested = 1;
    this.isInLoop = false;
    const parameters = this.some(0, 3, () => this.declare("any"));
    this.hasVarargs = this.once(3);
    if (this.hasVarargs) parameters.push("...");
    const body = this.block(most, () => ["tick()"]);
    const result = this.once(5) ? fixed`` : fixed`return ${this.values(2)}\n`;
    this.hasVarargs = hadVarargs;
    this.isInLoop = wasInLoop;
    this.#functions--;
    this.#nested = nested;
    this.#variables.length = before;
    return fixed`(${listed(parameters)})${body}${result}end`;
  }

  /** A statement that shows values; mostly the program goes on if one of them fails. */
  shown(value: Part): Node {
    return this.once(3) ? statement`o(${value})` : statement`o(${this.caught(value)})`;
  }

  /** Whether values are there, and they, or what they fail with. */
  caught(value: Part): Node {
    return this.hasVarargs
      ? fixed`pcall(function(...) return ${value} end, ...)`
      : fixed`pcall(function() return ${value} end)`;
  }
}
