import { html } from "hono/html";

import { type Route, route } from "#platform/http/route.ts";

import { PASSWORD_CHARS } from "../domain/password-policy.ts";
import { htmlPage } from "./html-page.ts";

/**
 * The token is in the fragment of the link: it is sent to nobody until somebody presses the button, so neither a proxy's
 * log has it nor does a mail scanner that opens every link use it up. So nothing works here without the script, and it is
 * the script that shows the form: a browser that sent it by itself would write a password into the address.
 */
const SCRIPT = `
const form = document.querySelector("form");
const said = document.querySelector("[role=status]");
const say = (text, bad = false) => {
  said.setAttribute("role", bad ? "alert" : "status");
  said.textContent = text;
};
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
history.replaceState(null, "", location.pathname);
form.hidden = token === "";
if (form.hidden) say("This link is not whole: open it from the mail again.", true);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say("One moment …");
  const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) });
  try {
    const answer = await fetch(form.dataset.to, { method: "POST", headers: { "content-type": "application/json" }, body });
    if (answer.ok) {
      form.hidden = true;
      say(form.dataset.done);
    } else {
      const problem = await answer.json();
      say(problem.errors?.[0]?.message ?? problem.detail, true);
    }
  } catch {
    say("There is no connection. Try again.", true);
  }
  button.disabled = false;
});
`;

const why = "whoever opens the link of a mail is not signed in";
const page = { description: "The page", media: "text/html" } as const;
const noScript = html`<noscript
  ><p>
    This page needs JavaScript: allow it here and open the link from the mail again, or open the
    link in another browser. It stays good until you use it.
  </p></noscript
>`;

const verifyPage = (): Route =>
  route({
    method: "GET",
    path: "/verify-email",
    operationId: "verifyEmailPage",
    tag: "Mails",
    summary: "The page that a confirmation mail leads to",
    rule: { allow: "anyone", why },
    answers: { 200: page },
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
          ${noScript}`,
      }),
  });

const resetPage = (): Route =>
  route({
    method: "GET",
    path: "/reset-password",
    operationId: "resetPasswordPage",
    tag: "Mails",
    summary: "The page that a password mail leads to",
    rule: { allow: "anyone", why },
    answers: { 200: page },
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
          ${noScript}`,
      }),
  });

/** Where the links of mails lead. */
export const mailLinkPages = (): Route[] => [verifyPage(), resetPage()];
