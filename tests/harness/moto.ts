import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const VERSION = "5.2.5";
const CACHE = path.resolve("node_modules/.cache/quarterdeck-moto");
const START_MS_MAX = 60_000;
const POLL_MS = 100;

/** moto, which answers as AWS does: S3 with notifications, SQS. In memory. */
export type Moto = AsyncDisposable & {
  url: string;
  /** The environment of a program that takes it for AWS. */
  env: Readonly<Record<string, string>>;
};

/**
 * Starts moto on a free port. Undefined, with a warning, where Python is missing.
 * @throws in CI, where these tests must not be skipped
 */
export async function startMoto(): Promise<Moto | undefined> {
  try {
    return await start(await install());
  } catch (error) {
    if (process.env["CI"] === "true") {
      throw new Error("moto must start in CI: install python3 and python3-venv", { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nSKIPPED: the tests with an AWS server need python3 and venv: ${why}\n`);
    return undefined;
  }
}

/** Installed once for each version. */
async function install(): Promise<string> {
  const folder = path.join(CACHE, VERSION);
  const program = path.join(folder, "bin", "moto_server");
  if (await exists(path.join(folder, "complete"))) return program;
  const lock = `${folder}.lock`;
  await mkdir(CACHE, { recursive: true });
  // One test file installs it; another one that is faster waits.
  const isFirst = await mkdir(lock).then(
    () => true,
    () => false,
  );
  if (!isFirst) {
    await until(() => exists(path.join(folder, "complete")), "moto was not installed");
    return program;
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    await run(path.join(folder, "bin", "pip"), ["install", "-q", `moto[server]==${VERSION}`]);
    await mkdir(path.join(folder, "complete"));
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
  return program;
}

async function start(program: string): Promise<Moto> {
  const port = await freePort();
  const server = spawn(program, ["-H", "127.0.0.1", "-p", `${port}`], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    );
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
  };
  try {
    await until(isUp, "moto does not answer");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    env: {
      AWS_ACCESS_KEY_ID: "testing",
      AWS_SECRET_ACCESS_KEY: "testing",
      AWS_REGION: "eu-west-1",
      AWS_ENDPOINT_URL: url,
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function until(isTrue: () => Promise<boolean>, failure: string): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${failure} within ${START_MS_MAX / 1_000} s`);
    await delay(POLL_MS);
  }
}

const exists = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    () => true,
    () => false,
  );
