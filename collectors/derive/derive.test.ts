import { isIP } from "node:net";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { parseSettings } from "#platform/settings/settings.ts";

import { Batch } from "../batch.ts";
import { toDocument } from "../document.ts";
import { nginxAccess } from "../formats/nginx-access.ts";
import { derivationSettings } from "../settings.ts";
import { UTC } from "../zone.ts";
import { openDeriver } from "./derive.ts";
import { type DeriveRules, parseRequestPattern, parseRequestPatterns } from "./request-pattern.ts";
import { routeOf } from "./route.ts";

const RULES: DeriveRules = {
  signIn: parseRequestPatterns("POST /login 2xx,3xx; POST /api/*/session 201"),
  signOut: [parseRequestPattern("* /logout 2xx,3xx")],
};
const NOW_MS = Date.UTC(2026, 10, 23);

function batchOf(lines: readonly string[]): Batch {
  const batch = new Batch(lines.length);
  const scan = nginxAccess.open(batch, { zone: UTC, nowMs: NOW_MS });
  for (const line of lines) {
    const bytes = Buffer.from(line);
    expect(scan(bytes, 0, bytes.length)).toBeUndefined();
    batch.text("data_stream.dataset").putText(batch.rows, "nginx.access");
    batch.commit();
  }
  return batch;
}

const line = (request: string, status = 200, address = "198.51.100.7"): string =>
  `${address} - - [14/Mar/2026:10:11:12 +0000] "${request}" ${status} 12 "-" "curl/8.0"`;

function derived(lines: readonly string[]): Record<string, unknown>[] {
  const batch = batchOf(lines);
  openDeriver(batch, RULES).derive(0, batch.rows);
  return lines.map((_, row) => toDocument(batch, row));
}

test("a URL is split, and its path has no query and fragment", () => {
  const [document] = derived([line("GET /shop/cart.PHP?id=7&name=%C3%A9 HTTP/1.1")]);
  expect(document).toMatchObject({
    "url.path": "/shop/cart.PHP",
    "url.query": "id=7&name=é",
    "url.extension": "php",
    "source.ip": "198.51.100.7",
    "event.outcome": "success",
    "event.kind": "event",
    "event.category": ["web"],
    "event.type": ["access"],
  });
});

test("an absolute URL gives scheme, domain and port", () => {
  const [document] = derived([line("GET http://u:p@shop.example:8080 HTTP/1.1", 404)]);
  expect(document).toMatchObject({
    "url.scheme": "http",
    "url.domain": "shop.example",
    "url.port": 8080,
    "url.path": "/",
    "event.outcome": "failure",
  });
});

test("an encoding of control characters is not decoded", () => {
  const [document] = derived([line("GET /a%00b%1b HTTP/1.1")]);
  expect(document?.["url.path"]).toBe("/a%00b%1b");
});

test("a host name has no source.ip", () => {
  const [document] = derived([line("GET / HTTP/1.1", 200, "localhost")]);
  expect(document).not.toHaveProperty(["source.ip"]);
});

test("an address is a source.ip exactly if it is an IP address", () => {
  const part = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map(String),
    fc.stringMatching(/^[0-9a]{0,4}$/),
  );
  const dotted = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("."));
  const four = fc.array(part, { minLength: 4, maxLength: 4 }).map((parts) => parts.join("."));
  const address = fc.oneof(dotted, four, fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(fc.array(address, { minLength: 1, maxLength: 50 }), (addresses) => {
      const batch = new Batch(addresses.length);
      for (const text of addresses) {
        batch.text("source.address").putText(batch.rows, text);
        batch.commit();
      }
      openDeriver(batch, RULES).derive(0, batch.rows);
      for (const [row, text] of addresses.entries()) {
        const expected = isIP(text) === 0 ? undefined : text;
        expect(toDocument(batch, row)["source.ip"]).toBe(expected);
      }
    }),
  );
});

