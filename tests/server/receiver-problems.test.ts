import { once } from "node:events";
import { createServer, type Server } from "node:net";

import { describe, expect, test } from "vitest";
import { z } from "zod";

import { freePort } from "#platform/free-port.ts";

import { createOwner, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { reportsOf } from "../harness/problems.ts";
import { startProgram, temporaryFolder, until } from "../harness/program.ts";
import { receiversOf } from "../senders/receiver.ts";

const Ready = z.object({
  status: z.string(),
  problems: z
    .array(
      z.object({
        kind: z.string(),
        message: z.string(),
        action: z.string().min(20),
        since: z.iso.datetime(),
      }),
    )
    .default([]),
});

/** Listens on the port as soon as it is free. */
async function take(port: number): Promise<Server> {
  return until(`port ${port} to be free`, async () => {
    const server = createServer().listen(port, "127.0.0.1");
    const taken = await once(server, "listening").then(
      () => true,
      () => false,
    );
    return taken ? server : undefined;
  });
}

describe.runIf(IS_BUILT)("receivers that do not run", () => {
  test("are reported everywhere with the reason: at the start, and when a killed one cannot start again", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const port = await freePort();
    const first = await take(port);
    const env = { QUARTERDECK_PUSH_PORT: String(port) };
    await using server = await startControlPlane(["--data", data, `${folder.path}/x.log`], { env });
    const cookie = await createOwner(server);
    await using reports = reportsOf(server, { data, cookie });
    const inUse = { kind: "receiver", text: `Port ${port} of 127.0.0.1 is in use` };
    const ready = async () => Ready.parse(await (await server.get("/readyz")).json());

    await reports.begun(inUse);
    first.close();
    await reports.over(inUse);

    const killedMs = Date.now();
    for (const pid of receiversOf(server)) process.kill(pid, "SIGKILL");
    const second = await take(port);
    await reports.begun(inUse);
    const { status, problems } = await ready();
    expect(status).toBe("degraded");
    const problem = problems.find(({ kind }) => kind === "receiver");
    expect(problem?.message).toContain("is started again");
    expect(problem?.action).toContain("Remove the cause");
    expect(Date.parse(problem?.since ?? "")).toBeGreaterThanOrEqual(killedMs);
    second.close();
    await reports.over(inUse);
  });

  test("are reported if a process of their own was killed, until it runs again", async () => {
    await using folder = await temporaryFolder();
    const data = `${folder.path}/data`;
    const command = ["role", "control"];
    await using server = await startControlPlane(["--data", data], { command });
    const cookie = await createOwner(server);
    await using reports = reportsOf(server, { data, cookie });
    const env = { QUARTERDECK_DATA: data, QUARTERDECK_PUSH_PORT: String(await freePort()) };
    const start = async () => {
      const program = startProgram(["role", "receive"], { env });
      await program.printed(/(can be pushed to)/);
      return program;
    };
    const killed = await start();
    await killed.end("SIGKILL");
    const ended = { kind: "no_receiver", text: "ended at" };
    await reports.begun(ended);
    await using again = await start();
    await reports.over(ended);
    expect(await again.end("SIGTERM")).toBe(0);
  });
});
