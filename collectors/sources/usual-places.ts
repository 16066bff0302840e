import { constants } from "node:fs";
import { access, glob, stat } from "node:fs/promises";

/** Where the packages of the common distributions, and Homebrew, put their logs. */
const USUAL_PLACES = [
  "/var/log/nginx/*access*.log",
  "/var/log/nginx/error.log",
  "/var/log/apache2/*access*.log",
  "/var/log/apache2/error.log",
  "/var/log/httpd/*access*log",
  "/var/log/httpd/error_log",
  "/var/log/haproxy.log",
  "/var/log/varnish/varnishncsa.log",
  "/usr/local/var/log/nginx/*access*.log",
  "/usr/local/var/log/nginx/error.log",
  "/opt/homebrew/var/log/nginx/*access*.log",
  "/opt/homebrew/var/log/nginx/error.log",
];

/** The web server logs of this machine that this user may read and that have something in them, by path. */
export async function findLogs(places: readonly string[] = USUAL_PLACES): Promise<string[]> {
  const found = new Set<string>();
  for (const place of places) {
    for await (const path of glob(place)) {
      if (await hasContent(path)) found.add(path);
    }
  }
  return [...found].toSorted();
}

async function hasContent(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    await access(path, constants.R_OK);
    return stats.isFile() && stats.size > 0;
  } catch {
    // Gone, or not for this user: then it is not found.
    return false;
  }
}
