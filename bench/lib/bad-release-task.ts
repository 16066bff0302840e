/**
 * A task of the workloads that bench/bad-releases.ts deploys. Its release decides how it behaves: RELEASE is `KIND.NUMBER`.
 * With the argument `contract` it is the contract migration of the release.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const { TASK_ADDRESS = "127.0.0.1", TASK_PORT_8080 = "8080" } = process.env;
const { RELEASE = "", TASKS_FOLDER = "", EXIT_S = "30" } = process.env;
const kind = RELEASE.split(".")[0];
const WORK_MS = 5;
const SLOW_START_MS = 120_000;
const HEALTHY_REQUESTS = 10;
/** Exit statuses: the reason of a deploy quotes them. */
const CRASHED = 9;
const EXITED = 7;
const OLD_TASKS_LIVE = 3;
const SCHEMA_IN_USE = 4;

let requests = 0;

function isHealthy(): boolean {
  if (kind === "failing-health") return false;
  return kind !== "failing-health-later" || requests < HEALTHY_REQUESTS;
}

async function serve(): Promise<void> {
  if (kind === "crash-loop") {
    await delay(200);
    process.stderr.write("Error: the setting INVOICE_BUCKET is missing\n");
    process.exit(CRASHED);
  }
  if (kind === "slow-start") {
    process.stdout.write("loading 40,000,000 prices …\n");
    await delay(SLOW_START_MS);
  }
  const port = Number(TASK_PORT_8080) + (kind === "wrong-port" ? 1 : 0);
  const server = createServer((request, response) => {
    const isCheck = request.url === "/healthz";
    if (!isCheck) requests += 1;
    if (!isCheck && requests === 1 && kind === "exits") setTimeout(exit, Number(EXIT_S) * 1_000);
    const isGood = isCheck ? isHealthy() : kind !== "errors";
    setTimeout(
      () => {
        const status = isGood ? 200 : isCheck ? 503 : 500;
        const headers = { "content-type": "application/json", "cache-control": "no-store" };
        response.writeHead(status, { ...headers, "x-release": RELEASE });
        response.end(JSON.stringify({ release: RELEASE }));
      },
      isCheck ? 0 : WORK_MS,
    );
    request.resume();
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, TASK_ADDRESS, () => process.stdout.write(`listening on port ${port}\n`));
  const file = path.join(TASKS_FOLDER, String(process.pid));
  mkdirSync(TASKS_FOLDER, { recursive: true });
  writeFileSync(file, RELEASE);
  process.on("exit", () => rmSync(file, { force: true }));
  process.on("SIGTERM", () => {
    // Tasks take their time to end, so that a migration that does not wait for them meets them.
    server.close(() => setTimeout(() => process.exit(0), 1_000));
    server.closeIdleConnections();
  });
}

function exit(): void {
  process.stderr.write("FATAL ERROR: heap out of memory\n");
  process.exit(EXITED);
}

/** What the schema loses is used elsewhere still, so it came too early even after the last old task. */
function contract(): void {
  const living = readdirSync(TASKS_FOLDER).filter((pid) => isOldTask(pid));
  if (living.length > 0) {
    process.stderr.write(`${living.length} tasks of an older release are alive\n`);
    process.exit(OLD_TASKS_LIVE);
  }
  process.stderr.write(
    "cannot drop column invoices.total: the view monthly_report depends on it\n",
  );
  process.exit(SCHEMA_IN_USE);
}

function isOldTask(pid: string): boolean {
  try {
    if (readFileSync(path.join(TASKS_FOLDER, pid), "utf8") === RELEASE) return false;
    // Another process may have got the pid of one that was killed.
    const args = execFileSync("/bin/ps", ["-o", "args=", "-p", pid], { encoding: "utf8" });
    return args.includes(import.meta.filename);
  } catch {
    return false; // It has just ended.
  }
}

if (process.argv[2] === "contract") contract();
else await serve();
