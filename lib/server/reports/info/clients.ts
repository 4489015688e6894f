/** INFO clients: who is connected, and what they wait for. */

import type { ClientSession } from "../../clients/session.ts";
import type { Tracking } from "../../clients/tracking.ts";
import type { Settings } from "../../program/settings.ts";
import type { Rates } from "../rates.ts";
import type { Field } from "./field.ts";

/** What the section tells of. */
export interface ClientsSource {
  readonly blockedClients: number;
  readonly clients: ReadonlyMap<number, ClientSession>;
  readonly rates: Pick<Rates, "recentInputBytes" | "recentOutputBytes">;
  readonly replication: { readonly primary: { readonly replicas: { readonly size: number } } };
  readonly settings: Pick<Settings, "maxClients">;
  readonly tracking: Pick<Tracking, "clientCount">;
}

/** The fields of the section, in Redis\'s order. */
export function clientsFields(server: ClientsSource): Field[] {
  let timed = 0;
  for (const client of server.clients.values()) {
    if (client.blocking !== null && client.blocking.timer !== null) timed++;
  }
  return [
    ["connected_clients", server.clients.size - server.replication.primary.replicas.size],
    ["cluster_connections", 0],
    ["maxclients", server.settings.maxClients],
    ["client_recent_max_input_buffer", server.rates.recentInputBytes],
    ["client_recent_max_output_buffer", server.rates.recentOutputBytes],
    ["blocked_clients", server.blockedClients],
    ["tracking_clients", server.tracking.clientCount],
    ["clients_in_timeout_table", timed],
    ["total_blocking_keys", 0],
    ["total_blocking_keys_on_nokey", 0],
  ];
}
