import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

import { parseSettings } from "#platform/settings/settings.ts";

import { datasetMatcher, redactionRules } from "./processing.ts";
import { readProcessing } from "./read-processing.ts";
import { processingSettings } from "./settings.ts";

const mistakesIn = (text: string): string[] => {
  const read = readProcessing(text);
  return "mistakes" in read ? read.mistakes : [];
};

test("each mistake names its line, its field and what to write instead", () => {
  expect(mistakesIn("redact:\n  - kinds: [email]\n    datasets: []\n")).toEqual([
    "line 3: redact.0.datasets: name at least one dataset, or leave it out for all datasets",
  ]);
  expect(mistakesIn("redact:\n  - kinds:\n    - email\n    - phone\n")).toEqual([
    "line 4: redact.0.kinds.1: write one of: card, email, jwt, key, password, token",
  ]);
  expect(mistakesIn("# rules\nredacted: []\n")).toEqual([
    "line 1: unknown: redacted (known: redact, drop, sample, userAgents, learnRoutes, geo, hash, saltPeriod)",
  ]);
  expect(mistakesIn("redact:\n  - data: [a]\n")).toEqual(["line 2: redact.0: unknown: data"]);
  expect(mistakesIn("redact: [\n")[0]).toMatch(/^line \d: /);
  expect(mistakesIn("a: 1\na: 2\n")[0]).toMatch(/^line 2: /);
});

test("any text is read or refused with a reason", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from("redact:- []{}*&!\n\"'#|>1")) }),
      (text) => {
        const read = readProcessing(text);
        expect("processing" in read || read.mistakes.length > 0).toBe(true);
      },
    ),
  );
});

test("the file of the setting is read, and a mistake names the variable and the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "quarterdeck-processing-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "processing.yaml");
  const parse = (): unknown =>
    parseSettings({ it: processingSettings }, { QUARTERDECK_PROCESSING: file }).it.processing;
  expect(parse).toThrow(new RegExp(`QUARTERDECK_PROCESSING="${file}": the file cannot be read`));
  writeFileSync(file, "redact:\n  - kinds: [phone]\n");
  expect(parse).toThrow(
    /QUARTERDECK_PROCESSING=.*processing.yaml": line 2: redact.0.kinds.0: write/,
  );
  writeFileSync(file, "redact:\n  - datasets: [nginx.*]\n    kinds: [email]\n");
  expect(parse()).toMatchObject({ redact: [{ datasets: ["nginx.*"], kinds: ["email"] }] });
  writeFileSync(file, "");
  expect(parse()).toMatchObject({ redact: [] });
});

test("datasets match by name, in which a star stands for any text", () => {
  const has = datasetMatcher(["nginx.*", "shop.a+b"]);
  expect(["nginx.access", "nginx.", "shop.a+b"].every(has)).toBe(true);
  expect(["nginx", "xnginx.access", "shop.aab"].some(has)).toBe(false);
});

test("lines of unknown datasets are redacted by all rules", () => {
  const kindsOf = redactionRules({
    redact: [
      { datasets: ["a"], kinds: ["email"] },
      { datasets: ["b"], kinds: ["card"] },
    ],
  });
  expect(kindsOf("a")).toEqual(["email"]);
  expect(kindsOf("quarterdeck.quarantine")).toEqual(["email", "card"]);
  expect(kindsOf("quarterdeck.overflow")).toEqual(["email", "card"]);
  expect(kindsOf("c")).toEqual([]);
});
