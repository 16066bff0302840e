import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { silentLog } from "#platform/log.ts";

import { type EdgeServers, TEMPLATES } from "../edge-servers.ts";
import { programForTests, serverAddress, shortFolder } from "../haproxy/testing-haproxy.ts";
import { startLoad } from "../testing-load.ts";
import { LoadTask, openServers, Web } from "../testing-servers.ts";
import { EdgeConfiguration, type Surroundings } from "./edge-configuration.ts";
import type { TemplateEdge, TemplateNode } from "./port.ts";

const TEMPLATE = TEMPLATES.haproxy;
const PACE = { observeMs: 500, healthyMsMax: 10_000, pollMs: 100 };
const BY = { author: "ada", reason: "a test" };
const FREE: Surroundings = {
  blockedBy: () => undefined,
  errorsBefore: () => Promise.resolve({ requests: 0, errors: 0 }),
};
const SOON = { timeout: 30_000, interval: 100 };
const hasProgram = programForTests("haproxy") !== undefined;

const lineOf = (template: string, text: string): number =>
  template.split("\n").findIndex((line) => line.includes(text)) + 1;

/** Two HAProxy without caches, whose workload `web` has one task. */
async function start(): Promise<{ servers: EdgeServers; web: Web; folder: string }> {
  const folder = shortFolder();
  const servers = await openServers(folder, { varnish: {} });
  onTestFinished(() => servers.stop());
  await servers.start();
  const task = await LoadTask.start("r1");
  onTestFinished(() => task.kill());
  const web = new Web(servers);
  await web.admit("blue", "r1", [task]);
  return { servers, web, folder };
}

function open(folder: string): EdgeConfiguration {
  return new EdgeConfiguration({
    folder: path.join(folder, "template"),
    shipped: TEMPLATE,
    pace: PACE,
    log: silentLog(),
  });
}

/** The hash of the template that each running process reports. */
const running = (servers: EdgeServers): Promise<unknown[]> =>
  Promise.all(servers.haproxy.map(async (node) => (await node.health()).template));

const states = ({ versions }: EdgeConfiguration): unknown[] =>
  versions.versions.map(({ number, state, repeats }) => [number, state, repeats]);

const RETRIES = TEMPLATE.replace("retries 3", "retries 2");

