/**
 * The syntax tree of a script. Names are resolved: a variable is an object, of which whoever refers to it knows whether it
 * is one of another function. Lines are those that Lua's own compiler gives the instruction that may fail.
 */

/** A local variable, or a parameter. */
export interface Variable {
  readonly name: string;
  /** Different for each variable of a chunk. */
  readonly id: number;
  readonly owner: FunctionBody;
  /** Whether anything is assigned to it behind its declaration. */
  isAssigned: boolean;
  /** Whether a function within its own refers to it. */
  isCaptured: boolean;
  /** Whether it is a number throughout: that of a loop which assigns nothing to it. */
  isCounter: boolean;
}

export type Expression =
  | { readonly kind: "nil" | "true" | "false" | "vararg" }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "function"; readonly body: FunctionBody }
  | { readonly kind: "local"; readonly variable: Variable; readonly isUpvalue: boolean }
  | { readonly kind: "global"; readonly name: string; readonly line: number }
  | IndexExpression
  | CallExpression
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | BinaryExpression
  | { readonly kind: "not" | "minus" | "length"; readonly operand: Expression; readonly line: number }
  | { readonly kind: "parenthesis"; readonly inner: Expression }
  | TableExpression;

export interface IndexExpression {
  readonly kind: "index";
  readonly object: Expression;
  readonly key: Expression;
  readonly line: number;
}

export interface CallExpression {
  readonly kind: "call";
  readonly callee: Expression;
  /** The method of `callee` that is called, if one is. */
  readonly method: string | null;
  readonly args: readonly Expression[];
  readonly line: number;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "^" | ".." | "==" | "~=" | "<" | "<=" | ">" | ">=";

export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly line: number;
}

export interface TableExpression {
  readonly kind: "table";
  /** Values without a key have the keys from 1 on. */
  readonly fields: readonly { readonly key: Expression | null; readonly value: Expression; readonly line: number }[];
}

/** What can be assigned to. */
export type Target = Extract<Expression, { readonly kind: "local" | "global" | "index" }>;

export type Statement =
  | { readonly kind: "local"; readonly variables: readonly Variable[]; readonly values: readonly Expression[] }
  | {
    readonly kind: "assign";
    readonly targets: readonly Target[];
    readonly values: readonly Expression[];
    readonly line: number;
  }
  | { readonly kind: "local function"; readonly variable: Variable; readonly body: FunctionBody }
  | { readonly kind: "call"; readonly call: CallExpression }
  | { readonly kind: "do"; readonly block: Block }
  | { readonly kind: "while"; readonly condition: Expression; readonly block: Block; readonly line: number }
  | { readonly kind: "repeat"; readonly block: Block; readonly condition: Expression; readonly line: number }
  | {
    readonly kind: "if";
    readonly arms: readonly { readonly condition: Expression; readonly block: Block }[];
    readonly otherwise: Block | null;
  }
  | {
    readonly kind: "numeric for";
    readonly variable: Variable;
    readonly start: Expression;
    readonly limit: Expression;
    readonly step: Expression | null;
    readonly block: Block;
    readonly line: number;
  }
  | {
    readonly kind: "generic for";
    readonly variables: readonly Variable[];
    readonly values: readonly Expression[];
    readonly block: Block;
    readonly line: number;
  }
  | { readonly kind: "return"; readonly values: readonly Expression[] }
  | { readonly kind: "break" };

export type Block = readonly Statement[];

/** A function, or the whole chunk. */
export interface FunctionBody {
  readonly parameters: Variable[];
  readonly isVararg: boolean;
  usesVararg: boolean;
  /** `arg`: the table of what was passed for `...`, or nil where the function uses `...` itself (as Lua 5.0 had it). */
  argTable: Variable | null;
  block: Block;
  /** Variables of functions around it to which it refers, or a function within it. */
  readonly upvalues: Set<Variable>;
  /** How large it is: calls, operations and loops, which are what it may be left at. */
  operations: number;
  /** Line of its `function`; 0 for the chunk. */
  readonly line: number;
}
