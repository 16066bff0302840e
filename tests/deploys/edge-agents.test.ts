import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";
import { hasPrograms, openMachine } from "./edge-machine.ts";

const WAIT = { timeout: 60_000, interval: 100 };
describe.skipIf(!hasPrograms)("edge nodes on other machines", () => {
  test("a release is deployed through agents without a failed request, and a machine that is gone is shown, and repaired when it is back", async () => {
    const { data, startRole, run } = openDeploysWorld();
    const made = await run("edge-agent", "certificates", "make", "lb1", "lb2");
    expect(made).toMatchObject({ code: 0 });
    expect((await run("edge-agent", "certificates", "list")).stdout).toMatch(/lb2: valid until/);
    const machines = await Promise.all(
      ["lb1", "lb2"].map((node) =>
        openMachine(node, path.join(data, "edge-authority", "nodes", node)),
      ),
    );
    await Promise.all(machines.map((machine) => machine.start()));
    const listed = machines.map(({ node, agent }) => `${node}=${agent}`);
    const startWith = (nodes: readonly string[]) =>
      startRole({ QUARTERDECK_EDGE: "remote", QUARTERDECK_EDGE_NODES: nodes.join(",") });
    const role = await startWith(listed);
    const first = await run("deploy", "web", "r1", "--wait", ...QUICK);
    expect(first).toMatchObject({ code: 0 });
    const clients = machines.map(({ url }) => startClient(url));
    expect(await run("deploy", "web", "r2", "--wait", ...QUICK)).toMatchObject({ code: 0 });
    for (const client of clients) {
      await expect.poll(() => client.releases.at(-1), WAIT).toBe("r2");
      await client.stop();
      expect(client.failed).toEqual([]);
    }

    const deploys = followDeploys(data);
    onTestFinished(() => deploys.stop());
    const statuses = async (): Promise<string[]> =>
      (await deploys.ask("edge", {})).nodes.map(({ status }) => status);
    const [, gone] = machines;
    if (gone === undefined) throw new Error("there is no second machine");
    await expect.poll(statuses, WAIT).toEqual(["current", "current"]);
    await gone.kill();
    await expect.poll(statuses, WAIT).toEqual(["current", "unreachable"]);
    await gone.start();
    await expect.poll(statuses, WAIT).toEqual(["current", "current"]);
    const back = startClient(gone.url);
    await expect.poll(() => back.releases.at(-1), WAIT).toBe("r2");

    // It is taken out of the list while a client still uses it.
    await role.end("SIGKILL");
    await startWith(listed.slice(0, 1));
    const notes = async (): Promise<string> =>
      (await deploys.ask("edge", {})).nodes.find(({ id }) => id === "lb2")?.notes.join(" ") ?? "";
    const patient = { ...WAIT, interval: 500 };
    await expect
      .poll(() => notes().catch(String), patient)
      .toMatch(/still serves.* clients sent it \d+ requests\. .*edge-agent forget lb2/);
  }, 240_000);
});
