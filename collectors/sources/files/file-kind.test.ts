import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { expect, test } from "vitest";

import { Reading, temporaryFolder, until } from "./test-tail.ts";

const LINES = ["one", "two"];
const TEXT = "one\ntwo\n";
/** The beginning of the files that the tools write, with arbitrary data. */
const REFUSED: [string, string, RegExp][] = [
  ["bzip2", "425a683931415926535900ff1020304050", /is compressed with bzip2.*bunzip2/],
  ["an empty bzip2", "425a683917724538509000000000", /bzip2/],
  ["xz", "fd377a585a000004e6d6b446", /xz.*unxz/],
  ["lz4", "04224d186440a7", /lz4.*unlz4/],
  ["lzip", "4c5a495001", /lzip/],
  ["compress", "1f9d9068ca", /compress.*uncompress/],
  ["zip", "504b03041400", /is an archive.*extract/],
  ["7z", "377abcaf271c0004", /archive/],
  ["tar", `${"61".repeat(257)}7573746172`, /archive/],
];

test.each(
  REFUSED.flatMap(([kind, hex, message]) =>
    ["log", "gz", "other"].map((end) => ({ kind, hex, message, end })),
  ),
)(
  "$kind data in a file that ends with .$end is refused with what to do, and none of its bytes are lines",
  async ({ hex, message, end }) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, `access.${end}`);
    await writeFile(path, Buffer.concat([Buffer.from(hex, "hex"), Buffer.from("\nx\ny\n")]));
    const reading = new Reading();
    const [status] = await reading.read({ paths: [path] });
    expect(status).toMatchObject({ path, level: "error" });
    expect(status?.message).toMatch(message);
    expect(status?.message).toMatch(/, which cannot be read: /);
    expect(reading.lines).toEqual([]);
  },
);

test.each(["access.tar.gz", "access.tgz", "access.log.br", "access.log.lzma"])(
  "%s is refused by its name, because its content has no mark",
  async (name) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, name);
    await writeFile(path, gzipSync(TEXT));
    const reading = new Reading();
    const [status] = await reading.read({ paths: [path] });
    expect([status?.level, reading.lines]).toEqual(["error", []]);
  },
);

test.each([
  ["gzip", gzipSync(TEXT), "access.log"],
  ["gzip", gzipSync(TEXT), "access.log.zst"],
  ["zstd", zstdCompressSync(TEXT), "access.log"],
  ["zstd", zstdCompressSync(TEXT), "access.log.gz"],
  ["plain", Buffer.from(TEXT), "access.log.gz"],
])("%s data is read, whatever its name", async (_kind, content, name) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, name);
  await writeFile(path, content);
  const reading = new Reading();
  await reading.read({ paths: [path] });
  expect(reading.lines).toEqual(LINES);
  await reading.read({ paths: [path] });
  expect(reading.lines).toEqual(LINES);
});

test("a compressed file beside a followed log is refused, and the log is read", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "access.log");
  await writeFile(path, TEXT);
  const reading = new Reading();
  await using following = reading.follow({ paths: [join(folder.path, "access.log*")] });
  await until(() => reading.lines.length === 2);
  const packed = join(folder.path, "access.log.1.bz2");
  await writeFile(
    join(folder.path, "new"),
    Buffer.from("425a683931415926535900ff1020304050", "hex"),
  );
  await rename(join(folder.path, "new"), packed);
  await until(() => following.statusOf(packed)?.level === "error");
  expect(following.statusOf(packed)?.message).toMatch(/bzip2/);
  expect(reading.lines).toEqual(LINES);
});
