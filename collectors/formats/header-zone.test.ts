import { expect, test } from "vitest";

import { parseLine, parseLines } from "./parse-lines.ts";

const NGINX = "2026/03/14 10:11:12 [error] 12#34: *5 failed";
const APACHE = "[Sat Mar 14 10:11:12 2026] [core:error] [pid 7] failed";

test.each([
  ["nginx.error", `<187>1 2026-03-14T10:11:12+05:30 edge-1 nginx 44 - - ${NGINX}`],
  ["nginx.error", `2026-03-14T10:11:12.345678+05:30 edge-1 nginx[44]: ${NGINX}`],
  [
    "nginx.access",
    `2026-03-14T10:11:12+05:30 edge-1 nginx[44]: 192.0.2.7 - - [2026-03-14 10:11:12] "GET / HTTP/1.1" 200 5 "-" "x"`,
  ],
  [
    "nginx.access",
    `2026-03-14T10:11:12+05:30 edge-1 nginx[44]: {"time_local":"2026-03-14 10:11:12","request":"GET / HTTP/1.1","status":200}`,
  ],
  [
    "haproxy.log",
    `2026-03-14T10:11:12+05:30 edge-1 haproxy[44]: 192.0.2.7:1 [14/Mar/2026:10:11:12.000] w/1: failed`,
  ],
  ["apache.error", `2026-03-14T10:11:12+0530 edge-1 httpd[44]: ${APACHE}`],
])("%s: the offset of the syslog header is the zone of a time without one", (dataset, line) => {
  expect(parseLine(dataset, line)["@timestamp"]).toBe("2026-03-14T04:41:12.000Z");
  const [event] = parseLines(dataset, `${line}\n`, "text");
  expect(event?.["@timestamp"]).toBe("2026-03-14T04:41:12.000Z");
});

test("a header without an offset leaves the zone of the reader, also after a header with one", () => {
  const lines = [
    `2026-03-14T10:11:12+05:30 edge-1 nginx[44]: ${NGINX}`,
    `Mar 14 10:11:12 edge-1 nginx[44]: ${NGINX}`,
  ];
  expect(parseLines("nginx.error", lines.join("\n")).map((it) => it["@timestamp"])).toEqual([
    "2026-03-14T04:41:12.000Z",
    "2026-03-14T09:11:12.000Z",
  ]);
});
