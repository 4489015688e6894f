/** What is thrown where nobody catches it does not end the server: its data is worth more. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const FAULTS = {
  "a promise that is rejected unheard": "Promise.reject(new Error('planted'))",
  "an error thrown in a timer": "setTimeout(() => { throw new Error('planted'); }, 0)",
};

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`${what} is told, and the server goes on`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tredis-outlive-"));
    const socketPath = join(folder, "socket");
    const wrapper = join(folder, "wrapper.mjs");
    const main = pathToFileURL(resolve("main.ts")).href;
    writeFileSync(wrapper, `process.on("SIGUSR2", () => { ${fault}; });\nawait import(${JSON.stringify(main)});\n`);
    const runtime = "deno" in process.versions ? ["run", "--allow-all", "--no-check"] : [];
    const options = ["--port", "0", "--unixsocket", socketPath, "--dir", folder, "--save", ""];
    const server = spawn(process.execPath, [...runtime, wrapper, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    server.stdout.on("data", (chunk) => output += chunk);
    server.stderr.on("data", (chunk) => output += chunk);
    const ended = new Promise((resolve) => server.on("close", resolve));
    const told = async (line: RegExp) => {
      while (!line.test(output)) {
        assert.equal(server.exitCode, null, output);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await told(/Ready to accept connections/);
    process.kill(server.pid ?? 0, "SIGUSR2");
    await told(/Internal error, going on: [^]*planted/);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(socketPath, () => socket.write("PING\r\n"));
      socket.on("error", reject).on("data", (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
    });
    assert.equal(answer, "+PONG\r\n");
    process.kill(server.pid ?? 0, "SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
}
