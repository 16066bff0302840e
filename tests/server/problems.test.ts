import { appendFile, mkdir, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { Board } from "#dashboards/api.ts";

import { numberedLine, numberedLines } from "../harness/access-log.ts";
import {
  addMember,
  type ControlPlane,
  createOwner,
  IS_BUILT,
  metricOf,
  startControlPlane,
} from "../harness/control-plane.ts";
import { type Reports, reportsOf } from "../harness/problems.ts";
import { runProgram, temporaryFolder, until } from "../harness/program.ts";

const Ready = z.object({
  status: z.string(),
  problems: z.array(z.object({ message: z.string(), action: z.string().optional() })).default([]),
});

describe.runIf(IS_BUILT)("problems of a running control plane", () => {
  const started = new AsyncDisposableStack();
  let server: ControlPlane;
  let reports: Reports;
  let cookie = "";
  let data = "";
  let log = "";
  let logFolder = "";
  let damaged = "";

  beforeAll(async () => {
    const folder = started.use(await temporaryFolder());
    data = `${folder.path}/data`;
    log = `${folder.path}/access.log`;
    logFolder = `${folder.path}/logs & more`;
    for (const hoursAgo of [2, 1]) {
      const past = `${folder.path}/${hoursAgo}.log`;
      await writeFile(past, numberedLines(20, Date.now() - hoursAgo * 3_600_000));
      const args = ["ingest", past, "--data", data];
      expect((await runProgram(args)).code).toBe(0);
    }
    const events = join(data, "store", "events");
    damaged = (await readdir(events))[0] ?? "";
    await truncate(join(events, damaged), 300);
    await writeFile(log, numberedLines(10));
    await mkdir(logFolder);
    server = started.use(await startControlPlane(["--data", data, log, logFolder]));
    cookie = await createOwner(server);
    reports = started.use(reportsOf(server, { data, cookie }));
  });
  afterAll(() => started.disposeAsync());

  const ready = async (
    init: RequestInit = {},
  ): Promise<z.infer<typeof Ready> & { code: number }> => {
    const response = await fetch(`${server.url}/readyz`, init);
    return { ...Ready.parse(await response.json()), code: response.status };
  };

  test("an unreadable segment is reported everywhere, and the rest is served", async () => {
    await reports.begun({ kind: "store_file", text: damaged });
    expect((await server.get("/api/board", cookie)).status).toBe(200);
    await reports.begun({ kind: "missing_events", text: "20 events of nginx.access from" });
    expect(await eventsInHoles()).toBe(20);
    const unreadable = (): Promise<number> =>
      metricOf(server, "quarterdeck_store_files_unreadable");
    await until("the number of unreadable files", async () => (await unreadable()) === 1);
  });

  async function eventsInHoles(): Promise<number> {
    const board = await server.get("/api/board?from=now-4h&to=now", cookie);
    const { holes } = Board.parse(await board.json());
    return holes.reduce((sum, { events }) => sum + events, 0);
  }

  test("a folder given as a file is reported everywhere with what to do, until it is a file", async () => {
    await reports.begun({ kind: "source", text: `${logFolder} is a folder: give its files` });
    await rm(logFolder, { recursive: true });
    await writeFile(logFolder, numberedLines(5, Date.now() - 3 * 3_600_000));
    await reports.over({ kind: "source", text: logFolder });
  });

  test("a control plane that serves with problems is ready, but degraded", async () => {
    const { code, status, problems } = await ready();
    expect([code, status]).toEqual([200, "degraded"]);
    expect(problems.every(({ action = "" }) => action.length > 0)).toBe(true);
  });

  test("callers from elsewhere and members without raw events learn of problems, but no paths", async () => {
    const elsewhere = await ready({ headers: { "x-forwarded-for": "203.0.113.9" } });
    expect(elsewhere.status).toBe("degraded");
    expect(JSON.stringify(elsewhere)).not.toContain(data);
    expect(JSON.stringify(elsewhere)).not.toContain(damaged);
    expect(JSON.stringify(elsewhere)).not.toContain("nginx.access");
    const member = await addMember(data, "charts", [{ capability: "chart", target: "board:home" }]);
    await using seen = reportsOf(server, { data, cookie: member });
    const pushed = await until("the pushed problems", () => seen.pushed());
    const html = await (await server.get("/", member)).text();
    const board = await (await server.get("/api/board", member)).text();
    for (const text of [JSON.stringify(pushed), html, board]) {
      expect(text).toContain("so that numbers may be incomplete");
      expect(text).not.toContain(damaged);
      expect(text).not.toContain(data);
    }
  });

  test("members without boards see no problems", async () => {
    const member = await addMember(data, "nothing", []);
    const html = await (await server.get("/", member)).text();
    expect(html).toContain("Quarterdeck");
    expect(html).not.toContain("incomplete");
  });

  test("storing and merging that fail are reported everywhere, tried again, and nothing is lost", async () => {
    const scratch = join(data, "store", "tmp");
    await rename(scratch, `${scratch}.away`);
    await writeFile(scratch, "a file where a folder should be");
    await appendFile(log, numberedLine(777, Date.now()));
    const storing = { kind: "ingest", text: "ENOTDIR" };
    const merging = { kind: "store_upkeep", level: "warning", text: "cannot be merged" } as const;
    await reports.begun(storing);
    await reports.begun(merging);
    expect(await metricOf(server, "quarterdeck_store_append_failures_total")).toBeGreaterThan(0);
    expect(await metricOf(server, "quarterdeck_store_upkeep_failures_total")).toBeGreaterThan(0);
    expect((await ready()).code).toBe(200);
    await rm(scratch);
    await rename(`${scratch}.away`, scratch);
    await reports.over(storing);
    await reports.over(merging);
    const { stdout } = await runProgram(["query", "requests", "--json", "--data", data]);
    expect(stdout).toContain('"value":56');
    const lines = await reports.logged("ingest");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["problem-started", "problem-ended"]);
  }, 120_000);

  test("quarterdeck query and ingest print problems of the store, and succeed", async () => {
    const query = await runProgram(["query", "requests", "--json", "--data", data]);
    const ingest = await runProgram(["ingest", log, "--data", data]);
    for (const { code, stdout, output } of [query, ingest]) {
      expect(code).toBe(0);
      expect(output.match(new RegExp(damaged, "g"))?.length).toBeGreaterThan(0);
      expect(stdout).not.toContain(damaged);
    }
  });

  test("a damaged file is no problem any more when it was deleted; charts stay marked", async () => {
    await rm(join(data, "store", "broken", damaged));
    await reports.over({ kind: "store_file", text: damaged });
    await reports.over({ kind: "missing_events", text: "20 events of nginx.access from" });
    expect((await ready()).status).toBe("ready");
    expect(await eventsInHoles()).toBe(20);
  });
});
