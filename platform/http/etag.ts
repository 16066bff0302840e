import { AppError } from "../errors.ts";

/** The ETag of a version. It is strong because every change increments the version. */
export const etagOf = (version: number): { etag: string } => ({ etag: `"${version}"` });

/** A response with the ETag of its body. */
export const versioned = <const Status extends number, Body extends { version: number }>(
  status: Status,
  body: Body,
) => ({ status, headers: etagOf(body.version), body });

/** A valid If-Match: an ETag of `etagOf`, or `*`. */
export const IF_MATCH = /^(?:\*|"(\d{1,15})")$/;

/** The version in an If-Match header; undefined for `*`. @throws AppError for any other header */
export function parseIfMatch(header: string): number | undefined {
  const match = IF_MATCH.exec(header.trim());
  if (match) return match[1] === undefined ? undefined : Number(match[1]);
  const message = 'give the ETag of an earlier response, such as "3"';
  throw new AppError("bad_request", `header.If-Match: ${message}`, {
    fields: [{ path: "header.If-Match", code: "invalid_etag", message }],
  });
}

/** @throws AppError precondition_failed if the resource has changed */
export function checkVersion(ifMatch: number | undefined, current: number): void {
  if (ifMatch === undefined || ifMatch === current) return;
  throw new AppError(
    "precondition_failed",
    `It has changed: you have version ${ifMatch}, the current one is ${current}. Read it again and retry.`,
  );
}

/** Whether an If-None-Match header matches an ETag: weak comparison, `*` or any of a list (RFC 9110, 13.1.2). */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  const tags = ifNoneMatch.split(",").map((it) => it.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
