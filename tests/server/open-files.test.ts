import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";

import { expect, test } from "vitest";
import { z } from "zod";

import { numberedLines } from "../harness/access-log.ts";
import { runProgram, startProgram, temporaryFolder, until } from "../harness/program.ts";

const FILES = 1_000;
const LIMITED = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"];

const Answer = z.object({ series: z.array(z.object({ value: z.number().nullable() })) });

async function requestsIn(data: string): Promise<number> {
  const { stdout } = await runProgram(["query", "requests", "--json", "--data", data]);
  return Answer.safeParse(JSON.parse(stdout)).data?.series[0]?.value ?? 0;
}

test("with more logs than files that it may open, an indexer reads each line once and does not restart", async () => {
  await using folder = await temporaryFolder();
  const [data, logs] = [`${folder.path}/data`, `${folder.path}/logs`];
  await mkdir(logs);
  const paths = Array.from({ length: FILES }, (_, n) => `${logs}/${n}.log`);
  const lines = numberedLines(2 * FILES)
    .trimEnd()
    .split("\n");
  for (const [n, path] of paths.entries()) await writeFile(path, `${lines[n]}\n`);
  await using indexer = startProgram(["role", "index", "--data", data, `${logs}/*.log`], {
    prefix: LIMITED,
  });
  await until("all files", async () => (await requestsIn(data)) >= FILES);
  for (const [n, path] of paths.entries()) await appendFile(path, `${lines[FILES + n]}\n`);
  await until("all appended lines", async () => (await requestsIn(data)) >= 2 * FILES);
  expect(await indexer.end("SIGTERM")).toBe(0);
  expect(await requestsIn(data)).toBe(2 * FILES);
  expect(await readFile(`${data}/logs/index.log`, "utf8")).not.toContain("will be restarted");
});
