/** Calls back when the tab is hidden or shown again; returns how to stop. */
export function onVisibility(call: (visible: boolean) => void): () => void {
  const listener = (): void => call(!document.hidden);
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}
