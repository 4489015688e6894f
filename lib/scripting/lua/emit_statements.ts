/** Writes statements and functions as JavaScript; see `emit_expressions.ts` for the names that it uses. */

import {
  type Chunk,
  ExpressionWriter,
  isMultiple,
  isNumber,
  nameOf,
  originOf,
  type Surroundings,
  Temporaries,
} from "./emit_expressions.ts";
import type { FixedValues } from "./fixed_values.ts";
import type { Block, Expression, FunctionBody, Statement, Target, Variable } from "./syntax.ts";

/**
 * Operations of a function that can be left. The time that JavaScriptCore takes to compile a generator grows with the square
 * of the places at which that may be: 0.3 s for a thousand. A function that is larger goes on to its end, and is ended if
 * that takes long.
 */
const MOST_OPERATIONS = 800;

/** Turns of loops that a plain function counts at once; a power of two. */
const TURNS_AT_ONCE = 16;
/** The same of a loop over numbers, which has a loop within for them. */
const MOST_TURNS_AT_ONCE = 256;

type Of<Kind extends Statement["kind"]> = Extract<Statement, { readonly kind: Kind }>;

/** JavaScript of a function expression. */
export function emitFunction(chunk: Chunk, body: FunctionBody): string {
  return new FunctionWriter(chunk, body).write();
}

class FunctionWriter implements Surroundings {
  readonly temporaries = new Temporaries();
  readonly #expressions: ExpressionWriter;
  /** Loops of the function so far, and those around what is being written. */
  #loops = 0;
  #loopsAround = 0;
  /** What leaves the loop that is being written. */
  #leave = "break;";

  constructor(readonly chunk: Chunk, readonly body: FunctionBody) {
    this.#expressions = new ExpressionWriter(this);
  }

