import { z } from "zod";

import type { BaseRule } from "../http/access-control.ts";
import { IF_MATCH } from "../http/etag.ts";
import { IDEMPOTENCY_KEY } from "../http/request-input.ts";
import type { ResponseSpec, Route as RouteOf } from "../http/route.ts";
import { Problem, TIMESTAMP } from "../http/schema.ts";

type Route = RouteOf<BaseRule>;

/** A JSON Schema of draft 2020-12, as used by OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>;
type Parameter = {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonSchema;
};
type Content = Record<string, { schema: JsonSchema }>;
export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security: Record<string, never[]>[];
  "x-who": string;
  parameters: Parameter[];
  requestBody?: { required: true; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};
export type OpenApi = {
  openapi: "3.1.1";
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    securitySchemes: Record<string, SecurityScheme<BaseRule>["definition"]>;
  };
};

const PROBLEM = {
  "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
};

/** The meaning of each rejection; the rejections of a route follow from its declaration. */
const REFUSALS: Record<number, string> = {
  400: "Invalid input; `errors` lists the fields",
  401: "Missing, unknown or expired credentials",
  403: "The caller is not allowed to do this",
  404: "Not found, or owned by another account",
  409: "The request conflicts with the current state",
  412: "The resource was changed meanwhile: the ETag in If-Match is outdated",
  413: "The request body is too large",
  415: "The media type of the request body is not supported",
  422: "The Idempotency-Key was used for another request, or the request violates a rule of the domain",
  428: "If-Match is missing",
  429: "Too many requests: retry after Retry-After",
  503: "A dependency is unavailable: retry after Retry-After",
};

/** How callers authenticate, and the meaning of the rules of routes. */
export type SecurityScheme<R extends BaseRule> = {
  name: string;
  definition: JsonSchema & { description: string };
  whoMay(rule: R): string;
};

/** Another way to authenticate, on the routes whose rule accepts it. */
export type TokenScheme<R extends BaseRule> = Pick<SecurityScheme<R>, "name" | "definition"> & {
  accepts(rule: R): boolean;
};

/** The part of the document about the API as a whole. */
export type ApiDescription<R extends BaseRule> = {
  title: string;
  description: string;
  security: SecurityScheme<R>;
  tokens?: TokenScheme<R>;
};

/** The OpenAPI 3.1 document of an API, from the schemas that check its requests and responses. */
export function openApiOf<R extends BaseRule>(
  api: ApiDescription<R>,
  routes: readonly RouteOf<NoInfer<R>>[],
  at: { url: string; release: string },
): OpenApi {
  const schemas: Record<string, JsonSchema> = {};
  const toSchema = (schema: z.ZodType, io: "input" | "output"): JsonSchema =>
    hoist(jsonSchemaOf(schema, io), schemas);
  toSchema(Problem, "output");
  const paths: OpenApi["paths"] = {};
  for (const route of routes) {
    const operation = operationOf(route, api, toSchema);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return {
    openapi: "3.1.1",
    info: { title: api.title, version: at.release, description: api.description },
    servers: [{ url: at.url }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: Object.fromEntries(
        [api.security, ...(api.tokens ? [api.tokens] : [])].map((it) => [it.name, it.definition]),
      ),
    },
  };
}

function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const wire = z.globalRegistry.get(zodSchema)?.["wire"];
      if (typeof wire === "object") {
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, wire);
      }
      // zod's own pattern of a time is too long to read.
      if (jsonSchema.format === "date-time") jsonSchema.pattern = TIMESTAMP.source;
      const { example, ...rest } = jsonSchema;
      if (example !== undefined) {
        delete jsonSchema["example"];
        Object.assign(jsonSchema, rest, { examples: [example] });
      }
    },
  });
}

/** Moves the definitions of a schema into the document's components. */
function hoist(schema: JsonSchema, components: Record<string, JsonSchema>): JsonSchema {
  const { $defs = {}, $schema: _, ...rest } = pointed(schema);
  for (const [name, definition] of Object.entries(z.record(z.string(), Definition).parse($defs))) {
    components[name] = definition;
  }
  return rest;
}

const Definition = z.record(z.string(), z.unknown());

const pointed = (schema: JsonSchema): JsonSchema =>
  Definition.parse(
    JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')),
  );

type ToSchema = (schema: z.ZodType, io: "input" | "output") => JsonSchema;

