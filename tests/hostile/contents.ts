const MB = 1024 * 1024;
const DEPTH = 100_000;
const LONG = 200_000;

type Access = { path?: string; agent?: string; time?: string; status?: string; bytes?: string };

const access = ({ path = "/ok", agent = "curl/8.0", ...more }: Access = {}): string => {
  const { time = "14/Mar/2026:00:00:00 +0000", status = "200", bytes = "12" } = more;
  return `203.0.113.7 - - [${time}] "GET ${path} HTTP/1.1" ${status} ${bytes} "-" "${agent}"`;
};
const good = Array.from({ length: 3 }, (_, n) => access({ path: `/ok/${n}` }));
const lines = (...texts: string[]): Buffer => Buffer.from(`${texts.join("\n")}\n`);
const binary = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );
const mongo = (attributes: string): string =>
  `{"t":{"$date":"2026-03-14T00:00:00.000+00:00"},"s":"I","c":"NETWORK","id":22943,"msg":"Connection accepted","attr":${attributes}}`;
const keys = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n])));

/** The same bytes in each run. */
function noise(length: number): Buffer {
  let state = 7;
  const bytes = Array.from({ length }, () => {
    state = (state * 69_069 + 1) % 2 ** 32;
    return state >>> 24;
  });
  return Buffer.from(bytes);
}

const xss = '<script>alert(1)</script><img src=x onerror=alert(1)>"';
const formulas = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", "\t=1+1"];
const times = [
  "29/Feb/2023:00:00:00 +0000",
  "31/Dec/9999:23:59:59 +0000",
  "01/Jan/1970:00:00:00 -1200",
  "30/Jun/2015:23:59:60 +0000",
  "14/Foo/2026:00:00:00 +0000",
  "",
  "99/99/9999:99:99:99 +9999",
];
const numbers = ["18446744073709551616", "-5", "1e400", "0x10"];

/** What logs contain that breaks programs, by name. */
export const CONTENTS: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  "only line ends": Buffer.from("\n\n\r\n\n"),
  "only spaces": Buffer.from("   \n \t \n"),
  "CR LF": Buffer.from(good.join("\r\n")),
  "no last line end": Buffer.from(good.join("\n")),
  "byte order mark": binary([0xef, 0xbb, 0xbf], good.join("\n")),
  "invalid UTF-8": binary(
    '1.2.3.4 - - [14/Mar/2026:00:00:00 +0000] "GET /caf',
    [0xe9, 0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0, 0x80],
    ' HTTP/1.1" 200 1 "-" "x"\n',
  ),
  "a hole of NULs": binary("\0".repeat(65_536), good.join("\n")),
  "NUL in a line": lines(access({ agent: "a\0b" })),
  "escape sequences": lines(access({ agent: "\u001B[2J\u001B]0;PWNED\u0007" })),
  "a script": lines(access({ agent: xss, path: `/?q=${encodeURI(xss)}` })),
  formulas: lines(...formulas.map((agent) => access({ agent }))),
  "escaped quotes": lines(access({ agent: 'a\\"b\\\\" x' }), access({ agent: "q\\x22z" })),
  "injected fields": lines(access({ agent: 'x" 500 1 "-" "y' })),
  "odd requests": lines(
    '1.2.3.4 - - [14/Mar/2026:00:00:00 +0000] "\\x16\\x03\\x01" 400 0 "-" "-"',
    '1.2.3.4 - - [14/Mar/2026:00:00:00 +0000] "" 400 0 "-" "-"',
  ),
  "odd times": lines(...times.map((time) => access({ time }))),
  "large numbers": lines(...numbers.map((bytes) => access({ bytes })), access({ status: "99999" })),
  "backslashes and quotes": lines("\\".repeat(LONG), '"'.repeat(LONG), " ".repeat(LONG)),
  "an error log of brackets": lines(`2026/03/14 00:00:00 [error] 1#1: *1 ${"((((".repeat(20_000)}`),
  "several formats": lines(
    good[0] ?? "",
    '{"json":true}',
    "<34>1 2026-03-14T00:00:00Z h a - - - x",
    "garbage",
  ),
  "many paths": lines(...Array.from({ length: 300 }, (_, n) => access({ path: `/u/${n * 7919}` }))),
  noise: noise(200_000),
  "deep JSON": lines(
    mongo("[".repeat(DEPTH) + "]".repeat(DEPTH)),
    mongo('{"a":'.repeat(DEPTH) + "1" + "}".repeat(DEPTH)),
  ),
  "JSON with __proto__": lines(
    mongo('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  ),
  "JSON with a repeated key and a large integer": lines(
    mongo('{"n":9007199254740993,"n":9223372036854775807,"e":1e999}'),
  ),
  "JSON with 10,000 keys": lines(mongo(keys(10_000))),
  "JSON that ends early": lines(mongo("{}").slice(0, 60)),
  "odd syslog headers": lines(
    "<999999>1 2026-03-14T00:00:00Z h a - - - x",
    "Feb 29 00:00:00 h sshd[2]: leap",
    '<34>1 2026-03-14T00:00:00Z h a - - [x y="un\\]closed msg',
    "<34>",
  ),
  "a line of 5 MB": lines(access({ path: `/${"a".repeat(5 * MB)}` })),
};
