import { createHash } from "node:crypto";

import { html, raw } from "hono/html";

import { curlOf } from "./docs-curl.ts";
import { type FieldRow, fieldRows, typeOf } from "./docs-fields.ts";
import { inline, prose } from "./docs-prose.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import type { JsonSchema, OpenApi, Operation } from "./openapi.ts";

/** Allows only this style sheet, by its hash. */
export const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256")
  .update(DOCS_STYLE)
  .digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

// In one string, because whitespace added by a formatter would change the hash.
const STYLE = raw(`<style>${DOCS_STYLE}</style>`);

type Html = ReturnType<typeof html>;
type Entry = { path: string; method: string; operation: Operation };

/** The document as a page without scripts. */
export async function docsPage(document: OpenApi): Promise<string> {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = document.tags.map(({ name }) => ({
    name,
    entries: entries.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${document.info.title}</title>
        ${STYLE}
      </head>
      <body>
        ${intro(document)}
        <nav aria-label="Operations">
          ${tags.map(
            (tag) =>
              html`<h2>${tag.name}</h2>
                <ul>
                  ${tag.entries.map(
                    (it) =>
                      html`<li>
                        <a href="#${it.operation.operationId}">${it.operation.summary}</a>
                      </li>`,
                  )}
                </ul>`,
          )}
        </nav>
        <main>
          ${tags.map(
            (tag) =>
              html`<h2>${tag.name}</h2>
                ${tag.entries.map((entry) => section(entry, document))}`,
          )}
        </main>
      </body>
    </html>`;
  return String(await page);
}

const intro = ({ info, openapi, components }: OpenApi): Html =>
  html`<header>
    <h1>${info.title}</h1>
    ${prose(info.description)}
    <p>
      Release ${info.version}. Machines read
      <a href="/openapi.json">the OpenAPI ${openapi} document</a>.
    </p>
    <p>
      ${inline(
        Object.values(components.securitySchemes)
          .map((it) => it.description)
          .join(" "),
      )}
      The examples use <code>$TOKEN</code>. Errors are <code>application/problem+json</code> (RFC
      9457) and name each invalid field. Lists take <code>limit</code> and <code>cursor</code>;
      <code>next</code> of a response is the cursor of the next page. Resources that can be changed
      concurrently have an <code>ETag</code>: send it as <code>If-Match</code> with a change. A
      <code>POST</code> that is repeated with the same <code>Idempotency-Key</code> is performed
      once. Rate limits respond 429, unavailable servers 503, both with <code>Retry-After</code>.
    </p>
  </header>`;

function section({ path, method, operation }: Entry, document: OpenApi): Html {
  const { schemas } = document.components;
  const rows = operation.parameters.map((it) => ({
    name: it.name,
    type: `${it.in}, ${typeOf(it.schema, schemas)}`,
    required: it.required,
    notes: it.description ?? "",
  }));
  return html`<section id="${operation.operationId}">
    <h3><a href="#${operation.operationId}">${operation.summary}</a></h3>
    <p class="route"><b class="method">${method.toUpperCase()}</b> <code>${path}</code></p>
    ${prose(operation.description ?? "")}
    <p class="who">For ${operation["x-who"]}.</p>
    ${table("Parameters", rows)}
    ${Object.entries(operation.requestBody?.content ?? {}).map(([media, { schema }]) =>
      contentTable(`Body (${media})`, schema, schemas),
    )}
    ${Object.entries(operation.responses)
      .filter(([status]) => status < "400")
      .map(
        ([status, { description, content }]) =>
          html`<p><b>${status}</b> ${inline(description)}</p>
            ${Object.entries(content ?? {}).map(([media, { schema }]) =>
              contentTable(`Response ${status} (${media})`, schema, schemas),
            )}`,
      )}
    <details>
      <summary>Refusals</summary>
      <dl>
        ${Object.entries(operation.responses)
          .filter(([status]) => status >= "400")
          .map(
            ([status, { description }]) =>
              html`<dt>${status}</dt>
                <dd>${description}</dd>`,
          )}
      </dl>
    </details>
    <details>
      <summary>Try it</summary>
      <pre tabindex="0">${curlOf({ path, method, operation }, document)}</pre>
    </details>
  </section>`;
}

function contentTable(
  caption: string,
  schema: JsonSchema,
  schemas: Readonly<Record<string, JsonSchema>>,
): Html {
  const rows = fieldRows(schema, schemas);
  if (rows.length > 0) return table(caption, rows);
  const type = Object.keys(schema).length === 0 ? "as it is" : typeOf(schema, schemas);
  return html`<p>${caption}: ${type}</p>`;
}

function table(caption: string, rows: readonly FieldRow[]): Html {
  if (rows.length === 0) return html``;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Type</th>
          <th scope="col">Notes</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">
                <code>${row.name}</code>${row.required ? "" : html` <i>optional</i>`}
              </th>
              <td>${row.type}</td>
              <td>${inline(row.notes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
