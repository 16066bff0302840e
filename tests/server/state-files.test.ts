import { mkdir, readFile, writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { startProgram, temporaryFolder } from "../harness/program.ts";

test.each(["", '{"paths":'])(
  "after %j was left of the file of the last start, the program asks for the log files and writes the file anew",
  async (content) => {
    await using folder = await temporaryFolder();
    const [data, log] = [`${folder.path}/data`, `${folder.path}/access.log`];
    await mkdir(data);
    await writeFile(`${data}/start.json`, content);
    await using indexer = startProgram(["role", "index", "--data", data]);
    expect(await indexer.printed(/(start\.json is \w+).*name them again/)).toMatch(/empty|damaged/);
    await indexer.end("SIGTERM");
    await using again = startProgram(["role", "index", "--data", data, log]);
    await again.printed(/(Tailing)/);
    await again.end("SIGTERM");
    expect(JSON.parse(await readFile(`${data}/start.json`, "utf8"))).toMatchObject({
      paths: [log],
    });
  },
);
