import { existsSync } from "node:fs";
import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { LocalProcess } from "#deployer/edge/processes/local-process.ts";
import { followDeploys } from "#server/deploys/follow-deploys.ts";

import { createOwner, IS_BUILT, startControlPlane } from "../harness/control-plane.ts";
import { IMAGE, QUICK, startClient } from "./deploys-world.ts";
import { openEcsWorld } from "./ecs-world.ts";
import { hasPrograms } from "./edge-machine.ts";

const WAIT = { timeout: 90_000, interval: 100 };
/** The old release gets too little to be compared with: times of a busy machine say nothing. */
const SLOW = [...QUICK, "--steps", "98", "--observe", "3"];

describe.skipIf(!hasPrograms)("the role deploys, with Amazon ECS at the wire", () => {
  test("a release is deployed and rolled back, and a role on another machine goes on when the first is killed", async () => {
    const database = await newDatabase();
    onTestFinished(() => dropDatabase(database));
    const { wire, env: common, first, openSecond, urls } = await openEcsWorld(["lb1", "lb2"]);
    const env = { ...common, QUARTERDECK_DEPLOYS_DATABASE_URL: database };
    const role = await first.startRole(env);
    const second = openSecond();
    const standby = await second.startWaiting(env);

    // A decision needs requests, which fail until something serves.
    const early = startClient(urls[0] ?? "");
    const deployed = await first.run("deploy", "web", "r1", "--expand", "--wait", ...SLOW);
    expect(deployed.code, deployed.output).toBe(0);
    await early.stop();
    const run = wire.calls.find(({ operation }) => operation === "RunTask");
    expect(run?.input).toMatchObject({
      cluster: "shop",
      launchType: "FARGATE",
      networkConfiguration: {
        awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"] },
      },
      overrides: { containerOverrides: [{ name: "app" }] },
    });

    const clients = urls.map((url) => startClient(url));
    const begun = await first.run("deploy", "web", "r2", ...SLOW, "--bake", "600");
    expect(begun.code, begun.output).toBe(0);
    await expect.poll(() => clients.map((it) => it.releases.at(-1)), WAIT).toContain("r2");
    await role.end("SIGKILL");
    await standby.printed(/Workloads that can be deployed: .*(web)/);
    for (const { releases } of clients) {
      await expect.poll(() => releases.slice(-200), WAIT).toEqual(Array(200).fill("r2"));
    }
    const back = await second.run("rollback", "web", "--wait");
    expect(back.code, back.output).toBe(3);
    for (const client of clients) {
      await expect.poll(() => client.releases.at(-1), WAIT).toBe("r1");
      await client.stop();
      expect(client.failed).toEqual([]);
    }

    const deploys = followDeploys(second.data);
    onTestFinished(() => deploys.stop());
    const { place, services } = await deploys.ask("fleet", {});
    expect(place).toBe("containers of the cluster shop of Amazon ECS in eu-west-1");
    const [task] = services.find(({ isLive }) => isLive)?.tasks ?? [];
    if (task === undefined) throw new Error("there is no live task");
    expect(task).toMatchObject({ release: "r1", address: expect.stringMatching(/^127\..*:8080$/) });
    const log = await deploys.ask("taskLog", { task: task.id });
    expect(log.keptIn).toBe(`CloudWatch Logs: group /quarterdeck, stream web/app/${task.id}`);
    await expect(deploys.ask("taskLog", { task: task.id, container: "none" })).rejects.toThrow(
      /no container none: it has app/,
    );
  }, 300_000);

  test("what Amazon ECS refuses, and a release that ends, are the reason that people read", async () => {
    const { wire, env, first, urls } = await openEcsWorld(["lb1"]);
    const { run } = first;
    await first.startRole(env);
    const early = startClient(urls[0] ?? "");
    expect(await run("deploy", "web", "r1", "--plan")).toMatchObject({
      stdout: expect.stringContaining(`${IMAGE}:r1`),
    });
    expect((await run("deploy", "web", "a+b")).output).toContain("cannot be the tag of an image");

    const refuse = (operation: string): void => {
      const message = `User: arn:aws:sts::111122223333:assumed-role/q/i is not authorized to perform: ecs:${operation}`;
      wire.refusals.clear();
      wire.refusals.set(operation, { name: "AccessDeniedException", message });
    };
    refuse("RunTask");
    const waiting = run("deploy", "web", "r1", "--expand", "--wait", ...SLOW);
    const shown = async (): Promise<string> => {
      const [id = ""] = /dep_\w+/.exec((await run("deploys")).stdout) ?? [];
      return (await run("deploys", id)).stdout;
    };
    await expect
      .poll(shown, WAIT)
      .toMatch(/Waits: It is absent\. The fleet answered AccessDeniedException: .* ecs:RunTask\./);
    refuse("CreateService");
    await expect
      .poll(shown, WAIT)
      .toMatch(
        /Waits: 0 of 2 new tasks are healthy\. The fleet answered AccessDeniedException: User: .* ecs:CreateService\. Give .* policies\/deployer\.json/,
      );
    wire.refusals.clear();
    const deployed = await waiting;
    expect(deployed.code, deployed.output).toBe(0);

    wire.refusals.set("DescribeServices", {
      name: "ExpiredTokenException",
      message: "The security token included in the request is expired",
    });
    const second = run("deploy", "web", "broken", "--wait", ...SLOW);
    await expect
      .poll(shown, WAIT)
      .toMatch(/Waits: The fleet cannot be read: .*ExpiredTokenException.* expired: renew them/);
    wire.refusals.clear();
    const failed = await second;
    expect(failed.code, failed.output).toBe(6);
    expect(failed.output).toMatch(
      /exit code 9.*Its output, if any, is in CloudWatch Logs: group \/quarterdeck, stream web\/app\/[0-9a-f]{32}/,
    );
    await early.stop();
  }, 300_000);

  test.runIf(IS_BUILT)(
    "quarterdeck start uses it too, with HAProxy on its machine, runs no tasks of its own, and those of Amazon ECS and the edge serve on when it ends",
    async () => {
      const { wire, first } = await openEcsWorld([]);
      const { data, url, run } = first;
      stopEdgeAtTheEnd(data);
      const env = {
        ...wire.env,
        DATABASE_URL: "",
        QUARTERDECK_EDGE: "haproxy",
        QUARTERDECK_EDGE_HOST: new URL(url).hostname,
      };
      const options = { apis: true, deploys: true, env };
      await using server = await startControlPlane(["--data", data, `${data}/access.log`], options);
      expect(server.stdout()).toContain("no domain API runs on this machine");
      const cookie = await createOwner(server);
      const fleet = async (): Promise<unknown> => (await server.get("/api/fleet", cookie)).json();
      const place = "containers of the cluster shop of Amazon ECS in eu-west-1";
      await expect.poll(fleet, WAIT).toEqual({ place, services: [] });
      const client = startClient(url);
      const deployed = await run("deploy", "web", "r1", "--wait", ...SLOW);
      expect(deployed.code, deployed.output).toBe(0);
      await client.stop();
      expect(existsSync(path.join(data, "deploys", "fleet"))).toBe(false);
      expect(await server.end("SIGTERM")).toBe(0);
      expect((await fetch(url)).headers.get("x-release")).toBe("r1");
    },
    240_000,
  );
});

/** Stops the edge, which goes on when the role ends. */
function stopEdgeAtTheEnd(data: string): void {
  const programs = { lb1: "haproxy", lb2: "haproxy", cache1: "varnishd", cache2: "varnishd" };
  onTestFinished(async () => {
    for (const [node, name] of Object.entries(programs)) {
      const folder = path.join(data, "deploys", "edge", node);
      await new LocalProcess({ folder, name, command: [] }).stop();
    }
  });
}
