import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { programForTests } from "#deployer/edge/haproxy/testing-haproxy.ts";

import { openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const WAIT = { timeout: 60_000, interval: 200 };
const SHOP_PORT = 4_700;

const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);

describe.each([
  { edge: "local", isSkipped: false },
  { edge: "haproxy", isSkipped: !hasPrograms },
] as const)("with the edge $edge", ({ edge, isSkipped }) => {
  test.skipIf(isSkipped)(
    "a port that another program has is named with what to do, the other workloads are served, and it is opened when it is free",
    async () => {
      const { data, url, startRole, run } = openDeploysWorld({ edge });
      const file = path.join(data, "workloads.yaml");
      const alone = readFileSync(file, "utf8");
      const [, web = ""] = alone.split("workloads:\n");
      const shop = web.replace("name: web", `name: shop\n    edgePort: ${SHOP_PORT}`);
      const { hostname: host } = new URL(url);
      const shopUrl = `http://${host}:${SHOP_PORT}`;
      const other = createServer((_, response) => response.end("another program"));
      await new Promise<void>((done) => other.listen(SHOP_PORT, host, done));
      onTestFinished(() => void other.close());

      const role = await startRole();
      expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
      const client = startClient(url);
      await role.end("SIGKILL");
      writeFileSync(file, `${alone}${shop}`);
      await startRole();
      const shown = async (): Promise<string> => (await run("deploys")).stdout;
      await expect
        .poll(shown, WAIT)
        .toMatch(
          /Clients cannot reach shop at lb1: port 4700 is in use by another process\. .*set another edgePort for shop in workloads\.yaml/,
        );
      expect(await run("deploy", "shop", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
      expect(await (await fetch(shopUrl)).text()).toBe("another program");
      other.closeAllConnections();
      await new Promise((done) => other.close(done));
      const releaseOf = (): Promise<string | null> =>
        fetch(shopUrl).then(
          ({ headers }) => headers.get("x-release"),
          () => null,
        );
      await expect.poll(releaseOf, WAIT).toBe("r1");
      await expect.poll(shown, WAIT).not.toContain("cannot reach");
      await client.stop();
      expect(client.failed).toEqual([]);
      expect(client.releases.length).toBeGreaterThan(10);
    },
    240_000,
  );
});
