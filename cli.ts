import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";
import type { Command } from "#server/cli/command.ts";

// What was compiled once starts in half the time; without a folder to keep it in, nothing is lost.
enableCompileCache(fileURLToPath(new URL("node_modules/.cache/quarterdeck", import.meta.url)));

/** Loaded when asked for: `parse` need not wait for the web server's modules. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  start: async () => (await import("#server/cli/start.ts")).startCommand,
  role: async () => (await import("#server/cli/role.ts")).roleCommand,
  api: async () => (await import("#server/cli/api.ts")).apiCommand,
  jobs: async () => (await import("#server/cli/jobs.ts")).jobsCommand,
  ingest: async () => (await import("#server/cli/ingest.ts")).ingestCommand,
  replay: async () => (await import("#server/cli/replay.ts")).replayCommand,
  query: async () => (await import("#server/cli/query.ts")).queryCommand,
  parse: async () => (await import("#server/cli/parse.ts")).parseCommand,
  forecast: async () => (await import("#server/cli/forecast.ts")).forecastCommand,
};

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    return help(args[0]);
  }
  const command = COMMANDS[name];
  if (!command) {
    throw new AppError(
      "bad_request",
      `there is no command “${name}”; there are ${Object.keys(COMMANDS).join(", ")}`,
    );
  }
  if (args.includes("--help") || args.includes("-h")) return help(name);
  return (await command()).run(args);
}

async function help(name: string | undefined): Promise<number> {
  const command = name === undefined ? undefined : COMMANDS[name];
  if (command) {
    process.stdout.write(`${(await command()).help}\n`);
    return 0;
  }
  const all = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const lines = all.map(({ name: word, summary }) => `  ${word.padEnd(10)} ${summary}`);
  process.stdout.write(
    `quarterdeck COMMAND …\n\n${lines.join("\n")}\n\nquarterdeck COMMAND --help tells more.\n`,
  );
  return 0;
}

// A reader that goes away (`| head`) is no error of ours.
process.stdout.on("error", (error) => {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof AppError;
  const text = known ? error.message : error instanceof Error ? error.stack : String(error);
  // It may name a file, and a file may be called anything.
  process.stderr.write(`quarterdeck: ${printable(text ?? "")}\n`);
  process.exitCode = known && error.code === "bad_request" ? 2 : 1;
}
