const ABSOLUTE = /^([a-z][a-z0-9+.-]{0,15}):\/\/([^/?#]*)/i;
const CONTROL = /\p{Cc}/u;
const EXTENSION = /[^/]\.([A-Za-z0-9]{1,12})$/;

export type UrlParts = {
  scheme?: string;
  domain?: string;
  port?: number;
  path: string;
  query?: string;
};

/** The parts of a logged URL: a path with a query, or an absolute URL. Never throws. */
export function urlParts(original: string): UrlParts {
  const absolute = ABSOLUTE.exec(original);
  const rest = absolute ? original.slice(absolute[0].length) : original;
  const hash = rest.indexOf("#");
  const plain = hash < 0 ? rest : rest.slice(0, hash);
  const mark = plain.indexOf("?");
  const parts: UrlParts = { path: decoded(mark < 0 ? plain : plain.slice(0, mark)) };
  if (mark >= 0 && mark + 1 < plain.length) parts.query = decoded(plain.slice(mark + 1));
  if (!absolute) return parts;
  const [, scheme = "", authority = ""] = absolute;
  if (parts.path === "") parts.path = "/";
  parts.scheme = scheme.toLowerCase();
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const port = /:(\d{1,5})$/.exec(host);
  const name = port ? host.slice(0, -port[0].length) : host;
  if (name !== "") parts.domain = name.replace(/^\[|\]$/g, "");
  if (port && Number(port[1]) <= 65_535) parts.port = Number(port[1]);
  return parts;
}

/** Percent-decoded, unless that would reveal control characters or invalid text. */
function decoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    const plain = decodeURIComponent(text);
    return CONTROL.test(plain) ? text : plain;
  } catch {
    return text; // Not a percent-encoding of UTF-8: kept unchanged.
  }
}

/** The extension of the last segment, in lower case, without its dot. */
export function extensionOf(path: string): string | undefined {
  return EXTENSION.exec(path.slice(-80))?.[1]?.toLowerCase();
}
