/** A path on this site to open after sign-in; anything that could leave the site becomes the board. */
export function safePath(text: string | undefined): string {
  const path = text ?? "/";
  // Browsers drop control characters ("/\t/elsewhere" would leave the site) and treat a backslash as a slash.
  const stays = /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path);
  return stays ? path : "/";
}
