import { AppError } from "#platform/errors.ts";

/** What is removed from the caches. */
export type Ban =
  | { kind: "url"; host: string; url: string }
  /** Responses name their tags in the header Cache-Tag, separated by commas or spaces. */
  | { kind: "tag"; tag: string }
  | { kind: "release"; workload: string; release: string };

const TAG = /^[\w.:/-]{1,128}$/;
const TEXT_MAX = 4_096;

/**
 * The command of varnishadm. It tests stored responses only, so that Varnish can apply it in the background.
 * @throws AppError unprocessable, naming the field
 */
export function banCommand(ban: Ban): string {
  if (ban.kind === "url") {
    const { url, host } = ban;
    if (!url.startsWith("/")) throw invalid("url", "must start with /, such as /products?page=2");
    return `ban ${equals("x-url", url, "url")} && ${equals("x-host", host.toLowerCase(), "host")}`;
  }
  if (ban.kind === "tag") {
    if (!TAG.test(ban.tag)) throw invalid("tag", "must have letters, digits and . : / _ - only");
    const pattern = String.raw`(^|[,\s])${ban.tag.replaceAll(/[.]/g, "[.]")}($|[,\s])`;
    return `ban obj.http.cache-tag ~ ${quoted(pattern)}`;
  }
  const workload = equals("x-workload", ban.workload, "workload");
  return `ban ${workload} && ${equals("x-key-release", ban.release, "release")}`;
}

function equals(header: string, text: string, field: string): string {
  // Varnish loses the quotes of an argument with a space on the way to its child process.
  if (text === "" || text.length > TEXT_MAX || /[^\u0021-\u007E\u0080-\uFFFF]/.test(text)) {
    throw invalid(field, `must have 1 to ${TEXT_MAX} characters, without spaces`);
  }
  return `obj.http.${header} == ${quoted(text)}`;
}

/** As varnishd reads arguments: in quotes, with a backslash before quotes and backslashes. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const invalid = (field: string, why: string): AppError =>
  new AppError("unprocessable", `${field} ${why}.`, {
    fields: [{ path: field, code: "invalid", message: why }],
  });
