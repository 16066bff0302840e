import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

import { z } from "zod";

import { ROOT } from "../harness/program.ts";
import { imageFile, inContext } from "./dockerfile.ts";

/** On the same disk as the files of which images are made, so that these are linked and not copied. */
const PLACE = path.join(ROOT, "node_modules/.cache/quarterdeck-images");

/** A folder with the files of an image, and places for those of its base image. */
export type Assembled = AsyncDisposable & { root: string };

/**
 * Does what the COPY lines of a target in docker/Dockerfile do, with the packages that `npm ci --omit=dev` installs; the base
 * image and what RUN lines install come from this machine later.
 */
export async function assembleImage(target: string): Promise<Assembled> {
  await mkdir(PLACE, { recursive: true });
  const root = await mkdtemp(path.join(PLACE, `${target}-`));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    await chmod(root, 0o755);
    const folders = ["app", "data", "dev", "etc", "proc", "tmp", "usr"];
    for (const it of folders) await mkdir(path.join(root, it));
    for (const it of ["bin", "lib", "lib64"]) await symlink(`usr/${it}`, path.join(root, it));
    await copyAll(target, path.join(root, "app"));
  } catch (error) {
    await remove();
    throw error;
  }
  return { root, [Symbol.asyncDispose]: remove };
}

async function copyAll(image: string, app: string): Promise<void> {
  const files = trackedFiles();
  for (const { from, sources, target } of imageFile(image).copies) {
    if (from === undefined) {
      for (const source of sources)
        await copyFiles(source, { files, to: place(source, target), app });
    } else if (target === "node_modules") {
      await installPackages(app, from);
    } else if (target === ".next") {
      execFileSync("cp", ["-al", path.join(ROOT, ".next"), path.join(app, ".next")]);
      await rm(path.join(app, ".next/cache"), { recursive: true, force: true });
    } else if (target !== "/usr/local/bin/node") {
      throw new Error(`COPY --from=${from} … ${target}: this test does not know what that is`);
    }
  }
}

/** A file goes into a folder; the contents of a folder become those of the target. */
const place = (source: string, target: string): string =>
  target.endsWith("/") ? path.join(target, path.basename(source)) : target;

type Into = { files: readonly string[]; to: string; app: string };

async function copyFiles(source: string, { files, to, app }: Into): Promise<void> {
  const found = files
    .filter((it) => it === source || it.startsWith(`${source}/`))
    .filter(inContext);
  if (found.length === 0) throw new Error(`COPY ${source}: .dockerignore leaves nothing of it`);
  for (const file of found) {
    const copy = path.join(app, to, path.relative(source, file));
    await mkdir(path.dirname(copy), { recursive: true });
    await link(path.join(ROOT, file), copy);
  }
}

/** Those of the repository, also new ones, that are there. */
function trackedFiles(): string[] {
  const flags = ["--cached", "--others", "--exclude-standard"];
  const output = execFileSync("git", ["ls-files", ...flags], { cwd: ROOT, encoding: "utf8" });
  return output.split("\n").filter((file) => file !== "" && existsSync(path.join(ROOT, file)));
}

const Lock = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })),
});

/** What `npm ci --omit=dev` installs, without what docker/prune.sh deletes. */
async function installPackages(app: string, stage: string): Promise<void> {
  const { packages } = Lock.parse(
    JSON.parse(readFileSync(path.join(ROOT, "package-lock.json"), "utf8")),
  );
  const places = Object.keys(packages).filter((it) => it !== "" && existsSync(path.join(ROOT, it)));
  const wanted = places.filter((it) => packages[it]?.dev !== true);
  // Packages within packages come with these, also those for tests.
  const outer = wanted.filter(
    (it) => !it.slice(1).includes("node_modules/", "node_modules/".length),
  );
  for (const scope of new Set(outer.map((it) => path.dirname(it)))) {
    await mkdir(path.join(app, scope), { recursive: true });
    const members = outer.filter((it) => path.dirname(it) === scope);
    execFileSync("cp", ["-al", ...members.map((it) => path.join(ROOT, it)), path.join(app, scope)]);
  }
  const prune = path.join(ROOT, "docker/prune.sh");
  execFileSync(prune, [stage.replace("-packages", "")], { cwd: app });
}

/** A file in the data folder of an image, such as a secret. */
export async function writeSecret(root: string, name: string, text: string): Promise<string> {
  await writeFile(path.join(root, "data", name), text);
  return `/data/${name}`;
}
