import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { VISIT_MINUTES_MAX, type DemoModel, type Step, type Visit } from "./model.ts";
import { passwordOf } from "./people.ts";

export type VisitorsOptions = {
  model: DemoModel;
  port: number;
  /** Visits in progress at this time are resumed, so that traffic does not drop after the history. */
  fromMs: number;
  /** A session cookie for someone who signed in before `fromMs`. */
  cookieFor(user: string): string;
  signal: AbortSignal;
};

const MINUTE_MS = 60_000;
/** Steps that are later than this are skipped, so that a machine that was suspended does not catch up. */
const LATE_MS_MAX = 30_000;
const REQUEST_MS_MAX = 15_000;
const SOCKETS_MAX = 16;

/** Performs the model's visits as real requests over keep-alive connections until the signal aborts. */
export async function simulateVisitors(options: VisitorsOptions): Promise<void> {
  const { model, fromMs, signal } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const running = new Set<Promise<void>>();
  const start = (visit: Visit): void => {
    const walk = follow(visit, options, agent).finally(() => running.delete(walk));
    running.add(walk);
  };
  let minute = Math.floor(fromMs / MINUTE_MS) - VISIT_MINUTES_MAX;
  try {
    while (!signal.aborted) {
      if (minute * MINUTE_MS >= Date.now() - LATE_MS_MAX || minute * MINUTE_MS <= fromMs) {
        for (const visit of model.visits(minute)) start(visit);
      }
      minute += 1;
      await pause(minute * MINUTE_MS - Date.now(), signal);
    }
    await Promise.all(running);
  } finally {
    agent.destroy();
  }
}

async function follow(visit: Visit, options: VisitorsOptions, agent: Agent): Promise<void> {
  const { fromMs, signal } = options;
  const steps = visit.steps.filter((step) => step.atMs >= fromMs);
  let cookie = steps[0]?.signedIn ? options.cookieFor(visit.person.name) : "";
  for (const step of steps) {
    await pause(step.atMs - Date.now(), signal);
    if (signal.aborted) return;
    if (Date.now() - step.atMs > LATE_MS_MAX) continue;
    // The proxy logs failed requests.
    const setCookie = await sendStep(step, { visit, cookie, agent, options }).catch(
      () => undefined,
    );
    if (setCookie !== undefined) cookie = setCookie;
  }
}

type StepContext = { visit: Visit; cookie: string; agent: Agent; options: VisitorsOptions };

/** Sends the request, reads the whole response, and returns the cookie that it sets, if any. */
async function sendStep(
  step: Step,
  { visit, cookie, agent, options }: StepContext,
): Promise<string | undefined> {
  const { port, signal } = options;
  const { person } = visit;
  const password = step.passwordRight ? passwordOf(person.name) : "forgotten";
  const body =
    step.path === "/login" && step.method === "POST"
      ? new URLSearchParams({ user: person.name, password }).toString()
      : "";
  const headers = {
    "user-agent": person.userAgent,
    "x-forwarded-for": person.address,
    ...(cookie ? { cookie } : {}),
    ...(step.referrer ? { referer: `https://shop.example${step.referrer}` } : {}),
    ...(body ? { "content-type": "application/x-www-form-urlencoded" } : {}),
    ...(step.method === "POST" ? { "content-length": Buffer.byteLength(body) } : {}),
  };
  const target = { host: "127.0.0.1", port, agent, method: step.method, path: step.path, headers };
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]);
    const request = httpRequest({ ...target, signal: limit }, (response) => {
      response.on("error", reject);
      response.on("end", () => resolve(response.headers["set-cookie"]?.[0]?.split(";", 1)[0]));
      response.resume();
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  // An abort ends the pause; the caller checks the signal.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
