import { html } from "hono/html";

import { type Route, route } from "#platform/http/route.ts";

import { credentialFields, htmlPage } from "./html-page.ts";

/**
 * Shows the form, which would put the password in the URL without the script. Signs in, registers a passkey and signs out,
 * so that no session remains in the browser.
 */
const SCRIPT = `
const form = document.querySelector("form");
const status = document.querySelector("#status");
const show = (text, bad) => {
  status.textContent = text;
  status.setAttribute("role", bad ? "alert" : "status");
  status.hidden = false;
};
const send = async (method, path, { token, body }) => {
  const response = await fetch(path, {
    method,
    headers: { "content-type": "application/json", ...(token ? { authorization: "Bearer " + token } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (response.status === 204) return undefined;
  const json = await response.json();
  if (!response.ok) throw new Error(json.detail);
  return json;
};
const isSupported = "PublicKeyCredential" in window && PublicKeyCredential.parseCreationOptionsFromJSON;
form.hidden = !isSupported;
if (!isSupported) show("This browser does not support passkeys.", true);
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
      throw new Error("The passkey was not created. Try again; a device cannot have two of your passkeys.");
    });
    await send("POST", "/v1/passkeys", { token, body: { name, credential: credential.toJSON() } });
    form.reset();
    show("The passkey is saved: use it at your next sign-in.", false);
  } catch (error) {
    show(error.message, true);
  } finally {
    button.disabled = false;
    if (token) await send("DELETE", "/v1/session", { token }).catch(() => undefined);
  }
});
`;

const NO_SCRIPT = html`<noscript
  ><p>
    Passkeys need JavaScript: allow it here, or continue signing in with your password.
  </p></noscript
>`;

export const passkeyPageRoutes = (): Route[] => [
  route({
    method: "GET",
    path: "/passkeys",
    operationId: "passkeyPage",
    tag: "Passkeys",
    summary: "Show the page that creates a passkey",
    rule: { allow: "anyone", why: "users sign in on the page" },
    responses: { 200: { description: "The page", media: "text/html" } },
    handle: () =>
      htmlPage({
        title: "Create a passkey",
        script: SCRIPT,
        body: html`<h1>Create a passkey</h1>
          <p>
            Sign in once more to save a passkey on this device, which signs you in without a
            password.
          </p>
          <p id="status" role="status" hidden></p>
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
            <button>Create a passkey</button>
          </form>
          ${NO_SCRIPT}`,
      }),
  }),
];
