import { z } from "zod";

import {
  BanAnswer,
  EdgeTemplate,
  TemplateBegun,
  TemplateMistakes,
} from "#dashboards/deploys/edge-messages.ts";
import { EdgeAnswer } from "#dashboards/deploys/fleet-messages.ts";
import {
  DeployDetail,
  DeployList,
  DeploySummary,
  EffectList,
  FreezeList,
  FreezeView,
  PlanAnswer,
  WorkloadList,
} from "#dashboards/deploys/messages.ts";
import { AppError, type ErrorCode } from "#platform/errors.ts";
import type { DeploysService } from "#server/deploys/service.ts";

/** Longer than a request may wait for a change of a deploy. */
const ANSWER_MS_MAX = 40_000;

/** The verbs that commands use. */
type CommandVerb =
  | "workloads"
  | "plan"
  | "start"
  | "list"
  | "deploy"
  | "effects"
  | "command"
  | "freezes"
  | "freeze"
  | "thaw"
  | "edge"
  | "edgeTemplate"
  | "checkEdgeTemplate"
  | "changeEdgeTemplate"
  | "rollBackEdgeTemplate"
  | "ban";
type Input<Of extends CommandVerb> = Parameters<DeploysService[Of]>[0];
type Answer<Of extends CommandVerb> = Awaited<ReturnType<DeploysService[Of]>>;

/** The role `deploys`, directly or through the HTTP API of a control plane. */
export type DeploysClient = {
  ask<Of extends CommandVerb>(verb: Of, input: Input<Of>): Promise<Answer<Of>>;
  stop(): Promise<void>;
};

type HttpRequest = {
  method: "GET" | "POST" | "DELETE";
  path: string;
  body?: unknown;
  key?: string | undefined;
  version?: number | undefined;
};
type Mapped<Of extends CommandVerb> = {
  request(input: Input<Of>): HttpRequest;
  read(json: unknown): Answer<Of>;
};

const MAPPED: { [Of in CommandVerb]: Mapped<Of> } = {
  workloads: {
    request: () => ({ method: "GET", path: "/api/workloads" }),
    read: (json) => WorkloadList.parse(json).workloads,
  },
  plan: {
    request: (body) => ({ method: "POST", path: "/api/deploys/plan", body }),
    read: (json) => PlanAnswer.parse(json),
  },
  start: {
    request: (input) => posted("/api/deploys", input),
    read: (json) => DeploySummary.parse(json),
  },
  list: {
    request: (page) => ({ method: "GET", path: `/api/deploys?${queryOf(page)}` }),
    read: (json) => DeployList.parse(json),
  },
  deploy: {
    request: ({ id, ...wait }) => ({ method: "GET", path: `/api/deploys/${id}?${queryOf(wait)}` }),
    read: (json) => DeployDetail.parse(json),
  },
  effects: {
    request: ({ id }) => ({ method: "GET", path: `/api/deploys/${id}/effects` }),
    read: (json) => EffectList.parse(json),
  },
  command: {
    request: ({ id, kind, reason, version }) => {
      const path = `/api/deploys/${id}/commands`;
      return { method: "POST", path, body: { kind, reason }, version };
    },
    read: (json) => DeploySummary.parse(json),
  },
  freezes: {
    request: () => ({ method: "GET", path: "/api/freezes" }),
    read: (json) => FreezeList.parse(json).freezes,
  },
  freeze: {
    request: (input) => posted("/api/freezes", input),
    read: (json) => FreezeView.parse(json),
  },
  thaw: {
    request: ({ id, reason }) => {
      return { method: "DELETE", path: `/api/freezes/${id}?${queryOf({ reason })}` };
    },
    read: () => undefined,
  },
  edge: {
    request: () => ({ method: "GET", path: "/api/edge" }),
    read: (json) => EdgeAnswer.parse(json),
  },
  edgeTemplate: {
    request: (which) => ({ method: "GET", path: `/api/edge/template?${queryOf(which)}` }),
    read: (json) => EdgeTemplate.parse(json),
  },
  checkEdgeTemplate: {
    request: (body) => ({ method: "POST", path: "/api/edge/template/check", body }),
    read: (json) => TemplateMistakes.parse(json),
  },
  changeEdgeTemplate: {
    request: (input) => posted("/api/edge/template/versions", input),
    read: (json) => TemplateBegun.parse(json),
  },
  rollBackEdgeTemplate: {
    request: (input) => posted("/api/edge/template/roll-back", input),
    read: (json) => TemplateBegun.parse(json),
  },
  ban: {
    request: (input) => posted("/api/edge/bans", input),
    read: (json) => BanAnswer.parse(json),
  },
};

/** The key is a header, and who asks is known from the token. */
function posted(path: string, input: { actor: string; key?: string | undefined }): HttpRequest {
  const { actor: _actor, key, ...body } = input;
  return { method: "POST", path, body, key };
}

/** Talks to a control plane elsewhere. */
export const httpClient = (url: string, token: string): DeploysClient => ({
  async ask<Of extends CommandVerb>(verb: Of, input: Input<Of>): Promise<Answer<Of>> {
    const { request, read }: Mapped<Of> = MAPPED[verb];
    return read(await send(url, token, request(input)));
  },
  stop: () => Promise.resolve(),
});

function queryOf(values: object): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
}

async function send(url: string, token: string, request: HttpRequest): Promise<unknown> {
  const { method, path, body, key, version } = request;
  const response = await answerOf(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(version === undefined ? {} : { "if-match": `"${version}"` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = await response.text();
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  throw problemIn(response.status, text);
}

async function answerOf(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const message = `${url.origin} cannot be reached: ${whyOf(error)}`;
    throw new AppError("unavailable", message, { cause: error });
  }
}

/** "fetch failed" has its cause beside it. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

const Problem = z.object({
  detail: z.string(),
  errors: z
    .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
    .default([]),
});

const CODES: Readonly<Record<number, ErrorCode>> = {
  // What was wrong is in the request, but the arguments of the command were checked before.
  400: "unprocessable",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  412: "precondition_failed",
  422: "unprocessable",
  429: "too_many_requests",
};

function problemIn(status: number, text: string): AppError {
  const parsed = Problem.safeParse(jsonIn(text));
  const { detail, errors } = parsed.success
    ? parsed.data
    : { detail: `The server answered ${status}.`, errors: [] };
  const fields = errors.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  return new AppError(CODES[status] ?? "unavailable", `${detail}${fields}`, { fields: errors });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
