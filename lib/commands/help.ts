/** The HELP subcommands: one form for all containers. */

import type { Session } from "./session.ts";

/** Makes a handler that replies with the usage of a container's subcommands, given as pairs of syntax and meaning. */
export function help(
  container: string,
  subcommands: readonly (readonly [syntax: string, ...meaning: string[]])[],
): (session: Session) => void {
  const lines = [`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const [syntax, ...meaning] of subcommands) lines.push(syntax, ...meaning.map((line) => `    ${line}`));
  lines.push("HELP", "    Print this help.");
  return (session) => {
    session.reply.array(lines.length);
    for (const line of lines) session.reply.simple(line);
  };
}
