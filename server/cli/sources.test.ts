import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { ingestCommand } from "./ingest.ts";
import { sourcesCommand } from "./sources.ts";
import { captureOutput } from "./testing-output.ts";

test("the command lists each log with its events by dataset, quarantined lines, zone and guessed units", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "sources-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const data = ["--data", path.join(folder, "data")];
  expect(await captureOutput().of(sourcesCommand, ...data)).toContain("No log was read yet.");
  const access = Array.from(
    { length: 40 },
    (_, n) =>
      `192.0.2.7 - - [14/Mar/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5 "-" "x" request_time=${562_000 + n}\n`,
  );
  const file = path.join(folder, "access.log");
  await writeFile(file, `${access.join("")}2026/03/14 10:11:12 [error] 12#34: *5 failed\n`);
  const other = path.join(folder, "other.log");
  await writeFile(other, `${access[0]}junk\n${access[1]}`);
  await ingestCommand.run([file, other, ...data]);
  const shown = await captureOutput().of(sourcesCommand, ...data);
  expect(shown).toContain(
    `${file}\n  events by dataset: nginx.access 40, nginx.error 1\n  times without a zone are read as `,
  );
  expect(shown).toContain(
    "\n  guessed from the size of the numbers: request_time is read as microseconds (QUARTERDECK_DURATION_UNITS overrides it)\n",
  );
  expect(shown).toContain(
    `${other}\n  events by dataset: nginx.access 2, quarterdeck.quarantine 1\n`,
  );
  const json = await captureOutput().of(sourcesCommand, "--json", ...data);
  expect(JSON.parse(json.split("\n")[0] ?? "")).toMatchObject({ path: file });
});
