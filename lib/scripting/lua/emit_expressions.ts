/**
 * Writes expressions as JavaScript. What is common is written out, so that the engine's compiler sees it (sums of numbers,
 * entries of tables that are there); all else is a call of the runtime, which knows metatables and messages.
 *
 * Nothing of a script's text reaches the JavaScript but numbers, and strings as JSON has them: names become `v` with a
 * number. The names that the text uses besides are those that `compiler.ts` hands in:
 * `R` the runtime, `T` its state, `S` the places of calls under way, `P` the places of this chunk, `isA` Array.isArray,
 * `Table` LuaTable, `Tail` TailCall, `G` the class of all generators, `C` the values that nobody can change, which are
 * `x` with a number.
 */

import type {
  BinaryExpression,
  CallExpression,
  Expression,
  FunctionBody,
  TableExpression,
  Variable,
} from "./syntax.ts";
import type { FixedValues } from "./fixed_values.ts";
import type { Origin, Site, SiteKind } from "./sites.ts";
import type { LuaValue } from "./values.ts";

/** Whether functions are plain ones, or generators, which can be stopped anywhere. */
export type Mode = "plain" | "generator";

/**
 * What a chunk is: a script, which is called once in a run, and finds its keys and arguments in globals; a library, of which
 * the code outside of functions runs while it is loaded, and finds other globals then; or what a script loads.
 */
export type ChunkKind = "script" | "library" | "loaded";

/** What a chunk's functions are written with. */
export interface Chunk {
  readonly kind: ChunkKind;
  /** What messages call the source, and what whoever has loaded it does. */
  readonly name: string;
  readonly source: string;
  readonly mode: Mode;
  readonly sites: Site[];
  /** What nobody can change, and those of its values that this chunk uses, by their names. */
  readonly fixed: FixedValues | null;
  readonly constants: Map<string, LuaValue>;
  /** Local variables that have the same value in all runs, which stands outside of any function or is written anew. */
  readonly known: Map<Variable, Operand>;
  /** Declarations of functions that are the same in all runs, in their order. */
  readonly lifted: string[];
}

/** What expressions need of the function that they are in. */
export interface Surroundings {
  readonly chunk: Chunk;
  readonly temporaries: Temporaries;
  /** Whether the function can be left, as a generator. */
  readonly canPause: boolean;
  /** What nobody can change of all that it finds. */
  readonly fixed: FixedValues | null;
  /** JavaScript of a function expression. */
  emitFunction(body: FunctionBody): string;
}

const ARITHMETIC: Readonly<Record<string, string>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "^": "pow",
};
const COMPARISONS: Readonly<Record<string, readonly [string, boolean]>> = {
  "<": ["lt", false],
  "<=": ["le", false],
  ">": ["lt", true],
  ">=": ["le", true],
};
/** Positional values of a table that are written one after the other, rather than in one list. */
const LONG_LIST = 1000;
/** Operations on each other's results that are written one after the other, rather than one in the other. */
const LONG_CHAIN = 20;

/** Variables of a function for what expressions hold meanwhile: reused once the expression that took them is written. */
export class Temporaries {
  #inUse = 0;
  most = 0;

  take(): string {
    const name = `t${this.#inUse++}`;
    this.most = Math.max(this.most, this.#inUse);
    return name;
  }

  /** Writes something, and gives back all that it took. */
  within<T>(write: () => T): T {
    const before = this.#inUse;
    const result = write();
    this.#inUse = before;
    return result;
  }
}

/** A value that can be named again and again: JavaScript that makes it so first (or nothing), and its name. */
export interface Operand {
  readonly setup: string;
  readonly name: string;
  /** Whether it is known to be a function. */
  readonly isFunction?: boolean;
}

export function nameOf(variable: Variable): string {
  return `v${variable.id}`;
}

export class ExpressionWriter {
  readonly #chunk: Chunk;
  readonly #isGenerator: boolean;
  /** 0 and -0 are one constant of a function in Lua: the one that comes first. */
  #zero: number | null = null;

  constructor(readonly around: Surroundings) {
    this.#chunk = around.chunk;
    this.#isGenerator = around.chunk.mode === "generator";
  }

  // --- Places ---------------------------------------------------------------------------------------------------------

