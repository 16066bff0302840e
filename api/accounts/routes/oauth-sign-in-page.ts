import { html, raw } from "hono/html";

import { credentialFields, htmlPage } from "./html-page.ts";

/** Requests an assertion from the authenticator and submits it with the form. */
const SCRIPT = `
const button = document.querySelector("#passkey");
const rpId = button.dataset.rpId;
const isSupported = location.hostname === rpId || location.hostname.endsWith("." + rpId);
button.hidden = !(isSupported && "PublicKeyCredential" in window && PublicKeyCredential.parseRequestOptionsFromJSON);
button.addEventListener("click", async () => {
  const alertLine = document.querySelector("#alert");
  try {
    const response = await fetch("/v1/passkeys/challenges", { method: "POST" });
    if (!response.ok) throw new Error("no challenge");
    const { publicKey } = await response.json();
    const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
    const credential = await navigator.credentials.get({ publicKey: options });
    const form = document.querySelector("form");
    form.elements.namedItem("passkey").value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch {
    alertLine.textContent = "The passkey was not used. Try again, or sign in with your password.";
    alertLine.hidden = false;
  }
});
`;

type SignInPage = {
  /** Name of the client. */
  client: string;
  /** The URL of the current request. */
  action: string;
  /** The response to the form may redirect there. */
  redirectUri: string;
  rpId: string;
  /** The CSRF token. */
  field: string;
  email?: string | undefined;
  message?: string | undefined;
  status?: number;
  headers?: readonly (readonly [string, string])[];
};

export function signInPage(page: SignInPage): Promise<Response> {
  const { message = "" } = page;
  const hidden = raw(message === "" ? "hidden" : "");
  const body = html`<h1>Sign in to ${page.client}</h1>
    <p>With your Quarterdeck account.</p>
    <p role="alert" id="alert" ${hidden}>${message}</p>
    <form method="post" action="${page.action}">
      <input type="hidden" name="csrf" value="${page.field}" /><input
        type="hidden"
        name="passkey"
        value=""
      />
      ${credentialFields(page.email)}
      <button>Sign in</button>
    </form>
    <button type="button" id="passkey" data-rp-id="${page.rpId}" hidden>Use a passkey</button>`;
  return htmlPage({
    title: `Sign in to ${page.client}`,
    body,
    script: SCRIPT,
    formsTo: cspSource(page.redirectUri),
    ...(page.status === undefined ? {} : { status: page.status }),
    ...(page.headers === undefined ? {} : { headers: page.headers }),
  });
}

/** Source expression of a content security policy. */
function cspSource(uri: string): string {
  const { protocol, origin } = new URL(uri);
  return protocol === "https:" || protocol === "http:" ? origin : protocol;
}

export const messagePage = (title: string, message: string, status: number): Promise<Response> =>
  htmlPage({
    title,
    body: html`<h1>${title}</h1>
      <p>${message}</p>`,
    status,
  });
