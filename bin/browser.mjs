import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

import { step } from "./progress.mjs";
import { run } from "./run.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PACKAGES = ["chromium", "fonts-dejavu-core"];

/** The path of a Chromium that runs: one that is there, else the distribution's where we may install it. */
export async function findBrowser() {
  const found = await firstThatRuns(candidates());
  if (found !== undefined) return found;
  const apt = await aptGet();
  if (apt === undefined) return undefined;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    await step("Installing Chromium for the browser tests", async () => {
      await run([...apt, "update"], { env });
      await run([...apt, "install", "-y", "--no-install-recommends", ...PACKAGES], { env });
    });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
  return firstThatRuns(candidates());
}

function candidates() {
  const {
    QUARTERDECK_CHROMIUM,
    PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH,
    CHROMIUM_PATH,
    PATH = "",
  } = process.env;
  const named = [QUARTERDECK_CHROMIUM, PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH, CHROMIUM_PATH].filter(
    Boolean,
  );
  const folders = [...PATH.split(path.delimiter), "/usr/bin", "/snap/bin"].filter(
    (it) => !it.includes("node_modules"),
  );
  const inFolders = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const onMac = ["Google Chrome", "Chromium"].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  );
  return [...named, ...inFolders, ...onMac, ...playwrightBrowsers()].filter((file) =>
    existsSync(file),
  );
}

function playwrightBrowsers() {
  const caches = [
    process.env.PLAYWRIGHT_BROWSERS_PATH,
    path.join(homedir(), ".cache", "ms-playwright"),
  ];
  return caches
    .filter((folder) => folder && existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.startsWith("chromium-"))
        .flatMap((name) =>
          ["chrome-linux", "chrome-linux64"].map((inner) =>
            path.join(folder, name, inner, "chrome"),
          ),
        ),
    );
}

async function firstThatRuns(files) {
  for (const file of files) if (await succeeds([file, "--version"])) return file;
  return undefined;
}

/** apt-get, if this is a system that has it and we may use it. */
async function aptGet() {
  if (!(await succeeds(["apt-get", "--version"]))) return undefined;
  if (process.getuid?.() === 0) return ["apt-get"];
  return (await succeeds(["sudo", "-n", "true"])) ? ["sudo", "-n", "apt-get"] : undefined;
}

const succeeds = (command) =>
  run(command).then(
    () => true,
    () => false,
  );
