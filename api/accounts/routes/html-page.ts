import { html, raw } from "hono/html";

import { createNonce } from "#platform/http/security-headers.ts";

/** HTML that is safe to put into other HTML. */
type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --ground: #f4f6f8; --card: #ffffff; --ink: #16202a; --quiet: #4a5763;
  --line: #76838f; --deed: #0b5cad; --on-deed: #ffffff; --bad: #a3161c; }
@media (prefers-color-scheme: dark) { :root { --ground: #11161b; --card: #1a2128; --ink: #e8edf2; --quiet: #b3bec8;
  --line: #7d8a96; --deed: #7db8f5; --on-deed: #0a1a2a; --bad: #ff9c9c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 25rem; padding: 2rem 1.5rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; color: var(--quiet); overflow-wrap: anywhere; }
p[role=alert] { color: var(--bad); font-weight: 600; }
p::first-letter { text-transform: uppercase; }
p:empty { margin: 0; }
form { margin-top: 1rem; }
form + p { margin: 1rem 0 0; }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .25rem; padding: .625rem .75rem; font: inherit; color: inherit;
  font-weight: 400; background: transparent; border: 1px solid var(--line); border-radius: .375rem; }
button { width: 100%; min-height: 2.75rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border: 1px solid var(--deed); border-radius: .375rem; background: var(--deed); color: var(--on-deed); }
button + button, form + button { margin-top: .75rem; background: transparent; color: var(--deed); }
ul { list-style: none; margin: 0 0 1rem; padding: 0; }
:focus-visible { outline: 3px solid var(--deed); outline-offset: 2px; }
[hidden] { display: none; }
`;

/** A page of its own: nothing from elsewhere, nobody frames it, forms go where `formsTo` says too. */
export async function htmlPage(page: {
  title: string;
  body: Html;
  /** Source of a module; it runs by the nonce of this answer. */
  script?: string;
  status?: number;
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

/** What somebody signs in with. */
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
