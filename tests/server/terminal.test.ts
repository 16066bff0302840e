import { writeFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { runProgram, temporaryFolder } from "../harness/program.ts";

/** Clears the screen, sets the title, a C1 control, and a mark that changes the direction of text. */
const HOSTILE = "\u001b[2J\u001b]0;x\u0007\u009b31m\u202e\u2066\u200b";
const LINE = `203.0.113.7 - - [14/Mar/2026:00:00:00 +0000] "GET /a${HOSTILE} HTTP/1.1" 200 12 "-" "b${HOSTILE}"\n`;
const DRIVES_A_TERMINAL = /(?![\t\n])[\p{Cc}\p{Cf}]/u;

test("control characters of log lines, file names, options and settings do not reach the terminal", async () => {
  await using folder = await temporaryFolder();
  const data = `${folder.path}/data`;
  const log = `${folder.path}/${HOSTILE}.log`;
  await writeFile(log, LINE);
  const outputs = [
    await runProgram(["ingest", log, "--data", data]),
    await runProgram(["ingest", `${log}.gone`, "--data", data]),
    await runProgram(["ingest", `${folder.path}/${HOSTILE}*none`, "--data", data]),
    await runProgram(["replay", `${log}.gone`, "--data", data]),
    await runProgram(["query", "requests", "--by", "path", "--data", data]),
    await runProgram(["query", "requests", "--by", "path", "--json", "--data", data]),
    await runProgram(["query", "requests", "--where", `path:${HOSTILE}`, "--data", data]),
    await runProgram(["query", HOSTILE, "--data", data]),
    await runProgram([HOSTILE]),
    await runProgram(["query", "requests", "--dataset", HOSTILE, "--data", data]),
    await runProgram(["query", "requests", "--step", HOSTILE, "--data", data]),
    await runProgram(["query", "requests", `--${HOSTILE}`, "--data", data]),
    await runProgram(["query", "requests", "--data", `${folder.path}/${HOSTILE}`]),
    await runProgram(["start", "--port", HOSTILE, "--data", data]),
    await runProgram(["start", "--host", HOSTILE, "--data", data]),
    await runProgram(["ingest", log, "--data", `/dev/null/${HOSTILE}`]),
    await runProgram(["api", HOSTILE, "--data", data]),
    await runProgram(["parse", "--dataset", HOSTILE]),
    await runProgram(["forecast"], { input: JSON.stringify({ id: HOSTILE, values: HOSTILE }) }),
    await parsed([]),
    await parsed(["--table"]),
    await parsed(
      ["--batch"],
      JSON.stringify({
        id: 1,
        dataset: "nginx.access",
        input_base64: Buffer.from(LINE).toString("base64"),
      }),
    ),
  ];
  for (const { output } of outputs) {
    expect(output).not.toMatch(DRIVES_A_TERMINAL);
    expect(output).not.toContain("at async");
  }
  const [, , , , table, json] = outputs;
  expect(table?.output).toContain("/a\\x1b[2J");
  expect(JSON.parse(json?.output ?? "")).toMatchObject({
    series: [{ key: `/a${HOSTILE}`, value: 1 }],
  });
});

const parsed = async (args: string[], input = LINE): Promise<{ output: string }> =>
  runProgram(["parse", ...args], { input });
