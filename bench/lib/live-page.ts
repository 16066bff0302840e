import type { BrowserContext, Page } from "playwright";

/** A text on the page, and the time of its painting (epoch ms of the clock that also stamps the log). */
type Shown = { atMs: number; text: string };
/** A live frame as the page received it. */
type FrameGot = { gotMs: number; madeMs: number; bytes: number; signIns: number };
export type Recording = { signIns: Shown[]; requests: Shown[]; frames: FrameGot[] };

declare global {
  /** Runs in the page. */
  var liveRecording: Recording | undefined;
}

const SIGN_INS = '[data-testid="tile-turnover"] table.turnover tbody tr:first-child td.big';
const REQUESTS = '[data-testid="tile-requests"] [data-testid="value"]';

/** The board, live, with the turnover of the last 60 minutes. */
export async function openBoard(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript(recordFrames);
  await page.goto(url);
  await page.locator('[data-testid="live-status"][data-status="live"]').waitFor();
  await page.getByRole("radio", { name: "60 min" }).check();
  await page.evaluate(recordText, { signIns: SIGN_INS, requests: REQUESTS });
  return page;
}

/** The same two numbers by polling, in a page that draws nothing else. */
export async function openPollingPage(
  context: BrowserContext,
  { url, everyMs }: { url: string; everyMs: number },
): Promise<Page> {
  const page = await context.newPage();
  // Any page of the same origin.
  await page.goto(`${url}/livez`);
  await page.evaluate(recordFrames);
  await page.evaluate(poll, everyMs);
  await page.evaluate(recordText, { signIns: "#sign-ins", requests: "#requests" });
  return page;
}

/** The recordings since the last call. */
export async function takeRecording(page: Page): Promise<Recording> {
  return page.evaluate(() => {
    const taken = globalThis.liveRecording;
    if (!taken) throw new Error("nothing is recorded in this page");
    const { signIns, requests, frames } = taken;
    return {
      signIns: signIns.splice(0),
      requests: requests.splice(0),
      frames: frames.splice(0),
    };
  });
}

// The functions below run in the page and must be self-contained.
/* oxlint-disable unicorn/consistent-function-scoping */
function recordFrames(): void {
  const recording: Recording = { signIns: [], requests: [], frames: [] };
  globalThis.liveRecording = recording;
  const PREFIX = '42["frame",';
  const Original = globalThis.WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" || !data.startsWith(PREFIX)) return;
        const gotMs = Date.now();
        const frame = JSON.parse(data.slice(PREFIX.length, -1));
        recording.frames.push({
          gotMs,
          madeMs: frame.atMs,
          bytes: new TextEncoder().encode(data).length,
          signIns: frame.turnover["60"].signIns,
        });
      });
    }
  };
}

/** Records each change of the texts with the time at which it was painted. */
function recordText(selectors: { signIns: string; requests: string }): void {
  let isPlanned = false;
  const note = (): void => {
    isPlanned = false;
    const read = (selector: string): string => document.querySelector(selector)?.textContent ?? "";
    const texts = { signIns: read(selectors.signIns), requests: read(selectors.requests) };
    const { port1, port2 } = new MessageChannel();
    // A task that is posted before a paint runs after it.
    port1.addEventListener("message", () => {
      const recording = globalThis.liveRecording;
      for (const name of ["signIns", "requests"] as const) {
        const list = recording?.[name];
        if (texts[name] !== list?.at(-1)?.text) list?.push({ atMs: Date.now(), text: texts[name] });
      }
    });
    port1.start();
    port2.postMessage(0);
  };
  const plan = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(note);
  };
  new MutationObserver(plan).observe(document.body, {
    subtree: true,
    childList: true,
    characterData: true,
  });
  plan();
}

function poll(everyMs: number): void {
  const show = (id: string): ((value: number | null | undefined) => void) => {
    const element = document.createElement("p");
    element.id = id;
    document.body.append(element);
    return (value) => {
      element.textContent = value?.toFixed(0) ?? "";
    };
  };
  const showSignIns = show("sign-ins");
  const showRequests = show("requests");
  const ask = async (): Promise<void> => {
    const response = await fetch("/api/board");
    const board = await response.json();
    const hour = board.turnover.find(({ minutes }: { minutes: number }) => minutes === 60);
    showSignIns(hour?.signIns);
    showRequests(board.values.requests_per_second);
  };
  setInterval(() => void ask(), everyMs);
  void ask();
}
