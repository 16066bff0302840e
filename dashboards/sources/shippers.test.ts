import { expect, test } from "vitest";
import { parse } from "yaml";

import { SHIPPERS, shippersFor, targetOf } from "./shippers.ts";

const LISTENING = [
  { source: "http", address: "http://127.0.0.1:4680" },
  { source: "edge", address: "syslog+udp://[::1]:5514" },
  { source: "syslog+tcp", address: "syslog+tcp://0.0.0.0:6514" },
];
const PAGE_HOST = "logs.example";

test("the address of the receiver that a shipper needs is found", () => {
  expect(targetOf({ receiver: "http" }, LISTENING, PAGE_HOST)).toMatchObject({
    url: "http://127.0.0.1:4680",
    host: "127.0.0.1",
    port: "4680",
  });
  expect(targetOf({ receiver: "syslog+udp" }, LISTENING, PAGE_HOST)).toMatchObject({
    source: "edge",
    host: "[::1]",
    port: "5514",
  });
  expect(targetOf({ receiver: "syslog+tcp" }, LISTENING, PAGE_HOST)).toMatchObject({
    host: PAGE_HOST,
    port: "6514",
  });
  expect(targetOf({ receiver: "gelf+udp" }, LISTENING, PAGE_HOST)).toBeUndefined();
});

test("only shippers whose protocol is served are offered", () => {
  const offered = shippersFor(["/push/{stream}"]).map(({ id }) => id);
  expect(offered).toEqual([
    "rsyslog",
    "rsyslog-relp",
    "syslog-ng",
    "logger",
    "nginx",
    "haproxy",
    "gelf",
    "journal",
    "curl",
  ]);
});

test("each configuration names the receiver, and the token where there is one", () => {
  for (const { snippet, receiver, title } of SHIPPERS) {
    const text = snippet({ url: "http://h:1", host: "h", port: "1", token: "qd_secret" });
    expect(text, title).toMatch(/h:1|h 1|port="1"|port\(1\)|--port 1|Port +1/);
    expect(text.includes("qd_secret"), title).toBe(receiver === "http");
  }
});

test("configurations in YAML are valid", () => {
  const inYaml = SHIPPERS.filter(({ where }) => /\.ya?ml/.test(where));
  expect(inYaml.map(({ id }) => id)).toEqual(["filebeat", "opentelemetry", "promtail"]);
  for (const { snippet } of inYaml) {
    const text = snippet({ url: "http://h:1", host: "h", port: "1", token: "qd_secret" });
    expect(typeof parse(text)).toBe("object");
  }
});