describe.skipIf(!hasProgram)("the template of HAProxy nodes", () => {
  test("what is wrong is named with its line, and no node gets it", async () => {
    const { servers, folder } = await start();
    const configuration = open(folder);
    configuration.attach(servers);
    const before = await running(servers);
    const taken = createServer();
    const address = await serverAddress();
    await new Promise<void>((done) =>
      taken.listen({ host: "127.0.0.1", port: Number(address.split(":")[1]) }, done),
    );
    onTestFinished(() => void taken.close());
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    const [lb1] = servers.haproxy;
    const extra = (bind: string): string =>
      `${TEMPLATE}\nfrontend extra\n  bind ${bind}\n  default_backend direct\n`;
    const bindLine = lineOf(extra("x"), "bind x");
    const wrong: [string, number, RegExp][] = [
      [TEMPLATE.replace("retries 3", "retrys 3"), lineOf(TEMPLATE, "retries 3"), /retrys/],
      [
        TEMPLATE.replace("default_backend direct", "default_backend nowhere"),
        lineOf(TEMPLATE, "default_backend direct"),
        /nowhere/,
      ],
      [TEMPLATE.replace("{{adminSocket}}", "/x"), TEMPLATE.split("\n").length - 1, /adminSocket/],
      [
        TEMPLATE.replace("backend {{name}}_blue\n", "backend {{name}}_azure\n"),
        lineOf(TEMPLATE, "{{greenServers}}") + 1,
        /backend \{\{name\}\}_blue is missing/,
      ],
      [
        TEMPLATE.replace("level admin", "level user"),
        lineOf(TEMPLATE, "level admin"),
        /level admin/,
      ],
      [TEMPLATE.replace('"lane":', '"colour":'), lineOf(TEMPLATE, '"lane":'), /log-format/],
      [extra(address), bindLine, new RegExp(`${address} is in use by another process`)],
      [extra(lb1?.settings.internal ?? ""), bindLine, /is bound by lb1 of this edge/],
      [extra(await serverAddress()), bindLine, /bound by several nodes/],
      [extra(JSON.stringify(file)), bindLine, /file is there already, and is no socket/],
      [`global\n  lua-load /tmp/x.lua\n${TEMPLATE}`, 2, /lua-load is not allowed/],
      [`global\n  "lua-l"oad /tmp/x.lua\n${TEMPLATE}`, 2, /lua-load is not allowed/],
      [
        `${TEMPLATE}\nprogram x\n  command sleep 1\n`,
        lineOf(TEMPLATE, "never") + TEMPLATE.split("\n").length + 1,
        /program is not allowed/,
      ],
    ];
    for (const [text, line, why] of wrong) {
      const refused = configuration.change({ text, ...BY }, FREE);
      await expect(refused, String(why)).rejects.toMatchObject({
        code: "unprocessable",
        message: expect.stringMatching(why),
        fields: expect.arrayContaining([expect.objectContaining({ path: `line ${line}` })]),
      });
    }
    expect(await configuration.check(TEMPLATE)).toEqual([]);
    expect(await running(servers)).toEqual(before);
    expect(states(configuration)).toEqual([]);
  });

  test("a good one reaches all nodes under load without a failed request, and a former one is restored", async () => {
    const { servers, web, folder } = await start();
    const configuration = open(folder);
    configuration.attach(servers);
    const load = startLoad(web.urls, (release) => release === "r1");
    onTestFinished(async () => void (await load.stop()));
    const [shipped] = await running(servers);
    const { version, ended } = await configuration.change({ text: RETRIES, ...BY }, FREE);
    expect(configuration.underWay).toContain("Version 1");
    await expect(configuration.change({ text: `${RETRIES}#`, ...BY }, FREE)).rejects.toThrow(
      /Version 1 .* being applied/,
    );
    await ended;
    expect(version).toBe(1);
    expect(Object.fromEntries(configuration.progress)).toEqual({ lb1: "has-it", lb2: "has-it" });
    const [first, second] = await running(servers);
    expect(first).toBe(second);
    expect(first).not.toBe(shipped);
    await expect(
      configuration.change({ text: TEMPLATE, ...BY, base: 0 }, FREE),
    ).rejects.toMatchObject({ code: "precondition_failed" });
    expect(await configuration.change({ text: RETRIES, ...BY }, FREE)).toMatchObject({
      version: 1,
    });
    await (
      await configuration.change({ repeats: 0, ...BY }, FREE)
    ).ended;
    expect(await running(servers)).toEqual([shipped, shipped]);
    expect(states(configuration)).toEqual([
      [1, "applied", null],
      [2, "applied", 0],
    ]);
    expect(open(folder).versions).toEqual(configuration.versions);
    expect(await load.stop()).toEqual([]);
    expect(load.answered()).toBeGreaterThan(100);
  });

  test("one with which a node answers otherwise goes back on all, with the reason", async () => {
    const { servers, folder } = await start();
    const configuration = open(folder);
    configuration.attach(servers);
    const before = await running(servers);
    const text = TEMPLATE.replace(
      "  http-request del-header x-preview-lane\n",
      "  http-request del-header x-preview-lane\n  http-request deny deny_status 403\n",
    );
    await (
      await configuration.change({ text, ...BY }, FREE)
    ).ended;
    expect(configuration.versions).toMatchObject({
      current: 0,
      versions: [
        {
          state: "went-back",
          failure: expect.stringMatching(/^lb1: .*with 403; before it was 200/),
        },
      ],
    });
    expect(Object.fromEntries(configuration.progress)).toEqual({ lb1: "is-back", lb2: "waits" });
    await expect.poll(() => running(servers), SOON).toEqual(before);
  });

  test("a node that cannot be reached, or a deploy, keeps everything as it is", async () => {
    const { servers, folder } = await start();
    const configuration = open(folder);
    await expect(configuration.change({ text: RETRIES, ...BY }, FREE)).rejects.toThrow(
      /not been started/,
    );
    configuration.attach(servers);
    const blockedBy = (): string => "A deploy of billing is under way";
    await expect(
      configuration.change({ text: RETRIES, ...BY }, { ...FREE, blockedBy }),
    ).rejects.toMatchObject({ code: "conflict", message: blockedBy() });
    await servers.leave();
    process.kill(servers.haproxy[1]?.process.pid ?? 0, "SIGKILL");
    await expect.poll(() => servers.haproxy[1]?.process.pid, SOON).toBeUndefined();
    await expect(configuration.change({ text: RETRIES, ...BY }, FREE)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("lb2"),
    });
    expect(states(configuration)).toEqual([]);
    expect(configuration.underWay).toBeUndefined();
  });

  test("a node that dies while it gets one makes all go back, and has the former one when it is back", async () => {
    const { servers, folder } = await start();
    const configuration = open(folder);
    const before = await running(servers);
    configuration.attach(
      withNodes(servers, (node) =>
        node.id === "lb1"
          ? node
          : {
              ...bound(node),
              async useTemplate(text) {
                if (text === RETRIES) {
                  process.kill(servers.haproxy[1]?.process.pid ?? 0, "SIGKILL");
                }
                await node.useTemplate(text);
              },
            },
      ),
    );
    await (
      await configuration.change({ text: RETRIES, ...BY }, FREE)
    ).ended;
    expect(configuration.versions).toMatchObject({
      current: 0,
      versions: [{ state: "went-back", failure: expect.stringMatching(/^lb2: /) }],
    });
    // The supervision of the servers starts it.
    await expect.poll(() => running(servers).catch(() => []), SOON).toEqual(before);
  });

  test("killed between the first node and the others, the next role takes all back", async () => {
    const { servers, folder } = await start();
    const before = await running(servers);
    const killed = open(folder);
    const reached = Promise.withResolvers<void>();
    killed.attach(
      withNodes(servers, (node) =>
        node.id === "lb1"
          ? node
          : {
              ...bound(node),
              health: () => {
                reached.resolve();
                // What a killed process never gets.
                return new Promise(() => undefined);
              },
            },
      ),
    );
    await killed.change({ text: RETRIES, ...BY }, FREE);
    await reached.promise;
    const [first, second] = await running(servers);
    expect(first).not.toBe(second);
    await servers.leave();

    const next = open(folder);
    expect(next.underWay).toContain("Version 1");
    const haproxy = servers.haproxy.map(({ settings }) => settings);
    const continued = await openServers(folder, { varnish: {}, haproxy, template: next.text() });
    onTestFinished(() => continued.leave());
    await continued.start();
    next.attach(continued);
    expect(next.underWay).toBeUndefined();
    expect(next.versions).toMatchObject({
      current: 0,
      versions: [{ state: "went-back", failure: expect.stringContaining("role deploys ended") }],
    });
    expect(await running(continued)).toEqual(before);
  });
});

/** The methods of a node, which may be replaced. */
const bound = (node: TemplateNode): TemplateNode => ({
  id: node.id,
  useTemplate: (text) => node.useTemplate(text),
  health: () => node.health(),
  countErrors: () => node.countErrors(),
});

const withNodes = (
  servers: EdgeServers,
  replaced: (node: TemplateNode) => TemplateNode,
): TemplateEdge => ({
  nodes: servers.nodes.map(replaced),
  checkTemplate: (text) => servers.checkTemplate(text),
});
