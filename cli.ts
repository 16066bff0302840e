import { AppError } from "#platform/errors.ts";
import { printable } from "#platform/terminal.ts";
import type { Command } from "#server/cli/command.ts";

// A statement of DuckDB occupies a thread of libuv's pool while it runs, and file access needs these threads too: with
// the default of four, four searches would stop the reading of logs. Child processes inherit it.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

/** Loaded on demand, so that `parse` does not load the modules of the web server. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  start: async () => (await import("#server/cli/start.ts")).startCommand,
  role: async () => (await import("#server/cli/role.ts")).roleCommand,
  api: async () => (await import("#server/cli/api.ts")).apiCommand,
  jobs: async () => (await import("#server/cli/jobs.ts")).jobsCommand,
  ingest: async () => (await import("#server/cli/ingest.ts")).ingestCommand,
  reprocess: async () => (await import("#server/cli/reprocess.ts")).reprocessCommand,
  replay: async () => (await import("#server/cli/replay.ts")).replayCommand,
  query: async () => (await import("#server/cli/query.ts")).queryCommand,
  parse: async () => (await import("#server/cli/parse.ts")).parseCommand,
  format: async () => (await import("#server/cli/format.ts")).formatCommand,
  sources: async () => (await import("#server/cli/sources.ts")).sourcesCommand,
  token: async () => (await import("#server/cli/token.ts")).tokenCommand,
  retention: async () => (await import("#server/cli/retention.ts")).retentionCommand,
  forecast: async () => (await import("#server/cli/forecast.ts")).forecastCommand,
  deploy: async () => (await import("#server/cli/deploys/deploy.ts")).deployCommand,
  deploys: async () => (await import("#server/cli/deploys/deploys.ts")).deploysCommand,
  pause: async () => (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("pause"),
  resume: async () =>
    (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("resume"),
  hold: async () => (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("hold"),
  abort: async () => (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("abort"),
  rollback: async () =>
    (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("roll-back"),
  force: async () => (await import("#server/cli/deploys/command-deploy.ts")).commandDeploy("force"),
  edge: async () => (await import("#server/cli/deploys/edge.ts")).edgeCommand,
  freeze: async () => (await import("#server/cli/deploys/freeze.ts")).freezeCommand,
  "edge-agent": async () => (await import("#server/cli/edge-agent.ts")).edgeAgentCommand,
  completion: async () => (await import("#server/cli/completion.ts")).completionCommand(NAMES),
};

const NAMES: readonly string[] = Object.keys(COMMANDS);

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    return help(args[0]);
  }
  const command = COMMANDS[name];
  if (!command) {
    throw new AppError(
      "bad_request",
      `unknown command “${name}”: use one of ${Object.keys(COMMANDS).join(", ")}`,
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
    `quarterdeck COMMAND …\n\n${lines.join("\n")}\n\nRun quarterdeck COMMAND --help for details.\n`,
  );
  return 0;
}

// A reader that closes the pipe (`| head`) is not an error: the command ends, but a server goes on without output.
process.stdout.on("error", () => {
  if (process.listenerCount("SIGTERM") === 0) process.exit(0);
});
// There is no other place to report it, and a handler of uncaught errors would write to stderr again, without end.
process.stderr.on("error", () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const known = error instanceof AppError;
  const text = known ? error.message : error instanceof Error ? error.stack : String(error);
  // The text may contain a file name, and a file name may contain control characters.
  process.stderr.write(`quarterdeck: ${printable(text ?? "")}\n`);
  process.exitCode = known && error.code === "bad_request" ? 2 : 1;
}
