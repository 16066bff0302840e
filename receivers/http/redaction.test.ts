import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { testReceivers } from "../testing.ts";

const SECRETS = /joe|hunter2|41111111/;

async function filesIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
  // Temporary files may be renamed meanwhile.
  const texts = await Promise.all(files.map((it) => readFile(it, "latin1").catch(() => "")));
  return texts.join("\n");
}

test("what is pushed is redacted in every file of the data folder, also the last line that the list of sources shows", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarterdeck-redact-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "processing.yaml");
  await writeFile(file, "redact:\n  - datasets: ['*']\n");
  await using receivers = await testReceivers({ QUARTERDECK_PROCESSING: file });
  const line =
    '203.0.113.5 - joe@example.com [14/Mar/2026:10:11:12 +0000] "GET /?password=hunter2 HTTP/1.1" 200 5 "-" "Probe/1.0"';
  const pushed = await receivers.send("POST", "/push", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ message: line }, { message: "paid with 4111111111111111" }]),
  });
  expect(pushed.status).toBeLessThan(300);
  const events = await receivers.stored(2);
  expect(JSON.stringify(events)).not.toMatch(SECRETS);
  expect(JSON.stringify(events)).toContain("[redacted:password]");
  await expect.poll(() => filesIn(receivers.dataFolder)).toContain("[redacted:card]");
  expect(await filesIn(receivers.dataFolder)).not.toMatch(SECRETS);
});
