const SEGMENTS_MAX = 8;
const SEGMENT_LENGTH_MAX = 40;

const ASSET =
  /\.(?:js|mjs|css|map|png|jpe?g|gif|svg|ico|webp|avif|bmp|woff2?|ttf|otf|eot|mp4|webm|mp3|wasm)$/i;
const UUID = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i;
const DATE = /^\d{4}-\d\d(?:-\d\d)?(?:T[\d:.Z+-]*)?$/;
const HEX = /^(?:0x)?[0-9a-f]{8,}$/i;
const VERSION = /^v\d{1,3}(?:\.\d{1,3})?$/i;
const DIGITS = /\d/g;

/**
 * The route that a path belongs to, with few distinct values whatever clients request: `/item/42` → `/item/{id}`,
 * `/static/js/app.8c1f.js` → `/static/…/*.js`. Like OpenTelemetry's `http.route`, but guessed from the path, because
 * a log does not contain the application's routes.
 */
export function routeOf(path: string): string {
  if (path === "" || path === "/" || path === "*") return path === "" ? "/" : path;
  if (!path.startsWith("/")) return "{other}";
  const segments = path.split("/", SEGMENTS_MAX + 2).slice(1);
  const last = segments.at(-1) ?? "";
  const extension = ASSET.exec(path)?.[0];
  if (extension !== undefined) return assetRoute(segments, extension.toLowerCase());
  const shown = segments.slice(0, SEGMENTS_MAX).map(segmentOf);
  if (segments.length > SEGMENTS_MAX && last !== "") shown.push("…");
  return `/${shown.join("/")}`;
}

function assetRoute(segments: readonly string[], extension: string): string {
  if (segments.length === 1) {
    const [name = ""] = segments;
    return isIdentifier(name.slice(0, -extension.length))
      ? `/*${extension}`
      : `/${name.slice(0, SEGMENT_LENGTH_MAX)}`;
  }
  const folder = segmentOf(segments[0] ?? "");
  return segments.length === 2 ? `/${folder}/*${extension}` : `/${folder}/…/*${extension}`;
}

function segmentOf(segment: string): string {
  return isIdentifier(segment) ? "{id}" : segment;
}

/** Whether a segment is an identifier rather than a name in the application. */
function isIdentifier(segment: string): boolean {
  if (segment === "" || VERSION.test(segment)) return false;
  if (segment.length > SEGMENT_LENGTH_MAX || segment.includes("@")) return true;
  if (UUID.test(segment) || DATE.test(segment)) return true;
  const digits = segment.match(DIGITS)?.length ?? 0;
  if (digits === 0) return segment.length >= 16 && HEX.test(segment);
  if (HEX.test(segment) || digits === segment.length) return true;
  // `gamma-4711`, `order_93`, `x9f27c3`: mostly digits, or a word followed by a number.
  return digits * 2 >= segment.length || /[-_.]\d{2,}$/.test(segment);
}
