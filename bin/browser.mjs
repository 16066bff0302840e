import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

import { installPackages, succeeds } from "./apt.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PACKAGES = ["chromium", "fonts-dejavu-core"];

/** The path of a working Chromium; if there is none, installs the distribution's package where allowed. */
export async function findBrowser() {
  const found = await firstThatRuns(candidates());
  if (found !== undefined) return found;
  if (!(await installPackages("Installing Chromium for the browser tests", PACKAGES)))
    return undefined;
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
