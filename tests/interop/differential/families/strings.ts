/** Strings, as text and numbers. */

import type { Values } from "../values.ts";
import { type Template, templates } from "./template.ts";

/** Options of SET or GETEX that give an expiry; sometimes several, which is an error. */
function expiryOptions(values: Values): string[] {
  const options: string[] = [];
  for (let i = values.of([0, 0, 1, 1, 1, 2]); i > 0; i--) {
    const option = values.of(["EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"]);
    options.push(values.anyCase(option));
    if (option === "EX" || option === "PX") options.push(values.relative(option === "EX" ? 1 : 1000));
    else if (option.endsWith("AT")) options.push(values.absolute(option === "EXAT" ? 1 : 1000));
  }
  return options;
}

function setCommand(values: Values): string[] {
  const conditions = values.options("NX", "XX", "GET");
  const expiry = expiryOptions(values);
  const options = values.once(2) ? [...conditions, ...expiry] : [...expiry, ...conditions];
  return ["SET", values.key("string"), values.value(), ...options];
}

function offset(values: Values): string {
  return values.once(4) ? values.integer() : String(values.below(100));
}

function lcsOptions(values: Values): string[] {
  const minimum = values.once(3) ? [values.anyCase("MINMATCHLEN"), values.of(["0", "2", "-1", "x", "4"])] : [];
  return [...values.options("LEN", "IDX", "WITHMATCHLEN"), ...minimum];
}

/** Any key of strings, though more often one that has numbers. */
function numberKey(values: Values): string {
  return values.isMixed || values.once(3) ? values.key("string") : values.of(["n1", "n2"]);
}

function floatKey(values: Values): string {
  return values.isMixed || values.once(3) ? values.key("string") : values.of(["f1", "f2"]);
}

export const STRINGS: readonly Template[] = [
  ...templates(6, "any", [
    (v) => ["GET", v.key("string")],
    (v) => ["SET", v.key("string"), v.value()],
    (v) => ["SETNX", v.key("string"), v.value()],
    (v) => ["GETSET", v.key("string"), v.value()],
    (v) => ["GETDEL", v.key("string")],
    (v) => ["MGET", ...v.anyKeys()],
    (v) => ["MSET", ...v.keys("string", 4).flatMap((key) => [key, v.value()])],
    (v) => ["MSETNX", ...v.keys("string", 4).flatMap((key) => [key, v.value()])],
    (v) => [v.of(["INCR", "DECR"]), numberKey(v)],
    (v) => [v.of(["INCRBY", "DECRBY"]), numberKey(v), v.integer()],
    (v) => ["INCRBYFLOAT", floatKey(v), v.float()],
    (v) => ["SET", v.once(2) ? numberKey(v) : floatKey(v), v.once(2) ? v.float() : v.integer()],
    (v) => ["APPEND", v.key("string"), v.value()],
    (v) => ["STRLEN", v.key("string")],
    (v) => ["SETRANGE", v.key("string"), offset(v), v.value()],
    (v) => [v.of(["GETRANGE", "SUBSTR"]), v.key("string"), v.integer(), v.integer()],
    (v) => ["LCS", v.key("string"), v.key("string"), ...lcsOptions(v)],
  ]),
  ...templates(6, "length", [
    setCommand,
    setCommand,
    (v) => ["SETEX", v.key("string"), v.relative(1), v.value()],
    (v) => ["PSETEX", v.key("string"), v.relative(1000), v.value()],
    (v) => ["GETEX", v.key("string"), ...expiryOptions(v)],
  ]),
  ...templates(1, "any", [
    (v) => ["OBJECT", v.anyCase("ENCODING"), v.key("string")],
    (v) => ["DEL", ...v.keys("string", 3)],
  ]),
];
