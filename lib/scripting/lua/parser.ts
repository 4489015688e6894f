/**
 * Makes a syntax tree of a script's source (Lua 5.1 reference manual, 8), by recursive descent. Messages, and the limits of
 * what may be nested, are those of Lua's own parser. No parser from npm would do: what exists tells of errors in other
 * words and resolves no names, and both are half of the work.
 */

import type { LuaError } from "./errors.ts";
import { END_OF_SOURCE, Lexer, NAME, NUMBER, shownSymbol, STRING } from "./lexer.ts";
import { type ArithmeticEvent, calculate } from "./numbers.ts";
import type {
  BinaryOperator,
  Block,
  CallExpression,
  Expression,
  FunctionBody,
  Statement,
  TableExpression,
  Target,
  Variable,
} from "./syntax.ts";

/** Levels that statements and expressions may be nested (LUAI_MAXCCALLS). */
const MOST_LEVELS = 200;
/** Variables that a function may have at a time, and those of others that it may refer to. */
const MOST_VARIABLES = 200;
const MOST_UPVALUES = 60;

/** How tightly operators bind, to the left and to the right. */
const PRIORITIES: Readonly<Record<string, readonly [number, number]>> = {
  "or": [1, 1],
  "and": [2, 2],
  "<": [3, 3],
  ">": [3, 3],
  "<=": [3, 3],
  ">=": [3, 3],
  "~=": [3, 3],
  "==": [3, 3],
  "..": [5, 4],
  "+": [6, 6],
  "-": [6, 6],
  "*": [7, 7],
  "/": [7, 7],
  "%": [7, 7],
  "^": [10, 9],
};
const UNARY_PRIORITY = 8;
const ARITHMETIC: Readonly<Partial<Record<BinaryOperator, ArithmeticEvent>>> = {
  "+": "__add",
  "-": "__sub",
  "*": "__mul",
  "/": "__div",
  "%": "__mod",
  "^": "__pow",
};
const UNARY = { "not": "not", "-": "minus", "#": "length" } as const;

const BLOCK_ENDS = new Set(["else", "elseif", "end", "until", END_OF_SOURCE]);

/** A function that is being read. */
interface Scope {
  readonly body: FunctionBody;
  readonly outer: Scope | null;
  /** Variables that are visible, the last declared last. */
  readonly visible: Variable[];
  /** Loops that a break could leave. */
  loops: number;
}

/** Parses a chunk; throws LuaError with a message for what is none. `chunk`: what messages call the source. */
export function parseChunk(source: string, chunk: string): FunctionBody {
  return new Parser(new Lexer(source, chunk)).chunk();
}

class Parser {
  #scope: Scope | null = null;
  #variables = 0;
  #levels = 0;

  constructor(readonly lexer: Lexer) {}

  chunk(): FunctionBody {
    const body: FunctionBody = {
      parameters: [],
      isVararg: true,
      usesVararg: false,
      argTable: null,
      block: [],
      upvalues: new Set(),
      operations: 0,
      line: 0,
    };
    const scope = this.#enter(body);
    body.block = this.#block();
    this.#expectKind(END_OF_SOURCE);
    this.#scope = scope.outer;
    return body;
  }

  // --- Tokens ---------------------------------------------------------------------------------------------------------

