import { once } from "node:events";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";

import { describe, expect, test } from "vitest";
import { z } from "zod";

import { numberedLines } from "../harness/access-log.ts";
import { IS_BUILT } from "../harness/control-plane.ts";
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

describe.runIf(IS_BUILT)("a control plane with few files", () => {
  test("keeps storing while clients occupy all connections that it accepts, and answers when they have closed them", async () => {
    await using folder = await temporaryFolder();
    const [data, log] = [`${folder.path}/data`, `${folder.path}/access.log`];
    await writeFile(log, numberedLines(10));
    await using program = startProgram(
      ["start", "--port", "0", "--no-apis", "--no-deploys", "--data", data, log],
      {
        prefix: LIMITED,
      },
    );
    const url = new URL(await program.printed(/Quarterdeck is at (\S+)\n/));
    const clients = Array.from({ length: 400 }, () =>
      connect(Number(url.port), url.hostname).on("error", () => undefined),
    );
    let closed = 0;
    for (const client of clients) client.on("close", () => (closed += 1));
    await until("refused connections", () => closed > 200);
    await appendFile(log, numberedLines(10));
    await until("the appended lines", async () => (await requestsIn(data)) >= 20);
    const closing = clients.filter(({ destroyed }) => !destroyed).map((it) => once(it, "close"));
    for (const client of clients) client.destroy();
    await Promise.all(closing);
    const isReady = async (): Promise<boolean> =>
      (await fetch(new URL("/readyz", url)).catch(() => undefined))?.status === 200;
    await until("an answer", isReady);
  });
});
