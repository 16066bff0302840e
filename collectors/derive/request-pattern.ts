import { AppError } from "#platform/errors.ts";

import type { TrustedProxies } from "../trusted-proxies.ts";

/** Requests with a meaning, such as a sign-in: a method, a path, and statuses. */
export type RequestPattern = {
  method: string;
  /** Tests a path without its query. */
  matchesPath(path: string): boolean;
  /** Absent if any query matches. */
  matchesQuery: ((query: string) => boolean) | undefined;
  matchesStatus(status: number): boolean;
  /** The original text. */
  text: string;
};

/** Settings for what log lines do not state: the requests that are sign-ins and sign-outs, and the proxies before them. */
export type DeriveRules = {
  signIn: readonly RequestPattern[];
  signOut: readonly RequestPattern[];
  trustedProxies?: TrustedProxies | undefined;
  /** The fields of real-time logs of CloudFront; absent: all. */
  cloudFrontFields?: readonly string[] | undefined;
};

const SHAPE = /^(\S+)\s+(\S+)\s+(\S(?:.*\S)?)$/;
const STATUS = /^([1-5])(\d\d|xx)$/;
const PARAMETER = /^!?[^=&!]+(?:=[^&]*)?$/;
const EXAMPLE = "for example `POST /login 2xx,3xx`";

/**
 * Parses `METHOD /path[?QUERY] STATUS[,STATUS…]`: the method may be `*`, `*` in the path matches any characters, a
 * status is a code or a class such as `2xx`. The query has parameters that a request must have (`action=log*`, `action`)
 * or not have (`!action`), joined by `&`. Throws an AppError that names the invalid part.
 */
export function parseRequestPattern(text: string): RequestPattern {
  const refuse = (why: string): AppError =>
    new AppError("bad_request", `request pattern "${text}": ${why}; ${EXAMPLE}`);
  const found = SHAPE.exec(text.trim());
  if (!found) throw refuse("a method, a path and statuses are required");
  const [, method = "", target = "", statuses = ""] = found;
  const [path, query] = splitOnce(target, "?");
  if (method !== "*" && !/^[A-Za-z]{1,20}$/.test(method)) {
    throw refuse(`"${method}" is not a method`);
  }
  if (!path.startsWith("/") && !path.startsWith("*"))
    throw refuse(`the path "${path}" must begin with /`);
  const parameters = query?.split("&") ?? [];
  if (parameters.some((parameter) => !PARAMETER.test(parameter)))
    throw refuse(`"?${query}" is not a query such as ?action=login or ?!action`);
  const ranges = statuses.split(",").map((status) => statusRange(status.trim()) ?? status.trim());
  const wrong = ranges.find((range) => typeof range === "string");
  if (wrong !== undefined) throw refuse(`"${wrong}" is not a status such as 200 or 2xx`);
  const accepted = ranges.filter((range) => typeof range !== "string");
  return {
    method: method.toUpperCase(),
    matchesPath: wildcard(path),
    matchesQuery: parameters.length === 0 ? undefined : queryMatcher(parameters),
    matchesStatus: (status) => accepted.some(({ from, to }) => status >= from && status <= to),
    text,
  };
}

/** Several patterns, separated by `;`. */
export function parseRequestPatterns(text: string): RequestPattern[] {
  return text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => parseRequestPattern(part));
}

function statusRange(text: string): { from: number; to: number } | undefined {
  const found = STATUS.exec(text.toLowerCase());
  if (!found) return undefined;
  const from = Number(found[1]) * 100;
  return found[2] === "xx" ? { from, to: from + 99 } : { from: Number(text), to: Number(text) };
}

function queryMatcher(parameters: readonly string[]): (query: string) => boolean {
  const tests = parameters.map((parameter) => {
    const [name, value] = splitOnce(parameter.replace(/^!/, ""), "=");
    return {
      name,
      isAbsent: parameter.startsWith("!"),
      matches: value === undefined ? () => true : wildcard(value),
    };
  });
  return (query) => {
    const given = new URLSearchParams(query);
    return tests.every(
      ({ name, isAbsent, matches }) => given.getAll(name).some(matches) !== isAbsent,
    );
  };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Matches piece by piece, in time linear in the length of the path. */
function wildcard(pattern: string): (path: string) => boolean {
  const pieces = pattern.split("*");
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (pieces.length === 1) return (path) => path === pattern;
  const middle = pieces.slice(1, -1);
  return (path) => {
    if (!path.startsWith(first) || path.length < first.length + last.length) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = path.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= path.length - last.length && path.endsWith(last);
  };
}
