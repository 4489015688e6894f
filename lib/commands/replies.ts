/** Replies that several families give. */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Element } from "../store/listpack.ts";
import type { Session } from "./session.ts";

/** Replies with an element of a value as a bulk string. */
export function replyElement(reply: ReplyWriter, element: Element): void {
  if (element.isInteger && !Number.isNaN(element.integer)) return reply.bulkInteger(element.integer);
  element.toBytes();
  reply.bulk(element.bytes, element.start, element.length);
}

/** Replies with an error; null, in place of what was to be read from the arguments. */
export function refuse(session: Session, error: string): null {
  session.reply.error(error);
  return null;
}
