import { once } from "node:events";
import { createServer } from "node:net";

import { describe, expect, test } from "vitest";

import { freePort } from "#platform/free-port.ts";

import { IS_BUILT } from "../harness/control-plane.ts";
import { startProgram, temporaryFolder, until } from "../harness/program.ts";

/** Loading modules may delay a response on a busy machine; without a response the test fails. */
const ANSWER_MS_MAX = 60_000;

/** A request that must get a response as soon as the port is open; undefined before. */
async function ask(url: string, headers: Record<string, string> = {}) {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  return fetch(url, { headers, signal, redirect: "manual" }).catch((error: unknown) => {
    if (error instanceof TypeError) return undefined;
    throw error;
  });
}

describe.runIf(IS_BUILT)("a starting control plane", () => {
  test("responds to every request with 503 and Retry-After until it is ready", async () => {
    await using folder = await temporaryFolder();
    const port = await freePort();
    const args = [
      "start",
      "--no-apis",
      "--no-deploys",
      "--port",
      String(port),
      "--data",
      folder.path,
    ];
    await using program = startProgram([...args, `${folder.path}/access.log`]);
    const seen: number[] = [];
    await until("the control plane to be ready", async () => {
      const response = await ask(`http://127.0.0.1:${port}/readyz`);
      if (program.child.exitCode !== null) throw new Error(program.output());
      if (response === undefined) return false;
      seen.push(response.status);
      if (response.status === 503)
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      return response.status === 200;
    });
    expect(seen[0]).toBe(503);
    expect(new Set(seen)).toEqual(new Set([503, 200]));
  });

  test("responds while its database does not, and reports the reason when it exits", async () => {
    await using folder = await temporaryFolder();
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const database = typeof address === "object" && address ? address.port : 0;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using program = startProgram(
      ["start", "--no-apis", "--no-deploys", "--port", String(port), "--data", folder.path],
      { env: { DATABASE_URL: `postgres://user:password@127.0.0.1:${database}/quarterdeck` } },
    );
    const live = await until("an answer", () => ask(`${url}/livez`));
    expect(live.status).toBe(200);
    const board = await ask(`${url}/api/board`);
    expect([board?.status, board?.headers.get("content-type")]).toEqual([
      503,
      "application/problem+json",
    ]);
    const page = await ask(url, { accept: "text/html" });
    expect(page?.status).toBe(503);
    expect(await page?.text()).toContain("<title>Quarterdeck is starting</title>");
    await program.printed(/(DATABASE_URL)/);
    silent.close();
  });
});
