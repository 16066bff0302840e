/** A path on this site to go on to after signing in; anything that could lead elsewhere becomes the board. */
export function safePath(text: string | undefined): string {
  const path = text ?? "/";
  // Control characters are dropped by browsers, so that "/\t/elsewhere" would leave; a backslash counts as a slash.
  const stays = /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path);
  return stays ? path : "/";
}
