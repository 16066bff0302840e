/** Calls back when the tab is hidden or shown; returns a function that unsubscribes. */
export function onVisibility(call: (visible: boolean) => void): () => void {
  const listener = (): void => call(!document.hidden);
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}
