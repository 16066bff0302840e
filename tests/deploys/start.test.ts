import { randomInt } from "node:crypto";

import { describe, expect, test } from "vitest";

import { SERVICE_NAMES } from "#api/kit/service.ts";
import { WorkloadList } from "#dashboards/deploys/messages.ts";
import { temporaryFolder } from "#deployer/ecs-local/testing.ts";

import { createOwner, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { runProgram } from "../harness/program.ts";
import { QUICK, startClient } from "./deploys-world.ts";

describe.runIf(IS_BUILT)("npm start", () => {
  test("deploys the five APIs behind the edge, and Billing moves to another release and back without a failed request", async () => {
    const data = temporaryFolder();
    // Other tests use the same ports at addresses of their own.
    const host = `127.${randomInt(200, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
    await using server = await startControlPlane(["--data", data, `${data}/access.log`], {
      apis: true,
      deploys: true,
      env: { DATABASE_URL: "", QUARTERDECK_EDGE_HOST: host },
    });
    const list = await server.printed(/The domain APIs: (.+)\n/);
    const urls = new Map(list.split(", ").map((it) => [it.split(" ")[0], it.split(" ")[1]]));
    expect([...urls.keys()]).toEqual([...SERVICE_NAMES]);
    for (const name of SERVICE_NAMES) expect(server.stdout()).toContain(`✓ ${name} 0.1.0\n`);
    const cookie = await createOwner(server);
    const answer = await (await server.get("/api/workloads", cookie)).json();
    expect(WorkloadList.parse(answer).workloads.map((it) => it.release)).toEqual(
      SERVICE_NAMES.map(() => "0.1.0"),
    );

    const client = startClient(`${urls.get("billing")}/readyz`);
    const run = (...args: string[]) => runProgram([...args, "--data", data]);
    const started = await run("deploy", "billing", "r2", ...QUICK, "--bake", "600");
    expect(started.code, started.output).toBe(0);
    await expect.poll(() => client.releases.at(-1), { timeout: 90_000 }).toBe("r2");
    const back = await run("rollback", "billing", "--wait", "--reason", "complaints");
    expect([back.code, back.output]).toEqual([3, expect.stringContaining("complaints")]);
    await expect.poll(() => client.releases.at(-1)).toBe("0.1.0");
    await client.stop();
    expect(client.failed).toEqual([]);
    expect(await server.end("SIGTERM")).toBe(0);
    await expect(fetch(`${urls.get("billing")}/readyz`)).rejects.toThrow();
  }, 240_000);
});
