/**
 * The commands of Redis 7.2 that are not here yet, by name. A configuration that renames or removes one of them (guides
 * to hardening a server name a dozen) asks for nothing that is not so already, and is taken.
 */
export const UNBUILT_COMMANDS: ReadonlySet<string> = new Set(
  `
  acl
  `.trim().split(/\s+/),
);
