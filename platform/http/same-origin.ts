import type { IncomingMessage } from "node:http";

import { AppError } from "../errors.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/**
 * Local names and addresses: a foreign name can be made to resolve to this machine (DNS rebinding), an address cannot.
 */
const ALWAYS_OURS = /^(?:(?:[\w-]+\.)?localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]+\])$/i;

export type OriginRules = {
  /** Accepted host names in addition to `localhost` and addresses. */
  hosts: readonly string[];
  /** The public origin behind a proxy, if there is one. */
  origin: string | undefined;
};

export function originRules(config: { host: string; publicUrl: string | undefined }): OriginRules {
  const proxy = config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname];
  const origin = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).origin;
  return { hosts: [config.host, ...proxy].map((it) => it.toLowerCase()), origin };
}

/**
 * Rejects requests that another site made a browser send. The Host must be one of ours (otherwise a foreign name was
 * resolved to this address: DNS rebinding). Requests that change state, and sockets, must come from our own pages.
 * Programs send neither Origin nor Sec-Fetch-Site and are admitted.
 */
export function checkOrigin(
  { method, headers }: Pick<IncomingMessage, "method" | "headers">,
  rules: OriginRules,
  { socket = false }: { socket?: boolean } = {},
): void {
  const { host = "", origin, "sec-fetch-site": site } = headers;
  if (!isOurs(hostName(host), rules)) {
    throw new AppError(
      "forbidden",
      `${JSON.stringify(host)} is not a host name of this Quarterdeck. Open it at localhost, or set QUARTERDECK_URL to its public URL.`,
    );
  }
  if (SAFE_METHODS.has(String(method)) && !socket) return;
  if (isForeignSite(site) || (origin !== undefined && !sameHost(origin, host, rules))) {
    throw new AppError("forbidden", "This request came from a page of another site.");
  }
}

const isForeignSite = (site: string | string[] | undefined): boolean =>
  site !== undefined && site !== "same-origin" && site !== "none";

/** Behind a proxy that rewrites Host, the browser sends the public origin, which is also ours. */
function sameHost(origin: string, host: string, rules: OriginRules): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // Another port of this machine is another origin, although its pages can send our cookies.
  return url.host === host.toLowerCase() || url.origin === rules.origin;
}

function hostName(host: string): string {
  return /^(\[[\da-f:]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host)?.[1] ?? "";
}

const isOurs = (name: string, rules: OriginRules): boolean =>
  name !== "" && (ALWAYS_OURS.test(name) || rules.hosts.includes(name.toLowerCase()));
