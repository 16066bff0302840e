import { appendFile, writeFile } from "node:fs/promises";

import { io, type Socket } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";

import { Board, LiveFrame } from "#dashboards/api.ts";

import { numberedLine, numberedLines } from "../harness/access-log.ts";
import {
  type ControlPlane,
  createOwner,
  IS_BUILT,
  startControlPlane,
} from "../harness/control-plane.ts";
import { runProgram, startProgram, temporaryFolder, until } from "../harness/program.ts";

const DATASET = "nginx.access";
const LINES = 200;

async function boardOf(control: ControlPlane, cookie: string): Promise<Board> {
  return Board.parse(await (await control.get("/api/board", cookie)).json());
}

/** The newest live frame, as received by a board in a browser. */
function watch(url: string, cookie: string): () => LiveFrame | undefined {
  let newest: LiveFrame | undefined;
  const socket: Socket = io(url, { path: "/socket", extraHeaders: { cookie } });
  socket.on("connect", () => socket.emit("watch", { dataset: DATASET }));
  socket.on("frame", (frame: unknown) => (newest = LiveFrame.parse(frame)));
  onTestFinished(() => void socket.close());
  return () => newest;
}

describe.runIf(IS_BUILT)("roles as separate processes", () => {
  test("control shows stored events, and live numbers and forecasts as soon as their roles run", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const log = `${folder.path}/access.log`;
    await writeFile(log, numberedLines(LINES));
    const args = ["--data", data];
    const first = startProgram(["role", "index", ...args, log]);
    await first.printed(/(Tailing)/);
    await until("the stored lines", async () => {
      const { stdout } = await runProgram(["query", "requests", "--json", ...args]);
      return stdout.includes(`"value":${LINES}`);
    });
    expect(await first.end("SIGTERM")).toBe(0);

    await using control = await startControlPlane(args, { command: ["role", "control"] });
    const cookie = await createOwner(control);
    const stored = await boardOf(control, cookie);
    expect(stored.values["requests"]).toBe(LINES);
    const prediction = stored.predictedRequestsPerSecond;
    expect(prediction).toMatchObject({ status: "learning" });
    const frame = watch(control.url, cookie);
    await until("a frame", () => frame() !== undefined);
    expect(frame()?.hasIndexer).toBe(false);
    expect((await control.get("/readyz")).status).toBe(200);
    await until("the report that no indexer is connected", async () =>
      (await (await control.get("/readyz")).text()).includes(
        "Start one with: quarterdeck role index",
      ),
    );

    // Without arguments it tails the files of the last start.
    await using index = startProgram(["role", "index", ...args]);
    await until("an indexer", () => frame()?.hasIndexer);
    const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
    await appendFile(log, numberedLine(LINES, nowMs));
    await until("the new line", () => (frame()?.newestEventMs ?? 0) >= nowMs);
    expect(await index.end("SIGTERM")).toBe(0);
    await until("no indexer", () => frame()?.hasIndexer === false);
    await until("the report of no indexer", async () =>
      (await (await control.get("/readyz")).text()).includes("No indexer is connected"),
    );
    await using again = startProgram(["role", "index", ...args]);
    await until("an indexer again", () => frame()?.hasIndexer);
    await until(
      "the end of the report",
      async () =>
        !(await (await control.get("/readyz")).text()).includes("No indexer is connected"),
    );

    await using forecaster = startProgram(["role", "forecast", ...args]);
    await forecaster.printed(/(Forecasting)/);
    await until("a forecaster", async () => {
      const { predictedRequestsPerSecond } = await boardOf(control, cookie);
      const isMissing = JSON.stringify(predictedRequestsPerSecond).includes("no forecaster");
      return !isMissing;
    });
    for (const program of [forecaster, again, control])
      expect(await program.end("SIGTERM")).toBe(0);
  }, 180_000);

  test("an unknown role is refused with a list of the known ones", async () => {
    const { code, output } = await runProgram(["role", "deploy"]);
    expect(output).toContain("name one of index, control, forecast");
    expect(code).toBe(2);
  });
});
