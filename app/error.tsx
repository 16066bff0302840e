"use client";

export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <main id="main" className="account">
      <div className="account-card" role="alert">
        <h1>This page failed</h1>
        <p>{error.message}</p>
        <button type="button" className="primary" onClick={reset}>
          Try again
        </button>
      </div>
    </main>
  );
}
