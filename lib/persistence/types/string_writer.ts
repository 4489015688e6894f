/** How strings are written: as they are, whatever their encoding. */

import { RDB_TYPE_STRING } from "../rdb_format.ts";
import type { ValueWriter } from "./value_writer.ts";

export class StringWriter implements ValueWriter {
  readonly inline = null;
  readonly body = null;

  rdbType(): number {
    return RDB_TYPE_STRING;
  }
}
