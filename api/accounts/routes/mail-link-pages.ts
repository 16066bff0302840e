import { html } from "hono/html";

import { type Route, route } from "#platform/http/route.ts";
import { PASSWORD_CHARS } from "#platform/passwords/password-rule.ts";

import { htmlPage } from "./html-page.ts";

/**
 * The token is in the fragment of the link and is sent only when the button is pressed, so that it appears in no proxy's
 * log and link scanners do not use it. The script shows the form, which would put the password in the URL without it.
 */
const SCRIPT = `
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const show = (text, bad = false) => {
  status.setAttribute("role", bad ? "alert" : "status");
  status.textContent = text;
};
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
history.replaceState(null, "", location.pathname);
form.hidden = token === "";
if (form.hidden) show("This link is incomplete: open it from the mail again.", true);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  show("One moment …");
  const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) });
  try {
    const response = await fetch(form.dataset.to, { method: "POST", headers: { "content-type": "application/json" }, body });
    if (response.ok) {
      form.hidden = true;
      show(form.dataset.done);
    } else {
      const problem = await response.json();
      show(problem.errors?.[0]?.message ?? problem.detail, true);
    }
  } catch {
    show("There is no connection. Try again.", true);
  }
  button.disabled = false;
});
`;

const why = "the link of a mail is opened without being signed in";
const PAGE = { description: "The page", media: "text/html" } as const;
const NO_SCRIPT = html`<noscript
  ><p>
    This page needs JavaScript: allow it here and open the link from the mail again, or open the
    link in another browser. The link remains valid until you use it.
  </p></noscript
>`;

const verifyPage = (): Route =>
  route({
    method: "GET",
    path: "/verify-email",
    operationId: "verifyEmailPage",
    tag: "Mails",
    summary: "Show the page of a verification mail",
    rule: { allow: "anyone", why },
    responses: { 200: PAGE },
    handle: () =>
      htmlPage({
        title: "Confirm your e-mail address",
        script: SCRIPT,
        body: html`<h1>Confirm your e-mail address</h1>
          <form
            hidden
            data-to="/v1/email-verifications"
            data-done="Your address is confirmed. You can close this page."
          >
            <button>Confirm</button>
          </form>
          <p role="status"></p>
          ${NO_SCRIPT}`,
      }),
  });

const resetPage = (): Route =>
  route({
    method: "GET",
    path: "/reset-password",
    operationId: "resetPasswordPage",
    tag: "Mails",
    summary: "Show the page of a password reset mail",
    rule: { allow: "anyone", why },
    responses: { 200: PAGE },
    handle: () =>
      htmlPage({
        title: "Set a new password",
        script: SCRIPT,
        body: html`<h1>Set a new password</h1>
          <form
            hidden
            data-to="/v1/password-resets/confirm"
            data-done="Your password is set, and you are signed out everywhere. Sign in with it now."
          >
            <label
              >New password, at least ${String(PASSWORD_CHARS.min)} characters
              <input
                type="password"
                name="newPassword"
                autocomplete="new-password"
                required
                minlength="${String(PASSWORD_CHARS.min)}"
                maxlength="${String(PASSWORD_CHARS.max)}"
              />
            </label>
            <button>Set it</button>
          </form>
          <p role="status"></p>
          ${NO_SCRIPT}`,
      }),
  });

export const mailLinkPages = (): Route[] => [verifyPage(), resetPage()];
