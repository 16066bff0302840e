import { writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { programForTests } from "#deployer/edge/haproxy/testing-haproxy.ts";

import { startProgram } from "../harness/program.ts";
import { openDeploysWorld, QUICK, startClient } from "./deploys-world.ts";

const hasPrograms = ["haproxy", "varnishd", "varnishadm"].every(
  (name) => programForTests(name) !== undefined,
);

describe.skipIf(!hasPrograms)("commands about the edge", () => {
  test("a configuration is checked, applied and rolled back, all or none also when the role is killed", async () => {
    const { data, url, startRole, run } = openDeploysWorld({ edge: "haproxy" });
    const role = await startRole();
    const early = await run("edge", "config", "check", "package.json");
    expect([early.code, early.output]).toEqual([7, expect.stringContaining("not been started")]);
    expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
    const shipped = (await run("edge", "config", "show")).stdout;
    const file = path.join(data, "edge.cfg");
    const write = (text: string): void => writeFileSync(file, text);

    write(shipped.replace("retries 3", "retrys 3"));
    const line = shipped.split("\n").indexOf("  retries 3") + 1;
    for (const act of [["check"], ["apply", "--reason", "a typo"]]) {
      const [word = "", ...more] = act;
      const wrong = await run("edge", "config", word, file, ...more);
      expect([wrong.code, wrong.output]).toEqual([
        5,
        expect.stringMatching(new RegExp(`Line ${line}: .*retrys`)),
      ]);
    }
    expect((await run("edge", "config", "apply", file)).code).toBe(2);

    const client = startClient(url);
    write(shipped.replace("retries 3", "retries 2"));
    expect(await run("edge", "config", "check", file)).toMatchObject({ code: 0 });
    const diff = await run("edge", "config", "diff", file);
    expect([diff.code, diff.stdout]).toEqual([
      1,
      expect.stringMatching(new RegExp(`${line} -  retries 3\n.*${line} [+]  retries 2`)),
    ]);
    const applied = await run("edge", "config", "apply", file, "--reason", "fewer attempts");
    expect([applied.code, applied.stdout]).toEqual([
      0,
      expect.stringMatching(/lb1 is observed[^]*lb2 has it[^]*1 .* current: fewer attempts/),
    ]);
    expect(await run("edge", "config", "diff", file)).toMatchObject({ code: 0 });

    write(shipped.replace("retries 3", "retries 1"));
    const args = ["edge", "config", "apply", file, "--reason", "one attempt", "--data", data];
    const killed = startProgram(args);
    await killed.printed(/(lb1 is observed)/);
    await role.end("SIGKILL");
    await startRole();
    expect([await killed.ended, killed.stdout()]).toEqual([
      3,
      expect.stringMatching(/2 .* went back: one attempt .*the role deploys ended/),
    ]);
    expect((await run("edge", "config", "show")).stdout).toContain("retries 2");

    const back = await run("edge", "config", "rollback", "0", "--reason", "as before");
    expect([back.code, back.stdout]).toEqual([0, expect.stringContaining("(version 0 again)")]);
    expect((await run("edge", "config", "versions")).stdout).toMatch(
      /^3 .*current.*\n2 .*went back.*\n1 .*applied: fewer attempts/,
    );
    await client.stop();
    expect(client.failed).toEqual([]);
    expect(client.releases.length).toBeGreaterThan(100);

    const banned = await run("edge", "ban", "tag", "product.7", "--reason", "a wrong price");
    expect([banned.code, banned.stdout]).toEqual([0, "Removed from cache1, cache2.\n"]);
    expect((await run("edge", "ban", "tag", ".*|")).code).toBe(5);
    expect((await run("edge", "ban", "everything")).code).toBe(2);
  }, 240_000);

  test("a deploy and a configuration wait for one another", async () => {
    const { data, startRole, run } = openDeploysWorld({ edge: "haproxy" });
    await startRole();
    expect(await run("deploy", "web", "r1", "--wait", ...QUICK)).toMatchObject({ code: 0 });
    const file = path.join(data, "edge.cfg");
    const shipped = (await run("edge", "config", "show")).stdout;
    writeFileSync(file, shipped.replace("retries 3", "retries 2"));
    const args = ["edge", "config", "apply", file, "--reason", "fewer attempts", "--data", data];
    const applying = startProgram(args);
    await applying.printed(/(lb1 is observed)/);
    await run("deploy", "web", "r2", ...QUICK, "--bake", "60");
    expect((await run("deploys")).stdout).toMatch(/r2.*(?:Queued|wait)/i);
    expect(await applying.ended).toBe(0);
    await expect
      .poll(async () => (await run("deploys")).stdout, { timeout: 60_000 })
      .toMatch(/r2.*(?:full traffic|100)/i);
    const refused = await run("edge", "config", "rollback", "0", "--reason", "now");
    expect([refused.code, refused.output]).toEqual([
      5,
      expect.stringMatching(/deploy of web r2 .* is under way/),
    ]);
  }, 240_000);
});
