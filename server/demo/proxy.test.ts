import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { createBackends } from "./apis/backends.ts";
import { startInstance, type Instance } from "./instance.ts";
import { findNginx, startNginx } from "./nginx.ts";
import { passwordOf, people } from "./people.ts";
import { startBuiltInProxy, type Proxy } from "./proxy.ts";

/** Every service time is the median, and no request fails. */
const STEADY = { next: () => 0.5, normal: () => 0 };
const nginx = findNginx(process.env["PATH"] ?? "");
if (nginx === undefined) {
  if (process.env["CI"] === "true") throw new Error("CI must have nginx: install it");
  process.stderr.write("\nSKIPPED: the demo's proxy is not tested with nginx: install it\n");
}

describe.each(["built-in", "nginx"] as const)("%s", (kind) => {
  const isMissing = kind === "nginx" && !nginx;
  let folder = "";
  let instances: Instance[] = [];
  let proxy: Proxy;

  beforeEach(async () => {
    if (isMissing) return;
    folder = await mkdtemp(join(tmpdir(), "demo $proxy "));
    const backends = createBackends({ folder, signal: new AbortController().signal });
    const options = { portPreferred: 0, secret: "s", capacityRps: 10, random: STEADY, backends };
    instances = await Promise.all([startInstance(options), startInstance(options)]);
    const logPath = join(folder, "logs", "access.log");
    await mkdir(join(folder, "logs"));
    const proxyOptions = { logPath, upstreamPorts: instances.map((instance) => instance.port) };
    proxy =
      kind === "nginx"
        ? await startNginx(nginx ?? "", folder, proxyOptions)
        : await startBuiltInProxy(proxyOptions);
  });

  afterEach(async () => {
    if (isMissing) return;
    await proxy.stop();
    await Promise.all(instances.map(async (instance) => instance.stop()));
    await rm(folder, { recursive: true });
  });

  const get = async (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${proxy.port}${path}`, { redirect: "manual", ...init });
  const logged = async (lines: number): Promise<string[]> =>
    vi.waitFor(
      async () => {
        const text = await readFile(join(folder, "logs", "access.log"), "utf8");
        const found = text.trimEnd().split("\n");
        expect(found.filter(Boolean)).toHaveLength(lines);
        return found;
      },
      { timeout: 20_000 },
    );

  test.skipIf(isMissing)(
    "requests go to the instances in turn, and each writes one line",
    async () => {
      for (let i = 0; i < 4; i += 1) expect((await get("/products/3")).status).toBe(200);
      const lines = await logged(4);
      const addresses = lines.map((line) => / ua="([^"]+)"/.exec(line)?.[1]);
      expect(new Set(addresses).size).toBe(2);
      expect(lines[0]).toMatch(
        /^127\.0\.0\.1 - - \[.+ \+0000\] "GET \/products\/3 HTTP\/1\.1" 200 \d+ "-" "[^"]+" rt=\d+\.\d{3} ua="127\.0\.0\.1:\d+" us="200" ut="\d+\.\d{3}"$/,
      );
    },
  );

  test.skipIf(isMissing)(
    "a session that one instance creates is accepted by every instance until sign-out",
    async () => {
      const form = { user: "maya.chen0", password: "wrong" };
      expect(
        (await get("/login", { method: "POST", body: new URLSearchParams(form) })).status,
      ).toBe(401);
      const user = people[0]?.name ?? "";
      const body = new URLSearchParams({ user, password: passwordOf(user) });
      const signIn = await get("/login", { method: "POST", body });
      expect(signIn.status).toBe(303);
      expect(signIn.headers.get("x-user")).toBeNull();
      const cookie = signIn.headers.get("set-cookie")?.split(";")[0] ?? "";
      for (let i = 0; i < 2; i += 1) {
        expect(await (await get("/account", { headers: { cookie } })).text()).toContain(user);
      }
      const signOut = await get("/logout", { method: "POST", headers: { cookie } });
      expect(signOut.headers.get("set-cookie")).toContain("Max-Age=0");
      const lines = await logged(5);
      expect(lines.slice(1).every((line) => line.startsWith(`127.0.0.1 - ${user} [`))).toBe(true);
    },
  );

  test.skipIf(isMissing)("no request fails when an instance is down", async () => {
    await instances[0]?.stop();
    for (let i = 0; i < 4; i += 1) expect((await get("/")).status).toBe(200);
    const lines = await logged(4);
    expect(lines.some((line) => /us="502, 200"/.test(line))).toBe(true);
  });

  test.skipIf(isMissing)(
    "a client can neither set its user name nor break its log line",
    async () => {
      await get('/x"y', {
        headers: { "x-user": "root", "user-agent": 'a"b', "x-forwarded-for": "1.2.3" },
      });
      const [line = ""] = await logged(1);
      expect(line.startsWith("127.0.0.1 - - [")).toBe(true);
      expect(line).toContain(String.raw`"a\x22b"`);
    },
  );

  test.skipIf(isMissing)("after a rotation lines are written to the new file", async () => {
    await get("/");
    await logged(1);
    const path = join(folder, "logs", "access.log");
    await rename(path, `${path}.1`);
    proxy.reopenLog();
    await vi.waitFor(async () => readFile(path), { timeout: 20_000 });
    await get("/products");
    expect((await logged(1))[0]).toContain("GET /products ");
  });
});