  /** Notes a place; the JavaScript that names it. */
  site(
    line: number,
    origin: Origin | null = null,
    otherOrigin: Origin | null = null,
    kind: SiteKind = "operation",
  ): string {
    const { sites, name, source } = this.#chunk;
    sites.push({ chunk: name, source, line, origin, otherOrigin, kind });
    return `P[${sites.length - 1}]`;
  }

  // --- Results of calls -----------------------------------------------------------------------------------------------

  /** The first value of a call's result. */
  #first(call: string): string {
    return this.around.temporaries.within(() => {
      const t = this.around.temporaries.take();
      return `(${t}=${call},isA(${t})?${this.#isGenerator ? `${t}[0]` : `R.first(${t})`}:${t})`;
    });
  }

  /** All values of a call's result, as an array. */
  all(call: string): string {
    return `R.all(${call})`;
  }

  /** What a function of the runtime gives that may have called a metamethod. */
  operation(call: string): string {
    if (!this.#isGenerator) return call;
    return this.around.temporaries.within(() => {
      const t = this.around.temporaries.take();
      return `(${t}=${call},${t} instanceof G?R.first(${this.#await(`R.settleMetamethod(${t})`)}):${t})`;
    });
  }

  /** The result of a generator: the function is left where that is. */
  #await(running: string): string {
    return this.around.canPause ? `yield* ${running}` : `R.now(${running})`;
  }

  // --- What nobody can change -----------------------------------------------------------------------------------------

