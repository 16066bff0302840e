import { html, raw } from "hono/html";

import { createNonce } from "#platform/http/security-headers.ts";

type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --background: #f4f6f8; --card: #ffffff; --text: #16202a; --muted: #4a5763;
  --border: #76838f; --accent: #0b5cad; --on-accent: #ffffff; --error: #a3161c; }
@media (prefers-color-scheme: dark) { :root { --background: #11161b; --card: #1a2128; --text: #e8edf2; --muted: #b3bec8;
  --border: #7d8a96; --accent: #7db8f5; --on-accent: #0a1a2a; --error: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--background);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 25rem; padding: 2rem 1.5rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; color: var(--muted); overflow-wrap: anywhere; }
p[role=alert] { color: var(--error); font-weight: 600; }
p::first-letter { text-transform: uppercase; }
p:empty { margin: 0; }
form { margin-top: 1rem; }
form + p { margin: 1rem 0 0; }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .25rem; padding: .625rem .75rem; font: inherit; color: inherit;
  font-weight: 400; background: transparent; border: 1px solid var(--border); border-radius: .375rem; }
button { width: 100%; min-height: 2.75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border: 1px solid var(--accent); border-radius: .375rem; background: var(--accent); color: var(--on-accent); }
button + button, form + button { margin-top: .75rem; background: transparent; color: var(--accent); }
ul { list-style: none; margin: 0 0 1rem; padding: 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none; }
`;

/** A self-contained page that cannot be framed. */
export async function htmlPage(page: {
  title: string;
  body: Html;
  /** Source of a JavaScript module. */
  script?: string;
  status?: number;
  /** Where the response to a form may redirect to, besides this origin. */
  formsTo?: string;
  headers?: readonly (readonly [string, string])[];
}): Promise<Response> {
  const nonce = createNonce();
  const script =
    page.script === undefined
      ? ""
      : raw(`<script type="module" nonce="${nonce}">${page.script}</script>`);
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title}</title>
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>${page.body}</main>
        ${script}
      </body>
    </html>`;
  const headers = new Headers({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "content-security-policy": [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      `style-src 'nonce-${nonce}'`,
      "connect-src 'self'",
      `form-action 'self'${page.formsTo === undefined ? "" : ` ${page.formsTo}`}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
  });
  for (const [name, value] of page.headers ?? []) headers.append(name, value);
  return new Response(String(await document), { status: page.status ?? 200, headers });
}

export const credentialFields = (email = ""): Html =>
  html`<label
      >E-mail<input
        name="email"
        type="email"
        autocomplete="username"
        required
        maxlength="254"
        value="${email}"
    /></label>
    <label
      >Password<input
        name="password"
        type="password"
        autocomplete="current-password"
        required
        maxlength="1000"
    /></label>
    <label
      >Code, if you use a second factor<input
        name="otp"
        autocomplete="one-time-code"
        autocapitalize="off"
        spellcheck="false"
        maxlength="40"
    /></label>`;
