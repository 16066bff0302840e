import { AppError } from "#platform/errors.ts";

import type { ServerAddress } from "./sampler.ts";

const MESSAGE_CHARS_MAX = 300;

/** By codes of Node, PostgreSQL, MySQL and MongoDB. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "nothing listens there: check host and port, and that the server accepts connections over TCP",
  ENOTFOUND: "the host is unknown: check its name",
  ETIMEDOUT: "it does not answer: check host, port and firewall",
  "28P01": "the password is wrong",
  "28000": "the user may not connect from this machine: check pg_hba.conf",
  "3D000": "the database does not exist",
  ER_ACCESS_DENIED_ERROR: "user or password is wrong",
  ER_HOST_NOT_PRIVILEGED: "no user may connect from this machine",
  "18": "user or password is wrong",
  "13": "the user lacks the role clusterMonitor",
};

/** An error of a driver as one for people, without the password. */
export function connectionError(error: unknown, { host, port, url }: ServerAddress): AppError {
  const { message = "it failed without a reason" } = error instanceof Error ? error : {};
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const meaning = MEANINGS[code] ?? withoutPassword(message, url);
  return new AppError("unavailable", `${host}:${port}: ${meaning}`, { cause: error });
}

function withoutPassword(message: string, url: string): string {
  const { password } = new URL(url);
  const plain = decodeURIComponent(password);
  const shown = plain === "" ? message : message.replaceAll(plain, "…").replaceAll(password, "…");
  return shown.slice(0, MESSAGE_CHARS_MAX);
}
