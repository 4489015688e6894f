/** Imports run downwards only, from floor to floor of the house (docs/architecture.md), and never in a circle. */

const FLOORS = [
  ["runtime"],
  ["bytes", "net"],
  ["resp", "config"],
  ["store"],
  ["pubsub", "persistence"],
  ["replication"],
  ["commands"],
  ["scripting"],
  ["server"],
];

const path = (folders) => `^lib/(${folders.join("|")})/`;

module.exports = {
  forbidden: [
    {
      name: "no-circle",
      comment: "No module needs itself by way of others, neither to be loaded nor for its types.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "wings-below-the-composition",
      comment:
        "The wings of the server know what they need of it, not the server; only the start makes one and brings it up.",
      severity: "error",
      from: { path: "^lib/", pathNot: "^lib/server/program/(start|bring_up)\\.ts$" },
      to: { path: "^lib/server/server\\.ts$" },
    },
    {
      name: "handlers-name-facets",
      comment: "Command families name the facets that they use, not all that clients and the server are.",
      severity: "error",
      from: { path: "^lib/commands/", pathNot: "^lib/commands/command\\.ts$" },
      to: { path: "^lib/commands/caller\\.ts$" },
    },
    ...FLOORS.slice(0, -1).map((floor, index) => ({
      name: `floor-${index}-imports-downwards`,
      comment: "A folder imports from its own floor and from those below it.",
      severity: "error",
      from: { path: path(floor) },
      to: { path: path(FLOORS.slice(index + 1).flat()) },
    })),
    {
      name: "core-without-dependencies",
      comment: "The server's core depends on nothing but the runtime.",
      severity: "error",
      from: { path: "^(lib/|main\\.ts)" },
      to: { dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "one-runtime-behind-each-adapter",
      comment: "Only the network adapters know which runtime this is.",
      severity: "error",
      from: { path: "^lib/", pathNot: "^lib/net/network\\.ts$" },
      to: { path: "^lib/net/(deno|bun)\\.ts$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".json"] },
  },
};
