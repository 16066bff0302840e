import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

import { describe, expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { IS_BUILT } from "../harness/control-plane.ts";
import { commandOf, workersOf } from "../harness/processes.ts";
import { startProgram, temporaryFolder, until } from "../harness/program.ts";
import { FREE_API_PORTS } from "../harness/service.ts";

const environmentOf = (pid: number): string => readFileSync(`/proc/${pid}/environ`, "utf8");

describe.runIf(IS_BUILT)("npm start without the role that deploys", () => {
  test("starts the five APIs each with its own secrets, works without them, restarts them, and stops them when it exits", async () => {
    await using folder = await temporaryFolder();
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const args = ["start", "--no-deploys", "--port", "0", "--data", `${folder.path}/data`, log];
    const mail = { SMTP_URL: "smtp://user:hunter2@127.0.0.1:1" };
    await using start = startProgram(args, {
      env: { DATABASE_URL: "", ...mail, ...FREE_API_PORTS },
    });
    const list = await start.printed(/The domain APIs: (.+)\n/);
    const urls = new Map(list.split(", ").map((it) => [it.split(" ")[0], it.split(" ")[1]]));
    expect([...urls.keys()]).toEqual([...SERVICE_NAMES]);
    const board = await start.printed(/Quarterdeck is at (\S+)\n/);
    // On new connections, because a kept-alive connection would break with its worker.
    const headers = { connection: "close" };
    const statusesOf = (path: string): Promise<number[]> =>
      Promise.all(
        [...urls.values()].map(async (url) => (await fetch(`${url}${path}`, { headers })).status),
      );
    expect(await statusesOf("/readyz")).toEqual([200, 200, 200, 200, 200]);
    const before = workersOf(start.child);
    expect(before).toHaveLength(SERVICE_NAMES.length);
    const rootKey = (await readFile(`${folder.path}/data/api/root-key`, "utf8")).trim();
    const secrets = ["hunter2", rootKey, "postgres://"];
    for (const pid of before) {
      const shown = environmentOf(pid) + commandOf(pid);
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    }
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect((await fetch(`${board}/livez`)).status).toBe(200);
    // No connection is refused in the meantime: requests wait for the new workers.
    await until("all APIs to be ready again", async () =>
      (await statusesOf("/readyz")).every((status) => status === 200),
    );
    const after = workersOf(start.child);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(await start.end("SIGTERM")).toBe(0);
    expect(after.filter((pid) => commandOf(pid) !== "")).toEqual([]);
  }, 180_000);

  test("reports no failure when it is stopped while they start", async () => {
    await using folder = await temporaryFolder();
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const args = ["start", "--no-deploys", "--port", "0", "--data", `${folder.path}/data`, log];
    await using start = startProgram(args, { env: { DATABASE_URL: "", ...FREE_API_PORTS } });
    await until("a worker", () => workersOf(start.child).length > 0);
    expect(await start.end("SIGINT")).toBe(0);
    expect(start.stdout()).not.toContain("API ended");
  }, 180_000);
});
