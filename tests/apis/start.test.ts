import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";

import { describe, expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";

import { IS_BUILT } from "../server/start-server.ts";
import { commandOf, program, temporaryFolder, until, workersOf } from "./start-api.ts";

const PORTS = Object.fromEntries(
  SERVICE_NAMES.map((name) => [`API_${name.toUpperCase()}_PORT`, "0"]),
);

const environmentOf = (pid: number): string => readFileSync(`/proc/${pid}/environ`, "utf8");

describe.runIf(IS_BUILT)("npm start", () => {
  test("starts the five APIs each with its own secrets, goes on without them, brings them back, and takes them along", async () => {
    await using folder = await temporaryFolder();
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const args = ["start", "--port", "0", "--data", `${folder.path}/data`, log];
    const mail = { SMTP_URL: "smtp://user:hunter2@127.0.0.1:1" };
    await using start = program(args, { DATABASE_URL: "", ...mail, ...PORTS });
    const list = await until("the APIs", () => /The domain APIs: (.+)\n/.exec(start.out())?.[1]);
    const urls = new Map(list.split(", ").map((it) => [it.split(" ")[0], it.split(" ")[1]]));
    expect([...urls.keys()]).toEqual([...SERVICE_NAMES]);
    const board = /Quarterdeck is at (\S+)/.exec(start.out())?.[1] ?? "";
    // A connection for each: one that is kept would break with the worker that had it.
    const headers = { connection: "close" };
    const statusesOf = (path: string): Promise<number[]> =>
      Promise.all(
        [...urls.values()].map(async (url) => (await fetch(`${url}${path}`, { headers })).status),
      );
    expect(await statusesOf("/readyz")).toEqual([200, 200, 200, 200, 200]);
    const before = workersOf(start.child);
    expect(before).toHaveLength(SERVICE_NAMES.length);
    const withSecret = before.filter((pid) => environmentOf(pid).includes("hunter2"));
    expect(withSecret.map(commandOf)).toEqual([expect.stringContaining('"accounts"')]);
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect((await fetch(`${board}/livez`)).status).toBe(200);
    // Nobody is refused at the door meanwhile: the requests wait for the next workers.
    expect(await statusesOf("/readyz")).toEqual([200, 200, 200, 200, 200]);
    const after = workersOf(start.child);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(await start.end("SIGTERM")).toBe(0);
    expect(after.filter((pid) => commandOf(pid) !== "")).toEqual([]);
  }, 90_000);

  test("says nothing of a failure when it is ended while they start", async () => {
    await using folder = await temporaryFolder();
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const args = ["start", "--port", "0", "--data", `${folder.path}/data`, log];
    await using start = program(args, { DATABASE_URL: "", ...PORTS });
    await until("a worker", () => workersOf(start.child).length > 0 || undefined);
    expect(await start.end("SIGINT")).toBe(0);
    expect(start.out()).not.toContain("API ended");
  }, 90_000);

  test("without the APIs, when it is asked to, starts none", async () => {
    await using folder = await temporaryFolder();
    const log = `${folder.path}/access.log`;
    await writeFile(log, "");
    const args = ["start", "--port", "0", "--data", `${folder.path}/data`, "--no-apis", log];
    await using start = program(args, { DATABASE_URL: "" });
    await until("the board", () => /Quarterdeck is at \S+\n/.test(start.out()) || undefined);
    expect(workersOf(start.child)).toEqual([]);
    expect(await start.end("SIGTERM")).toBe(0);
  });
});
