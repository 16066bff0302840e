import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

const SOURCE = path.join(import.meta.dirname, "otelcol");
const CACHE = path.join(
  process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"),
  "quarterdeck",
);

/** The OpenTelemetry Collector, once it was built. */
export const OTELCOL = path.join(CACHE, "otelcol-0.165.1");

/** Builds it with Go from its modules, unless it was built before: some minutes. @throws Error without Go or registry */
export function buildOtelcol(): void {
  if (existsSync(OTELCOL)) return;
  mkdirSync(CACHE, { recursive: true });
  process.stderr.write("building the OpenTelemetry Collector with Go: this takes some minutes\n");
  execFileSync("go", ["build", "-o", OTELCOL, "."], { cwd: SOURCE, stdio: "inherit" });
}