test.each([
  ["/", "/"],
  ["/item/42", "/item/{id}"],
  ["/api/v2/orders/6c65659d-1111-2222-3333-444455556666/lines", "/api/v2/orders/{id}/lines"],
  ["/user/ann@example.com", "/user/{id}"],
  ["/static/js/app.8c1f.js", "/static/…/*.js"],
  ["/archive/2026-03-14", "/archive/{id}"],
  ["/favicon.ico", "/favicon.ico"],
  ["/about/team", "/about/team"],
  ["/gamma/list-5574", "/gamma/{id}"],
])("the route of %s is %s", (path, route) => {
  expect(routeOf(path)).toBe(route);
});

test("a request keeps its route after requests of thousands of other routes", () => {
  const word = (n: number): string =>
    n.toString(26).replaceAll(/\d/g, (digit) => "qrstuvwxyz".charAt(Number(digit)));
  const lines = Array.from({ length: 5000 }, (_, n) => line(`GET /${word(n)}zz HTTP/1.1`));
  lines.push(line("GET /cart HTTP/1.1"));
  const batch = batchOf(lines);
  openDeriver(batch, RULES).derive(0, batch.rows);
  expect(toDocument(batch, 5000)["http.route"]).toBe("/cart");
});

test("sign-ins and sign-outs follow the patterns: method, path without query, status", () => {
  const documents = derived([
    line("POST /login?next=/ HTTP/1.1", 302),
    line("POST /login HTTP/1.1", 401),
    line("GET /login HTTP/1.1", 200),
    line("POST /api/v3/session HTTP/1.1", 201),
    line("GET /logout HTTP/1.1", 200),
  ]);
  expect(documents.map((document) => document["event.action"])).toEqual([
    "user-sign-in",
    undefined,
    undefined,
    "user-sign-in",
    "user-sign-out",
  ]);
});

test("patterns may require query parameters and their absence", () => {
  const rules = { signIn: parseRequestPatterns("POST /in?a=x*&!b 200"), signOut: [] };
  const queries = ["?a=xy", "?a=xy&b=1", "?a=y", "?c=1&a=x", ""];
  const batch = batchOf(
    queries.map((query, n) => line(`POST /in${query} HTTP/1.1`, 200, `198.51.100.${n}`)),
  );
  openDeriver(batch, rules).derive(0, batch.rows);
  const actions = queries.map((_, row) => toDocument(batch, row)["event.action"]);
  expect(actions).toEqual(["user-sign-in", undefined, undefined, "user-sign-in", undefined]);
});

test("the default patterns tell WordPress' actions apart", () => {
  const { signIn, signOut } = parseSettings({ derivation: derivationSettings }, {}).derivation;
  const requests: [request: string, status: number, action: string | undefined][] = [
    ["POST /wp-login.php", 302, "user-sign-in"],
    ["POST /blog/wp-login.php?redirect_to=%2F&action=login", 302, "user-sign-in"],
    ["POST /wp-login.php", 200, undefined],
    ["GET /wp-login.php?action=logout&_wpnonce=1", 302, "user-sign-out"],
    ["GET /blog/wp-login.php?action=logout", 302, "user-sign-out"],
    ["GET /wp-login.php?action=logout", 403, undefined],
    ["POST /wp-login.php?action=lostpassword", 302, undefined],
    ["POST /wp-login.php?action=register", 302, undefined],
    ["POST /wp-login.php?action=postpass", 302, undefined],
    ["POST /wp-login.php?action=rp", 302, undefined],
  ];
  const batch = batchOf(
    requests.map(([request, status], n) => line(`${request} HTTP/1.1`, status, `203.0.113.${n}`)),
  );
  const rules = {
    signIn: signIn.map(parseRequestPattern),
    signOut: signOut.map(parseRequestPattern),
  };
  openDeriver(batch, rules).derive(0, batch.rows);
  expect(requests.map((_, row) => toDocument(batch, row)["event.action"])).toEqual(
    requests.map(([, , action]) => action),
  );
});

