"use client";

import { send } from "./fetch-json.ts";

const UNAUTHENTICATED = 401;
let isSigningOut = false;

/** Ends the session, and opens the sign-in page. */
export async function signOut(): Promise<void> {
  isSigningOut = true;
  try {
    await send("/api/session", { method: "DELETE" });
    globalThis.location.assign("/sign-in");
  } catch (error) {
    isSigningOut = false;
    throw error;
  }
}

/** Whether the session has ended; false if the server does not respond. */
export async function hasSessionEnded(): Promise<boolean> {
  const response = await fetch("/api/me", { credentials: "same-origin" }).catch(() => undefined);
  return response?.status === UNAUTHENTICATED;
}

/** Opens the sign-in page, with the reason, because the session has ended elsewhere or has expired. */
export function redirectToSignIn(): void {
  if (isSigningOut) return;
  const { pathname, search } = globalThis.location;
  globalThis.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}&ended=1`);
}
