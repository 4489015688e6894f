/**
 * The `user` lines of redis.conf while there are no users here: one is taken if it says of the user `default` what is so
 * anyway, as CONFIG REWRITE of a Redis leaves it. Whatever else a line asks for would be a restriction that does not hold.
 */

import { createHash } from "node:crypto";
import { encodeLatin1 } from "../bytes/latin1.ts";

const WAY_OUT = "Remove the line; 'requirepass' sets the password of the user 'default', who may do everything";

interface UserState {
  isOn: boolean;
  needsNoPassword: boolean;
  /** SHA-256 sums of the passwords, in hexadecimal. */
  passwords: string[];
  allKeys: boolean;
  allChannels: boolean;
  allCommands: boolean;
}

/** What the rules of a line do, those that can leave a user unrestricted; the others are not looked up. */
const RULES: Readonly<Record<string, (user: UserState) => void>> = {
  "on": (user) => user.isOn = true,
  "off": (user) => user.isOn = false,
  "nopass": (user) => Object.assign(user, { needsNoPassword: true, passwords: [] }),
  "resetpass": (user) => Object.assign(user, { needsNoPassword: false, passwords: [] }),
  "allkeys": (user) => user.allKeys = true,
  "~*": (user) => user.allKeys = true,
  "%rw~*": (user) => user.allKeys = true,
  "resetkeys": (user) => user.allKeys = false,
  "allchannels": (user) => user.allChannels = true,
  "&*": (user) => user.allChannels = true,
  "resetchannels": (user) => user.allChannels = false,
  "allcommands": (user) => user.allCommands = true,
  "+@all": (user) => user.allCommands = true,
  "nocommands": (user) => user.allCommands = false,
  "-@all": (user) => user.allCommands = false,
  "reset": (user) => Object.assign(user, newUser()),
  // The payloads of RESTORE are always checked.
  "sanitize-payload": () => {},
  "skip-sanitize-payload": () => {},
  "clearselectors": () => {},
};

function newUser(): UserState {
  return {
    isOn: false,
    needsNoPassword: false,
    passwords: [],
    allKeys: false,
    allChannels: false,
    allCommands: false,
  };
}

/** The SHA-256 sum of a password, a binary string, as `user` lines show it. */
export function passwordSum(password: string): string {
  return createHash("sha256").update(encodeLatin1(password)).digest("hex");
}

/** Why a `user` line (its words, without `user`) cannot be taken, given the `requirepass` in force; or null. */
export function userRefusal([name, ...rules]: readonly string[], requirePassword: string): string | null {
  if (name !== "default") return `there are no users but 'default' yet, and '${name}' would not be one. ${WAY_OUT}`;
  const user = newUser();
  for (const rule of rules) {
    const apply = RULES[rule.toLowerCase()];
    if (apply !== undefined) apply(user);
    else if (rule.startsWith(">")) user.passwords.push(passwordSum(rule.slice(1)));
    else if (rule.startsWith("#")) user.passwords.push(rule.slice(1));
    // The rule itself may hold a secret.
    else return `the user 'default' cannot be restricted yet, as one of the rules asks. ${WAY_OUT}`;
  }
  if (!user.isOn) return `the user 'default' cannot be switched off yet. ${WAY_OUT}`;
  const lacking = !user.allCommands ? "+@all" : !user.allKeys ? "~*" : !user.allChannels ? "&*" : null;
  if (lacking !== null) return `the user 'default' cannot be restricted yet, as without '${lacking}'. ${WAY_OUT}`;
  if (user.needsNoPassword) return null;
  const known = requirePassword !== "" && user.passwords.every((sum) => sum === passwordSum(requirePassword));
  if (user.passwords.length > 0 && known) return null;
  return `the password of the user 'default' is taken from 'requirepass' only, and that is another. ${WAY_OUT}`;
}

/** The line, without `user`, that says what is so here, as CONFIG REWRITE writes it. */
export function defaultUserLine(requirePassword: string): string {
  const password = requirePassword === "" ? "nopass" : `#${passwordSum(requirePassword)}`;
  return `default on ${password} sanitize-payload ~* &* +@all`;
}
