/** The string value: bytes inline in the key's entry, as the commands set them. An integer is kept as its digits. */

import type { Heap } from "../heap.ts";
import { Element } from "../listpack.ts";
import type { ElementSink, ValueType } from "./value_type.ts";

export class Strings implements ValueType {
  readonly name = "string";
  readonly order = "ordered";
  readonly #element = new Element();

  constructor(readonly heap: Heap) {}

  count(): number {
    return 1;
  }

  walk(ref: number, _cursor: number, _limit: number, sink: ElementSink): number {
    const { entries } = this.heap;
    this.#element.setString(entries.bytes(ref), entries.valueStart(ref), entries.valueWord(ref));
    sink(this.#element, this.#element);
    return 0;
  }

  bodyBytes(): number {
    return 0;
  }

  freeBody(): void {
    throw new Error("a string has no body");
  }

  copyBody(): number {
    throw new Error("a string has no body");
  }

  relocateBody(): number {
    throw new Error("a string has no body");
  }

  memberTable(): number {
    return 0;
  }
}
