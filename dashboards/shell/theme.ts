/** Written by the theme switch, read by the server. */
export const THEME_COOKIE = "quarterdeck_theme";

export type Theme = "system" | "light" | "dark";

export function parseTheme(text: string | undefined): Theme {
  return text === "light" || text === "dark" ? text : "system";
}
