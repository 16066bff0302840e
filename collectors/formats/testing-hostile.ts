/**
 * For tests: lines that attack what reads them, by what they try. Their number of bytes is enough to notice work that grows
 * with the square of it. None is empty or contains a line end.
 */
export const HOSTILE_LINES: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  Object.entries({
    "bytes that are no UTF-8": Buffer.from([0x2f, 0xe9, 0x2f, 0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0]),
    "half a character": Buffer.from([0x68, 0x61, 0x6c, 0x66, 0x20, 0xe2, 0x82]),
    "a hole of NUL": `x${"\0".repeat(65_536)}x`,
    "a NUL in an access line": access({ agent: "a\0b" }),
    "a long line": "a".repeat(300_000),
    "a long path": access({ path: `/${"a".repeat(300_000)}` }),
    backslashes: `1.2.3.4 - - [14/Mar/2026:00:00:00 +0000] "${"\\".repeat(40_001)}`,
    quotes: '"'.repeat(40_000),
    "quotes and commas": `2026-03-14 00:00:00.000 UTC,${'"",'.repeat(20_000)}"open`,
    spaces: `${" ".repeat(40_000)}x`,
    tabs: `2026-03-14T00:00:00Z${"\t".repeat(40_000)}x`,
    parentheses: `2026/03/14 00:00:00 [error] 1#1: *1 ${"(((('".repeat(10_000)}`,
    brackets: `[${"[".repeat(40_000)}`,
    "closing brackets": `${"[a] ".repeat(10_000)}]`,
    "equals signs": "a=".repeat(20_000),
    colons: "a: ".repeat(20_000),
    numbers: "1 ".repeat(20_000),
    "a repeated label": `2026/03/14 00:00:00 [error] 1#1: *1 ${"a, client: ".repeat(20_000)}`,
    "lists in JSON": mongo("[".repeat(20_000) + "]".repeat(20_000)),
    "objects in JSON": mongo(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`),
    "names of JavaScript in JSON": mongo(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}',
    ),
    "thousands of names in JSON": `{${Array.from({ length: 3_000 }, (_, i) => `"k${i}":${i}`).join(",")}}`,
    "equal names and large numbers in JSON": mongo('{"n":9007199254740993,"n":1e400}'),
    "half a JSON object": mongo("{}").slice(0, 60),
    "elements of XML": `<${"<a>".repeat(10_000)}`,
    "structured data without an end": `<34>1 2026-03-14T00:00:00Z h a - - [x y="${"un\\]closed".repeat(10_000)}`,
    "a priority that does not exist": "<999999>1 2026-03-14T00:00:00Z h a - - - x",
    "a priority alone": "<34>",
    "no time": access({ time: "" }),
    "a time that does not exist": access({ time: "31/Dec/9999:23:59:60 +9999" }),
    "a comment of a slow query": "# Time: fake",
    "comments of slow queries": `# ${"Query_time: 9 ".repeat(20_000)}`,
    "names of fields": `#Fields: date time ${"x".repeat(200)} __proto__ constructor date date`,
    "names of fields without an end": `#Fields: ${"c-ip ".repeat(10_000)}`,
    "names of flow fields": "version __proto__ constructor version srcaddr",
    "an escape sequence": access({ agent: "\u001B[2J\u001B]0;owned\u0007" }),
    "a script": access({ agent: "<script>alert(1)</script>" }),
    "a formula": access({ agent: "=cmd|'/c calc'!A1" }),
    "text from right to left": access({ agent: "\u202Egpj.exe" }),
    "fields in a quoted field": access({ agent: 'x" 500 1 "-" "y' }),
    "numbers beyond any range":
      '203.0.113.7 - - [14/Mar/2026:00:00:00 +0000] "GET / HTTP/1.1" 99999 18446744073709551616 "-" "-"',
    "a part of a container's line":
      '{"log":"half a line","stream":"stdout","time":"2026-03-14T00:00:00Z"',
  }).map(([name, line]) => [name, typeof line === "string" ? Buffer.from(line) : line]),
);

function access(parts: { path?: string; agent?: string; time?: string }): string {
  const { path = "/ok", agent = "curl/8.0", time = "14/Mar/2026:00:00:00 +0000" } = parts;
  return `203.0.113.7 - - [${time}] "GET ${path} HTTP/1.1" 200 12 "-" "${agent}"`;
}

function mongo(attributes: string): string {
  return `{"t":{"$date":"2026-03-14T00:00:00.000+00:00"},"s":"I","c":"NETWORK","id":1,"ctx":"a","msg":"b","attr":${attributes}}`;
}
