import { readFileSync } from "node:fs";
import path from "node:path";

import { ROOT } from "../harness/program.ts";

type Instruction = { name: string; text: string };
type Stage = { name: string; from: string; instructions: Instruction[] };
type Copy = { from: string | undefined; sources: string[]; target: string };

/** What an image of docker/Dockerfile is made of, with what it inherits from the stages before it. */
export type ImageFile = {
  copies: Copy[];
  /** The last value of each instruction that replaces an earlier one. */
  last(name: "USER" | "STOPSIGNAL" | "WORKDIR"): string | undefined;
  command(name: "CMD" | "ENTRYPOINT" | "HEALTHCHECK"): string[];
  environment: Record<string, string>;
  /** Words of instructions that add to earlier ones. */
  all(name: "EXPOSE" | "VOLUME"): string[];
};

export function imageFile(target: string): ImageFile {
  const instructions = instructionsOf(target, readStages());
  const texts = (name: string): string[] =>
    instructions.filter((it) => it.name === name).map(({ text }) => text);
  return {
    copies: texts("COPY").map(readCopy),
    last: (name) => texts(name).at(-1),
    command: (name) => words(/\[.*\]$/.exec(texts(name).at(-1) ?? "")?.[0] ?? "[]"),
    environment: Object.fromEntries(
      texts("ENV").flatMap((text) => text.split(/\s+/).map(readVariable)),
    ),
    all: (name) =>
      texts(name).flatMap((text) => (text.startsWith("[") ? words(text) : text.split(/\s+/))),
  };
}

/** The files of the repository that a build may read, as .dockerignore has it: the last rule that fits decides. */
export function inContext(file: string): boolean {
  const places = file.split("/").map((_, index, all) => all.slice(0, index + 1).join("/"));
  let isIn = true;
  for (const { pattern, isException } of IGNORE_RULES) {
    if (places.some((it) => path.matchesGlob(it, pattern))) isIn = isException;
  }
  return isIn;
}

const IGNORE_RULES = readFileSync(path.join(ROOT, ".dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ pattern: line.replace("!", ""), isException: line.startsWith("!") }));

function readStages(): Stage[] {
  const text = readFileSync(path.join(ROOT, "docker/Dockerfile"), "utf8");
  const lines = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", "")
    .split("\n");
  const stages: Stage[] = [];
  for (const [, name = "", rest = ""] of lines.map((it) => /^(\w+) (.*)$/.exec(it) ?? [])) {
    const [from = "", , stage = ""] = rest.split(" ");
    if (name === "FROM") stages.push({ name: stage, from, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

function instructionsOf(target: string, stages: readonly Stage[]): Instruction[] {
  const stage = stages.find(({ name }) => name === target);
  return stage ? [...instructionsOf(stage.from, stages), ...stage.instructions] : [];
}

function readCopy(text: string): Copy {
  const parts = text.split(/\s+/);
  const [from] = parts.flatMap((it) => (it.startsWith("--from=") ? [it.slice(7)] : []));
  const places = parts.filter((it) => !it.startsWith("--"));
  return { from, sources: places.slice(0, -1), target: places.at(-1) ?? "" };
}

function words(json: string): string[] {
  const parsed: unknown = JSON.parse(json);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

const readVariable = (text: string): [string, string] => {
  const [name = "", ...value] = text.split("=");
  return [name, value.join("=")];
};
