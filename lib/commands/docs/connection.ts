/** COMMAND DOCS of commands about connections: see doc.ts for the form. */

import { type CommandDoc, doc, group } from "./doc.ts";

export const CONNECTION_DOCS: ReadonlyMap<string, CommandDoc> = group("connection", {
  "auth": doc("1.0.0", "O(N) for N passwords of the user", "[username@6.0.0] password", "Proves who the client is."),
  "client": doc("2.4.0", "O(1) to O(N), by subcommand", "", "Groups the commands about client connections."),
  "client|caching": doc(
    "6.0.0",
    "O(1)",
    "mode=<YES | NO>",
    "Says whether the keys that the next command reads are to be tracked.",
  ),
  "client|getname": doc("2.6.9", "O(1)", "", "Tells the connection's name."),
  "client|getredir": doc("6.0.0", "O(1)", "", "Tells the client to which invalidations of tracked keys are sent."),
  "client|help": doc("5.0.0", "O(1)", "", "Lists the subcommands."),
  "client|id": doc("5.0.0", "O(1)", "", "Tells the connection's unique number."),
  "client|info": doc("6.2.0", "O(1)", "", "Describes the connection on one line.", { tips: "nondeterministic_output" }),
  "client|kill": doc(
    "2.4.0",
    "O(N) for N connections",
    "filter=<ip:port | new-format=<[ID client-id:int@2.8.12] | [TYPE normal_master_slave_pubsub=<NORMAL | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | PUBSUB>@2.8.12] | [USER username] | [ADDR ip:port] | [LADDR ip:port@6.2.0] | [SKIPME yes/no]>...>",
    "Closes the connections that match.",
  ),
  "client|list": doc(
    "2.4.0",
    "O(N) for N connections",
    "[TYPE normal_master_replica_pubsub=<NORMAL | MASTER | REPLICA | PUBSUB>@5.0.0] [ID id=(client-id:int...)@6.2.0]",
    "Describes the open connections, a line for each.",
    { tips: "nondeterministic_output" },
  ),
  "client|no-evict": doc(
    "7.0.0",
    "O(1)",
    "enabled=<ON | OFF>",
    "Spares the connection when clients are disconnected to save memory, or not.",
  ),
  "client|no-touch": doc(
    "7.2.0",
    "O(1)",
    "enabled=<ON | OFF>",
    "Keeps the connection's commands from counting as accesses to keys, or not.",
  ),
  "client|pause": doc(
    "2.9.50",
    "O(1)",
    "timeout:int [mode=<WRITE | ALL>@6.2.0]",
    "Holds up the commands of all clients for some time.",
  ),
  "client|reply": doc(
    "3.2.0",
    "O(1)",
    "on_off_skip=<ON | OFF | SKIP>",
    "Chooses whether the connection is replied to.",
  ),
  "client|setinfo": doc(
    "7.2.0",
    "O(1)",
    "attr=<LIB-NAME libname | LIB-VER libver>",
    "Notes the name or the version of the client's library.",
    { tips: "request_policy:all_nodes response_policy:all_succeeded" },
  ),
  "client|setname": doc("2.6.9", "O(1)", "connection-name", "Names the connection."),
  "client|tracking": doc(
    "6.0.0",
    "O(1), more with some options",
    "status=<ON | OFF> [REDIRECT client-id:int] [PREFIX prefix+...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
    "Asks to be told when keys that were read change, or ends that.",
  ),
  "client|trackinginfo": doc("6.2.0", "O(1)", "", "Tells what the connection has asked of tracking."),
  "client|unblock": doc(
    "5.0.0",
    "O(log N) for N connections",
    "client-id:int [timeout_error=<TIMEOUT | ERROR>]",
    "Ends the wait of a client that is blocked.",
  ),
  "client|unpause": doc("6.2.0", "O(N) for N clients held up", "", "Ends CLIENT PAUSE."),
  "echo": doc("1.0.0", "O(1)", "message", "Replies with the message."),
  "hello": doc(
    "6.0.0",
    "O(1)",
    "[arguments=(protover:int [AUTH username_password=(username password)] [SETNAME clientname])]",
    "Greets the server: chooses the protocol, and may authenticate and name the connection.",
  ),
  "ping": doc("1.0.0", "O(1)", "[message]", "Replies PONG, or with the message.", {
    tips: "request_policy:all_shards response_policy:all_succeeded",
  }),
  "quit": doc("1.0.0", "O(1)", "", "Closes the connection.", { deprecated: ["7.2.0", "just closing the connection"] }),
  "reset": doc("6.2.0", "O(1)", "", "Puts the connection back to its first state."),
  "select": doc("1.0.0", "O(1)", "index:int", "Chooses the connection's database."),
});
