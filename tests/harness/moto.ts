import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "#platform/free-port.ts";

import { installPython } from "./python-package.ts";

const SERVER = path.join(import.meta.dirname, "moto_server.py");
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
  const programs = await installPython("moto[server]==5.2.5");
  return programs === undefined ? undefined : start(path.join(programs, "python3"));
}

async function start(python: string): Promise<Moto> {
  const port = await freePort();
  const args = [SERVER, "-H", "127.0.0.1", "-p", `${port}`];
  const server = spawn(python, args, { stdio: "ignore" });
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

/** A subnet and a security group that an account has from the beginning. */
export async function defaultNetwork({ url }: Moto) {
  return {
    subnets: [await idOf(url, "DescribeSubnets", /subnet-\w+/)],
    securityGroups: [await idOf(url, "DescribeSecurityGroups", /sg-\w+/)],
  };
}

async function idOf(url: string, action: string, id: RegExp): Promise<string> {
  const credential = "Credential=testing/20260101/eu-west-1/ec2/aws4_request";
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0`;
  const body = new URLSearchParams({ Action: action, Version: "2016-11-15" });
  const response = await fetch(url, { method: "POST", headers: { authorization }, body });
  return id.exec(await response.text())?.[0] ?? "";
}

async function until(isTrue: () => Promise<boolean>, failure: string): Promise<void> {
  const endMs = performance.now() + START_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`${failure} within ${START_MS_MAX / 1_000} s`);
    await delay(POLL_MS);
  }
}
