import { execFile } from "node:child_process";
import { get } from "node:http";

import { errorCode } from "#platform/errors.ts";

import type { ContainerDefinition } from "../shapes.ts";
import type { Container } from "../state.ts";
import type { Program } from "./container-process.ts";

type Target = {
  address: string;
  ports: Container["ports"];
  program: Program;
  timeoutMs: number;
};

/**
 * Runs a health check once; resolves with what is wrong, for people, or undefined if it is healthy. Beside the forms of ECS (CMD, CMD-SHELL) there is `["HTTP", "http://127.0.0.1:8080/ready"]`, whose
 * host and port are those inside of the container: it needs no process, and any status from 200 to 399 is healthy.
 */
export function runHealthCheck(
  [kind = "", ...rest]: readonly string[],
  target: Target,
): Promise<string | undefined> {
  if (kind === "HTTP") return checkHttp(rest[0] ?? "", target);
  const [file = "", ...args] = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : rest;
  const { directory, environment } = target.program;
  const options = {
    cwd: directory,
    env: environment,
    timeout: target.timeoutMs,
    killSignal: "SIGKILL" as const,
  };
  return new Promise((resolve) => {
    execFile(file, args, options, (error) => {
      resolve(error === null ? undefined : `${file} ended with ${error.signal ?? error.code}`);
    });
  });
}

function checkHttp(
  url: string,
  { address, ports, timeoutMs }: Target,
): Promise<string | undefined> {
  const { port, pathname, search } = new URL(url);
  const containerPort = Number(port) || 80;
  const mapped = ports.find((it) => it.containerPort === containerPort);
  const own = { port: mapped?.hostPort ?? containerPort, path: `${pathname}${search}` };
  const asked = `http://${address}:${own.port}${own.path}`;
  const options = {
    host: address,
    ...own,
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve) => {
    get(options, (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      const isHealthy = statusCode >= 200 && statusCode < 400;
      resolve(isHealthy ? undefined : `${asked} answered ${statusCode}`);
    }).on("error", (error) => resolve(`${asked} did not answer: ${whyOf(error, timeoutMs)}`));
  });
}

function whyOf(error: Error, timeoutMs: number): string {
  if (error.name === "AbortError") return `more than ${timeoutMs / 1_000} s`;
  return errorCode(error) === "ECONNREFUSED" ? "nothing listens on this port" : error.message;
}

/** Whether a health check can be run. */
export function isHealthCommand({ healthCheck }: ContainerDefinition): boolean {
  if (!healthCheck) return true;
  const [kind, first, ...rest] = healthCheck.command;
  if (kind === "HTTP") return rest.length === 0 && isHttpUrl(first ?? "");
  return (kind === "CMD" || kind === "CMD-SHELL") && first !== undefined;
}

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && new URL(text).protocol === "http:";
