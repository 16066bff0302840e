import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Apache License 2.0. */
const VERSION = "v1.52.2";
const PACKAGE = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs";
const run = promisify(execFile);

/** The program, built from the Go module proxy at its first use; undefined if there is no Go. */
export async function victoriaLogs(): Promise<string | undefined> {
  const cache = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  const folder = path.join(cache, "quarterdeck-bench", `victoria-logs-${VERSION}`);
  const program = path.join(folder, "victoria-logs");
  if (existsSync(program)) return program;
  try {
    await run("go", ["version"]);
  } catch {
    return undefined;
  }
  process.stdout.write(`building VictoriaLogs ${VERSION} once, in ${folder}\n`);
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "1" };
  await run("go", ["install", `${PACKAGE}@${VERSION}`], { env });
  return program;
}
