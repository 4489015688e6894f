/** Replies that several families give. */

import type { ReplyWriter } from "../resp/reply.ts";
import type { Element } from "../store/listpack.ts";

/** Replies with an element of a value as a bulk string. */
export function replyElement(reply: ReplyWriter, element: Element): void {
  if (element.isInteger && !Number.isNaN(element.integer)) return reply.bulkInteger(element.integer);
  element.toBytes();
  reply.bulk(element.bytes, element.start, element.length);
}
