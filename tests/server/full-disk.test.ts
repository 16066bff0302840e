import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { describe, expect, test } from "vitest";

import { Board } from "#dashboards/api.ts";

import { numberedLine, numberedLines } from "../harness/access-log.ts";
import { createOwner, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { reportsOf } from "../harness/problems.ts";
import { startProgram, temporaryFolder, until } from "../harness/program.ts";
import { fillDisk, MAY_MOUNT, onSmallDisk } from "../harness/small-disk.ts";
import { mountSmallDisk } from "../soak/small-disk.ts";

const DISK_MIB = 16;

describe.runIf(IS_BUILT && MAY_MOUNT)("a full disk", () => {
  test("is reported everywhere with what to do, boards go on, and every line is stored when there is space", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const disk = `${folder.path}/disk`;
    const log = `${folder.path}/access.log`;
    await mkdir(disk);
    await writeFile(log, numberedLines(50));
    await using server = await startControlPlane(["--data", data, log], {
      prefix: onSmallDisk(disk, DISK_MIB),
      env: { QUARTERDECK_STORE_URL: pathToFileURL(`${disk}/store`).href },
    });
    const cookie = await createOwner(server);
    const rows = async (): Promise<number> => {
      const board = Board.parse(await (await server.get("/api/board", cookie)).json());
      return board.datasets.reduce((sum, dataset) => sum + dataset.rows, 0);
    };
    await until("the first lines", async () => (await rows()) === 50);
    await using reports = reportsOf(server, { data, cookie });
    const free = await fillDisk(server, disk);
    for (let number = 0; number < 20; number += 1) {
      await appendFile(log, numberedLine(1_000 + number, Date.now()));
    }
    const full = { kind: "ingest", text: `the disk of ${disk}` };
    await reports.begun(full);
    expect(reports.pushed()?.map(({ action }) => action)).toContainEqual(
      expect.stringContaining("Free disk space, or make the data folder writable"),
    );
    const nearlyFull = { kind: "store_space", level: "warning", text: "nearly full" } as const;
    await reports.begun(nearlyFull);
    expect((await server.get("/readyz")).status).toBe(200);
    expect(await rows()).toBe(50);
    await free();
    await reports.over(full);
    await reports.over(nearlyFull);
    await until("the other lines", async () => (await rows()) === 70);
    expect(await reports.logged("ingest")).toHaveLength(2);
  }, 120_000);

  test("does not end an indexer that starts: it is reported, and the lines are stored when there is space", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, numberedLines(50));
    await using disk = await mountSmallDisk(data, 64);
    await using server = await startControlPlane(["--data", data], {
      command: ["role", "control"],
    });
    const cookie = await createOwner(server);
    await using reports = reportsOf(server, { data, cookie });
    await disk?.fill();
    await using indexer = startProgram(["role", "index", "--data", data, log]);
    await reports.begun({ kind: "store_space", level: "warning", text: "nearly full" });
    await indexer.printed(/(could not be saved, so name them again)/);
    disk?.empty();
    await until("the lines", async () => {
      const board = Board.parse(await (await server.get("/api/board", cookie)).json());
      return board.datasets.some(({ rows }) => rows === 50);
    });
  }, 120_000);
});
