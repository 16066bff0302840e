import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

import { describe, expect, onTestFinished, test } from "vitest";

import { programForTests } from "#deployer/edge/haproxy/testing-haproxy.ts";
import { freePort } from "#platform/free-port.ts";
import { MAY_UNSHARE } from "#platform/lease/testing-namespaces.ts";

import { ROOT, temporaryFolder } from "../harness/program.ts";
import { composeService } from "./compose.ts";
import { imageFile } from "./dockerfile.ts";

const run = promisify(execFile);
const programs = ["haproxy", "varnishd", "nginx", "ip"];
const areInstalled = programs.every((name) => programForTests(name) !== undefined);
const EDGES = ["edge-1", "edge-2"];
const CHAIN_MS_MAX = 60_000;

async function renderedFiles(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  // Where this is root, Varnish reads it as another user.
  await chmod(folder.path, 0o755);
  await run(process.execPath, ["docker/edge.ts", folder.path, "r41"], { cwd: ROOT });
  return folder.path;
}

/** In a network of its own, with the addresses of the compose file, two HAProxy, two Varnish and a task of each API. */
const CHAIN = `
set -eu
ip link set lo up
for it in $1; do ip address add "$it/32" dev lo; done
shift
for it; do sh -c "exec $it" > /dev/null 2>&1 & done
exec "$NODE" --input-type=module --eval "$PROBE"
`;

/** Tasks that tell their address and what they got; then what clients get of each API as soon as Varnish has it. */
const PROBE = `
import { createServer } from "node:http";
const hosts = process.env.TASKS.split(" ");
for (const host of hosts) createServer((request, response) => {
  response.setHeader("cache-control", "max-age=60");
  response.end(host + " " + request.headers["x-release"]);
}).listen(8080, host);
const ask = async (port) => {
  const response = await fetch("http://127.0.0.1:" + port + "/a").catch(() => undefined);
  return response?.headers.get("x-cache") === "hit"
    ? response.text()
    : new Promise((resolve) => setTimeout(resolve, 100)).then(() => ask(port));
};
const answers = await Promise.all(hosts.map((_, index) => ask(8101 + index)));
console.log(JSON.stringify(answers));
process.exit();
`;

describe.runIf(areInstalled)("the configurations for the compose file", () => {
  test("are accepted by HAProxy, Varnish and nginx", async () => {
    const folder = await renderedFiles();
    for (const it of EDGES) {
      const { stdout } = await run("haproxy", ["-c", "-f", path.join(folder, it, "haproxy.cfg")]);
      expect(stdout).toContain("Configuration file is valid");
    }
    const work = path.join(folder, "varnish");
    await run("varnishd", ["-C", "-n", work, "-f", path.join(folder, "cache.vcl")], {
      maxBuffer: 64 * 1024 * 1024,
    });
    const file = path.join(folder, "nginx.conf");
    const text = await readFile(path.join(ROOT, "docker/nginx/nginx.conf"), "utf8");
    const place = text
      .replaceAll("@LISTEN@", `127.0.0.1:${await freePort()}`)
      .replaceAll("@UPSTREAM@", "127.0.0.1:4601")
      .replaceAll("@FOLDER@", "/tmp/front");
    await writeFile(file, place);
    const { stderr } = await run("nginx", ["-t", "-p", folder, "-e", "stderr", "-c", file]);
    expect(stderr).toContain("test is successful");
  });

  test.runIf(MAY_UNSHARE)("make a chain at the addresses of the compose file", async () => {
    const folder = await renderedFiles();
    const tasks = [11, 12, 13, 14, 15].map((it) => `172.30.3.${it}`);
    const nodes = ["172.30.2.11", "172.30.2.12", "172.30.2.21", "172.30.2.22"];
    const inFolder = (command: readonly string[]): string =>
      command.join(" ").replaceAll("/edge/", `'${folder}'/`);
    const edges = EDGES.map((name) => inFolder(composeService(name).command ?? []));
    const caches = nodes
      .slice(2)
      .map((address) =>
        inFolder(imageFile("varnish").command("CMD"))
          .replace("0.0.0.0", address)
          .replace("/tmp/varnish", `'${folder}/${address}'`),
      );
    const namespaces = ["--net", "--pid", "--fork", "--kill-child"];
    const addresses = [...nodes, ...tasks].join(" ");
    const args = [...namespaces, "sh", "-c", CHAIN, "sh", addresses, ...edges, ...caches];
    const env = { ...process.env, NODE: process.execPath, PROBE, TASKS: tasks.join(" ") };
    const { stdout } = await run("unshare", args, { timeout: CHAIN_MS_MAX, env });
    expect(JSON.parse(stdout)).toEqual(tasks.map((address) => `${address} r41`));
  });
});
