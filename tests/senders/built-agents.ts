import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

const OTELCOL_SOURCE = path.join(import.meta.dirname, "otelcol");
const CACHE = path.join(
  process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"),
  "quarterdeck",
);

/** The OpenTelemetry Collector and Telegraf, once they were built. */
export const OTELCOL = path.join(CACHE, "otelcol-0.165.1");
export const TELEGRAF = path.join(CACHE, "telegraf-1.37.2");

const TELEGRAF_PACKAGE = "github.com/influxdata/telegraf/cmd/telegraf";
/** Of its many plugins, only these are built. */
const TELEGRAF_TAGS = "custom,inputs.tail,outputs.elasticsearch,outputs.loki,parsers.value";

/** Builds both with Go from their modules, unless they were built before: some minutes. @throws Error without Go or registry */
export function buildAgents(): void {
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(OTELCOL)) {
    process.stderr.write("building the OpenTelemetry Collector with Go: this takes some minutes\n");
    go(["build", "-o", OTELCOL, "."], OTELCOL_SOURCE);
  }
  if (!existsSync(TELEGRAF)) {
    process.stderr.write("building Telegraf with Go: this takes some minutes\n");
    const folder = path.join(CACHE, "build-telegraf");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeFileSync(path.join(folder, "go.mod"), "module telegraf\n");
    const tags = ["-tags", TELEGRAF_TAGS];
    go(["get", ...tags, `${TELEGRAF_PACKAGE}@v1.37.2`], folder);
    go(["build", ...tags, "-o", TELEGRAF, TELEGRAF_PACKAGE], folder);
  }
}

const go = (args: readonly string[], cwd: string): void =>
  void execFileSync("go", args, { cwd, stdio: "inherit" });
