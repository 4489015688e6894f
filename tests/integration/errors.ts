/** Errors that the commands of many families reply. */

import { ReplyError } from "./test_client.ts";

export const WRONG_TYPE = new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value");
export const NOT_INTEGER = new ReplyError("ERR value is not an integer or out of range");
export const NOT_POSITIVE = new ReplyError("ERR value is out of range, must be positive");
export const SYNTAX = new ReplyError("ERR syntax error");
