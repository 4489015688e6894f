/**
 * All that the server and its clients are to commands: what handlers are called with. Handlers themselves name only the
 * facets that they use; beyond `command.ts`, this is for `lib/server/`, which implements it.
 */

import type {
  Blockable,
  ConfiguredClient,
  Evaluating,
  Greeted,
  KeyWaiter,
  Located,
  Migrating,
  Monitoring,
  ReplicationLink,
  SubscribingClient,
  TrackingClient,
  Transactional,
} from "./client_facets.ts";
import type {
  ClientsHost,
  CommandsHost,
  DatabasesHost,
  DebugHost,
  DelaysHost,
  GreetingHost,
  MemoryHost,
  PubSubHost,
  ReplicationHost,
  ReportsHost,
  SavingHost,
  ScriptingHost,
  UnitHost,
} from "./host_facets.ts";
import type { Session } from "./session.ts";

/** The server, with all that any command needs of it. */
export interface WholeHost
  extends
    ClientsHost,
    CommandsHost,
    DatabasesHost,
    DebugHost,
    DelaysHost,
    GreetingHost,
    MemoryHost,
    PubSubHost,
    ReplicationHost,
    ReportsHost,
    SavingHost,
    ScriptingHost,
    UnitHost {}

/** A client, with all that any command needs of it. */
export interface Client
  extends
    Session<WholeHost>,
    Blockable,
    ConfiguredClient,
    Evaluating,
    Greeted,
    KeyWaiter,
    Located,
    Migrating,
    Monitoring,
    ReplicationLink,
    SubscribingClient,
    TrackingClient,
    Transactional {
  insideExec: boolean;
  readonly protocol: 2 | 3;
  readonly id: number;
}
