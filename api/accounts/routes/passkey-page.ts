import { html } from "hono/html";

import { type Route, route } from "#platform/http/route.ts";

import { credentialFields, htmlPage } from "./html-page.ts";

/**
 * Shows the form, which without it would go into the address with the password. Signs in, has the authenticator make a
 * passkey, keeps it, and signs out again: nothing stays in the browser.
 */
const SCRIPT = `
const form = document.querySelector("form");
const said = document.querySelector("#said");
const say = (text, bad) => {
  said.textContent = text;
  said.setAttribute("role", bad ? "alert" : "status");
  said.hidden = false;
};
const send = async (method, path, { token, body }) => {
  const answer = await fetch(path, {
    method,
    headers: { "content-type": "application/json", ...(token ? { authorization: "Bearer " + token } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (answer.status === 204) return undefined;
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.detail);
  return json;
};
const able = "PublicKeyCredential" in window && PublicKeyCredential.parseCreationOptionsFromJSON;
form.hidden = !able;
if (!able) say("This browser cannot make passkeys.", true);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password, otp, name } = Object.fromEntries(new FormData(form));
  const button = form.querySelector("button");
  button.disabled = true;
  let token;
  try {
    const signIn = { email, password, ...(otp ? { otp } : {}) };
    token = (await send("POST", "/v1/sessions", { body: signIn })).accessToken;
    const { publicKey } = await send("POST", "/v1/passkeys/registrations", { token, body: { password } });
    const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
    const credential = await navigator.credentials.create({ publicKey: options }).catch(() => {
      throw new Error("The passkey was not made. Try it again; a device that has one of yours makes no second.");
    });
    await send("POST", "/v1/passkeys", { token, body: { name, credential: credential.toJSON() } });
    form.reset();
    say("The passkey is kept: use it where you sign in next.", false);
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
    if (token) await send("DELETE", "/v1/session", { token }).catch(() => undefined);
  }
});
`;

const NO_SCRIPT = html`<noscript
  ><p>Passkeys need JavaScript: allow it here, or go on signing in with your password.</p></noscript
>`;

/** Where people make a passkey. */
export const passkeyPageRoutes = (): Route[] => [
  route({
    method: "GET",
    path: "/passkeys",
    operationId: "passkeyPage",
    tag: "Passkeys",
    summary: "The page on which somebody makes a passkey",
    rule: { allow: "anyone", why: "the page asks who is there" },
    answers: { 200: { description: "The page", media: "text/html" } },
    handle: () =>
      htmlPage({
        title: "Make a passkey",
        script: SCRIPT,
        body: html`<h1>Make a passkey</h1>
          <p>
            Sign in once more; then this device keeps a key that signs you in without a password.
          </p>
          <p id="said" role="status" hidden></p>
          <form hidden>
            ${credentialFields()}
            <label
              >Name of the passkey<input
                name="name"
                autocomplete="off"
                required
                maxlength="100"
                value="My passkey"
            /></label>
            <button>Make a passkey</button>
          </form>
          ${NO_SCRIPT}`,
      }),
  }),
];
