import { z } from "zod";

import type { JsonSchema, OpenApi, Operation } from "#platform/openapi/openapi.ts";

const Document = z.custom<OpenApi>((it) => typeof it === "object" && it !== null && "paths" in it);

/** The OpenAPI document of a running service. */
export async function documentOf(url: string): Promise<OpenApi> {
  return Document.parse(await (await fetch(`${url}/openapi.json`)).json());
}

type Answer = { method: string; path: string; status: number; body: unknown };

/** The task with which apis-fastify.ts responds to a request like the service of this document. */
export function rivalTask(document: OpenApi, { method, path, status, body }: Answer): object {
  const [template, operation] = operationAt(document, method, path);
  const of = (where: string): JsonSchema => ({
    type: "object",
    properties: Object.fromEntries(
      parametersIn(operation, where).map((it) => [it.name, it.schema]),
    ),
    required: parametersIn(operation, where)
      .filter((it) => it.required)
      .map((it) => it.name),
    additionalProperties: false,
  });
  const json = "application/json";
  const schema = {
    params: of("path"),
    querystring: of("query"),
    ...(operation.requestBody ? { body: operation.requestBody.content[json]?.schema } : {}),
    response: { [status]: operation.responses[String(status)]?.content?.[json]?.schema ?? {} },
  };
  return {
    method,
    path: template.replaceAll(/\{(\w+)\}/g, ":$1"),
    schema: resolved(schema, document.components.schemas),
    status,
    answer: body,
  };
}

const parametersIn = ({ parameters }: Operation, where: string): Operation["parameters"] =>
  parameters.filter((it) => it.in === where);

function operationAt(
  { paths }: OpenApi,
  method: string,
  path: string,
): [template: string, operation: Operation] {
  for (const [template, methods] of Object.entries(paths)) {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    const operation = methods[method.toLowerCase()];
    if (operation !== undefined && pattern.test(path)) return [template, operation];
  }
  throw new Error(`the document has no operation for ${method} ${path}`);
}

/** The schema with references replaced by their definitions. */
function resolved(value: unknown, schemas: Readonly<Record<string, JsonSchema>>): unknown {
  if (Array.isArray(value)) return value.map((it) => resolved(it, schemas));
  if (typeof value !== "object" || value === null) return value;
  if ("$ref" in value) {
    return resolved(schemas[String(value.$ref).split("/").at(-1) ?? ""], schemas);
  }
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, resolved(it, schemas)]));
}
