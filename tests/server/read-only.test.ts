import { mkdir, readdir, writeFile } from "node:fs/promises";

import { describe, expect, test } from "vitest";

import { MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";

import { numberedLines } from "../harness/access-log.ts";
import { runProgram, temporaryFolder } from "../harness/program.ts";

/** Runs a command for which nothing in the folder can be written, not even by root. */
const readOnly = (folder: string): string[] => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
  folder,
];

describe.runIf(MAY_UNSHARE)("with a data folder that may only be read", () => {
  test("queries have the same answers, and leave no temporary files", async () => {
    await using folder = await temporaryFolder();
    const [data, temporary] = [`${folder.path}/data`, `${folder.path}/tmp`];
    await mkdir(temporary);
    await writeFile(`${folder.path}/access.log`, numberedLines(1_000));
    await runProgram(["ingest", `${folder.path}/access.log`, "--data", data]);
    const queries = [
      ["requests", "--by", "status"],
      ["response_time_p95"],
      ["requests", "--by", "url.query", "--where", "status:500"],
      ["predicted_requests_per_second"],
    ];
    for (const query of queries) {
      const args = ["query", ...query, "--json", "--data", data];
      const options = { prefix: readOnly(data), env: { TMPDIR: temporary } };
      const answer = await runProgram(args, options);
      expect(answer.output).not.toContain("EROFS");
      expect(answer.code).toBe(0);
      // Later, because a query of a store that may be written prepares it for the next one.
      expect(answer.stdout).toBe((await runProgram(args)).stdout);
    }
    expect(await readdir(temporary)).toEqual([]);
  });

  test.each([
    ["start", "--port", "0", "--no-apis", "--no-deploys"],
    ["role", "index"],
    ["ingest", "cli.ts"],
  ])("%s names the folder and what to do", async (...args) => {
    await using folder = await temporaryFolder();
    await mkdir(`${folder.path}/store`);
    const { code, output } = await runProgram([...args, "--data", folder.path], {
      prefix: readOnly(folder.path),
    });
    expect(code).toBe(2);
    expect(output).toContain(`the data folder ${folder.path} cannot be used: EROFS`);
    expect(output).toMatch(/grant write access, or choose another folder with --data/);
    expect(output).not.toContain("    at ");
  });

  test("only the store may be read-only: the message names it", async () => {
    await using folder = await temporaryFolder();
    const store = `${folder.path}/store`;
    await mkdir(store);
    const { code, output } = await runProgram(["ingest", "cli.ts", "--data", folder.path], {
      prefix: readOnly(store),
    });
    expect(code).toBe(2);
    expect(output).toContain(`access '${store}'`);
  });

  test("a query of a store that does not exist and cannot be created names it", async () => {
    await using folder = await temporaryFolder();
    const { code, output } = await runProgram(["query", "requests", "--data", folder.path], {
      prefix: readOnly(folder.path),
    });
    expect(code).toBe(1);
    expect(output).toContain(`the store ${folder.path}/store can be neither read nor created`);
    expect(output).not.toContain("    at ");
  });
});
