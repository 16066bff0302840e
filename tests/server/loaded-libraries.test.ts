import { writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { numberedLines } from "../harness/access-log.ts";
import { runProgram, temporaryFolder } from "../harness/program.ts";

/** Prints the native libraries when the program ends. */
const PRINTING = `process.report.excludeNetwork = true;
process.on("exit", () => console.error(process.report.getReport().sharedObjects.join("\\n")));`;

test("reading logs into a store does not load DuckDB, and a question does", async () => {
  await using folder = await temporaryFolder();
  const log = `${folder.path}/access.log`;
  const data = `${folder.path}/data`;
  await writeFile(log, numberedLines(1_000));
  const preload = `data:text/javascript,${encodeURIComponent(PRINTING)}`;
  const env = { NODE_OPTIONS: `--import=${preload}` };
  const ingested = await runProgram(["ingest", log, "--data", data], { env });
  expect(ingested.stdout).toContain("1,000 events");
  expect(ingested.output).not.toMatch(/duckdb\S*\.node/);
  const asked = await runProgram(["query", "requests", "--data", data], { env });
  expect(asked.output).toMatch(/duckdb\S*\.node/);
});
