import { mkdir } from "node:fs/promises";

import { describe, expect, test } from "vitest";

import { SERVICE_NAMES, type ServiceName } from "#api/kit/service.ts";
import { dropDatabase, newDatabase } from "#api/kit/test-database.ts";
import { containerParts, type WorkloadProgram } from "#deployer/fleet/workload.ts";
import { freePort } from "#platform/free-port.ts";
import { MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";
import { apiWorkloads } from "#server/apis/workloads.ts";

import { IS_BUILT } from "../harness/control-plane.ts";
import { assembleImage, writeSecret } from "./assemble.ts";
import { contain } from "./contain.ts";
import { imageFile } from "./dockerfile.ts";

const WORKLOADS = apiWorkloads({ hasNginx: true });
const START = { timeout: 40_000, interval: 100 };
const ROOT_KEY = "root-key-of-this-test-000000000000000000000";

const statusOf = (url: string): Promise<number | undefined> =>
  fetch(url).then(
    ({ status }) => status,
    () => undefined,
  );

/** A failure shows what the program has printed. */
async function untilStatus(url: string, status: number, output: () => string): Promise<void> {
  try {
    await expect.poll(() => statusOf(url), START).toBe(status);
  } catch (cause) {
    throw new Error(`${url} did not answer ${status}. What was printed:\n${output()}`, { cause });
  }
}

const programOf = (workload: (typeof WORKLOADS)[number], name: string): WorkloadProgram => {
  const program = workload.programs.find((it) => it.name === name);
  if (!program) throw new Error(`${workload.name} has no program ${name}`);
  return program;
};

describe("images", () => {
  test.each(WORKLOADS)("the image of $name runs what its task definition says", (workload) => {
    const workers = programOf(workload, "workers");
    const { healthCheck } = containerParts(workers, (port, at) => [String(port), at]);
    const image = imageFile(workload.name);
    expect(image.command("CMD")).toEqual(workers.command);
    expect(image.command("ENTRYPOINT")).toEqual([]);
    expect(image.command("HEALTHCHECK")).toEqual(["docker/health.sh", ...healthCheck.command]);
    expect(image.all("EXPOSE").map(Number)).toEqual(workload.programs.map(({ port }) => port));
  });

  test.each([...SERVICE_NAMES, "control-plane"])(
    "%s has a user without rights, and says what it writes to and how it is stopped",
    (name) => {
      const image = imageFile(name);
      expect(image.last("USER")).toBe("10001:10001");
      expect(image.last("STOPSIGNAL")).toBe("SIGTERM");
      expect(image.all("VOLUME")).toEqual(["/tmp", "/data"]);
      expect(image.command("HEALTHCHECK")).toHaveLength(3);
    },
  );
});

describe.runIf(MAY_UNSHARE)(
  "with nothing but the files of an image, read-only, as its user",
  () => {
    test("the workers of each API, and nginx in front of them, start, are healthy and stop", async () => {
      await using image = await assembleImage("billing");
      const { root } = image;
      await using stack = new AsyncDisposableStack();
      const database = await newDatabase();
      stack.defer(() => dropDatabase(database));
      const secrets = {
        DATABASE_URL_FILE: await writeSecret(root, "database-url", database),
        API_ROOT_KEY_FILE: await writeSecret(root, "root-key", ROOT_KEY),
      };
      await Promise.all(SERVICE_NAMES.map((name) => mkdir(`${root}/data/${name}`)));
      const tasks = await Promise.all(
        SERVICE_NAMES.map((name) => startTask(name, { root, secrets })),
      );
      for (const { workers, front } of tasks) {
        stack.use(workers);
        stack.use(front);
      }
      for (const { name, url, port, workers, front } of tasks) {
        const outputs = (): string => `${workers.output()}\n${front.output()}`;
        await expect.poll(() => statusOf(`${url}/healthz`), START).toBe(200);
        const response = await fetch(`${url}/livez`);
        expect([response.status, response.headers.get("x-release")], outputs()).toEqual([
          200,
          "r7",
        ]);
        const health = (path: string): Promise<number | null> =>
          contain({ root, image: name, command: ["docker/health.sh", String(port), path] }).ended;
        expect([await health("/livez"), await health("/none")]).toEqual([0, 1]);
      }
      for (const { workers, front } of tasks) {
        front.stop();
        workers.stop();
      }
      const ends = tasks.map(async ({ workers, front }) => [
        await workers.ended,
        await front.ended,
      ]);
      expect(await Promise.all(ends)).toEqual(tasks.map(() => [0, 0]));
    });

    test.runIf(IS_BUILT)(
      "the control plane serves its pages, and a role is an argument",
      async () => {
        const name = "control-plane";
        await using image = await assembleImage(name);
        const { root } = image;
        await using stack = new AsyncDisposableStack();
        const database = await newDatabase();
        stack.defer(() => dropDatabase(database));
        const port = await freePort();
        const env = {
          DATABASE_URL_FILE: await writeSecret(root, "database-url", database),
          QUARTERDECK_PORT: String(port),
          QUARTERDECK_HOST: "127.0.0.1",
        };
        const [entry, start] = (["ENTRYPOINT", "CMD"] as const).map((it) =>
          imageFile(name).command(it),
        );
        const run = (...args: string[]) =>
          contain({ root, image: name, command: [...(entry ?? []), ...args], env });
        const control = stack.use(run(...(start ?? [])));
        const index = stack.use(run("role", "index"));
        const forecast = stack.use(run("role", "forecast"));
        await untilStatus(`http://127.0.0.1:${port}/readyz`, 200, control.output);
        const page = await fetch(`http://127.0.0.1:${port}/setup?token=none`);
        expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<html")]);
        await expect.poll(() => index.output()).toContain("are indexed");
        await expect.poll(() => forecast.output()).toContain("Forecasting for /data");
        for (const it of [control, index, forecast]) it.stop();
        expect(await Promise.all([control.ended, index.ended, forecast.ended])).toEqual([0, 0, 0]);
      },
    );
  },
);

type Task = { root: string; secrets: Readonly<Record<string, string>> };

/** As its task definition, but with free ports, as all tasks share this machine. */
async function startTask(name: ServiceName, { root, secrets }: Task) {
  const workload = WORKLOADS.find((it) => it.name === name);
  if (!workload) throw new Error(`there is no workload ${name}`);
  const [port, frontPort] = [await freePort(), await freePort()];
  const place = {
    own: "127.0.0.1",
    peer: "127.0.0.1",
    port: (it: number): string => String(it === workload.port ? frontPort : port),
  };
  const start = (program: WorkloadProgram, env: Readonly<Record<string, string>> = {}) =>
    contain({
      root,
      image: name,
      command: program.command,
      env: { ...env, ...program.placeVariables(place) },
    });
  const settings = { API_WORKERS: "1", API_RELEASE: "r7", QUARTERDECK_DATA: `/data/${name}` };
  const workers = start(programOf(workload, "workers"), { ...secrets, ...settings });
  const front = start(programOf(workload, "front"));
  return { name, port, url: `http://127.0.0.1:${frontPort}`, workers, front };
}