  /** Whether it is the chunk's own. */
  get #isMain(): boolean {
    return this.body.line === 0;
  }

  get #isGenerator(): boolean {
    return this.chunk.mode === "generator";
  }

  emitFunction(body: FunctionBody): string {
    return emitFunction(this.chunk, body);
  }

  get fixed(): FixedValues | null {
    const { kind, fixed } = this.chunk;
    return kind !== "library" || !this.#isMain ? fixed : null;
  }

  get canPause(): boolean {
    return this.#isGenerator && this.body.operations <= MOST_OPERATIONS;
  }

  write(): string {
    const { body } = this;
    const parameters = body.parameters.map(nameOf);
    if (body.isVararg) parameters.push("...va");
    const block = this.#block(body.block);
    const temporaries = Array.from({ length: this.temporaries.most }, (_, i) => `t${i}`);
    const prologue = [
      temporaries.length > 0 ? `let ${temporaries.join()};` : "",
      body.argTable === null ? "" : `let ${nameOf(body.argTable)}${body.usesVararg ? "" : "=R.argTable(va)"};`,
      "const e=T.depth,d=e+1;T.depth=d;if(d>R.mostDepth)R.tooDeep();",
      this.#isGenerator ? this.#pause(body.line) : "if(--T.turnsLeft<0)R.tick();",
      this.#loops > 0 && !this.#isGenerator ? "let q=0;" : "",
    ].join("");
    const end = endsInReturn(body.block) ? "" : "T.depth=e;return R.nothing;";
    return `function${this.canPause ? "*" : ""}(${parameters.join()}){${prologue}${block}${end}}`;
  }

  /**
   * Counts a turn of a loop: now and then somebody looks at how long the script takes. Plain functions count in a variable
   * of their own, and each few turns for all: to write down each takes longer than all else that a short turn does.
   */
  #tick(line: number): string {
    if (this.#isGenerator) return this.#pause(line);
    return `if((q=q+1&${TURNS_AT_ONCE - 1})===0&&(T.turnsLeft-=${TURNS_AT_ONCE})<0)${this.#look(line)};`;
  }

  /** Counts a turn, or a call, in generator mode. */
  #pause(line: number): string {
    return `if(--T.turnsLeft<0&&${this.#look(line)})${this.canPause ? "yield" : "R.stall()"};`;
  }

  /** Has somebody look at the script, who may end it: the place is noted for what is told then. */
  #look(line: number): string {
    return `(S[d]=${this.#expressions.site(line)},R.tick())`;
  }

  #block(block: Block): string {
    return block.map((statement) => this.temporaries.within(() => this.#statement(statement))).join("");
  }

  #statement(statement: Statement): string {
    switch (statement.kind) {
      case "local":
        return this.#local(statement);
      case "assign":
        return this.#assign(statement);
      case "local function":
        return this.#localFunction(statement);
      case "call":
        return this.#call(statement);
      case "do":
        return `{${this.#block(statement.block)}}`;
      case "while":
        return this.#while(statement);
      case "repeat":
        return this.#repeat(statement);
      case "if":
        return this.#if(statement);
      case "numeric for":
        return this.#numericFor(statement);
      case "generic for":
        return this.#genericFor(statement);
      case "return":
        return this.#return(statement.values);
      case "break":
        return this.#leave;
    }
  }

  #local({ variables, values }: Of<"local">): string {
    if (variables.length === 1 && values.length === 1) {
      const [variable] = variables;
      if (this.#isKnown(variable, values[0])) return "";
      const word = variable.isAssigned ? "let" : "const";
      return `${word} ${nameOf(variable)}=${this.#expressions.value(values[0])};`;
    }
    const { setup, names } = this.#adjusted(values, variables.length);
    const declared = variables.map((variable, i) => `${nameOf(variable)}=${names[i]}`);
    return `${setup}let ${declared.join()};`;
  }

  #localFunction({ variable, body }: Of<"local function">): string {
    if (this.#isLifted(variable, body)) return "";
    const name = nameOf(variable);
    return `let ${name};${name}=${this.emitFunction(body)};`;
  }

  /** Whether a local variable has the same value in all runs: then that is noted, and the variable is not needed. */
  #isKnown(variable: Variable, value: Expression): boolean {
    if (variable.isAssigned) return false;
    if (value.kind === "function") return this.#isLifted(variable, value.body);
    const known = this.#expressions.known(value);
    if (known !== null) this.chunk.known.set(variable, known);
    return known !== null;
  }

  /**
   * Whether a function of a script can be made once for all runs, and stand outside: it is made once in each run, and
   * refers to nothing that is another thing in each. The engine then knows what calls of it call.
   */
  #isLifted(variable: Variable, body: FunctionBody): boolean {
    const { kind, known, lifted } = this.chunk;
    if (kind !== "script" || !this.#isMain || this.#loopsAround > 0 || variable.isAssigned) return false;
    for (const upvalue of body.upvalues) if (upvalue !== variable && !known.has(upvalue)) return false;
    const name = nameOf(variable);
    known.set(variable, { setup: "", name, isFunction: true });
    lifted.push(`const ${name}=${this.emitFunction(body)};`);
    return true;
  }

  /** So many values of a list, each by a name of its own. */
  #adjusted(values: readonly Expression[], count: number): { setup: string; names: string[] } {
    const names: string[] = [];
    let setup = "";
    for (const [i, value] of values.entries()) {
      const isLast = i === values.length - 1;
      if (isLast && isMultiple(value) && names.length < count - 1) {
        const all = this.temporaries.within(() => this.#expressions.many(value));
        const held = this.temporaries.take();
        setup += `${held}=${all};`;
        for (let at = 0; names.length < count; at++) names.push(`${held}[${at}]`);
      } else {
        const held = this.#expressions.hold(value);
        setup += held.setup;
        names.push(held.name);
      }
    }
    while (names.length < count) names.push("undefined");
    return { setup, names };
  }

  #assign({ targets, values, line }: Of<"assign">): string {
    if (targets.length === 1 && values.length === 1) {
      const [target] = targets;
      if (target.kind === "index") return this.#expressions.setIndex(target.object, target.key, values[0], line);
      if (target.kind === "local") return `${nameOf(target.variable)}=${this.#expressions.value(values[0])};`;
    }
    // Where there are several, what is indexed and by what comes first, and all values before any is assigned.
    const places = targets.map((target) => this.#place(target));
    const { setup, names } = this.#adjusted(values, targets.length);
    const stores = places.map(({ store }, i) => store(names[i], line)).reverse();
    return places.map((place) => place.setup).join("") + setup + stores.join("");
  }

  #place(target: Target): { setup: string; store: (value: string, line: number) => string } {
    switch (target.kind) {
      case "local":
        return { setup: "", store: (value) => `${nameOf(target.variable)}=${value};` };
      case "global":
        return {
          setup: "",
          store: (value, line) => this.#setGlobal(target.name, value, line),
        };
      case "index": {
        const object = this.#expressions.hold(target.object);
        const key = this.#expressions.hold(target.key);
        return {
          setup: object.setup + key.setup,
          store: (value, line) => {
            const site = this.#expressions.site(line, originOf(target.object));
            return `${this.#expressions.store(object.name, key.name, value, site, target.key)};`;
          },
        };
      }
    }
  }

  #setGlobal(name: string, value: string, line: number): string {
    return `${
      this.#expressions.operation(`R.setGlobal(${JSON.stringify(name)},${value},${this.#expressions.site(line)})`)
    };`;
  }

  #call({ call }: Of<"call">): string {
    const result = this.#expressions.call(call, false);
    if (this.#isGenerator) return `${result};`;
    const t = this.temporaries.take();
    return `${t}=${result};if(${t} instanceof Tail)R.finish(${t});`;
  }

  #while({ condition, block, line }: Of<"while">): string {
    this.#loops++;
    return `while(${this.#expressions.condition(condition)}){${this.#tick(line)}${this.#loopBlock(block)}}`;
  }

  #repeat({ block, condition, line }: Of<"repeat">): string {
    this.#loops++;
    const body = this.#loopBlock(block);
    const end = endsInReturn(block) ? "" : `if(${this.#expressions.condition(condition)})break;`;
    return `for(;;){${this.#tick(line)}${body}${end}}`;
  }

  #if({ arms, otherwise }: Of<"if">): string {
    const written = arms.map(({ condition, block }) =>
      `if(${this.temporaries.within(() => this.#expressions.condition(condition))}){${this.#block(block)}}`
    );
    return written.join("else ") + (otherwise === null ? "" : `else{${this.#block(otherwise)}}`);
  }

  #numericFor({ variable, start, limit, step, block, line }: Of<"numeric for">): string {
    const n = this.#loops++;
    const [from, to, by] = [`from${n}`, `to${n}`, `by${n}`];
    const bounds = [[from, start, "initial value"], [to, limit, "limit"], [by, step ?? ONE, "step"]] as const;
    const evaluated = bounds.map(([name, value]) => this.#bound(name, value)).join("");
    const checked = bounds.map(([name, value, what]) => this.#boundCheck(name, value, what, line)).join("");
    let isUpward = `${by}>0?c${n}<=${to}:c${n}>=${to}`;
    if (step === null) isUpward = `c${n}<=${to}`;
    else if (step.kind === "number") isUpward = step.value > 0 ? `c${n}<=${to}` : `c${n}>=${to}`;
    // Lua begins one step before the first, and adds: fractions may come out otherwise than they went in.
    const isWhole = start.kind === "number" && Number.isSafeInteger(start.value) &&
      (step === null || (step.kind === "number" && Number.isSafeInteger(step.value)));
    const first = isWhole ? from : `${from}-${by}+${by}`;
    const counter = variable.isCounter && !variable.isCaptured ? nameOf(variable) : `c${n}`;
    const own = counter === `c${n}` ? `let ${nameOf(variable)}=${counter};` : "";
    const condition = isUpward.replaceAll(`c${n}`, counter);
    const head = `{${evaluated}${checked}let ${counter}=${first};`;
    if (this.#isGenerator) {
      const body = this.#loopBlock(block);
      return `${head}for(;${condition};${counter}+=${by}){${this.#pause(line)}${own}${body}}}`;
    }
    // Turns are counted in an inner loop without any call, which engines need for their best code.
    const [label, turns] = [`l${n}`, `k${n}`];
    const body = this.#loopBlock(block, `break ${label};`);
    return `${head}${label}:for(;${condition};){let ${turns}=0;` +
      `for(;${condition}&&${turns}<${MOST_TURNS_AT_ONCE};${counter}+=${by},${turns}++){${own}${body}}` +
      `if((T.turnsLeft-=${turns})<0)${this.#look(line)};}}`;
  }

  /** The statements of a loop, which are left by `leave`. */
  #loopBlock(block: Block, leave = "break;"): string {
    const outer = this.#leave;
    this.#leave = leave;
    this.#loopsAround++;
    const written = this.#block(block);
    this.#loopsAround--;
    this.#leave = outer;
    return written;
  }

  #bound(name: string, value: Expression): string {
    const written = this.temporaries.within(() => this.#expressions.value(value));
    return `${isNumber(value) ? "const" : "let"} ${name}=${written};`;
  }

  /** A bound that is no number is told of once all of them are there. */
  #boundCheck(name: string, value: Expression, what: string, line: number): string {
    if (isNumber(value)) return "";
    return `if(typeof ${name}!=="number")${name}=R.forNumber(${name},"${what}",${this.#expressions.site(line)});`;
  }

  #genericFor({ variables, values, block, line }: Of<"generic for">): string {
    const n = this.#loops++;
    const { setup, names } = this.#adjusted(values, 3);
    const [f, s, c, w, r] = ["f", "s", "c", "w", "r"].map((letter) => `${letter}${n}`);
    const [first, ...others] = variables.map(nameOf);
    const [key, second] = [`k${n}`, others[0]];
    const walked = second === undefined ? "" : `${second}=${w}.value;`;
    const taken = others.map((name, i) => `${name}=${r}[${i + 1}];`).join("");
    const site = this.#expressions.site(line, null, null, "turn");
    const call = this.#expressions.all(
      `(S[d]=${site},typeof ${f}==="function"?${this.#called(`${f}(${s},${c})`)}:${
        this.#called(`R.call(${f},[${s},${c}],${site})`)
      })`,
    );
    const head = `let ${f}=${names[0]},${s}=${names[1]},${c}=${names[2]},${w}=R.walk(${f},${s},${c});`;
    const declared = `let ${[first, ...others].join()};`;
    const next = `if(${w}!==null){if(!${w}.step())break;${first}=${w}.key;${walked}}` +
      `else{const ${r}=${call},${key}=${r}[0];if(${key}===undefined)break;${c}=${first}=${key};${taken}}`;
    return `{${setup}${head}for(;;){${this.#tick(line)}${declared}${next}${this.#loopBlock(block)}}}`;
  }

  /** A call that a generic for makes. */
  #called(call: string): string {
    if (!this.#isGenerator) return call;
    return this.temporaries.within(() => this.#expressions.awaited(this.temporaries.take(), call));
  }

  #return(values: readonly Expression[]): string {
    if (values.length === 0) return "T.depth=e;return R.nothing;";
    const [value] = values;
    const result = values.length > 1
      ? this.#expressions.list(values)
      : value.kind === "call"
      ? this.#expressions.call(value, true)
      : value.kind === "vararg"
      ? "va"
      : this.#expressions.value(value);
    const t = this.temporaries.take();
    return `${t}=${result};T.depth=e;return ${t};`;
  }
}

/** The step of a loop that names none. */
const ONE: Expression = { kind: "number", value: 1 };

/** Whether nothing comes behind a block. */
function endsInReturn(block: Block): boolean {
  const last = block.at(-1);
  return last?.kind === "return" || last?.kind === "break";
}
