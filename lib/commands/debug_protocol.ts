/** DEBUG PROTOCOL: a sample of each type of reply, with which client libraries test their parsers. */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Request } from "../resp/request.ts";
import type { Session } from "./session.ts";

const SAMPLE_LENGTH = 3;

function attribute(reply: ReplyWriter): void {
  if (reply.protocol === 3) {
    reply.attribute(1);
    reply.bulkString("key-popularity");
    reply.array(2);
    reply.bulkString("key:123");
    reply.integer(90);
  }
  reply.bulkString("Some real reply following the attribute");
}

function push(reply: ReplyWriter): void {
  if (reply.protocol === 2) return reply.error("ERR RESP2 is not supported by this command");
  reply.push(2);
  reply.bulkString("server-cpu-usage");
  reply.integer(42);
  reply.bulkString("Some real reply following the push reply");
}

function map(reply: ReplyWriter): void {
  reply.map(SAMPLE_LENGTH);
  for (let i = 0; i < SAMPLE_LENGTH; i++) {
    reply.integer(i);
    reply.boolean(i === 1);
  }
}

function integers(reply: ReplyWriter): void {
  for (let i = 0; i < SAMPLE_LENGTH; i++) reply.integer(i);
}

const SAMPLES: ReadonlyMap<string, (reply: ReplyWriter) => void> = new Map([
  ["string", (reply) => reply.bulkString("Hello World")],
  ["integer", (reply) => reply.integer(12345)],
  ["double", (reply) => reply.double(3.141)],
  ["bignum", (reply) => reply.bigNumber("1234567999999999999999999999999999999")],
  ["null", (reply) => reply.nil()],
  ["array", (reply) => {
    reply.array(SAMPLE_LENGTH);
    integers(reply);
  }],
  ["set", (reply) => {
    reply.set(SAMPLE_LENGTH);
    integers(reply);
  }],
  ["map", map],
  ["attrib", attribute],
  ["push", push],
  ["verbatim", (reply) => reply.verbatim("txt", "This is a verbatim\nstring")],
  ["true", (reply) => reply.boolean(true)],
  ["false", (reply) => reply.boolean(false)],
]);

/** `DEBUG PROTOCOL type` */
export function protocolSample(session: Session, request: Request): void {
  const sample = SAMPLES.get(request.text(2).toLowerCase());
  if (sample !== undefined) return sample(session.reply);
  session.reply.error(
    "ERR Wrong protocol type name. Please use one of the following: " +
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
  );
}
