/** The documentation of all commands, by full name. */

import { BITMAP_DOCS } from "./bitmap.ts";
import { CLUSTER_DOCS } from "./cluster.ts";
import { CONNECTION_DOCS } from "./connection.ts";
import type { CommandDoc } from "./doc.ts";
import { GENERIC_DOCS } from "./generic.ts";
import { GEO_DOCS } from "./geo.ts";
import { HASH_DOCS } from "./hash.ts";
import { LIST_DOCS } from "./list.ts";
import { HYPERLOGLOG_DOCS } from "./hyperloglog.ts";
import { PUBSUB_DOCS } from "./pubsub.ts";
import { SCRIPTING_DOCS } from "./scripting.ts";
import { SERVER_DOCS } from "./server.ts";
import { SET_DOCS } from "./set.ts";
import { SORTED_SET_DOCS } from "./sorted_set.ts";
import { STREAM_DOCS } from "./stream.ts";
import { STRING_DOCS } from "./string.ts";
import { TRANSACTIONS_DOCS } from "./transactions.ts";

export const ALL_DOCS: ReadonlyMap<string, CommandDoc> = new Map([
  ...BITMAP_DOCS,
  ...CLUSTER_DOCS,
  ...CONNECTION_DOCS,
  ...GENERIC_DOCS,
  ...GEO_DOCS,
  ...HASH_DOCS,
  ...LIST_DOCS,
  ...HYPERLOGLOG_DOCS,
  ...PUBSUB_DOCS,
  ...SCRIPTING_DOCS,
  ...SERVER_DOCS,
  ...SET_DOCS,
  ...SORTED_SET_DOCS,
  ...STREAM_DOCS,
  ...STRING_DOCS,
  ...TRANSACTIONS_DOCS,
]);
