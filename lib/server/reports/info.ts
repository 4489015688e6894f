/**
 * INFO: the server's account of itself, section by section, in the names and the order that clients and monitoring tools
 * know (Redis documentation, "INFO"). Fields about what does not exist here, such as memory of modules, are there and are zero.
 *
 * Each section is a file of `info/`, which says beside it what it tells of.
 */

import { clientsFields, type ClientsSource } from "./info/clients.ts";
import { commandFields, type CommandsSource, errorFields, latencyFields } from "./info/commands.ts";
import { cpuFields } from "./info/cpu.ts";
import type { Field } from "./info/field.ts";
import { keyspaceFields, type KeyspaceSource } from "./info/keyspace.ts";
import { memoryFields, type MemorySource } from "./info/memory.ts";
import { persistenceFields, type PersistenceSource } from "./info/persistence.ts";
import { replicationFields, type ReplicationSource } from "./info/replication.ts";
import { serverFields, type ServerSource } from "./info/server.ts";
import { debugFields, statsFields, type StatsSource } from "./info/stats.ts";

/** What INFO tells of. */
export type InfoSource =
  & ServerSource
  & ClientsSource
  & MemorySource
  & PersistenceSource
  & StatsSource
  & ReplicationSource
  & CommandsSource
  & KeyspaceSource;

interface Section {
  /** Its name too, which may be given in any case. */
  readonly title: string;
  /** Shown when no section is named; when all are asked for; or only when named itself. */
  readonly shown: "by default" | "among all" | "by name";
  readonly fields: (server: InfoSource) => Iterable<Field>;
}

/** The sections, in the order in which they are shown. */
const SECTIONS: readonly Section[] = [
  { title: "Server", shown: "by default", fields: serverFields },
  { title: "Clients", shown: "by default", fields: clientsFields },
  { title: "Memory", shown: "by default", fields: memoryFields },
  { title: "Persistence", shown: "by default", fields: persistenceFields },
  { title: "Stats", shown: "by default", fields: statsFields },
  { title: "Replication", shown: "by default", fields: replicationFields },
  { title: "CPU", shown: "by default", fields: cpuFields },
  { title: "Modules", shown: "by default", fields: () => [] },
  { title: "Commandstats", shown: "among all", fields: commandFields },
  { title: "Errorstats", shown: "by default", fields: errorFields },
  { title: "Latencystats", shown: "among all", fields: latencyFields },
  { title: "Cluster", shown: "by default", fields: () => [["cluster_enabled", 0]] },
  { title: "Keyspace", shown: "by default", fields: keyspaceFields },
  { title: "Debug", shown: "by name", fields: debugFields },
];

/** The text of the sections named; without names, of those that are shown by default. Unknown ones are empty. */
export function infoText(server: InfoSource, names: readonly string[]): string {
  const asked = new Set(names.map((name) => name.toLowerCase()));
  const all = asked.has("all") || asked.has("everything");
  const defaults = all || asked.size === 0 || asked.has("default");
  const parts: string[] = [];
  for (const { title, shown, fields } of SECTIONS) {
    const isAsked = asked.has(title.toLowerCase()) ||
      (shown === "by default" ? defaults : shown === "among all" && all);
    if (!isAsked) continue;
    let text = `# ${title}\r\n`;
    for (const [field, value] of fields(server)) text += `${field}:${value}\r\n`;
    parts.push(text);
  }
  return parts.join("\r\n");
}
