import * as fc from "fast-check";

const ACCESS = [
  '203.0.113.9 - - [14/Mar/2026:10:00:00 +0000] "GET /cart?q=1 HTTP/1.1" 200 512 "-" "Probe/1.0"',
  '2001:db8::7 - anna [14/Mar/2026:23:59:59 +0100] "POST /api/v1/orders HTTP/2.0" 503 0 "https://a.example/" "curl/8.4.0"',
  '198.51.100.4 - - [14/Mar/2026:10:00:01 +0000] "GET / HTTP/1.1" 304 -',
  '198.51.100.4 - - [14/Mar/2026:10:00:01 +0000] "\\x16\\x03" 400 150 "-" "-"',
];

/** Lines of other formats, one of them in an envelope. */
const OTHERS = [
  '2026/03/14 10:00:02 [error] 7#7: *3 open() "/srv/a" failed (2: No such file or directory), client: 203.0.113.9, server: a.example, request: "GET /a HTTP/1.1", host: "a.example"',
  "2026/03/14 10:00:03 [warn] 7#7: the limit is near",
  "Mar 14 10:00:04 web-1 sshd[71]: Accepted password for anna from 203.0.113.9 port 4711 ssh2",
  '{"level":30,"time":1773482405000,"pid":7,"hostname":"web-9","msg":"paid","user":"anna"}',
  "level=info ts=2026-03-14T10:00:06Z msg=started port=80",
];

/** Text that is no access line, or one with what JSON has to escape. */
const oddMessage = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    'the job "x" failed\n  at main',
    "tab\there",
    "naïve \u{1f600}",
    "\\",
    '"',
    "\u0000",
    "/",
  ),
);
const message = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...ACCESS) },
  { weight: 3, arbitrary: fc.constantFrom(...OTHERS) },
  { weight: 1, arbitrary: oddMessage },
);

function rotated(object: object, by: number): Record<string, unknown> {
  const entries = Object.entries(object);
  const first = by % entries.length;
  return Object.fromEntries([...entries.slice(first), ...entries.slice(0, first)]);
}

const filebeat = fc.record({
  message,
  offset: fc.oneof(
    { weight: 12, arbitrary: fc.nat() },
    { weight: 1, arbitrary: fc.constantFrom(-1, 1.5, 1e21, 2 ** 53) },
  ),
  file: fc.constantFrom("/var/log/nginx/access.log", "/srv/b/access.log", "/srv/café.log"),
  host: fc.constantFrom("web-1", "web-2"),
  by: fc.nat(1_000),
  extra: fc.oneof(
    { weight: 12, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<object>(
        { tags: ["a", "b"] },
        { "log.offset": 7 },
        { "@timestamp": 12 },
        { event: { original: "as it was" } },
        { event: { dataset: "shop.orders" } },
        { data_stream: { dataset: "nginx.access" } },
        { url: { path: "/other" } },
        { user: { name: "of the document" } },
        { labels: { "a.b": null, n: 1 } },
        { container: { id: "c1" } },
        { Records: [{ eventVersion: "1.1" }] },
        { n: 1 },
        JSON.parse('{"__proto__":{"x":"12345678"}}'),
      ),
    },
  ),
});

/** A document as Filebeat sends it, the order of whose fields changes. */
const document = filebeat.map(({ message: text, offset, file, host, by, extra }) => {
  const log = rotated({ offset, file: rotated({ path: file, inode: "157" }, by) }, by);
  const agent = rotated({ id: "b1c6f2f5", name: host, type: "filebeat", version: "8.15.0" }, by);
  const members = { message: text, log, host: { name: host }, agent, ...extra };
  return JSON.stringify({ "@timestamp": "2026-03-14T10:00:00.000Z", ...rotated(members, by) });
});

/** Changes to a document that may make it invalid, or another one with the same meaning. */
const change = fc.constantFrom<(text: string, at: number) => string>(
  (text) => text.replace(":", ": "),
  (text) => text.replace("{", '{"host":{"name":"web-2"},'),
  (text) => text.replace("}", ""),
  (text) => `${text}}`,
  (text) => `${text} `,
  (text, at) => text.slice(0, at % text.length),
  (text, at) => `${text.slice(0, at % text.length)}"${text.slice(at % text.length)}`,
  (text, at) => `${text.slice(0, at % text.length)}\u0001${text.slice(at % text.length)}`,
  (text) => text.replace('"offset":', '"offset":0'),
  (text) => text.replace(/"message":/, String.raw`"mess\u0061ge":`),
  (text) => text.replace(/"message":"/, String.raw`"message":"\/\u0041`),
);

const changed = fc.tuple(document, change, fc.nat()).map(([text, apply, at]) => apply(text, at));

/** The documents of a shipper, some of them damaged or unusual; none has a line end. */
export const shipped = (max: number): fc.Arbitrary<string[]> =>
  fc.array(
    fc
      .oneof({ weight: 15, arbitrary: document }, { weight: 1, arbitrary: changed })
      .filter((text) => !/[\r\n]/.test(text) && text !== ""),
    { minLength: 1, maxLength: max, size: "max" },
  );