  /** An expression whose value nobody can change, by the name of that; null for any other. */
  #fixed(expression: Expression): Operand | null {
    const { fixed } = this.around;
    if (fixed === null) return null;
    if (expression.kind === "global") return this.#constant(fixed.global(expression.name), expression.name);
    if (expression.kind !== "index") return null;
    const { object, key } = expression;
    if (object.kind !== "global" || key.kind !== "string") return null;
    return this.#constant(fixed.field(object.name, key.value), `${object.name}.${key.value}`);
  }

  /** A global that is another one for each run of a script, and that no script can change. */
  #given(name: string): string | null {
    if (this.#chunk.kind !== "script" || this.around.fixed === null) return null;
    return name === "KEYS" ? "R.keys" : name === "ARGV" ? "R.others" : null;
  }

  /** Notes a value; null if there is none. */
  #constant(value: LuaValue, id: string): Operand | null {
    if (value === undefined) return null;
    const { constants } = this.#chunk;
    if (!constants.has(id)) constants.set(id, value);
    const name = `x${[...constants.keys()].indexOf(id)}`;
    return { setup: "", name, isFunction: typeof value === "function" };
  }

  // --- Operands -------------------------------------------------------------------------------------------------------

  /**
   * An expression that is named. A local variable is so as it is, and is read when the operation happens, as Lua's
   * registers are.
   */
  #operand(expression: Expression): Operand {
    switch (expression.kind) {
      case "nil":
      case "true":
      case "false":
      case "number":
      case "string":
        return { setup: "", name: this.value(expression) };
      case "local":
        if (!expression.isUpvalue || !expression.variable.isAssigned) return this.#variable(expression.variable);
    }
    const fixed = this.#fixed(expression);
    if (fixed !== null) return fixed;
    const value = this.around.temporaries.within(() => this.value(expression));
    const name = this.around.temporaries.take();
    return { setup: `${name}=${value},`, name };
  }

  /** What a local variable is named by. */
  #variable(variable: Variable): Operand {
    return this.#chunk.known.get(variable) ?? { setup: "", name: nameOf(variable) };
  }

  /** How an expression is named that has the same value in all runs; null for any other. */
  known(expression: Expression): Operand | null {
    switch (expression.kind) {
      case "number":
        return expression.value === 0 ? null : { setup: "", name: numberText(expression.value) }; // see `#zero`
      case "true":
      case "false":
      case "string":
        return { setup: "", name: this.value(expression) };
      case "local":
        return this.#chunk.known.get(expression.variable) ?? null;
      default:
        return this.#fixed(expression);
    }
  }

  /** The same of an argument, or another value that is taken before what comes behind it happens. */
  #taken(expression: Expression): Operand {
    if (expression.kind === "local" && expression.variable.isCaptured && expression.variable.isAssigned) {
      const name = this.around.temporaries.take();
      return { setup: `${name}=${nameOf(expression.variable)},`, name };
    }
    return this.#operand(expression);
  }

  // --- Values ---------------------------------------------------------------------------------------------------------

  /** JavaScript of an expression's one value. */
  value(expression: Expression): string {
    switch (expression.kind) {
      case "nil":
        return "undefined";
      case "true":
      case "false":
        return expression.kind;
      case "number":
        if (expression.value !== 0) return numberText(expression.value);
        this.#zero ??= expression.value;
        return numberText(this.#zero);
      case "string":
        return JSON.stringify(expression.value);
      case "vararg":
        return "va[0]";
      case "function":
        return this.around.emitFunction(expression.body);
      case "local":
        return this.#variable(expression.variable).name;
      case "global":
        return this.#fixed(expression)?.name ?? this.#given(expression.name) ??
          this.operation(`R.global(${JSON.stringify(expression.name)},${this.site(expression.line)})`);
      case "index":
        return this.#fixed(expression)?.name ?? this.around.temporaries.within(() => {
          const object = this.#operand(expression.object);
          const key = this.#operand(expression.key);
          return this.#index(object, key, this.site(expression.line, originOf(expression.object)));
        });
      case "call":
        return this.#first(this.call(expression, false));
      case "and":
      case "or":
        return this.#logical(expression.kind, expression.left, expression.right);
      case "binary":
        return this.#binary(expression);
      case "not":
        return `!${this.condition(expression.operand)}`;
      case "minus":
        return this.#minus(expression.operand, expression.line);
      case "length":
        return this.#length(expression.operand, expression.line);
      case "parenthesis":
        return this.value(expression.inner);
      case "table":
        return this.#table(expression);
    }
  }

  /** JavaScript of whether an expression is neither nil nor false, as a boolean. */
  condition(expression: Expression): string {
    switch (expression.kind) {
      case "nil":
      case "false":
        return "false";
      case "true":
      case "number":
      case "string":
      case "function":
        return "true";
      case "and":
        return `(${this.condition(expression.left)}&&${this.condition(expression.right)})`;
      case "or":
        return `(${this.condition(expression.left)}||${this.condition(expression.right)})`;
      case "not":
        return `!${this.condition(expression.operand)}`;
      case "parenthesis":
        return this.condition(expression.inner);
      default:
        if (isBoolean(expression)) return this.value(expression);
    }
    return this.around.temporaries.within(() => {
      const { setup, name } = this.#operand(expression);
      return `(${setup}${name}!==undefined&&${name}!==false)`;
    });
  }

  /** JavaScript of all values of a list of expressions, as an array. */
  list(expressions: readonly Expression[]): string {
    const last = expressions.at(-1);
    if (last === undefined) return "[]";
    if (expressions.length === 1 && last.kind === "vararg") return "va";
    return this.around.temporaries.within(() => {
      const values = expressions.slice(0, -1).map((one) => this.value(one));
      return `[${[...values, isMultiple(last) ? `...${this.many(last)}` : this.value(last)].join()}]`;
    });
  }

  /** JavaScript of all values of an expression that may have several. */
  many(expression: Expression): string {
    if (expression.kind === "vararg") return "va";
    return expression.kind === "call" ? this.all(this.call(expression, false)) : `[${this.value(expression)}]`;
  }

  #index(object: Operand, key: Operand, site: string): string {
    const t = this.around.temporaries.take();
    const slow = this.operation(`R.indexMissing(${object.name},${key.name},${site})`);
    const fast = `${object.name} instanceof Table&&((${t}=${object.name}.get(${key.name}))!==undefined` +
      `||${object.name}.metatable===null)`;
    return `(${object.setup}${key.setup}${fast}?${t}:${slow})`;
  }

  #logical(kind: "and" | "or", left: Expression, right: Expression): string {
    const { temporaries } = this.around;
    return temporaries.within(() => {
      // The left one is written first, as the order of constants counts (see `#zero`).
      if (isBoolean(left)) {
        const condition = temporaries.within(() => this.condition(left));
        const other = this.value(right);
        return kind === "and" ? `(${condition}?${other}:false)` : `(${condition}?true:${other})`;
      }
      const { setup, name } = this.#operand(left);
      const other = this.value(right);
      const isFalse = `${name}===undefined||${name}===false`;
      return kind === "and" ? `(${setup}${isFalse}?${name}:${other})` : `(${setup}${isFalse}?${other}:${name})`;
    });
  }

  #binary(expression: BinaryExpression): string {
    const { operator, left, right, line } = expression;
    const chain = chainOf(expression);
    if (chain.length > LONG_CHAIN) return this.#longChain(chain);
    return this.around.temporaries.within(() => {
      if (operator === "==" || operator === "~=") return this.#equality(operator, left, right, line);
      // A constant on the left of arithmetic comes after those on its right (see `#zero`).
      const early = left.kind === "number" && operator in ARITHMETIC ? this.#operand(right) : null;
      const a = this.#operand(left);
      const b = early ?? this.#operand(right);
      const setup = a.setup + b.setup;
      const comparison = COMPARISONS[operator];
      if (comparison !== undefined) {
        const fast = `${a.name}${operator}${b.name}`;
        const [name, isSwapped] = comparison;
        const operands = isSwapped ? `${b.name},${a.name}` : `${a.name},${b.name}`;
        return this.#checked(setup, left, right, a, b, fast, `R.${name}(${operands},${this.site(line)})`);
      }
      const site = this.site(line, originOf(left), originOf(right));
      if (operator === "..") {
        const areStrings = `typeof ${a.name}==="string"&&typeof ${b.name}==="string"`;
        const slow = this.operation(`R.concat(${a.name},${b.name},${site})`);
        return `(${setup}${areStrings}?R.joined(${a.name}+${b.name}):${slow})`;
      }
      const name = ARITHMETIC[operator];
      const slow = `R.arithmetic("__${name}",${a.name},${b.name},${site})`;
      return this.#checked(setup, left, right, a, b, ofNumbers(operator, a.name, b.name), slow);
    });
  }

  /** Operations of which each takes the result of the one before it: one after the other, so that nothing is nested. */
  #longChain(chain: readonly BinaryExpression[]): string {
    return this.around.temporaries.within(() => {
      const first = this.around.temporaries.within(() => this.value(chain[0].left));
      const result = this.around.temporaries.take();
      const steps = chain.map(({ operator, left, right, line }) =>
        this.around.temporaries.within(() => {
          const { setup, name } = this.#operand(right);
          const site = this.site(line, originOf(left), originOf(right));
          const fast = ofNumbers(operator, result, name);
          const slow = this.operation(`R.arithmetic("__${ARITHMETIC[operator]}",${result},${name},${site})`);
          return `${setup}${result}=typeof ${result}==="number"&&typeof ${name}==="number"?${fast}:${slow}`;
        })
      );
      return `(${result}=${first},${steps.join()},${result})`;
    });
  }

  /** What `fast` gives for two numbers, and `slow` for all else. */
  #checked(
    setup: string,
    left: Expression,
    right: Expression,
    a: Operand,
    b: Operand,
    fast: string,
    slow: string,
  ): string {
    const checks = [[left, a] as const, [right, b] as const].filter(([one]) => !isNumber(one));
    if (checks.length === 0) return `(${setup}${fast})`;
    const areNumbers = checks.map(([_, { name }]) => `typeof ${name}==="number"`).join("&&");
    return `(${setup}${areNumbers}?${fast}:${this.operation(slow)})`;
  }

  #equality(operator: "==" | "~=", left: Expression, right: Expression, line: number): string {
    const not = operator === "~=" ? "!" : "";
    const [a, b] = [this.#operand(left), this.#operand(right)];
    const setup = a.setup + b.setup;
    if (isPrimitive(left) || isPrimitive(right)) {
      return `(${setup}${a.name}${operator === "==" ? "===" : "!=="}${b.name})`;
    }
    const areTables = `${a.name} instanceof Table&&${b.name} instanceof Table`;
    const slow = this.operation(`R.equal(${a.name},${b.name},${this.site(line)})`);
    return `(${setup}${not}(${a.name}===${b.name}||${areTables}&&${slow}))`;
  }

  #minus(operand: Expression, line: number): string {
    return this.around.temporaries.within(() => {
      const { setup, name } = this.#operand(operand);
      if (isNumber(operand)) return `(${setup}-${name})`;
      const slow = this.operation(`R.arithmetic("__unm",${name},${name},${this.site(line, originOf(operand))})`);
      return `(${setup}typeof ${name}==="number"?-${name}:${slow})`;
    });
  }

  #length(operand: Expression, line: number): string {
    return this.around.temporaries.within(() => {
      const { setup, name } = this.#operand(operand);
      const slow = this.operation(`R.length(${name},${this.site(line, originOf(operand))})`);
      return `(${setup}typeof ${name}==="string"||${name} instanceof Table?${name}.length:${slow})`;
    });
  }

  #table({ fields }: TableExpression): string {
    if (fields.length === 0) return "new Table()";
    if (fields.every(({ key }) => key === null) && fields.length < LONG_LIST) {
      const list = this.list(fields.map(({ value }) => value));
      return `R.list(${list === "va" ? "va.slice()" : list})`; // the table takes the array, and `...` stays as it is
    }
    return this.around.temporaries.within(() => {
      const [table, list] = [this.around.temporaries.take(), this.around.temporaries.take()];
      const steps = [`${table}=new Table()`, `${list}=[]`];
      for (const [i, { key, value, line }] of fields.entries()) {
        this.around.temporaries.within(() => {
          if (key === null) {
            const isLast = i === fields.length - 1 && isMultiple(value);
            steps.push(`${list}.push(${isLast ? `...${this.many(value)}` : this.value(value)})`);
          } else if (key.kind === "string") {
            steps.push(`${table}.set(${JSON.stringify(key.value)},${this.value(value)})`);
          } else {
            const keyName = this.#taken(key);
            steps.push(`${keyName.setup}R.setField(${table},${keyName.name},${this.value(value)},${this.site(line)})`);
          }
        });
      }
      return `(${steps.join()},R.fill(${table},${list}))`;
    });
  }

  // --- Calls ----------------------------------------------------------------------------------------------------------

  /**
   * JavaScript of a call's result, which may be an array. A tail call from deep down is left to whoever called the function
   * that makes it: so that recursion of that kind needs no stack.
   */
  call(expression: CallExpression, isTail: boolean): string {
    return this.around.temporaries.within(() => {
      const { callee, method, args, line } = expression;
      const origin: Origin | null = method === null ? originOf(callee) : { kind: "method", name: method };
      const site = this.site(line, origin, null, isTail ? "tail call" : "call");
      const object = method === null ? null : this.#taken(callee);
      const called = object === null || method === null
        ? this.#taken(callee)
        : this.#method(object, method, callee, line);
      const rest = args.map((arg, i) =>
        i === args.length - 1 && isMultiple(arg) ? this.#spread(arg) : this.#taken(arg)
      );
      const passed = [...(object === null ? [] : [object]), ...rest];
      const setup = [object, called, ...rest].map((one) => one?.setup ?? "").join("");
      const names = passed.map(({ name }) => name).join();
      const { name } = called;
      const note = `S[d]=${site}`;
      const direct = called.isFunction
        ? `${name}(${names})`
        : `typeof ${name}==="function"?${name}(${names}):R.call(${name},[${names}],${site})`;
      if (isTail) return `(${setup}${note},d>R.tailDepth?new Tail(${name},[${names}],${site}):${this.#run(direct)})`;
      return `(${setup}${note},${this.#run(direct)})`;
    });
  }

  #run(call: string): string {
    if (!this.#isGenerator) return call;
    const t = this.around.temporaries.take();
    return this.awaited(t, call);
  }

  /** A call in generator mode, and all that it leads to: of tail calls only those from deep down are left to make. */
  awaited(t: string, call: string): string {
    return `(${t}=${call},${t} instanceof G?${this.#await(`(d<R.tailDepth?${t}:R.settle(${t}))`)}:${t})`;
  }

  #method(object: Operand, method: string, callee: Expression, line: number): Operand {
    const key = { setup: "", name: JSON.stringify(method) };
    const found = this.around.temporaries.within(() =>
      this.#index({ setup: "", name: object.name }, key, this.site(line, originOf(callee)))
    );
    const name = this.around.temporaries.take();
    const ofStrings = this.#constant(this.around.fixed?.method(method), `"":${method}`);
    const either = ofStrings === null ? found : `typeof ${object.name}==="string"?${ofStrings.name}:${found}`;
    return { setup: `${name}=${either},`, name };
  }

  /** The last argument of a call, which may be several. */
  #spread(expression: Expression): Operand {
    if (expression.kind === "vararg") return { setup: "", name: "...va" };
    const values = this.around.temporaries.within(() => this.many(expression));
    const name = this.around.temporaries.take();
    return { setup: `${name}=${values},`, name: `...${name}` };
  }

  // --- Assignments ----------------------------------------------------------------------------------------------------

  /** A statement that sets an entry of a table. */
  setIndex(object: Expression, key: Expression, value: Expression, line: number): string {
    return this.around.temporaries.within(() => {
      const [o, k, v] = [this.#operand(object), this.#operand(key), this.#operand(value)];
      const site = this.site(line, originOf(object));
      return `${o.setup}${k.setup}${v.setup}${this.store(o.name, k.name, v.name, site, key)};`;
    });
  }

  /** JavaScript that sets an entry of what has a name already. */
  store(object: string, key: string, value: string, site: string, keyExpression: Expression): string {
    const isKey = keyExpression.kind === "string" ||
        (keyExpression.kind === "number" && keyExpression.value === keyExpression.value)
      ? ""
      : `&&(typeof ${key}==="string"||typeof ${key}==="number"&&${key}===${key})`;
    const slow = this.operation(`R.setIndex(${object},${key},${value},${site})`);
    return `${object} instanceof Table&&${object}.isPlain${isKey}?${object}.set(${key},${value}):${slow}`;
  }

  /** An expression that is evaluated into a variable of its own, which is taken until the statement is written. */
  hold(expression: Expression): Operand {
    const value = this.around.temporaries.within(() => this.value(expression));
    const name = this.around.temporaries.take();
    return { setup: `${name}=${value};`, name };
  }
}