  #accept(kind: string): boolean {
    if (this.lexer.kind !== kind) return false;
    this.lexer.next();
    return true;
  }

  #expectKind(kind: string): void {
    if (this.lexer.kind !== kind) throw this.lexer.error(`'${shownSymbol(kind)}' expected`);
  }

  #expect(kind: string): void {
    this.#expectKind(kind);
    this.lexer.next();
  }

  /** Takes what closes something that was opened in a line. */
  #close(kind: string, opening: string, line: number): void {
    if (this.lexer.kind !== kind && line !== this.lexer.line) {
      throw this.lexer.error(`'${shownSymbol(kind)}' expected (to close '${shownSymbol(opening)}' at line ${line})`);
    }
    this.#expect(kind);
  }

  #name(): string {
    if (this.lexer.kind !== NAME) throw this.lexer.error("'<name>' expected");
    const { text } = this.lexer;
    this.lexer.next();
    return text;
  }

  /** Does what may be nested in itself. */
  #nested<T>(read: () => T): T {
    if (++this.#levels > MOST_LEVELS) throw this.#tooManyLevels();
    const result = read();
    this.#levels--;
    return result;
  }

  #tooManyLevels(): LuaError {
    return this.lexer.error("chunk has too many syntax levels");
  }

  // --- Names ----------------------------------------------------------------------------------------------------------

  get #inner(): Scope {
    if (this.#scope === null) throw new Error("outside of any function");
    return this.#scope;
  }

  #enter(body: FunctionBody): Scope {
    return this.#scope = { body, outer: this.#scope, visible: [], loops: 0 };
  }

  #limit(scope: Scope, most: number, what: string): LuaError {
    const { line } = scope.body;
    const where = line === 0 ? "main function" : `function at line ${line}`;
    return this.lexer.error(`${where} has more than ${most} ${what}`);
  }

  /** A variable that is not visible yet. */
  #newVariable(name: string): Variable {
    const owner = this.#inner.body;
    return { name, id: this.#variables++, owner, isAssigned: false, isCaptured: false, isCounter: false };
  }

  #declare(variables: readonly Variable[]): void {
    const scope = this.#inner;
    scope.visible.push(...variables);
    if (scope.visible.length > MOST_VARIABLES) throw this.#limit(scope, MOST_VARIABLES, "local variables");
  }

  #resolve(name: string): Expression & Target {
    for (let scope: Scope | null = this.#inner; scope !== null; scope = scope.outer) {
      const variable = scope.visible.findLast((one) => one.name === name);
      if (variable === undefined) continue;
      const isUpvalue = scope !== this.#inner;
      if (isUpvalue) this.#capture(variable);
      return { kind: "local", variable, isUpvalue };
    }
    this.#inner.body.operations++;
    return { kind: "global", name, line: this.lexer.lastLine };
  }

  #capture(variable: Variable): void {
    variable.isCaptured = true;
    for (let scope: Scope | null = this.#inner; scope !== null && scope.body !== variable.owner; scope = scope.outer) {
      const { upvalues } = scope.body;
      upvalues.add(variable);
      if (upvalues.size > MOST_UPVALUES) throw this.#limit(scope, MOST_UPVALUES, "upvalues");
    }
  }

  // --- Statements -----------------------------------------------------------------------------------------------------

  /** A block, of which the variables are not visible behind it. */
  #block(): Block {
    const { visible } = this.#inner;
    const before = visible.length;
    const block = this.#openBlock();
    visible.length = before;
    return block;
  }

  #openBlock(): Block {
    return this.#nested(() => {
      const statements: Statement[] = [];
      while (!BLOCK_ENDS.has(this.lexer.kind)) {
        const statement = this.#nested(() => this.#statement());
        statements.push(statement);
        this.#accept(";");
        if (statement.kind === "return" || statement.kind === "break") break;
      }
      return statements;
    });
  }

  #statement(): Statement {
    const { kind, line } = this.lexer;
    switch (kind) {
      case "if":
        return this.#if(line);
      case "while":
        return this.#while(line);
      case "do": {
        this.lexer.next();
        const block = this.#block();
        this.#close("end", "do", line);
        return { kind: "do", block };
      }
      case "for":
        return this.#for(line);
      case "repeat":
        return this.#repeat(line);
      case "function":
        return this.#function(line);
      case "local":
        this.lexer.next();
        return this.#accept("function") ? this.#localFunction() : this.#local();
      case "return":
        return this.#return();
      case "break":
        this.lexer.next();
        if (this.#inner.loops === 0) throw this.lexer.error("no loop to break");
        return { kind: "break" };
      default:
        return this.#expressionStatement();
    }
  }

  #if(line: number): Statement {
    const arms: { condition: Expression; block: Block }[] = [];
    let otherwise: Block | null = null;
    do {
      this.lexer.next();
      const condition = this.#expression();
      this.#expect("then");
      arms.push({ condition, block: this.#block() });
    } while (this.lexer.kind === "elseif");
    if (this.#accept("else")) otherwise = this.#block();
    this.#close("end", "if", line);
    return { kind: "if", arms, otherwise };
  }

  #loop<T>(read: () => T): T {
    const scope = this.#inner;
    scope.loops++;
    scope.body.operations++;
    const result = read();
    scope.loops--;
    return result;
  }

  #while(line: number): Statement {
    this.lexer.next();
    const condition = this.#expression();
    this.#expect("do");
    const block = this.#loop(() => this.#block());
    this.#close("end", "while", line);
    return { kind: "while", condition, block, line };
  }

  /** Its condition sees the variables of its block. */
  #repeat(line: number): Statement {
    this.lexer.next();
    const { visible } = this.#inner;
    const before = visible.length;
    const block = this.#loop(() => this.#openBlock());
    this.#close("until", "repeat", line);
    const condition = this.#expression();
    visible.length = before;
    return { kind: "repeat", block, condition, line };
  }

  #for(line: number): Statement {
    this.lexer.next();
    const name = this.#name();
    switch (this.lexer.kind) {
      case "=":
        return this.#numericFor(name, line);
      case ",":
      case "in":
        return this.#genericFor(name, line);
      default:
        throw this.lexer.error("'=' or 'in' expected");
    }
  }

  /** Its bounds are looked at where `do` stands. */
  #numericFor(name: string, line: number): Statement {
    this.lexer.next();
    const start = this.#expression();
    this.#expect(",");
    const limit = this.#expression();
    const step = this.#accept(",") ? this.#expression() : null;
    const variable = this.#newVariable(name);
    const checkLine = this.lexer.line;
    const block = this.#forBlock([variable], line);
    variable.isCounter = !variable.isAssigned;
    return { kind: "numeric for", variable, start, limit, step, block, line: checkLine };
  }

  #genericFor(name: string, line: number): Statement {
    const variables = [this.#newVariable(name)];
    while (this.#accept(",")) variables.push(this.#newVariable(this.#name()));
    this.#expect("in");
    const callLine = this.lexer.line;
    const values = this.#expressions();
    const block = this.#forBlock(variables, line);
    return { kind: "generic for", variables, values, block, line: callLine };
  }

  #forBlock(variables: readonly Variable[], line: number): Block {
    this.#expect("do");
    const { visible } = this.#inner;
    const before = visible.length;
    this.#declare(variables);
    const block = this.#loop(() => this.#openBlock());
    visible.length = before;
    this.#close("end", "for", line);
    return block;
  }

  /** `function a.b:c() … end`. */
  #function(line: number): Statement {
    this.lexer.next();
    let target: Target = this.#resolve(this.#name());
    let isMethod = false;
    while (!isMethod && (this.lexer.kind === "." || this.lexer.kind === ":")) {
      isMethod = this.lexer.kind === ":";
      this.lexer.next();
      const key: Expression = { kind: "string", value: this.#name() };
      target = { kind: "index", object: target, key, line: this.lexer.lastLine };
    }
    const body = this.#functionBody(isMethod, line);
    if (target.kind === "local") target.variable.isAssigned = true;
    return { kind: "assign", targets: [target], values: [{ kind: "function", body }], line };
  }

  #localFunction(): Statement {
    const variable = this.#newVariable(this.#name());
    this.#declare([variable]);
    return { kind: "local function", variable, body: this.#functionBody(false, this.lexer.line) };
  }

  #local(): Statement {
    const variables = [this.#newVariable(this.#name())];
    while (this.#accept(",")) variables.push(this.#newVariable(this.#name()));
    const values = this.#accept("=") ? this.#expressions() : [];
    this.#declare(variables);
    return { kind: "local", variables, values };
  }

  #return(): Statement {
    this.lexer.next();
    const { kind } = this.lexer;
    return { kind: "return", values: BLOCK_ENDS.has(kind) || kind === ";" ? [] : this.#expressions() };
  }

  #expressionStatement(): Statement {
    const first = this.#suffixed();
    if (first.kind === "call") return { kind: "call", call: first };
    const targets = [this.#target(first)];
    while (this.#accept(",")) targets.push(this.#target(this.#suffixed()));
    if (targets.length > MOST_LEVELS) throw this.#tooManyLevels();
    this.#expect("=");
    const values = this.#expressions();
    for (const target of targets) if (target.kind === "local") target.variable.isAssigned = true;
    return { kind: "assign", targets, values, line: this.lexer.lastLine };
  }

  #target(expression: Expression): Target {
    if (expression.kind === "local" || expression.kind === "global" || expression.kind === "index") return expression;
    throw this.lexer.error("syntax error");
  }

  // --- Expressions ----------------------------------------------------------------------------------------------------

  #expressions(): Expression[] {
    const list = [this.#expression()];
    while (this.#accept(",")) {
      this.#fetchLast(list);
      list.push(this.#expression());
    }
    return list;
  }

  /** An expression of operators that bind more tightly than `limit`. */
  #expression(limit = 0): Expression {
    return this.#nested(() => {
      let left = this.#operand();
      for (let operator = this.lexer.kind;; operator = this.lexer.kind) {
        const priorities = PRIORITIES[operator];
        if (priorities === undefined || priorities[0] <= limit) return left;
        this.lexer.next();
        left = this.#fetched(left);
        this.#inner.body.operations++;
        const right = this.#expression(priorities[1]);
        left = operator === "and" || operator === "or"
          ? { kind: operator, left, right }
          : this.#binary(operator as BinaryOperator, left, right); // as the others are
      }
    });
  }

  /** An operation. One on constants is calculated here, as Lua does: so its operands are no constants of the function. */
  #binary(operator: BinaryOperator, left: Expression, right: Expression): Expression {
    const event = ARITHMETIC[operator];
    const [x, y] = [constantOf(left), constantOf(right)];
    if (event !== undefined && x !== null && y !== null) {
      const isByZero = y === 0 && (operator === "/" || operator === "%");
      const value = isByZero ? NaN : calculate(event, x, y);
      if (!Number.isNaN(value)) return { kind: "number", value };
    }
    return { kind: "binary", operator, left, right, line: this.lexer.lastLine };
  }

  #operand(): Expression {
    const { kind } = this.lexer;
    if (kind !== "not" && kind !== "-" && kind !== "#") return this.#simple();
    this.#inner.body.operations++;
    this.lexer.next();
    const operand = this.#expression(UNARY_PRIORITY);
    const constant = kind === "-" ? constantOf(operand) : null;
    if (constant !== null) return { kind: "number", value: -constant };
    return { kind: UNARY[kind], operand, line: this.lexer.lastLine };
  }

  #simple(): Expression {
    const { lexer } = this;
    const { kind } = lexer;
    switch (kind) {
      case NUMBER:
        return this.#taken({ kind: "number", value: lexer.number });
      case STRING:
        return this.#taken({ kind: "string", value: lexer.text });
      case "nil":
      case "true":
      case "false":
        return this.#taken({ kind });
      case "...":
        if (!this.#inner.body.isVararg) throw lexer.error("cannot use '...' outside a vararg function");
        this.#inner.body.usesVararg = true;
        return this.#taken({ kind: "vararg" });
      case "{":
        return this.#table();
      case "function": {
        const { line } = lexer;
        lexer.next();
        return { kind: "function", body: this.#functionBody(false, line) };
      }
      default:
        return this.#suffixed();
    }
  }

  #taken(expression: Expression): Expression {
    this.lexer.next();
    return expression;
  }

  #primary(): Expression {
    const { lexer } = this;
    if (lexer.kind === NAME) return this.#resolve(this.#name());
    if (lexer.kind !== "(") throw lexer.error("unexpected symbol");
    const { line } = lexer;
    lexer.next();
    const inner = this.#expression();
    this.#close(")", "(", line);
    return { kind: "parenthesis", inner: this.#fetched(inner) };
  }

  /**
   * An expression of which what is looked up last is looked up here: Lua does so when it has the token behind it, and tells
   * from the line of that where it fails.
   */
  #fetched(expression: Expression): Expression {
    const { lastLine } = this.lexer;
    if (expression.kind !== "index" && expression.kind !== "global") return expression;
    return expression.line === lastLine ? expression : { ...expression, line: lastLine };
  }

  #fetchLast(list: Expression[]): void {
    const { length } = list;
    if (length > 0) list[length - 1] = this.#fetched(list[length - 1]);
  }

  /** A primary expression with all that is indexed and called behind it. */
  #suffixed(): Expression {
    const { lexer } = this;
    let expression = this.#primary();
    for (;; this.#inner.body.operations++) {
      switch (lexer.kind) {
        case ".": {
          lexer.next();
          const key: Expression = { kind: "string", value: this.#name() };
          expression = { kind: "index", object: expression, key, line: lexer.lastLine };
          break;
        }
        case "[": {
          lexer.next();
          const key = this.#expression();
          this.#expect("]");
          expression = { kind: "index", object: expression, key, line: lexer.lastLine };
          break;
        }
        case ":":
          lexer.next();
          expression = this.#call(expression, this.#name());
          break;
        case "(":
        case "{":
        case STRING:
          expression = this.#call(expression, null);
          break;
        default:
          return expression;
      }
    }
  }

  #call(callee: Expression, method: string | null): CallExpression {
    const { lexer } = this;
    const { kind, line, lastLine } = lexer;
    switch (kind) {
      case "(": {
        if (line !== lastLine) throw lexer.error("ambiguous syntax (function call x new statement)");
        lexer.next();
        const args = lexer.kind === ")" ? [] : this.#expressions();
        this.#close(")", "(", line);
        this.#fetchLast(args);
        return { kind: "call", callee, method, args, line };
      }
      case "{":
        return { kind: "call", callee, method, args: [this.#table()], line };
      case STRING: {
        const { text } = lexer;
        lexer.next();
        return { kind: "call", callee, method, args: [{ kind: "string", value: text }], line };
      }
      default:
        throw lexer.error("function arguments expected");
    }
  }

  #table(): TableExpression {
    const { lexer } = this;
    const { line } = lexer;
    lexer.next();
    const fields: { key: Expression | null; value: Expression; line: number }[] = [];
    while (lexer.kind !== "}") {
      this.#fetchItem(fields.at(-1));
      fields.push(this.#field());
      if (!this.#accept(",") && !this.#accept(";")) break;
    }
    this.#close("}", "{", line);
    this.#fetchItem(fields.at(-1));
    return { kind: "table", fields };
  }

  /** The same as `#fetched`, of a value without a key. */
  #fetchItem(field: { readonly key: Expression | null; value: Expression } | undefined): void {
    if (field?.key === null) field.value = this.#fetched(field.value);
  }

  #field(): { key: Expression | null; value: Expression; line: number } {
    const { lexer } = this;
    let key: Expression | null = null;
    if (lexer.kind === NAME && lexer.peek() === "=") {
      key = { kind: "string", value: this.#name() };
      lexer.next();
    } else if (lexer.kind === "[") {
      lexer.next();
      key = this.#expression();
      this.#expect("]");
      this.#expect("=");
    }
    const value = this.#expression();
    return { key, value, line: lexer.lastLine };
  }

  #functionBody(isMethod: boolean, line: number): FunctionBody {
    this.#expect("(");
    const names = isMethod ? ["self"] : [];
    let isVararg = false;
    if (this.lexer.kind !== ")") {
      do {
        isVararg = this.#accept("...");
        if (!isVararg && this.lexer.kind !== NAME) throw this.lexer.error("<name> or '...' expected");
        if (!isVararg) names.push(this.#name());
      } while (!isVararg && this.#accept(","));
    }
    this.#expect(")");
    const body: FunctionBody = {
      parameters: [],
      isVararg,
      usesVararg: false,
      argTable: null,
      block: [],
      upvalues: new Set(),
      operations: 0,
      line,
    };
    const scope = this.#enter(body);
    body.parameters.push(...names.map((name) => this.#newVariable(name)));
    this.#declare(body.parameters);
    if (isVararg) {
      body.argTable = this.#newVariable("arg");
      this.#declare([body.argTable]);
    }
    body.block = this.#block();
    this.#scope = scope.outer;
    this.#close("end", "function", line);
    return body;
  }
}

/** The number that an expression is, if it is nothing else. */
function constantOf(expression: Expression): number | null {
  if (expression.kind === "parenthesis") return constantOf(expression.inner);
  return expression.kind === "number" ? expression.value : null;
}
