"use client";

import { useState } from "react";

import { type Theme, THEME_COOKIE } from "./theme.ts";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const GLYPH: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };
const YEAR_S = 31_536_000;

/** Light, dark, or the system's theme; kept in a cookie so that the server renders the right one. */
export function ThemeSwitch({ theme: first }: { theme: Theme }) {
  const [theme, setTheme] = useState(first);
  const change = (): void => {
    const next = NEXT[theme];
    setTheme(next);
    if (next === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = next;
    // oxlint-disable-next-line unicorn/no-document-cookie -- Cookie Store is not in every browser yet
    document.cookie = `${THEME_COOKIE}=${next}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  };
  return (
    <button
      type="button"
      className="icon"
      onClick={change}
      title={`Theme: ${theme}`}
      aria-label={`Theme: ${theme}. Change to ${NEXT[theme]}`}
    >
      <span aria-hidden="true">{GLYPH[theme]}</span>
    </button>
  );
}
