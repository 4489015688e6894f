/** How lists are written: as a row of nodes, each a listpack; a listpack inline is a row of one. */

import { ENCODING_LISTPACK, ENCODING_QUICKLIST } from "../../store/entry.ts";
import type { SnapshotHooks } from "../../store/snapshot_hooks.ts";
import type { TreeCursor } from "../../store/tree_cursor.ts";
import type { ListBodies } from "../../store/types/list_bodies.ts";
import type { Lists } from "../../store/types/lists.ts";
import { ELEMENTS, NODE } from "../../store/types/node_trees.ts";
import { QUICKLIST_NODE_PACKED, RDB_TYPE_LIST_QUICKLIST_2 } from "../rdb_format.ts";
import type { RdbOutput } from "../rdb_output.ts";
import { type BodyWriter, STEP_BYTES, type ValueWriter, WRITTEN } from "./value_writer.ts";

/** A list with more nodes is written in steps. */
const LARGE_NODES = 8;
/** A node is as much to write as so many members. */
const NODE_COST = 16;

export class ListWriter implements ValueWriter {
  readonly body: BodyWriter;

  constructor(lists: Lists) {
    this.body = new NodesWriter(lists.bodies);
  }

  rdbType(encoding: number): number {
    if (encoding === ENCODING_QUICKLIST || encoding === ENCODING_LISTPACK) return RDB_TYPE_LIST_QUICKLIST_2;
    throw new Error(`no RDB type for lists in encoding ${encoding}`);
  }

  readonly inline = (output: RdbOutput, bytes: Uint8Array, start: number, length: number): void => {
    output.begin();
    output.length(1);
    output.length(QUICKLIST_NODE_PACKED);
    output.end();
    output.string(bytes, start, length);
  };
}

/** Writes the nodes of a list; a source is the root of their tree. */
class NodesWriter implements BodyWriter {
  readonly consistsOf = "nodes";
  written = 0;
  writtenBytes = 0;
  readonly #trees: TreeCursor;

  constructor(readonly bodies: ListBodies) {
    this.#trees = bodies.newTrees();
  }

  isLarge(body: number): boolean {
    return this.count(body) > LARGE_NODES;
  }

  isLong(body: number): boolean {
    const trees = this.#trees;
    let bytes = 0;
    trees.seekPosition(this.bodies.root(body), 0);
    do bytes += this.bodies.nodes.length(trees.word(NODE)); while (trees.next());
    return bytes > STEP_BYTES;
  }

  count(body: number): number {
    return this.#trees.countItems(this.bodies.root(body));
  }

  source(body: number): number {
    return this.bodies.root(body);
  }

  share(body: number): number {
    return this.bodies.root(body);
  }

  unshare(): void {}

  begin(output: RdbOutput, count: number): void {
    output.begin();
    output.length(count);
    output.end();
  }

  write(output: RdbOutput, root: number, cursor: number, limit: number, marks: SnapshotHooks | null): number {
    const trees = this.#trees;
    const { nodes } = this.bodies;
    const count = trees.count(root);
    let written = 0;
    let bytes = 0;
    trees.seekPosition(root, cursor);
    do {
      const node = trees.word(NODE);
      nodes.show(node);
      output.begin();
      output.length(QUICKLIST_NODE_PACKED);
      output.end();
      output.string(nodes.bytes, nodes.start, nodes.length(node));
      cursor += trees.word(ELEMENTS);
      written++;
      bytes += nodes.length(node);
      if (marks === null) continue;
      marks.mark(node);
      trees.markRead();
    } while (written * NODE_COST < limit && bytes <= STEP_BYTES && trees.next());
    this.written = written;
    this.writtenBytes = bytes;
    return cursor < count ? cursor : WRITTEN;
  }

  mark(body: number): number {
    this.bodies.markNodes(body);
    return 0;
  }

  element(): void {
    throw new Error("the nodes of a list are written where they are");
  }
}
