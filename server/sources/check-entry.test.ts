import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { Listener } from "#collectors/sources/listeners/listener.ts";
import { AppError } from "#platform/errors.ts";

import { checkEntry } from "./check-entry.ts";

const host = "127.0.0.1";

async function problemsOf(
  kind: string,
  properties: Record<string, unknown>,
  before?: Listener,
): Promise<string[]> {
  try {
    await checkEntry({ id: "it", kind, properties }, { dataFolder: tmpdir(), before });
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return (error.fields ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
}

async function usedPort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it has no port");
  return address.port;
}

test("a port in use is refused at its field, with a free one", async () => {
  const port = await usedPort();
  const [problem = ""] = await problemsOf("syslog", { transport: "tcp", port });
  expect(problem).toContain(`body.properties.port: port ${port} is in use`);
  const [, free] = /for example (\d+)/.exec(problem) ?? [];
  expect(await problemsOf("syslog", { transport: "tcp", port: Number(free) })).toEqual([]);
  expect(await problemsOf("syslog", { transport: "udp", port })).toEqual([]);
});

test("an entry may keep the port on which it listens", async () => {
  const port = await usedPort();
  const before: Listener = { source: "it", protocol: "syslog+tcp", listenOn: { host, port } };
  expect(await problemsOf("syslog", { transport: "tcp", port }, before)).toEqual([]);
});

test("an address of another machine is refused at its field", async () => {
  const [problem] = await problemsOf("gelf", { port: 40_001, address: "192.0.2.1" });
  expect(problem).toBe(
    "body.properties.address: 192.0.2.1 is no address of this machine: try 0.0.0.0",
  );
});

test("a format that does not exist is refused at its field", async () => {
  expect(await problemsOf("files", { paths: ["/later.log"], format: "nginx.access" })).toEqual([]);
  const [problem] = await problemsOf("files", { paths: ["/later.log"], format: "shop.none" });
  expect(problem).toContain("body.properties.format: there is no format shop.none");
});

test("a folder is no log, and a socket needs its folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "check-entry-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const paths = [join(folder, "*.log"), folder, join(folder, "later.log")];
  expect(await problemsOf("files", { paths })).toEqual([
    `body.properties.paths.1: ${folder} is a folder: name its files, for example ${join(folder, "*.log")}`,
  ]);
  const path = join(folder, "missing", "log");
  expect(await problemsOf("syslog", { transport: "unix", path })).toEqual([
    `body.properties.path: there is no folder ${join(folder, "missing")}: create it, or choose another path`,
  ]);
});
