import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Parser, type Document } from "../parse.ts";
import { zoneOf } from "../zone.ts";
import { GROK_PATTERNS } from "./grok-patterns.ts";
import { compileFormat } from "./user-format.ts";

function parse(pattern: string, lines: string): Document[] {
  const compiled = compileFormat({ name: "shop.orders", pattern });
  if (!compiled.ok) throw new Error(compiled.message);
  const { format } = compiled;
  const zone = zoneOf("+01:00");
  const nowMs = Date.UTC(2026, 10, 23);
  const rules = { signIn: [], signOut: [] };
  const parser = new Parser({ format, mode: "lines", zone, nowMs, all: true, rules });
  return [...parser.push(Buffer.from(lines)), ...parser.end()];
}

const mistake = (pattern: string): string => {
  const compiled = compileFormat({ name: "shop.orders", pattern });
  return compiled.ok ? "none" : compiled.message;
};

describe("a pattern of a user", () => {
  test("grok with types, times and fields of ECS", () => {
    const pattern =
      "%{TIMESTAMP_ISO8601:timestamp} %{LOGLEVEL:[log][level]} %{IP:source.ip} order=%{INT:order.id:int} total=%{NUMBER:order.total:float} %{NUMBER:event.duration} %{GREEDYDATA:message}";
    const line = "2026-03-14T11:11:12.345 WARNING 203.0.113.9 order=7 total=9.50 1200 paid late";
    expect(parse(pattern, line)).toMatchObject([
      {
        "@timestamp": "2026-03-14T10:11:12.345Z",
        "log.level": "warning",
        "source.ip": "203.0.113.9",
        "order.id": 7,
        "order.total": 9.5,
        "event.duration": 1200,
        message: "paid late",
        "data_stream.dataset": "shop.orders",
        "event.original": line,
      },
    ]);
  });

  test("an expression with named groups, whose names may have dots", () => {
    const pattern = String.raw`^(?P<order.id>\d+)\t(?<order.state>[a-z()[\]]+)(?:\t(?<note>.*))?$`;
    expect(parse(pattern, "7\tpaid\n8\topen\tlate\n")).toMatchObject([
      { "order.id": "7", "order.state": "paid" },
      { "order.id": "8", "order.state": "open", note: "late" },
    ]);
  });

  test.each([
    ["14/Mar/2026:11:11:12 +0100", "2026-03-14T10:11:12.000Z"],
    ["Mar 14 11:11:12", "2026-03-14T10:11:12.000Z"],
    ["1773483072.345", "2026-03-14T10:11:12.345Z"],
    ["1773483072345", "2026-03-14T10:11:12.345Z"],
  ])("the time %s is read", (time, expected) => {
    expect(parse("^%{DATA:@timestamp}\\|", `${time}|`)).toMatchObject([{ "@timestamp": expected }]);
  });

  test("a line that does not match, and one with a wrong time, is refused with the reason", () => {
    const [first, second] = parse("^%{WORD:@timestamp} %{WORD:x}$", "-\nnow y\n");
    expect(first?.["error.message"]).toBe("the pattern of shop.orders does not match");
    expect(second?.["error.message"]).toBe("time cannot be read: now");
  });

  test("the first alternative that matches gives a field its value", () => {
    expect(parse("a=%{INT:n:int}|b=%{INT:n:int}", "b=7")).toMatchObject([{ n: 7 }]);
  });
});

test.each([
  ["%{NOPE:x}", "there is no pattern %{NOPE}, at character 1: use one of USERNAME"],
  ["%{INT:x:date}", "the type date is unknown, at character 1"],
  ["%{INT", "at character 1"],
  ["a(?=b)(?<x>c)", "look-around and atomic groups are not available, at character 2"],
  ["(?<x>a)(?<!b)", "at character 8"],
  ["(?<x>[a-z)", "missing closing ]"],
  ["(?<x>a", "missing closing )"],
  ["(?<x>a**)", "cannot be read"],
  ["hello", "the pattern has no field"],
  ["(?<data_stream.dataset>a)", "data_stream.dataset is set by Quarterdeck"],
  ["(?<x y>a)", '"x y" is no name of a field'],
  [`(?<x>${"a".repeat(5000)})`, "longer than 4096 characters"],
  ["(?<x>a{900}|b{900}|c{900})", "too many parts"],
  [`${"%{IPV6}".repeat(400)}(?<x>a)`, "longer than 32768 characters"],
])("%s is refused with what to do", (pattern, message) => {
  expect(mistake(pattern)).toContain(message);
});

test.each(Object.keys(GROK_PATTERNS))("%%{%s} is a valid expression", (name) => {
  expect(mistake(`%{${name}:x}`)).toBe("none");
});

describe("any pattern and line take bounded time and memory", () => {
  test.each(["(?<x>(a*)*b)", "(?<x>(x+x+)+y)", "(?<x>(?:.{0,40}){20})[yz]$", "(?<x>(a|aa)+)$"])(
    "%s",
    (pattern) => {
      for (const text of ["a", "x", "ab "].map((piece) => piece.repeat(100_000)))
        expect(parse(pattern, text)).toHaveLength(1);
    },
  );

  test("a line over the limit of its pattern is refused", () => {
    const [document] = parse("(?<x>(?:[a-z]{1,40} ){20})", "a".repeat(100_000));
    expect(document?.["error.message"]).toMatch(/longer than the \d+ characters/);
  });

  test("any text is a pattern or refused", () => {
    const pieces = fc.constantFrom(
      "(",
      ")",
      "[",
      "]",
      "(?<a.b>",
      "%{INT:n}",
      "%{",
      "\\",
      "\\d",
      "*",
      "+",
      "{3}",
      "|",
      "^",
      "a",
      "(?i:",
      "]]",
      "[^]",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.string(), (parts, line) => {
        const compiled = compileFormat({ name: "shop.orders", pattern: parts.join("") });
        if (compiled.ok) parse(parts.join(""), line);
        else expect(compiled.message).not.toBe("");
      }),
    );
  });
});
