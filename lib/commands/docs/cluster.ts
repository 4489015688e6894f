/** COMMAND DOCS of the commands of a cluster, which this server refuses: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

const UNSTABLE = { tips: "nondeterministic_output" };

export const CLUSTER_DOCS: ReadonlyMap<string, CommandDoc> = group("cluster", {
  "asking": doc("3.0.0", "O(1)", "", "Lets the next command read a slot that is being imported."),
  "cluster": doc("3.0.0", "O(1) to O(N), by subcommand", "", "Groups the commands about a cluster."),
  "cluster|addslots": doc("3.0.0", "O(N) for N slots", "slot:int...", "Gives slots to this node."),
  "cluster|addslotsrange": doc(
    "7.0.0",
    "O(N) for N slots",
    "start-slot_end-slot=(start-slot:int end-slot:int)...",
    "Gives ranges of slots to this node.",
  ),
  "cluster|bumpepoch": doc("3.0.0", "O(1)", "", "Raises the configuration epoch.", UNSTABLE),
  "cluster|count-failure-reports": doc(
    "3.0.0",
    "O(N) for N reports",
    "node-id",
    "Counts the nodes that hold another for failed.",
    UNSTABLE,
  ),
  "cluster|countkeysinslot": doc("3.0.0", "O(1)", "slot:int", "Counts the keys of a slot."),
  "cluster|delslots": doc("3.0.0", "O(N) for N slots", "slot:int...", "Takes slots from this node."),
  "cluster|delslotsrange": doc(
    "7.0.0",
    "O(N) for N slots",
    "start-slot_end-slot=(start-slot:int end-slot:int)...",
    "Takes ranges of slots from this node.",
  ),
  "cluster|failover": doc(
    "3.0.0",
    "O(1)",
    "[options=<FORCE | TAKEOVER>]",
    "Makes a replica take over the role of its primary.",
  ),
  "cluster|flushslots": doc("3.0.0", "O(1)", "", "Takes all slots from this node."),
  "cluster|forget": doc("3.0.0", "O(1)", "node-id", "Forgets a node."),
  "cluster|getkeysinslot": doc(
    "3.0.0",
    "O(N) for N keys",
    "slot:int count:int",
    "Shows some of the keys of a slot.",
    UNSTABLE,
  ),
  "cluster|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "cluster|info": doc("3.0.0", "O(1)", "", "Tells how the cluster fares.", UNSTABLE),
  "cluster|keyslot": doc("3.0.0", "O(N) for N bytes", "key:string", "Computes the slot of a key."),
  "cluster|links": doc("7.0.0", "O(N) for N nodes", "", "Lists the connections between nodes.", UNSTABLE),
  "cluster|meet": doc(
    "3.0.0",
    "O(1)",
    "ip port:int [cluster_bus_port:int@4.0.0]",
    "Brings a node into the cluster.",
  ),
  "cluster|myid": doc("3.0.0", "O(1)", "", "Tells this node's id."),
  "cluster|myshardid": doc("7.2.0", "O(1)", "", "Tells the id of this node's shard.", UNSTABLE),
  "cluster|nodes": doc("3.0.0", "O(N) for N nodes", "", "Lists the nodes, with their slots.", UNSTABLE),
  "cluster|replicas": doc("5.0.0", "O(N) for N replicas", "node-id", "Lists the replicas of a node.", UNSTABLE),
  "cluster|replicate": doc("3.0.0", "O(1)", "node-id", "Makes this node a replica of another."),
  "cluster|reset": doc(
    "3.0.0",
    "O(N) for N nodes",
    "[hard_soft=<HARD | SOFT>]",
    "Makes this node forget the cluster.",
  ),
  "cluster|saveconfig": doc("3.0.0", "O(1)", "", "Writes the nodes' file."),
  "cluster|set-config-epoch": doc("3.0.0", "O(1)", "config-epoch:int", "Sets the configuration epoch of a new node."),
  "cluster|setslot": doc(
    "3.0.0",
    "O(1)",
    "slot:int subcommand=<IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
    "Says which node a slot belongs to, or moves to.",
  ),
  "cluster|shards": doc("7.0.0", "O(N) for N nodes", "", "Lists the shards, with their slots and nodes.", UNSTABLE),
  "cluster|slaves": doc("3.0.0", "O(N) for N replicas", "node-id", "Lists the replicas of a node.", {
    tips: "nondeterministic_output",
    deprecated: ["5.0.0", "`CLUSTER REPLICAS`"],
  }),
  "cluster|slots": doc("3.0.0", "O(N) for N nodes", "", "Lists the ranges of slots, with their nodes.", {
    tips: "nondeterministic_output",
    deprecated: ["7.0.0", "`CLUSTER SHARDS`"],
  }),
  "readonly": doc("3.0.0", "O(1)", "", "Lets this connection read from a replica of a cluster."),
  "readwrite": doc("3.0.0", "O(1)", "", "Ends what READONLY began."),
});
