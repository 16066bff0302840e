import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "#platform/free-port.ts";
import { processEnvironment } from "#platform/settings/process-environment.ts";

import { NGINX_LOG_FORMAT } from "./log-line.ts";
import type { Proxy, ProxyOptions } from "./proxy.ts";

/** Where distributions install nginx; often missing in a normal user's PATH. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];
const START_MS_MAX = 5_000;
const POLL_MS = 50;
const STOP_MS_MAX = 3_000;
/**
 * Runs a program that ends when this process ends, by whatever cause, because its standard input closes. The reader
 * runs in the background, so that the shell ends when the program does.
 */
const END_WITH_PARENT =
  'exec 3<&0; "$@" & p=$!; (cat <&3 >/dev/null; kill "$p") & wait "$p"; s=$?; kill $! 2>/dev/null; exit $s';

/** The path of nginx on this machine; undefined if it is not installed. */
export function findNginx(path: string): string | undefined {
  const folders = [...path.split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, "nginx")).find(isExecutable);
}

/** Starts nginx in front of the instances. @throws if it does not respond; its error log has the reason */
export async function startNginx(
  program: string,
  folder: string,
  options: ProxyOptions,
): Promise<Proxy> {
  const port = await freePort();
  mkdirSync(join(folder, "temp"), { recursive: true });
  writeFileSync(join(folder, "nginx.conf"), configuration(port, options.upstreamPorts));
  const args = ["-p", `${folder}/`, "-c", "nginx.conf", "-e", "nginx-error.log"];
  const child = spawn("/bin/sh", ["-c", END_WITH_PARENT, "sh", program, ...args], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { ...processEnvironment(process.env), TZ: "UTC" },
  });
  // A shell that cannot be started is reported by its exit code below.
  child.on("error", () => child.emit("exit", -1, null));
  child.stdin.on("error", () => child.kill());
  try {
    await answering(port, child);
  } catch (error) {
    await stopped(child);
    throw error;
  }
  const pid = Number(readFileSync(join(folder, "nginx.pid"), "utf8"));
  return {
    kind: "nginx",
    port,
    reopenLog: () => process.kill(pid, "SIGUSR1"),
    stop: () => stopped(child),
  };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  const endMs = Date.now() + START_MS_MAX;
  while (Date.now() < endMs && child.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(POLL_MS);
  }
  throw new Error(`nginx did not answer on port ${port} within ${START_MS_MAX} ms`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.stdin?.end();
  const stopTimeout = new AbortController();
  await Promise.race([exit, sleep(STOP_MS_MAX, undefined, { signal: stopTimeout.signal })]);
  stopTimeout.abort();
  child.kill("SIGKILL");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** All paths are relative to the prefix (-p), so that no character of the folder's name needs quoting. */
const configuration = (port: number, upstreamPorts: readonly number[]): string => `
daemon off;
master_process off;
pid nginx.pid;
error_log nginx-error.log warn;
events { worker_connections 256; }
http {
  log_format quarterdeck ${NGINX_LOG_FORMAT};
  access_log logs/access.log quarterdeck;
  server_tokens off;
  set_real_ip_from 127.0.0.0/8;
  real_ip_header X-Forwarded-For;
  client_max_body_size 64k;
  client_body_buffer_size 64k;
  proxy_max_temp_file_size 0;
  client_body_temp_path temp/body;
  proxy_temp_path temp/proxy;
  fastcgi_temp_path temp/fastcgi;
  uwsgi_temp_path temp/uwsgi;
  scgi_temp_path temp/scgi;
  upstream shop {
${upstreamPorts.map((upstream) => `    server 127.0.0.1:${upstream} max_fails=2 fail_timeout=5s;`).join("\n")}
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port};
    location = /health {
      access_log off;
      proxy_pass http://shop;
    }
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_hide_header X-User;
      proxy_connect_timeout 2s;
      proxy_read_timeout 10s;
    }
  }
}
`;
