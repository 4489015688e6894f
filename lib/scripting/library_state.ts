/**
 * Whether a library keeps something between calls of its functions: a variable of its own that they change, or a table that
 * they may. Only one that keeps nothing can run in either mode, as each has variables of its own.
 *
 * A library is looked at from outside, so what cannot be told counts as kept: it then always runs as generators, which is
 * slower, but right.
 */

import { parseChunk } from "./lua/parser.ts";
import type { Block, Expression, FunctionBody, Statement, Variable } from "./lua/syntax.ts";

/** Whether no call of a library's functions can change what the next one finds. `source` must be a chunk that compiles. */
export function keepsNothing(source: string, name: string): boolean {
  const finder = new StateFinder(parseChunk(source, name));
  return finder.keepsNothing;
}

/** Looks for variables of the chunk that hold what can change. */
class StateFinder {
  keepsNothing = true;
  /** Variables of the chunk itself that hold a table of which all uses must be seen. */
  readonly #tables = new Set<Variable>();

  constructor(readonly chunk: FunctionBody) {
    this.#block(chunk.block, true);
  }

  #kept(): void {
    this.keepsNothing = false;
  }

  /** `isOutside`: the statements stand in no function. */
  #block(block: Block, isOutside: boolean): void {
    for (const statement of block) this.#statement(statement, isOutside);
  }

  #statement(statement: Statement, isOutside: boolean): void {
    switch (statement.kind) {
      case "local":
        statement.variables.forEach((variable, i) => {
          if (isOutside) this.#declared(variable, statement.values[i]);
        });
        return this.#expressions(statement.values, isOutside);
      case "local function":
        if (isOutside && statement.variable.isCaptured && statement.variable.isAssigned) this.#kept();
        return this.#block(statement.body.block, false);
      case "assign":
        for (const target of statement.targets) this.#target(target, statement.values.every(isConstant), isOutside);
        return this.#expressions(statement.values, isOutside);
      case "call":
        return this.#expression(statement.call, isOutside);
      case "do":
        return this.#block(statement.block, isOutside);
      case "while":
      case "repeat":
        this.#expression(statement.condition, isOutside);
        return this.#block(statement.block, isOutside);
      case "if":
        for (const { condition, block } of statement.arms) {
          this.#expression(condition, isOutside);
          this.#block(block, isOutside);
        }
        return this.#block(statement.otherwise ?? [], isOutside);
      case "numeric for":
        this.#expressions([statement.start, statement.limit], isOutside);
        if (statement.step !== null) this.#expression(statement.step, isOutside);
        return this.#block(statement.block, isOutside);
      case "generic for":
        if (isOutside && statement.variables.some((variable) => variable.isCaptured)) this.#kept();
        this.#expressions(statement.values, isOutside);
        return this.#block(statement.block, isOutside);
      case "return":
        return this.#expressions(statement.values, isOutside);
      case "break":
        return;
    }
  }

  /** A variable outside of all functions. What no function refers to keeps nothing for them. */
  #declared(variable: Variable, value: Expression | undefined): void {
    if (!variable.isCaptured) return;
    if (variable.isAssigned) return this.#kept();
    if (value?.kind === "table") {
      if (value.fields.every((field) => field.key?.kind !== "table" && isConstant(field.value))) {
        this.#tables.add(variable);
      } else this.#kept();
    } else if (value !== undefined && !isConstant(value)) this.#kept();
  }

  #target(target: Expression, areConstant: boolean, isOutside: boolean): void {
    if (target.kind !== "index") return;
    // Outside of functions a table may be filled, with what cannot change itself; within, it is changed.
    const isFilled = isOutside && areConstant;
    if (target.object.kind === "local" && isFilled && this.#tables.has(target.object.variable)) {
      return this.#expression(target.key, isOutside);
    }
    if (this.#isOfChunk(target.object)) this.#kept();
    this.#expression(target.object, isOutside);
    this.#expression(target.key, isOutside);
  }

  #isOfChunk(expression: Expression): boolean {
    return expression.kind === "local" && expression.variable.owner === this.chunk;
  }

  #expressions(expressions: readonly Expression[], isOutside: boolean): void {
    for (const expression of expressions) this.#expression(expression, isOutside);
  }

  #expression(expression: Expression, isOutside: boolean): void {
    switch (expression.kind) {
      case "function":
        return this.#block(expression.body.block, false);
      case "local":
        if (this.#tables.has(expression.variable)) this.#kept(); // it goes where nobody sees what becomes of it
        return;
      case "index":
        if (expression.object.kind !== "local") this.#expression(expression.object, isOutside);
        return this.#expression(expression.key, isOutside);
      case "call":
        // What a call gives outside of functions may hold something, but for those of `redis`. A method has its table as an
        // argument.
        if (isOutside && !isOfRedis(expression.callee)) this.#kept();
        return this.#expressions([expression.callee, ...expression.args], isOutside);
      case "and":
      case "or":
      case "binary":
        return this.#expressions([expression.left, expression.right], isOutside);
      case "not":
      case "minus":
        return this.#expression(expression.operand, isOutside);
      case "length":
        if (expression.operand.kind !== "local") this.#expression(expression.operand, isOutside);
        return;
      case "parenthesis":
        return this.#expression(expression.inner, isOutside);
      case "table":
        for (const { key, value } of expression.fields) {
          if (key !== null) this.#expression(key, isOutside);
          this.#expression(value, isOutside);
        }
        return;
      default:
        return;
    }
  }
}

/** Whether an expression is a function of the table `redis`. */
function isOfRedis(expression: Expression): boolean {
  return expression.kind === "index" && expression.object.kind === "global" && expression.object.name === "redis";
}

/** Whether what an expression gives can never change: a literal, a function, or what is found among the globals. */
function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case "nil":
    case "true":
    case "false":
    case "number":
    case "string":
    case "function":
    case "global":
      return true;
    case "index":
      return isConstant(expression.object) && isConstant(expression.key);
    case "parenthesis":
      return isConstant(expression.inner);
    case "minus":
    case "not":
      return isConstant(expression.operand);
    case "binary":
      return isConstant(expression.left) && isConstant(expression.right);
    default:
      return false;
  }
}