test("repeated posts of a client that are answered with the form again are no sign-ins", () => {
  const post = (status: number, seconds: string, address = "198.51.100.7"): string =>
    line("POST /login HTTP/1.1", status, address).replace("10:11:12", `10:11:${seconds}`);
  const lines = [
    post(200, "01"),
    post(200, "05"),
    post(302, "09"),
    post(200, "10", "198.51.100.8"),
    line("GET /logout HTTP/1.1", 302),
    post(302, "12"),
    post(200, "13", "198.51.100.8").replace("10:11:13", "11:30:13"),
  ];
  const actions = derived(lines).map((document) => document["event.action"]);
  const [signIn, signOut] = ["user-sign-in", "user-sign-out"];
  expect(actions).toEqual([signIn, undefined, undefined, signIn, signOut, signIn, signIn]);
});

test("a failed attempt to sign in never counts, whatever its action", () => {
  const batch = new Batch(4);
  for (const [action, outcome] of [
    ["user-sign-in", "failure"],
    ["Logged In", "failure"],
    ["sign_out", "failure"],
    ["login", "success"],
  ] as const) {
    batch.text("event.action").putText(batch.rows, action);
    batch.text("event.outcome").putText(batch.rows, outcome);
    batch.commit();
  }
  openDeriver(batch, RULES).derive(0, batch.rows);
  const actions = [0, 1, 2, 3].map((row) => toDocument(batch, row)["event.action"]);
  expect(actions).toEqual([
    "user-sign-in-failed",
    "user-sign-in-failed",
    "user-sign-out-failed",
    "user-sign-in",
  ]);
});

test.each([
  ["POST /login", "a method, a path and statuses are required"],
  ["P0ST /login 200", '"P0ST" is not a method'],
  ["POST login 200", "must begin with /"],
  ["POST /login?=x 200", '"?=x" is not a query'],
  ["POST /login? 200", '"?" is not a query'],
  ["POST /login 2xx,9xx", '"9xx" is not a status'],
])("the pattern %s is rejected with its invalid part", (text, why) => {
  expect(() => parseRequestPattern(text)).toThrow(why);
});

test("deriving in pieces gives the same columns as deriving at once", () => {
  const request = fc.constantFrom(
    "GET /a?x=1 HTTP/1.1",
    "POST /login HTTP/1.1",
    "GET http://h:81/b HTTP/1.0",
    "hello",
    "GET /x/9.js HTTP/2.0",
    "GET /%zz HTTP/1.1",
  );
  const rows = fc.array(fc.tuple(request, fc.constantFrom(200, 302, 404, 500)), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(rows, fc.array(fc.nat(30), { maxLength: 5 }), (wanted, cuts) => {
      const lines = wanted.map(([text, status]) => line(text, status));
      const whole = derived(lines);
      const batch = new Batch(lines.length);
      const scan = nginxAccess.open(batch, { zone: UTC, nowMs: NOW_MS });
      const deriver = openDeriver(batch, RULES);
      let done = 0;
      for (const [index, text] of lines.entries()) {
        const bytes = Buffer.from(text);
        scan(bytes, 0, bytes.length);
        batch.text("data_stream.dataset").putText(batch.rows, "nginx.access");
        batch.commit();
        if (!cuts.includes(index)) continue;
        deriver.derive(done, batch.rows);
        done = batch.rows;
      }
      deriver.derive(done, batch.rows);
      expect(lines.map((_, row) => toDocument(batch, row))).toEqual(whole);
    }),
  );
});

test("a reset removes all values of the last batch", () => {
  const batch = batchOf([line("POST /login HTTP/1.1", 302)]);
  const deriver = openDeriver(batch, RULES);
  deriver.derive(0, 1);
  batch.reset();
  deriver.reset();
  const scan = nginxAccess.open(batch, { zone: UTC, nowMs: NOW_MS });
  const bytes = Buffer.from(line("GET /about HTTP/1.1", 200));
  scan(bytes, 0, bytes.length);
  batch.commit();
  deriver.derive(0, 1);
  expect(toDocument(batch, 0)).toMatchObject({ "url.path": "/about", "http.route": "/about" });
  expect(toDocument(batch, 0)).not.toHaveProperty(["event.action"]);
});
