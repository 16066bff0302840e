import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";

import { describe, expect, test } from "vitest";
import { z } from "zod";

import { containedPid, IN_CONTAINER, MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";

import { numberedLines } from "../harness/access-log.ts";
import { IS_BUILT } from "../harness/control-plane.ts";
import {
  type Program,
  runProgram,
  startProgram,
  temporaryFolder,
  until,
} from "../harness/program.ts";

const IN = { prefix: IN_CONTAINER };
const QUERIES = 2;

const Answer = z.object({ series: z.array(z.object({ value: z.number().nullable() })) });

/** Queries from a separate container. */
async function query(data: string, metric: string): Promise<number> {
  const { code, stdout, output } = await runProgram(
    ["query", metric, "--json", "--data", data],
    IN,
  );
  if (code !== 0) throw new Error(`query ${metric}: ${output}`);
  return Answer.parse(JSON.parse(stdout)).series[0]?.value ?? 0;
}

function start(data: string, log: string): Program {
  return startProgram(
    ["start", "--port", "0", "--no-apis", "--no-deploys", "--data", data, log],
    IN,
  );
}

const urlOf = (program: Program): Promise<string> => program.printed(/Quarterdeck is at (\S+)\n/);

/** Sends the signal to the program itself, not to the `unshare` that started it. */
function signal({ child }: Program, name: NodeJS.Signals): void {
  process.kill(containedPid(child.pid ?? 0), name);
}

async function statusOf({ child }: Program): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  return child.exitCode;
}

/** The PostgreSQL servers, without their own children, whatever PID namespace they are in. */
function serversOf(data: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const isServer = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/bin/postgres\0-D");
      return isServer && readlinkSync(`/proc/${pid}/cwd`) === `${data}/postgres/cluster`;
    } catch {
      return false; // It has ended, or is not a process.
    }
  });
}

describe.runIf(IS_BUILT && MAY_UNSHARE)("control planes in different containers", () => {
  test(
    "one at a time holds the data folder, and every line is stored once, even if one is suspended or killed",
    { timeout: 480_000 },
    async () => {
      await using folder = await temporaryFolder();
      await using programs = new AsyncDisposableStack();
      const data = `${folder.path}/data`;
      const log = `${folder.path}/access.log`;
      let written = 0;
      const write = async (): Promise<void> => {
        await appendFile(log, numberedLines(1_000));
        written += 1_000;
      };
      const started = (): Program => {
        const program = start(data, log);
        programs.defer(() => program.end("SIGKILL").then(() => undefined));
        return program;
      };
      await writeFile(log, "");
      await write();

      const [one, other] = [started(), started()];
      const url = await Promise.any([urlOf(one), urlOf(other)]);
      const [holder, refused] = one.output().includes(url) ? [one, other] : [other, one];
      expect(await statusOf(refused)).toBe(1);
      expect(refused.output()).toMatch(
        new RegExp(
          `A control plane is already running on ${data}: .+process 1 on \\S+, since \\d+-`,
        ),
      );
      expect(serversOf(data)).toHaveLength(1);
      await write();
      for (let i = 0; i < QUERIES; i += 1) {
        await query(data, "requests");
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
      }
      await until("all lines", async () => (await query(data, "requests")) >= written);

      signal(holder, "SIGSTOP");
      await write();
      const successor = started();
      await urlOf(successor);
      expect(successor.output()).toMatch(/process 1 on \S+, since .+ may still run on .+: waiting/);
      signal(holder, "SIGCONT");
      expect(await statusOf(holder)).toBe(1);
      expect(holder.output()).toContain("another control plane took over the data folder");
      expect(serversOf(data)).toHaveLength(1);
      await write();
      await until("all lines", async () => (await query(data, "requests")) >= written);

      signal(successor, "SIGKILL");
      await statusOf(successor);
      await write();
      const last = started();
      await urlOf(last);
      expect(serversOf(data)).toHaveLength(1);
      await until("all lines", async () => (await query(data, "requests")) >= written);
      expect(await query(data, "requests")).toBe(written);
      signal(last, "SIGTERM");
      expect(await statusOf(last)).toBe(0);
      expect(serversOf(data)).toEqual([]);
    },
  );
});
