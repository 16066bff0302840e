import type { RowWriter } from "./text-line.ts";

const REQUEST = /^([A-Za-z_-]{1,32}) (\S{1,65536})(?: HTTP\/(\d(?:\.\d)?))?$/;

/** Writes the parts of `GET /path HTTP/1.1`. Other text, such as a dash for a request that was not read, has none. */
export function putRequestLine(row: RowWriter, text: string): void {
  const [, method, url, version] = REQUEST.exec(text) ?? [];
  if (url === "-") return;
  row.text("http.request.method", method);
  row.text("url.original", url);
  row.text("http.version", version);
}
