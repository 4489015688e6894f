/**
 * Follows a connection to both servers, to know what a reply has to be held against: of which commands EXEC's reply has
 * the replies, what was drawn at random, and what 7.2 replies to commands that 7.0 does not know.
 */

import { same } from "./compare.ts";
import { type Frame, frameOf } from "./frames.ts";

/** Commands whose replies show all that could be drawn, by those that draw. */
const SHOWING: Readonly<Record<string, string>> = {
  srandmember: "smembers",
  hrandfield: "hgetall",
  zrandmember: "zrange",
};

export class Follower {
  #queued: (readonly string[])[] | null = null;
  /** The last two commands and what this server replied. */
  #history: { readonly args: readonly string[]; readonly reply: string }[] = [];
  #drawn: { readonly args: readonly string[]; readonly frame: Frame } | null = null;

  /** `sorts` is that of the setting. */
  constructor(readonly sorts: boolean) {}

  /** Whether two replies to a command mean the same. To be called for all commands of the connection, in order. */
  same(args: readonly string[], a: string, b: string): boolean {
    const name = args[0].toLowerCase();
    const queued = this.#queued;
    if (b === "+QUEUED\r\n") queued?.push(args);
    else if (name === "multi" && b[0] === "+") this.#queued = [];
    else if (["exec", "discard", "reset"].includes(name) && args.length === 1) this.#queued = null;
    const isSame = (this.#drawn === null || this.#fits(name, args, a)) &&
      (a === b || this.#sameFrames(args, frameOf(a), frameOf(b), queued));
    this.#history = [...this.#history.slice(-1), { args, reply: a }];
    return isSame;
  }

  #sameFrames(args: readonly string[], a: Frame, b: Frame, queued: (readonly string[])[] | null): boolean {
    const name = args[0].toLowerCase();
    const isExecuted = name === "exec" && queued !== null && b.kind === "*" && b.items.length === queued.length;
    if (isExecuted) {
      return a.kind === b.kind && a.line === b.line &&
        queued.every((command, i) =>
          a.items[i].bytes === b.items[i].bytes || same(command, a.items[i], b.items[i], this.sorts) ||
          this.#sameDrawn(command, a.items[i], b.items[i])
        );
    }
    if (name in SHOWING && this.#sameDrawn(args, a, b)) {
      this.#drawn = { args, frame: a };
      return true;
    }
    return same(args, a, b, this.sorts) || this.#isRankWithScore(args, a, b);
  }

  /** Whether as many were drawn, and none twice where that must not be. */
  #sameDrawn(args: readonly string[], a: Frame, b: Frame): boolean {
    if (!(args[0].toLowerCase() in SHOWING) || a.kind !== b.kind) return false;
    if (args.length === 2) return a.content !== null && b.content !== null;
    if (a.line !== b.line || a.items.length === 0) return false;
    const drawn = elementsOf(args, a);
    return args[2].trim().startsWith("-") || new Set(drawn).size === drawn.length;
  }

  /** Whether what was drawn by the last command is in the reply to this one, which shows all. */
  #fits(name: string, args: readonly string[], reply: string): boolean {
    const drawn = this.#drawn;
    this.#drawn = null;
    if (drawn === null || SHOWING[drawn.args[0].toLowerCase()] !== name || args[1] !== drawn.args[1]) return true;
    if (name === "zrange" && args.slice(2).join(" ") !== "0 -1 WITHSCORES") return true;
    const all = frameOf(reply);
    if (!"*%~".includes(all.kind)) return true;
    const pairs = drawn.args.length > 3;
    const isFlat = name === "hgetall" || (name === "zrange" && all.items[0]?.kind !== "*");
    const shown = new Set<string>();
    for (let i = 0; i < all.items.length; i += isFlat ? 2 : 1) {
      const item = all.items[i];
      if (!isFlat && name === "zrange") shown.add(pairs ? item.items.map(textOf).join("\0") : textOf(item.items[0]));
      else shown.add(pairs ? `${textOf(item)}\0${textOf(all.items[i + 1])}` : textOf(item));
    }
    return elementsOf(drawn.args, drawn.frame).every((one) => shown.has(one));
  }

  /**
   * ZRANK key member WITHSCORE came with 7.2; 7.0 refuses it. It is sent behind ZRANK and ZSCORE of the same, and must
   * have what those have.
   */
  #isRankWithScore(args: readonly string[], a: Frame, b: Frame): boolean {
    if (!/^z(rev)?rank$/i.test(args[0]) || args.length !== 4 || b.kind !== "-") return false;
    if (args[3].toLowerCase() !== "withscore") return a.bytes === "-ERR syntax error\r\n";
    const [rank, score] = this.#history;
    const isBehindThem = rank?.args[0].toLowerCase() === args[0].toLowerCase() &&
      score?.args[0].toLowerCase() === "zscore" && [rank, score].every((one) => one.args[1] === args[1]) &&
      [rank, score].every((one) => one.args[2] === args[2]);
    if (!isBehindThem) return a.kind === "*" || a.kind === "_" || a.kind === "-";
    if (rank.reply[0] === "-") return a.bytes === rank.reply;
    if (rank.reply[0] !== ":") return a.bytes === (a.kind === "_" ? "_\r\n" : "*-1\r\n");
    return a.kind === "*" && a.items.length === 2 && a.items[0].bytes === rank.reply &&
      a.items[1].bytes === score.reply;
  }
}

function textOf(frame: Frame): string {
  return frame.content ?? frame.line;
}

/** Elements of a draw, each with its value or score where those were asked for. */
function elementsOf(args: readonly string[], frame: Frame): string[] {
  if (args.length === 2) return [textOf(frame)];
  if (args.length === 3) return frame.items.map(textOf);
  if (frame.items[0]?.kind === "*") return frame.items.map((pair) => pair.items.map(textOf).join("\0"));
  const elements: string[] = [];
  for (let i = 0; i < frame.items.length; i += 2) elements.push(frame.items.slice(i, i + 2).map(textOf).join("\0"));
  return elements;
}
