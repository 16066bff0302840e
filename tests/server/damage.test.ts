import { open, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { z } from "zod";

import { Board } from "#dashboards/api.ts";

import { numberedLines } from "../harness/access-log.ts";
import { createOwner, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { runProgram, temporaryFolder, until } from "../harness/program.ts";

const LINES = 20;
const Overview = z.object({ count: z.number(), holes: z.array(z.object({ events: z.number() })) });

describe.runIf(IS_BUILT)("a file of the store that is damaged while a control plane runs", () => {
  test.each(["events", "rollups"])(
    "never fails a board, and is reported: %s",
    async (kind) => {
      await using folder = await temporaryFolder();
      const data = join(folder.path, "data");
      for (const hoursAgo of [3, 2, 1]) {
        const log = join(folder.path, `${hoursAgo}.log`);
        await writeFile(log, numberedLines(LINES, Date.now() - hoursAgo * 3_600_000));
        expect((await runProgram(["ingest", log, "--data", data])).code).toBe(0);
      }
      const live = join(folder.path, "live.log");
      await writeFile(live, "");
      await using server = await startControlPlane(["--data", data, live]);
      const cookie = await createOwner(server);
      const board = async (): Promise<Board> => {
        const response = await server.get("/api/board?from=now-4h&to=now", cookie);
        expect(response.status).toBe(200);
        return Board.parse(await response.json());
      };
      const overview = async (): Promise<z.infer<typeof Overview>> => {
        const response = await server.get("/api/events/overview?from=now-4h&to=now", cookie);
        expect(response.status).toBe(200);
        return Overview.parse(await response.json());
      };
      expect((await board()).holes).toEqual([]);
      expect((await overview()).count).toBe(3 * LINES);

      const [name = ""] = await readdir(join(data, "store", kind));
      await flipMiddle(join(data, "store", kind, name));
      await until("the damage to be reported", async () => {
        await board();
        const { count, holes } = await overview();
        const missing = kind === "events" ? holes.reduce((sum, { events }) => sum + events, 0) : 0;
        expect(count + missing).toBe(3 * LINES);
        const id = name.replace(".parquet", "");
        return (await (await server.get("/readyz", cookie)).text()).includes(id);
      });
    },
    120_000,
  );
});

async function flipMiddle(path: string): Promise<void> {
  await using file = await open(path, "r+");
  const at = Math.floor((await stat(path)).size / 2);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ 1, 0);
  await file.write(byte, 0, 1, at);
}