function operationOf(
  route: Route,
  { security, tokens }: Pick<ApiDescription<BaseRule>, "security" | "tokens">,
  toSchema: ToSchema,
): Operation {
  const body = bodyOf(route, toSchema);
  const { operationId, tag, summary, description } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: [security, ...(tokens?.accepts(route.rule) ? [tokens] : [])]
      .filter(() => route.rule.allow !== "anyone")
      .map(({ name }) => ({ [name]: [] })),
    "x-who": security.whoMay(route.rule),
    parameters: [
      ...parametersOf("path", route.params, toSchema),
      ...parametersOf("query", route.query, toSchema),
      ...headersOf(route),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true as const, content: body } }),
    responses: responsesOf(route, toSchema),
  };
}

function bodyOf(route: Route, toSchema: ToSchema): Content | undefined {
  if (route.body) return { "application/json": { schema: toSchema(route.body, "input") } };
  if (!route.consumes) return undefined;
  return Object.fromEntries(route.consumes.map((media) => [media, { schema: rawSchema(media) }]));
}

/** The schema of a body that the handler parses itself. */
function rawSchema(media: string): JsonSchema {
  if (media === "application/json") return { type: "object" };
  if (media !== "application/x-www-form-urlencoded") return {};
  return { type: "object", additionalProperties: { type: "string" } };
}

const Shape = z.object({
  properties: z.record(z.string(), Definition).default({}),
  required: z.array(z.string()).default([]),
});

function parametersOf(
  where: "path" | "query",
  schema: z.ZodType | undefined,
  toSchema: ToSchema,
): Parameter[] {
  if (!schema) return [];
  const { properties, required } = Shape.parse(toSchema(schema, "input"));
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    ...(typeof description === "string" ? { description } : {}),
    schema: rest,
  }));
}

function headersOf({ idempotency, ifMatch }: Route): Parameter[] {
  return [
    ...headerOf("Idempotency-Key", {
      need: idempotency,
      description:
        "A new unique text for each operation. Requests with the same key are executed once.",
      pattern: IDEMPOTENCY_KEY,
    }),
    ...headerOf("If-Match", {
      need: ifMatch,
      description:
        "The ETag that you read. The request is rejected if the resource has changed since; * accepts any version.",
      pattern: IF_MATCH,
    }),
  ];
}

function headerOf(
  name: string,
  {
    need,
    description,
    pattern,
  }: { need: "optional" | "required" | undefined; description: string; pattern: RegExp },
): Parameter[] {
  if (need === undefined) return [];
  const schema = { type: "string", pattern: pattern.source };
  return [{ name, in: "header", required: need === "required", description, schema }];
}

function responsesOf(route: Route, toSchema: ToSchema): Operation["responses"] {
  const refusals = refusalsOf(route);
  const listed = Object.entries(route.responses).map(([status, spec]) => {
    const own = contentOf(spec, toSchema);
    // The kit may also reject a request before the handler runs.
    const content = refusals.includes(Number(status))
      ? { ...PROBLEM, ...own.content }
      : own.content;
    return [status, { description: spec.description, ...(content ? { content } : {}) }];
  });
  const refused = refusals.map((status) => [
    String(status),
    { description: REFUSALS[status] ?? "", content: PROBLEM },
  ]);
  return { ...Object.fromEntries(refused), ...Object.fromEntries(listed) };
}

/** The statuses with which the kit or the domain may reject a request to a route. */
function refusalsOf(route: Route): number[] {
  const changes = route.method !== "GET";
  const takesBody = route.body !== undefined || route.consumes !== undefined;
  const may: [number, boolean][] = [
    [400, true],
    // Invalid credentials are rejected even if none are required.
    [401, true],
    [403, route.rule.allow !== "anyone" || changes],
    [404, route.params !== undefined || route.query !== undefined || changes],
    [409, changes],
    [412, route.ifMatch !== undefined],
    [413, takesBody],
    [415, takesBody],
    [422, changes],
    [428, route.ifMatch !== undefined],
    [429, true],
    [503, true],
  ];
  return may.filter(([, can]) => can).map(([status]) => status);
}

function contentOf(spec: ResponseSpec, toSchema: ToSchema): { content?: Content } {
  const content: Content = {};
  if (spec.body) content["application/json"] = { schema: toSchema(spec.body, "output") };
  for (const media of [spec.media ?? []].flat()) {
    content[media.split(";")[0] ?? media] = { schema: {} };
  }
  return Object.keys(content).length === 0 ? {} : { content };
}
