import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { io, type Socket } from "socket.io-client";

import { PROBLEMS_NAMESPACE } from "#dashboards/api.ts";

import type { Installation } from "./installation.ts";

const EVERY_MS = 300;
const ANSWER_MS_MAX = 60_000;
const FAILURES_KEPT = 20;
const NO_OPEN_FILES = /cannot be (?:opened|read) now|Too many files/;

/** Loads the board again and again while it can be opened, like a person who looks at it. */
export class BoardWatch implements AsyncDisposable {
  readonly #installation: Installation;
  /** One connection that stays open: while a process may open no more files it cannot accept others. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  count = 0;
  slowest: { ms: number; at: string } = { ms: 0, at: "" };
  /** Boards that were refused, with the reason, because the store could open no more files. */
  refusals = 0;
  /** Other responses than a board. */
  readonly failures: string[] = [];
  #problems: string | undefined;
  #problemSocket: { socket: Socket; of: string } | undefined;
  /** What happens at the moment, for messages. */
  happening: () => string;

  constructor(installation: Installation, happening: () => string) {
    this.#installation = installation;
    this.happening = happening;
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    this.#agent.destroy();
    this.#problemSocket?.socket.close();
  }

  /** The problems that the board shows, as JSON; undefined until it shows those of the running processes. */
  get problems(): string | undefined {
    return this.#problemSocket?.of === this.#session ? this.#problems : undefined;
  }

  /** Ends with a restart or a new sign-in. */
  get #session(): string {
    return `${this.#installation.starts} ${this.#installation.cookie}`;
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const { url, starts } = this.#installation;
      if (url !== undefined) {
        this.#followProblems(url);
        await this.#look(url, starts);
      }
      await delay(EVERY_MS);
    }
  }

  async #look(url: string, starts: number): Promise<void> {
    const startMs = performance.now();
    const at = this.happening();
    const found = await this.#get(`${url}/api/board`);
    const ms = Math.round(performance.now() - startMs);
    const wasKilled = this.#installation.url !== url || this.#installation.starts !== starts;
    if (wasKilled || this.#stopping.signal.aborted) return;
    // A step of the clock ends sessions.
    if (found.status === 401) return this.#installation.signIn();
    this.count += 1;
    if (ms > this.slowest.ms) this.slowest = { ms, at };
    if (found.status === 503 && NO_OPEN_FILES.test(found.text)) this.refusals += 1;
    else if (found.status !== 200) this.#fail(`${found.status} ${found.text.slice(0, 300)}`, at);
    return undefined;
  }

  /** Connects as a page does, and again after a restart or a new sign-in. */
  #followProblems(url: string): void {
    const { cookie } = this.#installation;
    const of = this.#session;
    if (this.#problemSocket?.of === of) return;
    this.#problemSocket?.socket.close();
    this.#problems = undefined;
    const socket = io(`${url}${PROBLEMS_NAMESPACE}`, {
      path: "/socket",
      transports: ["websocket"],
      forceNew: true,
      extraHeaders: { cookie },
    });
    socket.on("problems", (problems: unknown) => (this.#problems = JSON.stringify(problems)));
    this.#problemSocket = { socket, of };
  }

  #fail(what: string, at: string): void {
    if (this.failures.length < FAILURES_KEPT) this.failures.push(`${what} (${at})`);
  }

  #get(url: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve) => {
      const headers = { cookie: this.#installation.cookie };
      const fail = (error: Error): void => resolve({ status: 0, text: error.message });
      const sent = request(url, { agent: this.#agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("error", fail);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.setTimeout(ANSWER_MS_MAX, () => sent.destroy(new Error("the board did not answer")));
      sent.on("error", fail);
      sent.end();
    });
  }
}
