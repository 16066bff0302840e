import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { completionCommand } from "./completion.ts";
import { ingestCommand } from "./ingest.ts";
import { captureOutput } from "./testing-output.ts";

const run = promisify(execFile);
const CLI = fileURLToPath(new URL("../../bin/cli.mjs", import.meta.url));
const LINES = String.raw`203.0.113.5 - - [14/Mar/2026:10:11:00 +0000] "GET /a HTTP/1.1" 500 100 "-" "curl/8"
203.0.113.5 - - [14/Mar/2026:10:11:01 +0000] "GET /a HTTP/1.1" 502 100 "-" "curl/8"
203.0.113.5 - - [14/Mar/2026:10:11:02 +0000] "POST /b HTTP/1.1" 200 10 "-" "it's (x) $HOME"
`;
const COMMANDS = ["query", "quit", "ingest"];

let folder = "";
let data = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "quarterdeck-completion-"));
  data = path.join(folder, "data");
  const file = path.join(folder, "access.log");
  await writeFile(file, LINES);
  await ingestCommand.run([file, "--data", data]);
  const bin = path.join(folder, "bin");
  await mkdir(bin);
  const program = path.join(bin, "quarterdeck");
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  await chmod(program, 0o755);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a shell is offered after this line; `…` stands for the options of the data folder. */
async function offered(shell: string, line: string): Promise<string[]> {
  const command = completionCommand(COMMANDS);
  const text = line.replace("…", `--data ${data}`);
  const output = await captureOutput().of(command, shell, "--line", text);
  return output.split("\n").slice(0, -1);
}

describe("completion", () => {
  test("offers commands, metrics, options and their values", async () => {
    expect(await offered("fish", "quarterdeck qu")).toEqual(["query", "quit"]);
    expect(await offered("fish", "quarterdeck query response_time_p9")).toEqual([
      "response_time_p95",
      "response_time_p99",
    ]);
    expect(await offered("fish", "quarterdeck query requests --wh")).toEqual([
      "--where\ta search, as in the search box",
    ]);
    expect(await offered("fish", "quarterdeck query requests --step 1")).toEqual([
      "10s",
      "1m",
      "1h",
      "1d",
    ]);
    expect(await offered("fish", "quarterdeck completion z")).toEqual(["zsh"]);
    expect(await offered("fish", "quarterdeck ingest acc")).toEqual([]);
  });

  test("offers fields and stored values of a search, in quotes and without", async () => {
    const search = "quarterdeck query requests … --where ";
    expect(await offered("fish", `${search}status:5`)).toEqual(["status:500\t1", "status:502\t1"]);
    expect(await offered("fish", `${search}'status:500 OR meth`)).toEqual([
      "status:500 OR method:GET\t2",
      "status:500 OR method:POST\t1",
    ]);
    expect(await offered("fish", `${search}'NOT (path:`)).toEqual([
      "NOT (path:/a\t2",
      "NOT (path:/b\t1",
    ]);
    expect(await offered("fish", "quarterdeck query requests … --by metho")).toEqual([
      "method\thttp.request.method",
    ]);
    expect(await offered("fish", "quarterdeck query requests … --dataset ngi")).toEqual([
      "nginx.access",
    ]);
  });

  test("is written as bash reads it: after the last colon without quotes, and escaped", async () => {
    const search = "quarterdeck query requests … --where ";
    expect(await offered("bash", `${search}status:5`)).toEqual(["500", "502"]);
    expect(await offered("bash", `${search}'status:5`)).toEqual(["status:500", "status:502"]);
    expect(await offered("bash", `${search}agent:it`)).toEqual([]);
    expect(await offered("bash", `${search}"agent:`)).toEqual([
      "agent:curl/8",
      String.raw`agent:\"it's (x) \$HOME\"`,
    ]);
    expect(await offered("bash", "quarterdeck que")).toEqual(["query "]);
  });

  test("offers nothing, and reports nothing, where there is no store", async () => {
    const line = `quarterdeck query requests --data ${folder}/none --where stat`;
    expect(await offered("bash", line)).toEqual([]);
  });

  test("an unknown shell is refused with the known ones", async () => {
    await expect(completionCommand(COMMANDS).run(["tcsh"])).rejects.toThrow("bash|zsh|fish");
  });
});

async function has(shell: string): Promise<boolean> {
  return run(shell, ["-c", "exit 0"]).then(
    () => true,
    () => false,
  );
}

/** The output of a script in a real shell, with `quarterdeck` in its PATH. */
async function inShell(shell: string, args: string[], script: string): Promise<string[]> {
  const PATH = `${path.join(folder, "bin")}:${process.env["PATH"]}`;
  const env = { ...process.env, PATH, QUARTERDECK_DATA: data, HOME: folder };
  const { stdout } = await run(shell, [...args, "-c", script], { env });
  return stdout.split("\n").filter((line) => line !== "");
}

const WHERE = "quarterdeck query requests --where ";

test.skipIf(!(await has("bash")))(
  "bash completes a search with the printed script",
  async () => {
    const complete = (line: string): Promise<string[]> =>
      inShell(
        "bash",
        ["--norc"],
        `source <(quarterdeck completion bash)
complete -p quarterdeck
COMP_LINE=${JSON.stringify(line)} COMP_POINT=${line.length}
_quarterdeck quarterdeck
printf '%s\\n' "\${COMPREPLY[@]}"`,
      );
    const registered = "complete -o default -o nospace -F _quarterdeck quarterdeck";
    expect(await complete(`${WHERE}'status:5`)).toEqual([registered, "status:500", "status:502"]);
    expect(await complete("quarterdeck quer")).toEqual([registered, "query "]);
  },
  60_000,
);

test.skipIf(!(await has("zsh")))(
  "zsh completes a search with the printed script",
  async () => {
    const complete = (line: string): Promise<string[]> =>
      inShell(
        "zsh",
        ["-f"],
        `compdef() { print "compdef $*" }
_default() { print default }
compadd() { local name=$@[-1]; print -l -- "$*" "\${(@P)name}" }
source <(quarterdeck completion zsh)
LBUFFER=${JSON.stringify(line)}
_quarterdeck`,
      );
    expect(await complete(`${WHERE}'status:5`)).toEqual([
      "compdef _quarterdeck quarterdeck",
      "-S  -d parts_shown -a parts",
      "status:500",
      "status:502",
    ]);
    expect(await complete("quarterdeck quer")).toEqual([
      "compdef _quarterdeck quarterdeck",
      "-d wholes_shown -a wholes",
      "query",
    ]);
    expect(await complete("quarterdeck ingest x")).toContain("default");
  },
  60_000,
);

test.skipIf(!(await has("fish")))(
  "fish completes a search with the printed script",
  async () => {
    const complete = (line: string): Promise<string[]> =>
      inShell(
        "fish",
        ["--no-config"],
        `quarterdeck completion fish | source
complete --do-complete ${JSON.stringify(line)}`,
      );
    expect(await complete(`${WHERE}'status:5`)).toEqual(["status:500\t1", "status:502\t1"]);
    expect(await complete("quarterdeck quer")).toContain("query");
  },
  60_000,
);
