/**
 * Replies as trees that keep what the wire says of them: of which RESP type each part is, and its bytes. Two replies
 * are the same, byte for byte, where their texts are; the tree serves to compare parts without regard to their order.
 */

/** A reply or a part of one. */
export interface Frame {
  /** Its first byte, and the rest of its line. */
  readonly kind: string;
  readonly line: string;
  /** Content of a bulk string; null for null and for everything that has none. */
  readonly content: string | null;
  /** Elements of an aggregate, keys and values of a map by turns; empty for everything else. */
  readonly items: readonly Frame[];
  /** The whole of it, as it came. */
  readonly bytes: string;
}

/** The one reply that `bytes`, a binary string, holds. */
export function frameOf(bytes: string): Frame {
  return frameAt(bytes, 0);
}

function frameAt(bytes: string, start: number): Frame {
  const kind = bytes[start];
  const lineEnd = bytes.indexOf("\r\n", start);
  const line = bytes.slice(start + 1, lineEnd);
  let at = lineEnd + 2;
  let content: string | null = null;
  const items: Frame[] = [];
  const count = Number(line);
  if ((kind === "$" || kind === "=") && count >= 0) {
    content = bytes.slice(at, at + count);
    at += count + 2;
  } else if (kind === "%" || kind === "*" || kind === "~" || kind === ">") {
    for (let i = 0; i < (kind === "%" ? 2 * count : count); i++) {
      items.push(frameAt(bytes, at));
      at += items[i].bytes.length;
    }
  }
  return { kind, line, content, items, bytes: bytes.slice(start, at) };
}
