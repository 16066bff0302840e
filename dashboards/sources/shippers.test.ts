import { expect, test } from "vitest";
import { parse } from "yaml";

import { SHIPPERS, shippersFor, targetOf } from "./shippers.ts";

const LISTENING = ["http://127.0.0.1:4680", "syslog+udp://[::1]:5514", "syslog+tcp://0.0.0.0:6514"];

test("the address of the receiver that a shipper needs is found", () => {
  expect(targetOf({ receiver: "http" }, LISTENING)).toMatchObject({
    url: "http://127.0.0.1:4680",
    host: "127.0.0.1",
    port: "4680",
  });
  expect(targetOf({ receiver: "syslog+udp" }, LISTENING)).toMatchObject({
    host: "[::1]",
    port: "5514",
  });
  expect(targetOf({ receiver: "gelf+udp" }, LISTENING)).toBeUndefined();
});

test("only shippers whose protocol is served are offered", () => {
  const offered = shippersFor(["/push/{stream}"]).map(({ id }) => id);
  expect(offered).toEqual(["rsyslog", "rsyslog-relp", "nginx", "haproxy", "gelf", "curl"]);
});

test("each configuration names the receiver, and the token where there is one", () => {
  for (const { snippet, receiver, title } of SHIPPERS) {
    const text = snippet({ url: "http://h:1", host: "h", port: "1", token: "qd_secret" });
    expect(text, title).toMatch(/h:1|port="1"|Port +1/);
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
