"use client";

/** Reloads the page instead of re-rendering it: after an upgrade the old scripts no longer exist. */
export default function ErrorPage({ error }: { error: Error }) {
  return (
    <main id="main" className="account">
      <div className="account-card" role="alert">
        <h1>This page failed</h1>
        <p>{error.message}</p>
        <button type="button" className="primary" onClick={() => globalThis.location.reload()}>
          Try again
        </button>
      </div>
    </main>
  );
}
