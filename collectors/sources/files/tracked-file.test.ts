import { expect, test } from "vitest";

import { Fingerprint } from "./fingerprint.ts";
import { TrackedFile, type Identity, type Stream } from "./tracked-file.ts";

const stream: Stream = { id: "src_a", fingerprint: new Fingerprint(0), holder: undefined };

function fileAs(identity: Identity, path = "/log/app.log"): TrackedFile {
  const file = new TrackedFile({ path, pattern: path, key: "1:2", size: 10, mtimeMs: 0 }, 0);
  file.beginTurn();
  file.identifyAs(identity);
  return file;
}

const IDENTITIES: Identity[] = [
  { state: "new" },
  { state: "done" },
  { state: "copy", stream },
  { state: "short", stream },
  { state: "claimed", stream },
  { state: "reading", stream },
];

test.each(IDENTITIES)(
  "a $state file whose turn fails is read on only if it was being read",
  (identity) => {
    const file = fileAs(identity);
    file.fail("cannot be opened");
    const state = identity.state === "reading" ? "reading" : "failed";
    expect(file).toMatchObject({ state, problem: "cannot be opened" });
  },
);

test("a truncated file is identified again, but not as the stream that it contained", () => {
  const file = fileAs({ state: "reading", stream });
  file.markComplete();
  file.detachTruncated(stream);
  expect(file).toMatchObject({ state: "new", needsTurn: true, isComplete: false });
  expect(file.stream).toBeUndefined();
  expect(file.formerIds).toContain(stream.id);
});

test("a file that became a copy keeps its stream and is identified again", () => {
  const file = fileAs({ state: "reading", stream });
  file.becomeCopy();
  expect(file).toMatchObject({ state: "copy", stream, needsTurn: true });
});

test("a change is read on in a plain file, and identified again in a compressed one", () => {
  const [plain, compressed] = ["/log/app.log", "/log/app.log.gz"].map((path) =>
    fileAs({ state: "reading", stream }, path),
  );
  for (const file of [plain, compressed]) file?.markChanged(5);
  expect(plain).toMatchObject({ state: "reading", needsTurn: true, changedMs: 5 });
  expect(compressed).toMatchObject({ state: "new", needsTurn: true, changedMs: 5 });
});

test("a file that is compressed under a new name is identified again, one that is only renamed is not", () => {
  const file = fileAs({ state: "reading", stream });
  file.moveTo("/log/app.log.1");
  expect(file).toMatchObject({ state: "reading", needsTurn: false, isRotated: true });
  file.moveTo("/log/app.log.1.gz");
  expect(file).toMatchObject({ state: "new", needsTurn: true, compression: "gzip" });
});