/** Arithmetic that begins with the result of such as well, and so on: the innermost first. */
function chainOf(expression: BinaryExpression): BinaryExpression[] {
  const chain: BinaryExpression[] = [];
  for (let at: Expression = expression; at.kind === "binary" && at.operator in ARITHMETIC; at = at.left) chain.push(at);
  return chain.reverse();
}

/** JavaScript of an operation on two numbers. */
function ofNumbers(operator: string, a: string, b: string): string {
  if (operator === "%") return `${a}-Math.floor(${a}/${b})*${b}`;
  return operator === "^" ? `R.power(${a},${b})` : `${a}${operator}${b}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "(0/0)";
  if (!Number.isFinite(value)) return value > 0 ? "(1/0)" : "(-1/0)";
  return Object.is(value, -0) ? "(-0)" : `(${value})`; // in parentheses, as something may stand right behind it
}

/** Whether an expression may have any number of values. */
export function isMultiple(expression: Expression): boolean {
  return expression.kind === "call" || expression.kind === "vararg";
}

/** Whether an expression is a number, whatever happens. */
export function isNumber(expression: Expression): boolean {
  return expression.kind === "number" || (expression.kind === "local" && expression.variable.isCounter);
}

/** Whether it is of a type that equals what is the same, and nothing else. */
function isPrimitive({ kind }: Expression): boolean {
  return kind === "nil" || kind === "true" || kind === "false" || kind === "number" || kind === "string";
}

/** Whether its value is true or false, whatever happens. */
function isBoolean(expression: Expression): boolean {
  switch (expression.kind) {
    case "true":
    case "false":
    case "not":
      return true;
    case "binary":
      return expression.operator === "==" || expression.operator === "~=" || expression.operator in COMPARISONS;
    case "parenthesis":
      return isBoolean(expression.inner);
    default:
      return false;
  }
}

/**
 * Where Lua's look for a name leads from the left side of `and` or `or`, as it takes every jump on its way: to the right
 * side, which has a name then, or behind it.
 */
function pathFrom(left: Expression, kind: "and" | "or"): "right" | "behind" {
  if (left.kind === "parenthesis") return pathFrom(left.inner, kind);
  const isFalse = left.kind === "nil" || left.kind === "false";
  const isTrue = left.kind === "true" || left.kind === "number" || left.kind === "string";
  if (kind === "or" ? isFalse : isTrue) return "right"; // there is no jump
  if (left.kind !== "and" && left.kind !== "or") return "behind";
  if (pathFrom(left.left, left.kind) === "right") return pathFrom(left.right, kind);
  return left.kind === kind ? "behind" : "right";
}

/** How messages name what an expression has given. */
export function originOf(expression: Expression): Origin | null {
  switch (expression.kind) {
    case "local":
      return { kind: expression.isUpvalue ? "upvalue" : "local", name: expression.variable.name };
    case "global":
      return { kind: "global", name: expression.name };
    case "index": {
      const { key } = expression;
      return { kind: "field", name: key.kind === "string" ? key.value.split("\0", 1)[0] : "?" }; // C sees its end there
    }
    case "call":
      return null;
    case "parenthesis":
      return originOf(expression.inner);
    case "and":
    case "or":
      return pathFrom(expression.left, expression.kind) === "right" ? originOf(expression.right) : null;
    default:
      return null;
  }
}
