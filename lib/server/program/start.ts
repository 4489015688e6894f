/**
 * The start and the end of the program: command line, configuration, log, listeners, data, signals. Called by main.ts.
 * The one file of the wings that knows the whole server, as it makes it.
 */

import process from "node:process";
import { toBinary } from "../../bytes/paths.ts";
import { ALL_COMMANDS } from "../../commands/all.ts";
import { CommandTable } from "../../commands/table.ts";
import { UNBUILT_COMMANDS } from "../../commands/unbuilt.ts";
import { parseCommandLine } from "../../config/command_line.ts";
import { Config } from "../../config/config.ts";
import { defaultUserLine } from "../../config/default_user.ts";
import { ConfigError, loadConfig } from "../../config/load.ts";
import { openNetwork } from "../../net/network.ts";
import { thisProcess } from "../../runtime/process.ts";
import { applyConfig } from "./apply_config.ts";
import {
  banner,
  REDIS_VERSION,
  REFUSALS,
  runtimeName,
  showsBanner,
  TREDIS_VERSION,
  USAGE,
  versionLine,
} from "./banner.ts";
import { bringUp } from "./bring_up.ts";
import { checkAsked } from "./checks/asked.ts";
import { limitClients } from "./descriptors.ts";
import { followLauncher } from "./launcher.ts";
import { ListenError, Listeners } from "./listeners.ts";
import { Log } from "./log.ts";
import { pidFilePath, writePidFile } from "./pid_file.ts";
import { Server } from "../server.ts";

/** Runs the program, by its name and the arguments after it. Resolves once it serves, or to the code to exit with. */
export async function run(name: string, argv: readonly string[]): Promise<number | null> {
  const check = checkAsked(name, argv);
  if (check !== null) return await check();
  const commandLine = parseCommandLine(argv.map(toBinary));
  if (commandLine.action === "version") return say(versionLine());
  if (commandLine.action === "help") return say(USAGE);
  if (commandLine.action !== "run") return refuse(REFUSALS[commandLine.action]);
  if (commandLine.sentinel) return refuse(REFUSALS.sentinel);
  const config = new Config();
  const renamed = renameCommands(config);
  // A line about the default user stays, and stays true.
  config.onRewrite(
    "user",
    () => config.lines("user").length === 0 ? [] : [defaultUserLine(config.text("requirepass"))],
  );
  try {
    loadConfig(config, commandLine, { version: REDIS_VERSION });
  } catch (error) {
    if (error instanceof ConfigError) return refuse(error.message);
    throw error;
  }
  return await serve(config, argv, renamed);
}

/** The command table, in which `rename-command` renames as the configuration is loaded. */
function renameCommands(config: Config): CommandTable {
  const commands = new CommandTable(ALL_COMMANDS);
  config.onLine("rename-command", ([from, to]) => {
    if (!commands.byName.has(from.toLowerCase())) {
      if (!UNBUILT_COMMANDS.has(from.toLowerCase())) return "No such command in rename-command";
      return commands.byName.has(to.toLowerCase()) ? "Target command name already exists" : null;
    }
    return commands.rename(from, to) ? null : "Target command name already exists";
  });
  return commands;
}

function say(text: string): number {
  console.log(text);
  return 0;
}

function refuse(text: string): number {
  console.error(text);
  return 1;
}

async function serve(config: Config, argv: readonly string[], renamed: CommandTable): Promise<number | null> {
  const log = new Log();
  log.level = config.choice("loglevel");
  log.file = config.text("logfile");
  const logError = log.check();
  if (logError !== null) return refuse(logError);
  const port = config.number("port");
  log.notice("oO0OoO0OoO0Oo tredis is starting oO0OoO0OoO0Oo");
  log.notice(
    `tredis version=${TREDIS_VERSION}, Redis version=${REDIS_VERSION}, ${runtimeName()}, pid=${thisProcess().id}, just started`,
  );
  log.notice(argv.length > 0 ? "Configuration loaded" : "No config file specified, using the default configuration");
  const descriptorError = limitClients(config, log);
  if (descriptorError !== null) {
    log.warning(descriptorError);
    return 1;
  }
  const server = new Server(log, config, renamed);
  outliveErrors(log);
  config.warn = (message) => log.warning(message);
  config.note = (message) => log.notice(message);
  applyConfig(server);
  for (const warning of config.inertWarnings()) log.warning(warning);
  const listeners = new Listeners(
    await openNetwork(),
    config,
    server.admission,
    (message) => log.warning(message),
  );
  server.listeners = listeners;
  try {
    listeners.open();
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    log.warning(error.message);
    if (port !== 0) log.warning(`Failed listening on port ${port} (tcp), aborting.`);
    return 1;
  }
  // Not before it listens: scripts connect once they read the process id.
  if (showsBanner(config.flag("always-show-logo"), log.file !== "", process.stdout.isTTY === true)) {
    log.raw(banner({ port, pid: thisProcess().id, mode: "standalone" }));
  } else {
    log.notice(`Running mode=standalone, port=${port}.`);
  }
  const tellAddresses = () => {
    const { addresses } = listeners;
    if (addresses.length > 0) log.notice(`Listening on ${addresses.join(", ")}`);
  };
  tellAddresses();
  followAddresses(config, listeners, log, tellAddresses);
  const pidFile = pidFilePath(config.text("pidfile"), config.flag("daemonize"));
  const pidError = pidFile === null ? null : writePidFile(pidFile);
  if (pidError !== null) log.warning(pidError);
  server.pidFile = pidFile;
  // To start a thread stops Deno for 15 to 30 ms: it is to happen while nobody waits.
  if (config.savePoints.length > 0) server.saving.snapshotter.worker.warmUp();
  log.role = "M";
  log.notice("Server initialized");
  obeySignals(server);
  followLauncher(() => {
    log.warning("The npm that has started this server has ended");
    server.shutdown.signalled("SIGTERM");
  });
  if (!await bringUp(server)) return 1;
  if (config.number("port") !== 0) log.notice("Ready to accept connections tcp");
  if (config.text("unixsocket") !== "") log.notice("Ready to accept connections unix");
  return null;
}

/**
 * Has signals end the server from now on as its configuration says. Until now they ended it at once (main.ts), as there
 * was nothing to save: to save before loading would lose everything.
 */
function obeySignals(server: Server): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => server.shutdown.signalled(signal));
  }
}

/**
 * The last resort: what was thrown where nobody catches it is an error of the program's, but no reason to end with all
 * the data it has.
 */
function outliveErrors(log: Log): void {
  const tell = (error: unknown) => {
    log.warning(`Internal error, going on: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  };
  process.on("uncaughtException", tell);
  process.on("unhandledRejection", tell);
}

/** Has CONFIG SET of `port` and `bind` listen elsewhere. */
function followAddresses(config: Config, listeners: Listeners, log: Log, onMoved: () => void): void {
  const rebind = (refusal: string) => () => {
    const reason = listeners.rebind();
    if (reason === null) {
      onMoved();
      return null;
    }
    log.warning(reason);
    return refusal;
  };
  config.onChange("port", rebind("Unable to listen on this port. Check server logs."));
  config.onChange("bind", rebind("Failed to bind to specified addresses."));
}
