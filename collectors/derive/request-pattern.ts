import { AppError } from "#platform/errors.ts";

/** Requests with a meaning, such as a sign-in: a method, a path, and statuses. */
export type RequestPattern = {
  method: string;
  /** Tests a path without its query. */
  matchesPath(path: string): boolean;
  matchesStatus(status: number): boolean;
  /** The original text. */
  text: string;
};

/** The patterns of sign-ins and sign-outs. */
export type DeriveRules = {
  signIn: readonly RequestPattern[];
  signOut: readonly RequestPattern[];
};

const SHAPE = /^(\S+)\s+(\S+)\s+(\S(?:.*\S)?)$/;
const STATUS = /^([1-5])(\d\d|xx)$/;
const EXAMPLE = "for example `POST /login 2xx,3xx`";

/**
 * Parses `METHOD /path STATUS[,STATUS…]`: the method may be `*`, `*` in the path matches any characters, a
 * status is a code or a class such as `2xx`. Throws an AppError that names the invalid part.
 */
export function parseRequestPattern(text: string): RequestPattern {
  const refuse = (why: string): AppError =>
    new AppError("bad_request", `request pattern "${text}": ${why}; ${EXAMPLE}`);
  const found = SHAPE.exec(text.trim());
  if (!found) throw refuse("a method, a path and statuses are required");
  const [, method = "", path = "", statuses = ""] = found;
  if (method !== "*" && !/^[A-Za-z]{1,20}$/.test(method)) {
    throw refuse(`"${method}" is not a method`);
  }
  if (!path.startsWith("/") && !path.startsWith("*"))
    throw refuse(`the path "${path}" must begin with /`);
  if (path.includes("?")) throw refuse("remove the query, which is not compared");
  const ranges = statuses.split(",").map((status) => statusRange(status.trim()) ?? status.trim());
  const wrong = ranges.find((range) => typeof range === "string");
  if (wrong !== undefined) throw refuse(`"${wrong}" is not a status such as 200 or 2xx`);
  const accepted = ranges.filter((range) => typeof range !== "string");
  return {
    method: method.toUpperCase(),
    matchesPath: wildcard(path),
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
